"""How the images of a Bruker reconstruction are stored, from its ``visu_pars``, and the images themselves.

A ``2dseq`` file is one frame after another, x fastest. The frames are counted by frame groups, the first of
``VisuFGOrderDesc`` fastest, such as ``(5, <FG_SLICE>, …) (44, <FG_CYCLE>, …)``. Source: Bruker, ParaVision
manual, chapter "Visu parameters"; the tests compare with brukerapi's own reading. Its ``Dataset`` is not used for
the voxels: it makes several copies in double precision of whatever size the parameters claim.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.readers.bruker.parameters import Parameters
from PCrCESTLib.readers.stored_bytes import read_bytes

WORD_TYPES = {
    "_8BIT_UNSGN_INT": "u1", "_16BIT_SGN_INT": "i2", "_32BIT_SGN_INT": "i4", "_32BIT_FLOAT": "f4",
}  # fmt: skip
BYTE_ORDERS = {"littleEndian": "<", "bigEndian": ">"}
SLICES = "FG_SLICE"
# Groups whose members are not images of one more saturation, and what to say about them.
FOREIGN_GROUPS = {
    "FG_COMPLEX": "holds real and imaginary parts; reconstruct the scan as magnitude images",
    "FG_ISA": "holds fitted maps; give the folder of the images they were fitted to, usually pdata/1",
    "FG_ECHO": "holds several echoes of each frame; a CEST series has one",
    "FG_COIL": "holds the images of each coil; reconstruct the scan with the coils combined",
}
FOREIGN_TYPES = ("PHASE", "IMAGINARY", "COMPLEX")
MAX_GROUPS = 8
MAX_VOXELS = 1 << 31  # of all frames together; 8 GiB when loaded


@dataclass(frozen=True)
class Layout:
    """What is needed to find every voxel of a ``2dseq`` file.

    Parameters
    ----------
    size : tuple of int
        Voxels along x, y (and z, when the frames are 3D) of one stored frame.
    groups : tuple of (str, int)
        Frame groups with their lengths, the fastest first.
    dtype : dtype
        Stored type, with its byte order.
    slope, offset : ndarray
        Intensity = slope · stored + offset; float64, (n_stored_frames,).
    swapped : bool
        Whether x and y are exchanged within every stored frame.
    reversed_slices : bool
        Whether the slices of 3D frames are stored last first. ParaVision has this for 3D frames only; 2D frames
        have a position each.
    """

    size: tuple[int, ...]
    groups: tuple[tuple[str, int], ...]
    dtype: np.dtype
    slope: np.ndarray
    offset: np.ndarray
    swapped: bool = False
    reversed_slices: bool = False

    @property
    def n_stored(self) -> int:
        """Number of stored frames; those of 2D frames hold one slice each."""
        return math.prod(n for _, n in self.groups)

    @property
    def n_slices(self) -> int:
        """Number of slices of one volume."""
        return self.size[2] if len(self.size) == 3 else dict(self.groups).get(SLICES, 1)

    @property
    def n_frames(self) -> int:
        """Number of volumes."""
        return math.prod(n for name, n in self.groups if name != SLICES)

    @property
    def n_bytes(self) -> int:
        """Length of the ``2dseq`` file."""
        return self.n_stored * math.prod(self.size) * self.dtype.itemsize


def read_layout(visu: Parameters) -> Layout:
    """Find how the images are stored.

    Raises
    ------
    ReaderError
        When a parameter is missing, damaged, or contradicts another, or the frames are no images.
    """
    size, groups = _size(visu), frame_groups(visu)
    n_stored = math.prod(n for _, n in groups)
    if math.prod(size) * n_stored > MAX_VOXELS:
        raise ReaderError(
            f"{visu.path}: {n_stored} frames of {' x '.join(map(str, size))} voxels are more than any scan has; the"
            " file is damaged: copy the scan again from the scanner"
        )
    word, order = (
        WORD_TYPES.get(visu.text("VisuCoreWordType")),
        BYTE_ORDERS.get(visu.text("VisuCoreByteOrder")),
    )
    if word is None or order is None:
        raise ReaderError(
            f"{visu.path}: VisuCoreWordType {visu.text('VisuCoreWordType')!r} with VisuCoreByteOrder"
            f" {visu.text('VisuCoreByteOrder')!r} is unknown; reconstruct the scan as 16-bit or 32-bit images"
        )
    return Layout(
        size,
        groups,
        np.dtype(order + word),
        _of_every_frame(visu, "VisuCoreDataSlope", n_stored, None),
        _of_every_frame(visu, "VisuCoreDataOffs", n_stored, 0.0),
        _is_swapped(visu, size),
        len(size) == 3 and visu.text("VisuCoreDiskSliceOrder") == "disk_reverse_slice_order",
    )


def frame_groups(visu: Parameters) -> tuple[tuple[str, int], ...]:
    """Names and lengths of the frame groups, the fastest first; whatever is not named is frames.

    Raises
    ------
    ReaderError
        When they are damaged, or do not multiply to the number of frames.
    """
    n_stored = visu.count("VisuCoreFrameCount")
    if n_stored is None:
        raise visu.missing("VisuCoreFrameCount")
    groups = tuple(_group(visu, structure) for structure in visu.structures("VisuFGOrderDesc"))
    if not groups:
        # Without groups only the positions tell whether the frames are slices.
        positions = visu.numbers("VisuCorePosition")
        places = set() if positions is None else set(zip(*[iter(positions.tolist())] * 3, strict=False))
        return ((SLICES if len(places) == n_stored else "frames", n_stored),)
    if len({name for name, _ in groups}) < len(groups) or len(groups) > MAX_GROUPS:
        raise ReaderError(f"{visu.path}: VisuFGOrderDesc is damaged; copy the scan again from the scanner")
    if math.prod(n for _, n in groups) != n_stored:
        listed = " x ".join(f"{n} {name}" for name, n in groups)
        raise ReaderError(
            f"{visu.path}: VisuCoreFrameCount is {n_stored} but the frame groups are {listed}; the file is damaged:"
            " copy the scan again from the scanner"
        )
    return groups


def refuse_foreign_frames(visu: Parameters, layout: Layout) -> None:
    """Refuse frames that are not one magnitude image a saturation.

    Raises
    ------
    ReaderError
        When there are echoes, coils, slabs, complex parts, phases or fitted maps.
    """
    slabs = {SLICES: "holds several 3D slabs; a CEST series has one"} if len(layout.size) == 3 else {}
    foreign = FOREIGN_GROUPS | slabs
    for group, n in layout.groups:
        if n > 1 and group in foreign:
            raise ReaderError(f"{visu.path.parent}: the frame group {group} of {n} {foreign[group]}")
    for name in visu.texts("VisuCoreFrameType"):
        if name.startswith(FOREIGN_TYPES):
            raise ReaderError(
                f"{visu.path}: the frames are of type {name}; reconstruct the scan as magnitude images"
            )


def read_frames(path: Path, layout: Layout) -> np.ndarray:
    """Intensities of a ``2dseq`` file, float32, (n_frames, z, y, x).

    Raises
    ------
    ReaderError
        When the file is missing, or not exactly as long as ``visu_pars`` says.
    """
    if not path.is_file():
        raise ReaderError(
            f"{path}: the images are missing; reconstruct the scan, or copy its whole folder again"
        )
    found = path.stat().st_size
    if found != layout.n_bytes:
        raise ReaderError(
            f"{path}: the file has {found} bytes but visu_pars beside it describes {layout.n_bytes}"
            f" ({layout.n_stored} frames of {' x '.join(map(str, layout.size))} voxels); one of them is cut short or of"
            " another reconstruction: copy the scan again"
        )
    stored = read_bytes(path, 0, layout.n_bytes).view(layout.dtype).reshape(layout.n_stored, -1)
    return _in_volumes(_scaled(stored, layout), layout)


def _scaled(stored: np.ndarray, layout: Layout) -> np.ndarray:
    """Apply slope and offset, frame by frame so that no second copy in double precision is made."""
    frames = np.empty(stored.shape, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for i, frame in enumerate(stored):
            frames[i] = frame * layout.slope[i] + layout.offset[i]
    return frames


def _in_volumes(frames: np.ndarray, layout: Layout) -> np.ndarray:
    nx, ny = layout.size[:2]
    stored_size = (ny, nx, *layout.size[2:]) if layout.swapped else layout.size
    names = [name for name, _ in layout.groups][::-1]
    lengths = [n for _, n in layout.groups][::-1]
    images = frames.reshape(*lengths, *stored_size[::-1])
    if layout.swapped:
        images = images.swapaxes(-1, -2)
    if len(layout.size) == 2:
        # One axis of slices right before y, of length 1 where there is no such group.
        images = np.moveaxis(images, names.index(SLICES), -3) if SLICES in names else images[..., None, :, :]
    if layout.reversed_slices:
        images = images[..., ::-1, :, :]
    return np.ascontiguousarray(images.reshape(layout.n_frames, layout.n_slices, ny, nx))


def _size(visu: Parameters) -> tuple[int, ...]:
    numbers = visu.numbers("VisuCoreSize")
    if numbers is None:
        raise visu.missing("VisuCoreSize")
    kinds = visu.texts("VisuCoreDimDesc")
    if len(numbers) not in (2, 3) or any(kind != "spatial" for kind in kinds):
        described = ", ".join(kinds) or f"{len(numbers)} axes"
        raise ReaderError(
            f"{visu.path}: the frames are no images ({described}); 2D or 3D images are expected"
        )
    if not all(1 <= n <= 1 << 16 and float(n).is_integer() for n in numbers):
        raise ReaderError(
            f"{visu.path}: VisuCoreSize is {' x '.join(f'{n:g}' for n in numbers)}, which no image has; the file is"
            " damaged: copy the scan again from the scanner"
        )
    return tuple(int(n) for n in numbers)


def _group(visu: Parameters, structure: list) -> tuple[str, int]:
    n, name = structure[0], structure[1] if len(structure) > 1 else None
    if not isinstance(n, int) or not 1 <= n <= MAX_VOXELS or not isinstance(name, str):
        raise ReaderError(f"{visu.path}: VisuFGOrderDesc is damaged; copy the scan again from the scanner")
    return name, n


def _of_every_frame(visu: Parameters, name: str, n_stored: int, default: float | None) -> np.ndarray:
    values = visu.numbers(name)
    if values is None:
        if default is None:
            raise visu.missing(name)
        values = np.array([default])
    if len(values) not in (1, n_stored) or not np.all(np.isfinite(values)):
        raise ReaderError(
            f"{visu.path}: {name} has {len(values)} values for {n_stored} frames, or one that is no number;"
            " reconstruct the scan again"
        )
    return np.broadcast_to(values, (n_stored,))


def _is_swapped(visu: Parameters, size: tuple[int, ...]) -> bool:
    """Whether x and y are exchanged on disk; where both have the same length nothing is, whatever the parameter says.

    As brukerapi does, whose authors measured it on crossing slices of a localizer.
    """
    values = visu.numbers("VisuCoreTransposition")
    if values is None or not np.any(values) or len(set(size)) == 1:
        return False
    if len(size) == 3 or not np.all(values):
        raise ReaderError(
            f"{visu.path}: VisuCoreTransposition exchanges the axes of some frames only, or of 3D frames; export the"
            " scan as DICOM or NIfTI instead"
        )
    return True
