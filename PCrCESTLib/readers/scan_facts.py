"""What one scan of a study is, whatever the format, and the rules by which a kind is told.

=========  ========================================================================================================
kind       what
=========  ========================================================================================================
CEST       a Z-spectrum: three or more saturation offsets within 10 ppm of water
M0         the image without saturation of a CEST scan, as a scan of its own
B0, B1     a scan for, or a map of, the frequency of water or the transmitted field
T1, T2     a scan for, or a map of, a relaxation time
anatomy    one image a slice
other      anything else
=========  ========================================================================================================

A plain "T1" or "T2" in a name is a weighting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PCrCESTLib.geometry import Geometry
from PCrCESTLib.protocol import REFERENCE_PPM

MIN_OFFSETS = 3  # within 10 ppm; fewer is magnetization transfer, not a Z-spectrum
Z_SPECTRUM_PPM = 10.0
WATER_PPM = 1.5  # a spectrum of water alone, to find its frequency (WASSR: Kim et al., Magn Reson Med 2009)
MAX_NAME = 1000  # letters; patterns are slow on a text made to be slow
NAMES = (
    ("B0", r"field[ _-]?map|b0[ _-]?map|wassr"),
    ("B1", r"b1[ _-]?map|\bafi\b|bloch[ _-]?siegert|double[ _-]?angle"),
    ("T1", r"rarevtr|t1[ _-]?map|look[ _-]?locker"),
    ("T2", r"t2[ _-]?map"),
)

Report = Callable[[float, str], None]


def tell_nobody(_fraction: float, _stage: str) -> None:
    """Take the share that is done and what is under way, and do nothing."""


@dataclass(frozen=True)
class ScanFacts:
    """One scan of a study.

    Parameters
    ----------
    folder : Path
        Where its files lie; a Bruker scan's own folder, which has its number as name.
    name, method : str
        As the operator named the scan, and the measuring method (of DICOM: the name of the pulse sequence).
    kind : str
        One of the table above, or ``"unreadable"``.
    reason : str
        Why it is of that kind.
    size : tuple of int, optional
        Voxels along x, y and z of the first reconstruction; ``None`` when there are no images.
    n_frames : int, optional
        Images a slice.
    number : int
        The scan's in the study (of DICOM: SeriesNumber).
    path : Path, optional
        What to give to other commands; the folder, unless said otherwise.
    geometry : Geometry, optional
        Where its slices lie; ``None`` where they do not lie on one grid.
    files : tuple of Path
        Its images, where a scan is not a folder of its own.
    """

    folder: Path
    name: str
    method: str
    kind: str
    reason: str
    size: tuple[int, int, int] | None = None
    n_frames: int | None = None
    number: int = 0
    path: Path | None = None
    geometry: Geometry | None = None
    files: tuple[Path, ...] = ()

    @property
    def give(self) -> Path:
        """What names this scan on the command line."""
        return self.folder if self.path is None else self.path


def document_of(scan: ScanFacts) -> dict[str, Any]:
    """Everything of a scan as JSON-ready values, for another process (`facts_of`)."""
    paths = {"folder": str(scan.folder), "path": None if scan.path is None else str(scan.path)}
    return asdict(scan) | paths | {"files": [str(path) for path in scan.files]}


def facts_of(document: dict[str, Any]) -> ScanFacts:
    """Return the scan that `document_of` wrote down."""
    size, path, geometry = (document[name] for name in ("size", "path", "geometry"))
    own: dict[str, Any] = {
        "folder": Path(document["folder"]),
        "size": None if size is None else tuple(size),
        "path": None if path is None else Path(path),
        "geometry": None if geometry is None else Geometry(**{k: tuple(v) for k, v in geometry.items()}),
        "files": tuple(map(Path, document["files"])),
    }
    return ScanFacts(**(document | own))


def kind_of_offsets(offsets_ppm: Sequence[float | None], what: str) -> tuple[str, str] | None:
    """Kind and reason of a scan saturated at these offsets, ppm; None when they are no Z-spectrum."""
    near = [ppm for ppm in offsets_ppm if ppm is not None and abs(ppm) < REFERENCE_PPM]
    if len({ppm for ppm in near if abs(ppm) <= Z_SPECTRUM_PPM}) < MIN_OFFSETS:
        return None
    return ("B0", f"{what} around water only") if max(map(abs, near)) <= WATER_PPM else ("CEST", what)


def kind_of_names(names: Sequence[str]) -> tuple[str, str] | None:
    """Kind and reason, where one of the names of a scan tells it."""
    for kind, pattern in NAMES:
        for name in names:
            if found := re.search(pattern, name[:MAX_NAME], re.IGNORECASE):
                return kind, f"named {found.group()}"
    return None


def kind_of_frames(n_frames: int | None) -> tuple[str, str]:
    """Kind and reason of a scan of which nothing else is known."""
    if n_frames is None:
        return "other", "no images"
    if n_frames == 1:
        return "anatomy", "one image a slice"
    return "other", f"{n_frames} images a slice"
