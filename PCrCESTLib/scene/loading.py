"""From files to nodes: a scan with the maps and regions beside it, or a simulated leg to try."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from PCrCESTLib.commands.simulate import write_leg
from PCrCESTLib.errors import NoReferenceError, ProtocolError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocol_json import read_document
from PCrCESTLib.readers import read_rois, read_series
from PCrCESTLib.readers.companions import find_companions
from PCrCESTLib.readers.image_io import read_volume, single_frame
from PCrCESTLib.readers.nifti import stem_of
from PCrCESTLib.scene.hierarchy import gather
from PCrCESTLib.scene.muscles import segmentation_from_rois
from PCrCESTLib.scene.series_nodes import add_series, set_place
from PCrCESTLib.scene.volumes import add_volume

VOLUMES = ("anatomy", "r1", "t1", "b1", "b0", "fm")
SIMULATED_SIZE, SIMULATED_NOISE = 64, 0.005  # voxels a side, SD of Z


def load_scan(
    path: Path, protocol: Protocol | Path | None = None, m0: Path | None = None
) -> dict[str, Any]:
    """Load a series and the maps and regions beside it into the scene.

    Parameters
    ----------
    path : Path
        A file or folder of any format that is read.
    protocol : Protocol or Path, optional
        What was acquired, in place of what the files say.
    m0 : Path, optional
        A scan of M0; taken where the series has no unsaturated image.

    Returns
    -------
    dict
        Nodes by role: ``series``, and of `VOLUMES` and ``rois`` what was found.

    Raises
    ------
    ProtocolError, ReaderError, GeometryError
        When the series or a map cannot be used; the sentence says which and why.
    """
    try:
        series = read_series(path, protocol)
    except NoReferenceError:
        if m0 is None:
            raise
        series = read_series(path, protocol, m0=m0)
    name = path.name if path.is_dir() else stem_of(path)
    nodes = {"series": add_series(series, name)}
    set_place(nodes["series"], path)
    for role, file in find_companions(path).items():
        if role in VOLUMES:
            volume = single_frame(read_volume(file), file, role)
            nodes[role] = add_volume(volume.array, volume.geometry, stem_of(file))
        elif role == "rois":
            rois = read_rois(file, series.geometry)
            reference = nodes["series"].GetNthDataNode(0)
            nodes[role] = segmentation_from_rois(rois, reference, stem_of(file))
    gather(list(nodes.values()), name)
    return nodes


def partial_protocol(path: Path) -> dict[str, Any]:
    """Return the keys of the protocol file beside a series, complete or not; none where there is no readable one."""
    try:
        return read_document(path.with_name(stem_of(path) + ".json"))
    except ProtocolError:
        return {}


def load_simulated_leg(folder: Path) -> list[dict[str, Any]]:
    """Simulate a rat leg at two powers and load both series.

    Parameters
    ----------
    folder : Path
        Gets a new folder with the files in it.

    Returns
    -------
    list of dict
        Nodes by role of each series, as `load_scan` gives them; the first has the maps and muscles.

    Raises
    ------
    OSError, OutputError
        When the folder cannot be written.
    """
    target = Path(tempfile.mkdtemp(prefix="PCrCEST-leg-", dir=folder)) / "scan"
    write_leg(target, noise_sd=SIMULATED_NOISE, size=SIMULATED_SIZE)
    first, *further = sorted(target.glob("*_cest-*.nii.gz"))
    loaded = [load_scan(first)]
    for path in further:
        node = add_series(read_series(path), stem_of(path))
        gather([node], stem_of(path))
        loaded.append({"series": node})
    return loaded
