"""The scans of a Bruker study, and what each of them is.

What a scan is, is decided in this order; nuclei other than 1H are "other":

=======  ==========================================================================================================
kind     when
=======  ==========================================================================================================
CEST     the saturation is not switched off and a list of three or more saturation offsets within 10 ppm is
         there (``saturation``); with a module on but without such a list it is "other", magnetization transfer
B0       the method is FieldMap, or a name says B0 map, or such offsets all lie within 1.5 ppm (WASSR)
B1       a name says B1 map, AFI, Bloch-Siegert or double angle
T1       several repetition times (``MultiRepTime``, method RAREVTR) or inversion times (``PVM_FairTIR_Arr``,
         ``PVM_InversionTimes``, an inverted FISP movie), or a name says T1 map or Look-Locker
T2       several spin echoes (method MSME or CPMG, ``PVM_NEchoImages`` above 1), or a name says T2 map
anatomy  one image a slice
other    anything else; gradient echoes of several times (T2*), functional and diffusion series, spectra
=======  ==========================================================================================================

Names are those of the method, of the protocol and of the scan. A plain "T1" or "T2" in them is a weighting.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from PCrCESTLib.errors import MissingExtraError, PCrCESTError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers.bruker.files import ScanFiles, read_scan_files, scan_folders
from PCrCESTLib.readers.bruker.geometry import read_geometry
from PCrCESTLib.readers.bruker.layout import Layout, read_layout
from PCrCESTLib.readers.bruker.saturation import active_module, saturation_offsets
from PCrCESTLib.readers.scan_facts import (
    Report,
    ScanFacts,
    kind_of_frames,
    kind_of_names,
    kind_of_offsets,
    tell_nobody,
)

SEVERAL_TIMES = (
    ("MultiRepTime", "repetition times"),
    ("PVM_FairTIR_Arr", "inversion times"),
    ("PVM_InversionTimes", "inversion times"),
)
SPIN_ECHOES = re.compile(r"msme|cpmg", re.I)


def list_scans(study: Path, report: Report = tell_nobody) -> list[ScanFacts]:
    """Say what the scans of a study are, by number; a damaged scan is listed as unreadable, with the reason.

    Raises
    ------
    MissingExtraError
        When brukerapi is not installed.
    """
    folders = scan_folders(study)
    scans = []
    for i, folder in enumerate(folders):
        report(i / len(folders), f"scan {folder.name}")
        scans.append(_facts(folder))
    return scans


def _facts(folder: Path) -> ScanFacts:
    try:
        scan = read_scan_files(folder)
        layout = _layout(scan)
        kind, reason = kind_of(scan, layout)
        size = None if layout is None else (layout.size[0], layout.size[1], layout.n_slices)
        return ScanFacts(
            folder, _name(scan), scan.method.text("Method") or scan.acqp.text("ACQ_method"), kind, reason, size,
            None if layout is None else layout.n_frames, int(folder.name), geometry=_geometry(scan, layout),
        )  # fmt: skip
    except MissingExtraError:
        raise
    except PCrCESTError as error:
        return ScanFacts(folder, "", "", "unreadable", str(error), number=int(folder.name))


def kind_of(scan: ScanFiles, layout: Layout | None) -> tuple[str, str]:
    """Decide what a scan is, as the table above says, and give the reason."""
    if scan.nucleus not in ("", "1H"):
        return "other", f"of {scan.nucleus}"
    offsets = saturation_offsets(scan)
    if offsets is not None:
        by_offsets = kind_of_offsets(offsets.ppm, f"{len(offsets.ppm)} saturation offsets ({offsets.name})")
        if by_offsets is not None:
            return by_offsets
    if active_module(scan.method) is not None:
        return "other", "magnetization transfer without a list of offsets"
    names = [scan.method.text("Method"), scan.acqp.text("ACQ_protocol_name"), _name(scan)]
    return kind_of_names(names) or _timed(scan) or kind_of_frames(None if layout is None else layout.n_frames)


def _timed(scan: ScanFiles) -> tuple[str, str] | None:
    method = scan.method
    for name, what in SEVERAL_TIMES:
        times = method.numbers(name)
        if times is not None and (n := len(np.unique(times))) > 1:
            return "T1", f"{n} {what}"
    if method.text("FISP_inversion_enable") == "Yes" and (method.number("PVM_NMovieFrames") or 1) > 1:
        return "T1", "an inverted movie"
    n_echoes = method.number("PVM_NEchoImages") or 1
    if n_echoes > 1:
        spin = SPIN_ECHOES.search(method.text("Method"))
        return (
            ("T2", f"{n_echoes:g} spin echoes") if spin else ("other", f"{n_echoes:g} gradient echoes, T2*")
        )
    return None


def _layout(scan: ScanFiles) -> Layout | None:
    """Return the layout of the images; ``None`` when there are none (a spectrum, an aborted scan)."""
    if scan.visu.records is None:
        return None
    try:
        return read_layout(scan.visu)
    except ReaderError:
        return None


def _geometry(scan: ScanFiles, layout: Layout | None) -> Geometry | None:
    """Return where the images lie; ``None`` where they do not lie on one grid."""
    if layout is None:
        return None
    try:
        return read_geometry(scan.visu, layout)
    except PCrCESTError:
        return None


def _name(scan: ScanFiles) -> str:
    return scan.acqp.text("ACQ_scan_name") or scan.visu.text("VisuAcquisitionProtocol")
