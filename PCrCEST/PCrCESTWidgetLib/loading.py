"""From files to nodes of a scan, and which parameter takes which node."""

import contextlib
import io
import tempfile
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from PCrCESTLib.cli import main as pcrcest
from PCrCESTLib.errors import NoReferenceError, PCrCESTError, ProtocolError
from PCrCESTLib.protocol_json import read_document
from PCrCESTLib.readers import read_rois, read_series
from PCrCESTLib.readers.companions import find_companions
from PCrCESTLib.readers.image_io import read_volume, single_frame
from PCrCESTLib.readers.nifti import stem_of
from PCrCESTLib.scene.hierarchy import gather
from PCrCESTLib.scene.muscles import segmentation_from_rois
from PCrCESTLib.scene.series_nodes import add_series, protocol_of_node, set_place
from PCrCESTLib.scene.volumes import add_volume, geometry_of

VOLUMES = ("anatomy", "r1", "t1", "b1", "b0", "fm")
SIMULATED_SIZE = 64


def loadScan(path, protocol=None, m0=None):
    """Load a series and the maps and regions beside it; return nodes by role.

    ``m0`` is a scan of M0 for a series without an unsaturated image.
    """
    path = Path(path)
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


def partialProtocol(path):
    """Keys of the protocol file beside a series, complete or not."""
    path = Path(path)
    try:
        return read_document(path.with_name(stem_of(path) + ".json"))
    except ProtocolError:
        return {}


def loadSimulatedLeg(folder):
    """Simulate a rat leg at two powers and load both series; return their nodes by role."""
    target = Path(tempfile.mkdtemp(prefix="PCrCEST-leg-", dir=folder)) / "scan"
    arguments = ["simulate", "--out", str(target), "--noise", "0.005", "--size", str(SIMULATED_SIZE), "--seed", "1"]
    with contextlib.redirect_stdout(io.StringIO()):  # Slicer's console shows what is printed as news
        code = pcrcest(arguments)
    if code:
        raise PCrCESTError(_("the simulation ended with code {code}").format(code=code))
    first, *further = sorted(target.glob("*_cest-*.nii.gz"))
    loaded = [loadScan(first)]
    for path in further:
        series = read_series(path)
        node = add_series(series, stem_of(path))
        gather([node], stem_of(path))
        loaded.append({"series": node})
    return loaded


def assign(parameters, nodes):
    """Put the nodes of a loaded scan into the parameters.

    A series on the grid of the chosen ones at another power is a further power of that subject. Anything else is a
    new subject, and no map of the old one is kept for it.
    """
    slot = freeSlot(parameters, nodes["series"])
    with slicer.util.NodeModify(parameters):
        if slot is None:
            for name in ("series2", "series3", "anatomy", "relaxation", "b1Map", "b0Map", "fmMap", "muscles"):
                setattr(parameters, name, None)
            slot = "series1"
        setattr(parameters, slot, nodes["series"])
        kinds = type(parameters.relaxationKind)
        names = {"anatomy": "anatomy", "b1": "b1Map", "b0": "b0Map", "fm": "fmMap", "rois": "muscles"}
        for role, name in names.items():
            if role in nodes and getattr(parameters, name) is None:
                setattr(parameters, name, nodes[role])
        for role in ("r1", "t1"):
            if role in nodes and parameters.relaxation is None:
                parameters.relaxation = nodes[role]
                parameters.relaxationKind = kinds[role.upper()]


def freeSlot(parameters, node):
    """Parameter that takes a further power of the chosen subject; None for a new subject."""
    chosen = [parameters.series1, parameters.series2, parameters.series3]
    present = [n for n in chosen if n is not None]
    if not present or None not in chosen:
        return None
    new = protocol_of_node(node)
    for other in present:
        old = protocol_of_node(other)
        if not geometry_of(other.GetNthDataNode(0)).same_as(geometry_of(node.GetNthDataNode(0))):
            return None
        if old.field_t != new.field_t or set(old.powers_ut) & set(new.powers_ut):
            return None
    return ("series1", "series2", "series3")[chosen.index(None)]
