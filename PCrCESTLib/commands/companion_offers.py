"""Which scans of a study give a companion map for a CEST scan, and the commands that make and take it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
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
from PCrCESTLib.readers.time_units import GRADIENT_ECHO_REPETITION_TIME

MAP_NAMES = {"--r1": "R1map", "--b0": "B0map", "--b1": "B1map"}
WHOLE = 0.995  # of the voxels; the rest is rounding at the edge

SINGLE = ("anatomy", "other")  # what an image of a T1 series passes for, alone

Choice = Callable[[ScanFacts], tuple[str, str]]


@dataclass(frozen=True)
class Offer:
    """A scan, or several, that gives a companion map, or the sentence why it does not.

    Parameters
    ----------
    scans : tuple of ScanFacts
        The scan, or scans of one image each.
    coverage : float
        Share of the voxels of the CEST scan that it covers.
    kind : str
        Kind of ``pcrcest companion``; empty where it gives none.
    reason : str
        Why it gives none.
    """

    scans: tuple[ScanFacts, ...]
    coverage: float
    kind: str
    reason: str = ""

    @property
    def scan(self) -> ScanFacts:
        """The scan, or the first of them."""
        return self.scans[0]

    @property
    def paths(self) -> tuple[Path, ...]:
        """What to give to ``pcrcest companion``."""
        return tuple(scan.give for scan in self.scans)

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
        given = " ".join(shlex.quote(str(path)) for path in self.paths)
        return f"pcrcest companion {self.kind} {given} --out {self.map_name}"

    def entry(self) -> dict[str, Any]:
        """For JSON."""
        found = {
            "scans": [scan.number for scan in self.scans],
            "paths": [str(path) for path in self.paths],
            "coverage": round(self.coverage, 3),
        }
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
    covered = [(scan, _coverage(scan, grid)) for scan in scans]
    on_slices = [(scan, share) for scan, share in covered if share > 0]
    offers = [_offer(scan, share) for scan, share in on_slices if scan.kind in CHOICES]
    single = [(scan, share) for scan, share in on_slices if scan.n_frames == 1]
    used = {id(s) for offer in offers if offer.kind for s in offer.scans}
    together = _joined([(scan, share) for scan, share in single if id(scan) not in used])
    parts = {id(s) for offer in together for s in offer.scans}
    return [*(offer for offer in offers if id(offer.scans[0]) not in parts), *together]


def _coverage(scan: ScanFacts, grid: Geometry) -> float:
    is_wanted = scan.kind in CHOICES or (scan.kind in SINGLE and scan.n_frames == 1)
    return overlap_fraction(scan.geometry, grid) if is_wanted and scan.geometry is not None else 0.0


def _offer(scan: ScanFacts, coverage: float) -> Offer:
    try:
        return Offer((scan,), coverage, *CHOICES[scan.kind](scan))
    except MissingExtraError:
        raise
    except PCrCESTError as error:
        return Offer((scan,), coverage, "", str(error))


def _joined(scans: Sequence[tuple[ScanFacts, float]]) -> list[Offer]:
    """Join scans of one image each on one grid that differ only in inversion time, or in the flip angle of short TR."""
    groups: dict[tuple[Any, ...], list[tuple[ScanFacts, float, float]]] = {}
    for scan, coverage in scans:
        try:
            document = _settings(scan, "magnitude").document
        except MissingExtraError:
            raise
        except PCrCESTError:
            continue
        inversion, angle, tr = (document.get(k) for k in ("InversionTime", "FlipAngle", "RepetitionTime"))
        where = "" if scan.geometry is None else scan.geometry.describe()
        alike = (where, document.get("EchoTime"), tr)
        if inversion is not None:
            groups.setdefault(("t1-ir", "inversion times", *alike, angle), []).append(
                (scan, coverage, inversion)
            )
        elif angle is not None and tr is not None and tr <= GRADIENT_ECHO_REPETITION_TIME.longest_s:
            groups.setdefault(("t1-vfa", "flip angles", *alike), []).append((scan, coverage, angle))
    return [
        Offer(tuple(scan for scan, _, _ in members), members[0][1], kind)
        for (kind, what, *_), members in groups.items()
        if len({value for _, _, value in members}) >= FEWEST[what]
    ]


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
