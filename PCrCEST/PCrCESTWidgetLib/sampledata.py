"""Entries in Slicer's Sample Data: a simulated leg, made on the spot, and the public human leg of ANNCEST."""

from pathlib import Path

import SampleData
import slicer
from slicer.i18n import tr as _

CATEGORY = "PCrCEST"
SIMULATED, HUMAN = "Simulated rat leg (CEST)", "Human leg (CEST, ANNCEST)"
# Chen 2020, Nat Commun 11:1072; MIT license.
HUMAN_URL = "https://github.com/LinChenMRI/ANNCEST/raw/HEAD/HumanLeg/Data.mat"
HUMAN_CHECKSUM = "SHA256:f1f3488ef7e1f2c8dfc4cd9368ce629c90858803e7dcd4c8688daeb8c3999b05"


def registerSampleData():
    """Register both; nothing is downloaded or computed before the user clicks."""
    register = SampleData.SampleDataLogic.registerCustomSampleDataSource
    icon = Path(__file__).resolve().parents[1] / "Resources" / "Icons" / "PCrCEST.png"
    register(
        category=CATEGORY, sampleName=SIMULATED, thumbnailFileName=str(icon), customDownloader=simulatedLeg
    )
    register(category=CATEGORY, sampleName=HUMAN, thumbnailFileName=str(icon), customDownloader=humanLeg)


def simulatedLeg(_source):
    """Make the leg and choose it in the module."""
    widget = moduleWidget()
    loaded = widget.logic.loadSimulatedLeg()
    for nodes in loaded:
        widget.scan.take(nodes)
    return [nodes["series"] for nodes in loaded]


def humanLeg(_source):
    """Download the leg, check it, and choose it in the module; its file says nothing of the acquisition."""
    path = SampleData.SampleDataLogic().downloadFileIntoCache(HUMAN_URL, "ANNCEST-HumanLeg.mat", HUMAN_CHECKSUM)
    if not path:
        slicer.util.errorDisplay(_("The human leg could not be downloaded; check the connection and try again."))
        return []
    from PCrCESTLib.evaluation.measured_human import human_protocol

    widget = moduleWidget()
    nodes = widget.logic.loadScan(Path(path), human_protocol(Path(path)))
    widget.scan.take(nodes)
    return [nodes["series"]]


def moduleWidget():
    """The module's panel, made when it has not been opened yet."""
    return slicer.util.getModuleWidget("PCrCEST")
