"""Maps as volume nodes: what they measure, in which unit, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from PCrCESTLib.figures.content import DisplayRanges
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.scene.colors import color_node
from PCrCESTLib.scene.volumes import add_volume, array_of, fill_volume, geometry_of

MAP, RUN = "PCrCEST.Map", "PCrCEST.Run"
CERTAIN = "PCrCEST.Shown"
LABEL_FORMAT = "%.3g"  # Slicer's own "%.1f" shows an fs of 0.001 as 0.0
# No code of DICOM's dictionaries names these quantities (CID 7180 to 7186 searched), so they are private ones.
SCHEME = "99PCRCEST"


@dataclass(frozen=True)
class MapKind:
    """One kind of map.

    Parameters
    ----------
    title : str
        For lists and the color bar, with its unit.
    code, meaning : str
        DICOM coded entry of the quantity in `SCHEME`.
    unit : str
        UCUM code of the unit.
    shown : tuple of float
        Color range, the same for every subject so that pictures can be compared.
    """

    title: str
    code: str
    meaning: str
    unit: str
    shown: tuple[float, float]


_RANGES = DisplayRanges()


def _of_one(per_mille: tuple[float, float]) -> tuple[float, float]:
    return per_mille[0] * 1e-3, per_mille[1] * 1e-3


KINDS = {
    "fs": MapKind("fs", "FS", "PCr proton fraction", "1", _of_one(_RANGES.fs)),
    "ksw": MapKind("ksw (1/s)", "KSW", "PCr exchange rate to water", "/s", _RANGES.ksw),
    "fs_sd": MapKind("SD of fs", "FSSD", "Posterior SD of PCr proton fraction", "1", _of_one(_RANGES.fs_sd)),
    "ksw_sd": MapKind("SD of ksw (1/s)", "KSWSD", "Posterior SD of PCr exchange rate", "/s", _RANGES.ksw_sd),
    "pcr_mm": MapKind("PCr (mM)", "PCRMM", "PCr concentration", "mmol/L", (0.0, 90.0)),
    "arex": MapKind("AREX of PCr (1/s)", "AREX", "Relaxation rate that PCr adds at 2.6 ppm", "/s", _RANGES.arex),
    "arex_sd": MapKind("SD of AREX (1/s)", "AREXSD", "SD of the relaxation rate that PCr adds", "/s", _RANGES.arex_sd),
    "misfit": MapKind("misfit of the fit (noise = 1)", "MISFIT", "RMS residual over noise SD", "1", (0.0, 4.0)),
    "b0": MapKind(
        "water frequency (ppm)", "B0", "Frequency of water from its nominal one", "[ppm]", (-0.5, 0.5)
    ),
    "quality": MapKind("quality flags", "QUALITY", "Quality bit flags", "1", (0.0, 255.0)),
}
UNIT_MEANINGS = {
    "1": "no units",
    "/s": "per second",
    "mmol/L": "millimole per liter",
    "[ppm]": "parts per million",
}
# Files that fits alone leave; and maps that may be empty, since a fit of a peak cannot tell ksw.
OF_FITS = ("arex", "arex_sd", "misfit")
MAYBE_EMPTY = ("ksw", "ksw_sd", *OF_FITS)
# The map whose SD tells how well a value is known.
SD_OF = {"fs": "fs_sd", "ksw": "ksw_sd", "pcr_mm": "fs_sd", "arex": "arex_sd"}
VALUE_OF = {"pcr_mm": "fs"}


def add_map(array: np.ndarray, geometry: Geometry, kind: str, run: str, name: str) -> Any:
    """Add one map (z, y, x) of a run as a quantity with its colors; NaN is not shown."""
    node = add_volume(array, geometry, name)
    node.SetAttribute(MAP, kind)
    node.SetAttribute(RUN, run)
    describe(node, kind)
    style(node, kind)
    return node


def describe(node: Any, kind: str) -> None:
    """Write quantity and unit into a volume node."""
    import slicer

    known = KINDS[kind]
    quantity, units = slicer.vtkCodedEntry(), slicer.vtkCodedEntry()
    quantity.SetValueSchemeMeaning(known.code, SCHEME, known.meaning)
    units.SetValueSchemeMeaning(known.unit, "UCUM", UNIT_MEANINGS[known.unit])
    node.SetVoxelValueQuantity(quantity)
    node.SetVoxelValueUnits(units)


def style(node: Any, kind: str, shown: tuple[float, float] | None = None) -> None:
    """Give a map its color scale and range, and hide what has no value."""
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(color_node().GetID())
    display.AutoWindowLevelOff()
    low, high = shown or KINDS[kind].shown
    display.SetWindowLevelMinMax(low, high)
    display.SetInterpolate(False)  # a voxel is a measurement; smooth colors would invent others
    display.AutoThresholdOff()
    # NaN fails every comparison, so that it is hidden; the upper end is beyond any value.
    display.SetThreshold(-1e30, 1e30)
    display.ApplyThresholdOn()


def show_legend(node: Any, kind: str) -> Any:
    """Add (or update) the color bar of a map that a view shows; hide the bars of all other maps."""
    import slicer

    hide_legends()
    legend = slicer.modules.colors.logic().AddDefaultColorLegendDisplayNode(node)
    legend.SetTitleText(KINDS[kind].title)
    legend.SetLabelFormat(LABEL_FORMAT)
    legend.SetVisibility(True)
    return legend


def hide_legends() -> None:
    """Hide all color bars: a view goes on to show the bar of a map that it shows no more."""
    import slicer

    for display in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode"):
        display.SetVisibility(False)


def maps_of(run: str) -> dict[str, Any]:
    """Map nodes of a run by kind."""
    import slicer

    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    return {
        n.GetAttribute(MAP): n for n in nodes if n.GetAttribute(RUN) == run and n.GetAttribute(MAP) in KINDS
    }


def certain_part(maps: dict[str, Any], kind: str, most: float) -> np.ndarray:
    """Values of a map, NaN where their SD exceeds ``most`` times the value, (z, y, x)."""
    values = array_of(maps[kind]).astype(np.float32)
    sd_kind = SD_OF.get(kind)
    if sd_kind is None or sd_kind not in maps:
        return values
    known = array_of(maps[VALUE_OF.get(kind, kind)])
    with np.errstate(invalid="ignore", divide="ignore"):
        doubtful = ~(array_of(maps[sd_kind]) <= most * known)
    return np.where(doubtful, np.nan, values)


def shown_map(maps: dict[str, Any], kind: str, most: float | None) -> Any:
    """Return the node to display: the map itself, or with ``most`` a copy without its doubtful voxels.

    The scene has one such copy, which is filled again. The map itself is never changed.
    """
    import slicer

    original = maps[kind]
    if most is None or kind not in SD_OF:
        return original
    values = certain_part(maps, kind, most)
    volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    shown = next((node for node in volumes if node.GetAttribute(CERTAIN)), None)
    if shown is None:
        shown = add_volume(values, geometry_of(original), "")
        shown.SetAttribute(CERTAIN, "1")
    else:
        fill_volume(shown, values, geometry_of(original))
    shown.SetName(f"{original.GetName()}, SD below {most:.0%}")
    describe(shown, kind)
    display = original.GetDisplayNode()
    style(shown, kind, (display.GetWindowLevelMin(), display.GetWindowLevelMax()))
    return shown
