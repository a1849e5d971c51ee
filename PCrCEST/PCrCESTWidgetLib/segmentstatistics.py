"""Measurements for Slicer's Segment Statistics: PCr maps per segment, safe where a voxel has no value."""

import numpy as np
import slicer
from SegmentStatistics import SegmentStatisticsLogic
from SegmentStatisticsPlugins import SegmentStatisticsPluginBase
from slicer.i18n import tr as _

from PCrCESTLib.scene.map_nodes import KINDS, SCHEME, UNIT_MEANINGS
from PCrCESTLib.scene.muscles import segment_mask
from PCrCESTLib.scene.runs import find_runs
from PCrCESTLib.scene.volumes import array_of

MEASURED = ("fs", "ksw", "pcr_mm")
STATISTICS = {
    "n": ("voxels with a value", None),
    "mean": ("mean", ("373098007", "SCT", "Mean")),
    "sd": ("standard deviation", ("386136009", "SCT", "Standard Deviation")),
    "median": ("median", ("373099004", "SCT", "Median")),
}


def registerStatistics():
    """Add the plugin to Segment Statistics."""
    SegmentStatisticsLogic.registerPlugin(PCrStatisticsPlugin())


class PCrStatisticsPlugin(SegmentStatisticsPluginBase):
    """Mean, SD and median of fs, ksw and PCr of the newest result; NaN voxels are left out, not counted as zero."""

    def __init__(self):
        super().__init__()
        self.name = "PCrCEST"
        self.title = _("PCr (PCrCEST)")
        self.keys = [f"{kind}_{statistic}" for kind in MEASURED for statistic in STATISTICS]
        self.defaultKeys = [f"{kind}_{statistic}" for kind in MEASURED for statistic in ("mean", "sd")]

    def computeStatistics(self, segmentID):
        runs = find_runs()
        segmentation = slicer.mrmlScene.GetNodeByID(self.getParameterNode().GetParameter("Segmentation"))
        requested = self.getRequestedKeys()
        if not runs or segmentation is None or not requested:
            return {}
        found = {}
        for kind in MEASURED:
            node = runs[-1].maps[kind]
            values = array_of(node)[segment_mask(segmentation, segmentID, node)]
            found |= {f"{kind}_{name}": value for name, value in summary(values[np.isfinite(values)]).items()}
        return {key: value for key, value in found.items() if key in requested}

    def getMeasurementInfo(self, key):
        kind, statistic = key.rsplit("_", 1)
        if kind not in MEASURED or statistic not in STATISTICS:
            return None
        known, (title, code) = KINDS[kind], STATISTICS[statistic]
        isCount = statistic == "n"
        unit = "1" if isCount else known.unit
        entry = self.createCodedEntry
        return self.createMeasurementInfo(
            name=f"{known.title} {title}",
            title=f"{known.title} {title}",
            description=f"{known.meaning}: {title} of the voxels with a value",
            units="voxels" if isCount else unit,
            quantityDicomCode=entry(known.code, SCHEME, known.meaning, True),
            unitsDicomCode=entry(unit, "UCUM", UNIT_MEANINGS[unit], True),
            derivationDicomCode=entry(*code, True) if code else None,
        )


def summary(values):
    """Plain floats of finite values; only the count where there are none."""
    if not len(values):
        return {"n": 0.0}
    sd = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return {"n": float(len(values)), "mean": float(values.mean()), "sd": sd, "median": float(np.median(values))}
