"""Images of a Bruker scan that differ in one setting: inversion or repetition time, flip angle, echo, offset.

Where ParaVision keeps the settings (its methods' own sources, ``deriveVisu`` and ``BaseLevelRelations``): the images'
``VisuAcqInversionTime``, ``VisuAcqRepetitionTime`` and ``VisuAcqEchoTime``, copies of ``ACQ_inversion_time`` … of the
scan, which come from ``PVM_FairTIR_Arr`` and ``MultiRepTime`` of the method, all in ms; ``ACQ_flip_angle`` is that of
the excitation pulse, in degrees. FAIR inverts the slice and then everything (``FG_IRMODE``, named in
``VisuFGElemComment``). A field map has ``VisuCoreDataUnits`` in Hz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.protocol import GAMMA_MHZ_PER_T
from PCrCESTLib.readers.bruker.files import IMAGES, ScanFiles, read_scan_files
from PCrCESTLib.readers.bruker.frame_values import frame_values
from PCrCESTLib.readers.bruker.geometry import read_geometry
from PCrCESTLib.readers.bruker.layout import FOREIGN_GROUPS, SLICES, Layout, read_frames, read_layout
from PCrCESTLib.readers.bruker.saturation import saturation_offsets
from PCrCESTLib.readers.source_images import Component, Settings, SourceImages, one_or_list

# BIDS key -> where it stands, in the order in which a list is believed; factor to s or degrees.
SETTINGS = (
    ("InversionTime", 1e-3, (("visu", "VisuAcqInversionTime"), ("method", "PVM_FairTIR_Arr"),
                             ("method", "PVM_InversionTimes"), ("acqp", "ACQ_inversion_time"))),
    ("RepetitionTime", 1e-3, (("visu", "VisuAcqRepetitionTime"), ("method", "MultiRepTime"),
                              ("method", "PVM_RepetitionTime"), ("acqp", "ACQ_repetition_time"))),
    ("EchoTime", 1e-3, (("visu", "VisuAcqEchoTime"), ("method", "EffectiveTE"), ("acqp", "ACQ_echo_time"),
                        ("method", "PVM_EchoTime"))),
    ("FlipAngle", 1.0, (("visu", "VisuAcqFlipAngle"), ("acqp", "ACQ_flip_angle"), ("method", "PVM_ExcPulseAngle"))),
)  # fmt: skip
PULSES, PULSE_ANGLE = ("ExcPulse1", "ExcPulse"), 2
ECHOES, INVERSIONS = "FG_ECHO", "FG_IRMODE"
WHOLE_INVERSION = "Non-selective Inversion"
KNOWN_UNITS = ("hz", "rad/s", "ppm", "rad", "deg", "degrees", "ms", "s", "1/s", "%", "percent")
LOOK_LOCKER = (
    "its images follow one inversion and each readout changes the recovery, so that its rate is not R1"
    " (Look-Locker); measure R1 with one readout an inversion, or give a map of T1 as kind t1"
)


@dataclass(frozen=True)
class Found:
    """Settings of the images that are taken, which those are, bool (n_frames,), and what is to be said of them."""

    document: dict[str, Any]
    gaps: dict[str, str]
    kept: np.ndarray
    notes: tuple[str, ...]


def read_bruker_images(path: Path, component: Component) -> SourceImages:
    """Read a scan given by its folder, the folder of a reconstruction, or its ``2dseq`` file.

    Of several echoes of magnitudes the first is taken, of the two inversions of FAIR that of everything.

    Raises
    ------
    ReaderError
        When a file is missing or damaged, or the images are not of that kind.
    GeometryError
        When the slices do not lie on one regular grid.
    MissingExtraError
        When brukerapi is not installed.
    """
    scan = read_scan_files(path)
    layout = checked_layout(scan, component)
    found = settings_of(scan, layout, component)
    geometry = read_geometry(scan.visu, layout)
    data = read_frames(scan.reconstruction / IMAGES, layout)[found.kept]
    origin = scan.folder / "method"
    return SourceImages(data, geometry, path, found.document, origin, None, found.notes, found.gaps)


def read_bruker_settings(path: Path, component: Component) -> Settings:
    """Read what `read_bruker_images` would, without the images; raises the same."""
    scan = read_scan_files(path)
    layout = checked_layout(scan, component)
    found = settings_of(scan, layout, component)
    return Settings(found.document, found.gaps, read_geometry(scan.visu, layout), int(found.kept.sum()))


def checked_layout(scan: ScanFiles, component: Component) -> Layout:
    """Layout of the images of a scan.

    Raises
    ------
    ReaderError
        When there are none, or they are not of that kind.
    """
    if scan.visu.records is None:
        raise scan.visu.absent()
    layout = read_layout(scan.visu)
    foreign = {g: text for g, text in FOREIGN_GROUPS.items() if g != ECHOES}
    if len(layout.size) == 3:
        foreign[SLICES] = "holds several 3D slabs; one is expected"
    for group, n in layout.groups:
        if n > 1 and group in foreign:
            raise ReaderError(f"{scan.reconstruction}: the frame group {group} of {n} {foreign[group]}")
    types = scan.visu.texts("VisuCoreFrameType")
    unfit = {"magnitude": ("PHASE", "IMAGINARY", "COMPLEX"), "phase": ("MAGNITUDE", "REAL", "IMAGINARY", "COMPLEX"),
             "map": ("IMAGINARY", "COMPLEX")}[component]  # fmt: skip
    wrong = next((t for t in types if t.startswith(unfit)), None)
    if wrong is not None:
        raise ReaderError(
            f"{scan.visu.path}: the frames are of type {wrong} but {component} images are expected; reconstruct the"
            " scan as such, or give the folder of that reconstruction, such as pdata/2"
        )
    return layout


def settings_of(scan: ScanFiles, layout: Layout, component: Component) -> Found:
    """Find the settings of the images that are taken.

    Raises
    ------
    ReaderError
        When a setting is damaged, or the images cannot be told apart.
    """
    kept, notes = _kept(scan, layout, component)
    document: dict[str, Any] = {}
    gaps: dict[str, str] = {}
    for key, factor, places in SETTINGS:
        values, gap = _setting(scan, layout, places)
        if key == "FlipAngle" and values is None:
            values = _pulse_angle(scan, layout)
        if gap:
            gaps[key] = gap
        elif values is not None and np.all(values[kept] > 0):
            document[key] = one_or_list(np.round(values[kept] * factor, 9))
    if scan.method.text("FISP_inversion_enable") == "Yes" and dict(layout.groups).get("FG_MOVIE", 1) > 1:
        document.pop("InversionTime", None)
        gaps["InversionTime"] = f"{scan.folder}: {LOOK_LOCKER}"
    if scan.frequency_mhz is not None:
        document["MagneticFieldStrength"] = round(
            scan.frequency_mhz / GAMMA_MHZ_PER_T, 3
        )  # scans differ in their last Hz
    units = scan.visu.text("VisuCoreDataUnits").strip("[] ")
    if units.lower() in KNOWN_UNITS:
        document["Units"] = units
    _add_offsets(scan, layout, document, gaps)
    return Found(document, gaps, kept, notes)


def _add_offsets(scan: ScanFiles, layout: Layout, document: dict[str, Any], gaps: dict[str, str]) -> None:
    offsets = saturation_offsets(scan)
    if offsets is None:
        return
    repeats, rest = divmod(layout.n_frames, len(offsets.ppm))
    if rest or not repeats:
        gaps["SaturationOffsets"] = (
            f"{scan.folder}: {offsets.name} lists {len(offsets.ppm)} offsets for {layout.n_frames} images, which do not"
            " divide; give one an image with --offsets"
        )
        return
    document |= {"SaturationOffsets": [*offsets.ppm] * repeats, "SaturationOffsetsUnits": "ppm"}


def _kept(scan: ScanFiles, layout: Layout, component: Component) -> tuple[np.ndarray, tuple[str, ...]]:
    kept = np.ones(layout.n_frames, bool)
    notes: tuple[str, ...] = ()
    groups = dict(layout.groups)
    if component == "magnitude" and groups.get(ECHOES, 1) > 1:
        kept &= _index_in(layout, ECHOES) == 0
        notes += (f"{scan.folder}: the first of {groups[ECHOES]} echoes was taken",)
    if groups.get(INVERSIONS, 1) > 1:
        comments = scan.visu.texts("VisuFGElemComment")
        whole = [i for i, text in enumerate(comments) if text.startswith(WHOLE_INVERSION)]
        if len(comments) != groups[INVERSIONS] or len(whole) != 1:
            raise ReaderError(
                f"{scan.visu.path}: VisuFGElemComment does not say which of the {groups[INVERSIONS]} inversions"
                " (FG_IRMODE) was of the slice and which of everything; export one of them as NIfTI"
            )
        kept &= _index_in(layout, INVERSIONS) == whole[0]
        notes += (
            f"{scan.folder}: the images after an inversion of everything were taken, not of the slice alone",
        )
    return kept, notes


def _index_in(layout: Layout, group: str) -> np.ndarray:
    """Which member of a group every image is, (n_frames,)."""
    others = [(name, n) for name, n in layout.groups if name != SLICES][::-1]
    axis = [name for name, _ in others].index(group)
    return np.asarray(np.indices([n for _, n in others])[axis].ravel())


def _setting(
    scan: ScanFiles, layout: Layout, places: Sequence[tuple[str, str]]
) -> tuple[np.ndarray | None, str]:
    """Values of the first place that tells the images apart, else of the first at all, (n_frames,).

    The sentence says why a list does not fit the images, where nothing else tells them apart.
    """
    first: np.ndarray | None = None
    gap = ""
    for file, name in places:
        try:
            values = frame_values(getattr(scan, file), name, scan.visu, layout)
        except ReaderError as error:
            gap = gap or str(error)
            continue
        if values is not None and np.ptp(values) > 0:
            return values, ""
        first = values if first is None else first
    return first, gap


def _pulse_angle(scan: ScanFiles, layout: Layout) -> np.ndarray | None:
    for name in PULSES:
        pulse = next(iter(scan.method.structures(name)), [])
        angle = pulse[PULSE_ANGLE] if len(pulse) > PULSE_ANGLE else None
        if isinstance(angle, int | float) and 0 < angle <= 360:
            return np.full(layout.n_frames, float(angle))
    return None
