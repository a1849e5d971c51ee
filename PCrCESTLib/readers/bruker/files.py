"""Which files make up a Bruker scan, and whether a path is one.

A study is a folder of scans, ``1``, ``2`` …; a scan holds ``acqp`` and ``method`` and its reconstructions,
``pdata/1``, ``pdata/2`` …; a reconstruction holds ``visu_pars`` and the images, ``2dseq``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PCrCESTLib.readers.bruker.parameters import Parameters, read_parameters

IMAGES = "2dseq"
MAX_MHZ = 2000.0  # 47 T


@dataclass(frozen=True)
class ScanFiles:
    """The parameters of one scan and one of its reconstructions.

    Parameters
    ----------
    folder : Path
        The scan's.
    reconstruction : Path
        Folder of the images, usually ``pdata/1``.
    method, acqp, visu : Parameters
        Empty where the file is missing.
    """

    folder: Path
    reconstruction: Path
    method: Parameters
    acqp: Parameters
    visu: Parameters

    @property
    def nucleus(self) -> str:
        """What was imaged, such as ``1H``; empty when the scan does not say."""
        return self.visu.text("VisuAcqImagedNucleus") or self.method.text("PVM_Nucleus1")

    @property
    def frequency_mhz(self) -> float | None:
        """Frequency at which the saturation offsets are 0, MHz.

        Frequency lists of a pulse program are offsets from the transmitter's SFO1 = BF1 + O1 (Bruker, Acquisition
        commands and parameters), which ParaVision sets to the working frequency of the method.
        """
        places = (
            (self.acqp, "SFO1"), (self.acqp, "BF1"), (self.method, "PVM_FrqWork"),
            (self.visu, "VisuAcqImagingFrequency"),
        )  # fmt: skip
        found = (parameters.number(name) for parameters, name in places)
        return next((mhz for mhz in found if mhz is not None and 1 < mhz < MAX_MHZ), None)


def is_bruker_scan(path: Path) -> bool:
    """Tell a scan folder, a reconstruction folder or its ``2dseq`` file by the files in it."""
    try:
        if path.name == IMAGES and path.is_file():
            return True
        return (
            (path / IMAGES).is_file()
            or (path / "pdata").is_dir()
            or ((path / "acqp").is_file() and (path / "method").is_file())
        )
    except OSError:  # no permission to look, or an impossible name: for the general reader to say
        return False


def scan_folders(path: Path) -> list[Path]:
    """Scan folders of a study, by number; empty for anything that is no study, or cannot be looked into."""
    if is_bruker_scan(path):
        return []
    return [p for p in _numbered(path) if is_bruker_scan(p)]


def read_scan_files(path: Path) -> ScanFiles:
    """Read the parameters of a scan, given by its folder, a reconstruction's folder, or that one's ``2dseq``.

    Of a scan's reconstructions the lowest number that has images is taken.

    Raises
    ------
    ReaderError
        When a parameter file is damaged.
    MissingExtraError
        When brukerapi is not installed.
    """
    place = path.absolute()
    if place.name == IMAGES:
        folder, reconstruction = place.parents[2] if len(place.parents) > 2 else place.parent, place.parent
    elif (place / IMAGES).is_file():
        folder, reconstruction = place.parents[1] if len(place.parents) > 1 else place, place
    else:
        folder, reconstruction = place, first_reconstruction(place)
    return ScanFiles(
        folder,
        reconstruction,
        read_parameters(folder / "method"),
        read_parameters(folder / "acqp"),
        read_parameters(reconstruction / "visu_pars"),
    )


def first_reconstruction(folder: Path) -> Path:
    """Reconstruction of a scan that is read: the lowest number that has images."""
    found = [p for p in _numbered(folder / "pdata") if is_bruker_scan(p)]
    return found[0] if found else folder / "pdata" / "1"


def _numbered(folder: Path) -> list[Path]:
    """Return what lies in a folder under a number, by number; nothing where it cannot be read."""
    try:
        found = [p for p in folder.iterdir() if p.name.isascii() and p.name.isdigit()]
    except OSError:
        return []
    return sorted(found, key=lambda p: (len(p.name), p.name))
