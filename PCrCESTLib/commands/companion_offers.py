"""Which scans of a study give a companion map for a CEST scan, and the commands that make and take it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from PCrCESTLib.commands.companion_kinds import KINDS
from PCrCESTLib.errors import MissingExtraError, PCrCESTError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.preparation.relaxometry import FEWEST
from PCrCESTLib.readers.bruker.files import is_bruker_scan
from PCrCESTLib.readers.bruker.images import read_bruker_settings
from PCrCESTLib.readers.dicom.images import read_dicom_settings
from PCrCESTLib.readers.resample import overlap_fraction
from PCrCESTLib.readers.scan_facts import ScanFacts
from PCrCESTLib.readers.source_images import Component, Settings

MAP_NAMES = {"--r1": "R1map", "--b0": "B0map", "--b1": "B1map"}
WHOLE = 0.995  # of the voxels; the rest is rounding at the edge

Choice = Callable[[ScanFacts], tuple[str, str]]


@dataclass(frozen=True)
class Offer:
    """A scan that gives a companion map, or the sentence why it does not.

    Parameters
    ----------
    scan : ScanFacts
        The scan.
    coverage : float
        Share of the voxels of the CEST scan that it covers.
    kind : str
        Kind of ``pcrcest companion``; empty where it gives none.
    reason : str
        Why it gives none.
    """

    scan: ScanFacts
    coverage: float
    kind: str
    reason: str = ""

    @property
    def map_name(self) -> str:
        """File name of the map."""
        return f"{MAP_NAMES[self.option]}_{self.scan.number}.nii.gz"

    @property
    def option(self) -> str:
        """Option of ``quantify`` that takes the map."""
        return KINDS[self.kind].option

    @property
    def command(self) -> str:
        """The command that makes the map."""
        return f"pcrcest companion {self.kind} {shlex.quote(str(self.scan.give))} --out {self.map_name}"

    def entry(self) -> dict[str, Any]:
        """For JSON."""
        found = {"scan": self.scan.number, "path": str(self.scan.give), "coverage": round(self.coverage, 3)}
        if not self.kind:
            return found | {"reason": self.reason}
        return found | {
            "kind": self.kind,
            "command": self.command,
            "option": self.option,
            "map": self.map_name,
        }

    def text(self) -> str:
        """For reading, one line."""
        if not self.kind:
            return f"scan {self.scan.number} ({self.scan.kind}) gives no map as it is: {self.reason}"
        covered = "" if self.coverage >= WHOLE else f" (covers {self.coverage:.0%} of the voxels)"
        return f"{self.command}, then quantify with {self.option} {self.map_name}{covered}"


def companion_offers(grid: Geometry, scans: Sequence[ScanFacts]) -> list[Offer]:
    """Find the scans of B0, B1 and T1 that lie on slices of a CEST scan, in their order.

    Parameters
    ----------
    grid : Geometry
        Of the CEST scan.
    scans : sequence of ScanFacts
        All scans of the study.

    Raises
    ------
    MissingExtraError
        When a format needs a package that is not installed.
    """
    offers = []
    for scan in scans:
        choose = CHOICES.get(scan.kind)
        coverage = 0.0 if choose is None or scan.geometry is None else overlap_fraction(scan.geometry, grid)
        if choose is None or coverage == 0:
            continue
        try:
            offers.append(Offer(scan, coverage, *choose(scan)))
        except MissingExtraError:
            raise
        except PCrCESTError as error:
            offers.append(Offer(scan, coverage, "", str(error)))
    return offers


def _settings(scan: ScanFacts, component: Component) -> Settings:
    if is_bruker_scan(scan.give):
        return read_bruker_settings(scan.give, component)
    return read_dicom_settings(scan.give, component, scan.files)


def _t1(scan: ScanFacts) -> tuple[str, str]:
    settings = _settings(scan, "magnitude")
    kinds = (("t1-ir", "InversionTime", "inversion times"), ("t1-vfa", "FlipAngle", "flip angles"),
             ("t1-sr", "RepetitionTime", "recovery times"))  # fmt: skip
    for kind, key, what in kinds:
        if _different(settings.document.get(key)) >= FEWEST[what]:
            return kind, ""
    gap = next((settings.gaps[key] for _, key, _ in kinds if key in settings.gaps), None)
    if gap is None and settings.n_images == 1:
        return "t1", ""
    return "", gap or (
        f"{settings.n_images} images whose settings are not known; {FEWEST['inversion times']} inversion times,"
        f" {FEWEST['recovery times']} repetition times or {FEWEST['flip angles']} flip angles are expected"
    )


def _b0(scan: ScanFacts) -> tuple[str, str]:
    settings = _settings(scan, "map")
    if settings.document.get("SaturationOffsets") or _settings_of_magnitudes(scan).get("SaturationOffsets"):
        return "b0-wassr", ""
    if settings.n_images == 1 and str(settings.document.get("Units")).lower() in ("hz", "ppm", "rad/s"):
        return "b0", ""
    phases = _settings(scan, "phase")
    if _different(phases.document.get("EchoTime")) == 2 or "EchoTime2" in phases.document:
        return "b0-dual-echo", ""
    if phases.n_images == 1:
        return "", "one phase image of which both echo times are not known; give them with --echo-times"
    return "", f"{phases.n_images} images; a map in Hz, or the phase of two echoes, is expected"


def _settings_of_magnitudes(scan: ScanFacts) -> dict[str, Any]:
    try:
        return _settings(scan, "magnitude").document
    except PCrCESTError:
        return {}


def _b1(scan: ScanFacts) -> tuple[str, str]:
    settings = _settings(scan, "map")
    if settings.n_images == 1:
        return "b1", ""
    return "", f"{settings.n_images} images; a ready B1 map is expected"


CHOICES: dict[str, Choice] = {"T1": _t1, "B0": _b0, "B1": _b1}


def _different(values: Any) -> int:
    return len(np.unique(values)) if isinstance(values, list) else 0
