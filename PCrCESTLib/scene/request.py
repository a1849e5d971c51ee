"""What a user asks of a quantification besides the scan, and the arguments of ``pcrcest quantify`` that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.fitting.peak import STATED_KSW_PER_S, STATED_KSW_SD_PER_S
from PCrCESTLib.methods import Settings, make_fit
from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.methods.settings import REX
from PCrCESTLib.physics.concentration import PCR_PROTONS
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocols import joined_protocol

AUTO = "auto"
AS_ACQUIRED, RIGID = "none", "rigid"
MULTI_POOL, BLOCH = "mplf", "bm"


def is_peak_fit(method: str) -> bool:
    """Whether a method measures one peak: it uses fm, and its exchange rate has to be stated."""
    return method not in (NETWORK, BLOCH)


@dataclass(frozen=True)
class Request:
    """How a scan is to be quantified.

    Parameters
    ----------
    method : str
        One of `methods.METHODS`.
    model, device : str
        Of the network: ``auto``, a bundled model's name or the path of a card; ``auto``, ``cpu``, ``cuda`` or ``mps``.
    pools : int
        Of the multi-pool fit.
    ksw, ksw_sd : float
        Exchange rate that a fit of a peak is stated with, and how well it is known, s⁻¹.
    conversion : str
        From a peak to fs: ``rex`` or ``jhu``.
    motion : str
        ``none`` or ``rigid``.
    pcr_protons : float
        Exchangeable protons of a PCr molecule, for fs in mM.
    erode : int
        Layers of voxels at the edge of each muscle that do not count.
    exclude_flagged : bool
        Whether voxels with a quality flag do not count.
    """

    method: str = NETWORK
    model: str = AUTO
    device: str = AUTO
    pools: int = Settings.pools
    ksw: float = STATED_KSW_PER_S
    ksw_sd: float = STATED_KSW_SD_PER_S
    conversion: str = REX
    motion: str = AS_ACQUIRED
    pcr_protons: float = PCR_PROTONS
    erode: int = 0
    exclude_flagged: bool = False

    @property
    def is_peak_fit(self) -> bool:
        """Whether the method measures one peak, at the stated exchange rate."""
        return is_peak_fit(self.method)

    def arguments(self) -> list[str]:
        """Arguments of ``pcrcest quantify`` behind those of the scan (`scene.inputs.write_inputs`)."""
        general = ["--motion", self.motion, "--pcr-protons", f"{self.pcr_protons:g}"]
        return ["--method", self.method, *self._of_method(), *general, *self.rules()]

    def rules(self) -> list[str]:
        """Arguments of ``pcrcest quantify`` and ``pcrcest stats``: which voxels of the muscles count."""
        return ["--erode", str(self.erode), *(["--exclude-flagged"] if self.exclude_flagged else [])]

    def missing(self, protocols: Sequence[Protocol]) -> str:
        """Return why the method cannot do with these protocols of one subject, an empty text when it can.

        Whether a model of the network fits is not asked here: one may be trained for the scan.
        """
        if not protocols:
            return "no CEST series is chosen; load one, or choose one that is loaded"
        if self.method == NETWORK:
            return ""
        try:
            settings = Settings(self.pools, self.ksw, self.ksw_sd, self.conversion, self.pcr_protons)
            make_fit(self.method, joined_protocol(protocols), settings)
        except PCrCESTError as error:
            return str(error)
        return ""

    def _of_method(self) -> list[str]:
        """Arguments that the chosen method takes."""
        if self.method == NETWORK:
            return ["--model", self.model, "--device", self.device]
        stated = ["--ksw", f"{self.ksw:g}", "--ksw-sd", f"{self.ksw_sd:g}", "--conversion", self.conversion]
        return ["--pools", str(self.pools), *stated]
