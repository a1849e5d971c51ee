"""*Companion scans*: maps of R1, B0 and B1 from other scans of the study, each computed by one press."""

import shutil
import tempfile
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from PCrCESTLib.commands.companion_offers import WHOLE, companion_offers
from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.readers.image_io import read_volume, single_frame
from PCrCESTLib.scene.hierarchy import gather
from PCrCESTLib.scene.volumes import add_volume, geometry_of
from PCrCESTWidgetLib.jobcontrol import JobControl

# Option of quantify that takes the map, the parameter that holds it, its name, and the kind of scan that gives it.
ROLES = (
    ("r1", "--r1", "relaxation", "R1", "T1"),
    ("b0", "--b0", "b0Map", "B0", "B0"),
    ("b1", "--b1", "b1Map", "B1", "B1"),
)


class CompanionRow:
    """One companion: the scans that could give it, and the button that computes it from the chosen one."""

    def __init__(self, section, role, option, parameter, title, scanKind):
        self.section, self.panel, ui = section, section.panel, section.ui
        self.option, self.parameter, self.title, self.scanKind = option, parameter, title, scanKind
        self.label, self.selector, self.button = (
            getattr(ui, f"{role}Offer{part}") for part in ("Label", "Selector", "Button")
        )
        self.offers = []
        self.folder = None
        self.started = None  # the offer that is computed, and the series that it is for
        self.control = JobControl(
            self.button, ui.offersBar, ui.offersMessage, self.onDone, self.onFailed, self.onEnded
        )
        self.control.drive(self.panel, _("The map cannot be computed"), self.start)

    def show(self, offers):
        """Offer the scans of a study; return whether there is something to see."""
        if offers != self.offers:
            self.offers = offers
            self.selector.clear()
            for offer in offers:
                scan = offer.scans[0]
                why = (
                    "" if scan.reason.startswith("named") else f", {scan.reason}"
                )  # the name is there already
                numbers = " + ".join(str(s.number) for s in offer.scans)
                text = f"{numbers}  {scan.name or scan.method}{why}"
                covered = _(" (covers {share:.0%})").format(share=offer.coverage)
                self.selector.addItem(text + (covered if offer.coverage < WHOLE else ""))
        isMissing = getattr(self.panel.parameters, self.parameter) is None
        isSeen = self.control.running or (bool(offers) and isMissing)
        self.label.visible = self.selector.visible = self.button.visible = isSeen
        self.selector.enabled = not self.control.running
        self.button.enabled = self.control.running or not self.section.running
        return isSeen

    def start(self):
        offer = self.offers[self.selector.currentIndex]
        self.folder = Path(tempfile.mkdtemp(prefix="PCrCEST-", dir=slicer.app.temporaryPath))
        self.started = (offer, self.panel.parameters.series1.GetID())
        arguments = ["companion", offer.kind, *(str(scan.give) for scan in offer.scans)]
        try:
            self.control.start([*arguments, "--out", str(self.folder / offer.map_name), "--progress", "json"])
        except Exception:
            self.onEnded()
            raise
        self.panel.refresh()

    def onDone(self, facts):
        """Put the map into its selector, unless the user has gone on to another series."""
        offer, seriesId = self.started
        name = _("{title} of scan {number}").format(title=self.title, number=offer.scans[0].number)
        volume = single_frame(read_volume(Path(facts["out"])), Path(facts["out"]), name)
        node = add_volume(volume.array, volume.geometry, name)
        series = self.panel.parameters.series1
        if series is not None and series.GetID() == seriesId:
            gather([series, node], series.GetName())
            self.use(node)
        unit = "" if facts["units"] == "ratio" else f" {facts['units']}"
        told = _("{name}: median {median:.3g}{unit}").format(name=name, median=facts["median"], unit=unit)
        self.section.ui.offersMessage.text = "; ".join([told, *facts["notes"]])

    def use(self, node):
        parameters = self.panel.parameters
        setattr(parameters, self.parameter, node)
        if self.parameter == "relaxation":
            parameters.relaxationKind = type(parameters.relaxationKind).R1
        self.section.ui.mapsGroup.collapsed = False

    def onFailed(self, sentence, details):
        slicer.util.errorDisplay(sentence, windowTitle=_("PCrCEST"), detailedText=details)

    def onEnded(self):
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None
        self.panel.refresh()


class CompanionScans:
    """What else of the study a series was loaded from is of use for it."""

    def __init__(self, panel):
        self.panel, self.ui = panel, panel.ui
        self.scans = []
        self.seriesIds = set()  # of the series that were loaded from this study
        self.known = (None, [])  # a series and the offers for it: they take some time to find
        self.rows = [CompanionRow(self, *role) for role in ROLES]

    @property
    def running(self):
        return any(row.control.running for row in self.rows)

    @property
    def jobs(self):
        return [row.control for row in self.rows]

    def setStudy(self, scans):
        """The scans of a study, none for a file on its own."""
        self.scans, self.seriesIds, self.known = list(scans), set(), (None, [])
        if not self.running:
            self.ui.offersMessage.text = ""

    def note(self, path, node):
        """Remember a series that was loaded, if it is of the study, and name it as the study does."""
        scan = next((scan for scan in self.scans if scan.give == path), None)
        if scan is not None:
            self.seriesIds.add(node.GetID())
            node.SetName(f"{scan.number} {scan.name}".strip())

    def m0Of(self, path):
        """The scan of the study that holds M0 of a series, None without one."""
        series = next((scan for scan in self.scans if scan.give == path), None)
        if series is None or series.geometry is None:
            return None
        known = [s for s in self.scans if s.kind == "M0" and s.geometry.same_as(series.geometry)]
        return known[0].give if known else None

    def update(self):
        """Show what is offered for the chosen series; nothing that is given already."""
        offers = self.offers()
        seen = [row.show([o for o in offers if o.kind and o.option == row.option]) for row in self.rows]
        unusable = [
            offer.text() for offer in offers for row in self.rows
            if not offer.kind and offer.scans[0].kind == row.scanKind and not row.offers
        ]  # fmt: skip
        self.ui.offersLabel.toolTip = "\n".join(unusable)
        isTold = bool(self.ui.offersMessage.text)
        self.ui.offersMessage.visible = isTold
        self.ui.offersPanel.visible = any(seen) or isTold
        self.ui.offersLabel.visible = any(seen)

    def offers(self):
        series = self.panel.parameters.series1
        if series is None or series.GetID() not in self.seriesIds:
            return []
        if self.known[0] != series.GetID():
            try:
                found = companion_offers(geometry_of(series.GetNthDataNode(0)), self.scans)
            except PCrCESTError as error:
                found = []
                self.ui.offersMessage.text = str(error)
            self.known = (series.GetID(), found)
        return self.known[1]
