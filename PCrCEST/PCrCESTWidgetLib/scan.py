"""Section *Scan*: from a file or from nodes to a series with its protocol and companion maps."""

from contextlib import contextmanager
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from PCrCESTLib.errors import PCrCESTError, ProtocolError
from PCrCESTLib.models.registry import why_model
from PCrCESTLib.protocol_json import protocol_from_dict
from PCrCESTLib.protocols import joined_protocol
from PCrCESTLib.readers.scan_facts import facts_of
from PCrCESTLib.scene.series_nodes import document_of, frames_of_node, protocol_of_node, set_protocol
from PCrCESTWidgetLib.companionscans import CompanionScans
from PCrCESTWidgetLib.jobcontrol import JobControl
from PCrCESTWidgetLib.protocoltable import ProtocolTable


@contextmanager
def waiting():
    """Show that the window is busy."""
    qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)
    try:
        yield
    finally:
        qt.QApplication.restoreOverrideCursor()


class ScanSection:
    """Loads scans and shows what they are."""

    def __init__(self, panel):
        self.panel, self.ui = panel, panel.ui
        self.pendingPath = None  # a file whose protocol is still to be typed
        self.table = ProtocolTable(self.ui.protocolTable, self.ui.protocolMessage, self.onProtocolEdited)
        self.listedPath = None  # a folder that may be a study
        bar, message = self.ui.scanBar, self.ui.scanMessage
        self.listing = JobControl(
            self.ui.loadButton, bar, message, self.onListed, self.onListingFailed, self.onListingEnded
        )
        self.listing.drive(panel, _("The scan cannot be loaded"), self.loadChosen)
        self.ui.sampleButton.connect("clicked(bool)", self.onSample)
        self.ui.protocolOf.connect("currentIndexChanged(int)", self.onProtocolOf)
        self.ui.studySelector.connect("activated(int)", self.onStudyScan)
        self.companions = CompanionScans(panel)
        self.ui.scanMessage.visible = False
        self.showStudy([])
        self.shownNode = None

    def loadChosen(self):
        """Load a file; of a folder, find out beside the window whether it is a study of thousands of files."""
        text = self.ui.scanPath.currentPath
        if not text:
            raise PCrCESTError(_("no file is chosen; choose a CEST series, then press Load"))
        path = Path(text)
        if path.is_dir():
            self.listedPath = path
            self.listing.start(["info", str(path), "--progress", "json"])
            self.ui.scanMessage.visible = True
            return
        self.showStudy([])
        self.load(path)
        self.ui.scanPath.addCurrentPathToHistory()

    def onListed(self, facts):
        """List the scans of a study; load what is a single one."""
        scans = [facts_of(document) for document in facts["scans"]]
        with self.panel.guarded(_("The scan cannot be loaded")):
            self.showStudy(scans)
            if not scans:
                self.load(self.listedPath)
            self.ui.scanPath.addCurrentPathToHistory()

    def onListingFailed(self, sentence, details):
        slicer.util.errorDisplay(sentence, windowTitle=_("The scan cannot be loaded"), detailedText=details)

    def onListingEnded(self):
        self.ui.scanMessage.visible = False

    def showStudy(self, scans):
        """List the scans of a study, CEST first; an empty list hides the chooser."""
        self.companions.setStudy(scans)
        combo = self.ui.studySelector
        wasBlocked = combo.blockSignals(True)
        combo.clear()
        if scans:
            combo.addItem(_("{n} scans: choose one").format(n=len(scans)), "")
        for scan in sorted(scans, key=lambda s: s.kind != "CEST"):
            size = "" if scan.size is None else f", {' × '.join(map(str, scan.size))}"
            frames = "" if scan.n_frames is None else _(", {n} frames").format(n=scan.n_frames)
            combo.addItem(f"{scan.number}  {scan.kind}  {scan.name}{size}{frames}", str(scan.give))
        combo.blockSignals(wasBlocked)
        combo.visible = self.ui.studyLabel.visible = bool(scans)

    def onStudyScan(self, index):
        folder = str(self.ui.studySelector.itemData(index) or "")
        if folder:
            with self.panel.guarded(_("The scan cannot be loaded")):
                self.load(Path(folder))

    def load(self, path, protocol=None):
        """Load a series; without a usable protocol, ask for it in the table."""
        try:
            nodes = self.panel.logic.loadScan(path, protocol, self.companions.m0Of(path))
        except ProtocolError as error:
            if protocol is not None:
                raise
            self.pendingPath = path
            self.table.show(self.panel.logic.partialProtocol(path))
            self.ui.protocolGroup.collapsed = False
            self.table.say(str(error) + " " + _("Or type it here: the scan is loaded when the table is complete."))
            self.panel.refresh()
            return
        self.pendingPath = None
        self.companions.note(path, nodes["series"])
        self.take(nodes)

    def take(self, nodes):
        """Put a loaded series and its companions into the selectors."""
        self.panel.logic.assign(self.panel.parameters, nodes)
        self.panel.refresh()
        if self.panel.isOpen:  # else the user is elsewhere; the views are theirs
            self.panel.showScan()

    def onSample(self, _checked=False):
        with self.panel.guarded(_("The simulated leg cannot be made")), waiting():
            for nodes in self.panel.logic.loadSimulatedLeg():
                self.take(nodes)

    def onProtocolOf(self, _index=0):
        self.showProtocol()

    def onProtocolEdited(self, document):
        if self.pendingPath is not None:
            with self.panel.guarded(_("The scan cannot be loaded")):
                self.load(self.pendingPath, protocol_from_dict(document))
            return
        node = self.selectedNode()
        if node is not None:
            set_protocol(node, document)
            self.panel.refresh()

    def selectedNode(self):
        """Series whose protocol the table shows."""
        nodes = self.panel.logic.seriesOf(self.panel.parameters)
        index = self.ui.protocolOf.currentIndex
        return nodes[index] if 0 <= index < len(nodes) else None

    def update(self):
        """Show what the chosen nodes are; return what is missing, or an empty text."""
        self.companions.update()
        nodes = self.panel.logic.seriesOf(self.panel.parameters)
        names = [node.GetName() for node in nodes]
        combo = self.ui.protocolOf
        if [combo.itemText(i) for i in range(combo.count)] != names:
            index = max(0, min(combo.currentIndex, len(names) - 1))
            wasBlocked = combo.blockSignals(True)
            combo.clear()
            combo.addItems(names)
            combo.setCurrentIndex(index if names else -1)
            combo.blockSignals(wasBlocked)
        if self.pendingPath is None:
            self.showProtocol()
        self.ui.modelMessage.text = ""
        if self.pendingPath is not None:
            return _("Complete the protocol of {name}.").format(name=self.pendingPath.name)
        if not nodes:
            return _("Choose a CEST series: a file, or one that is loaded.")
        return self.checkProtocols(nodes)

    def checkProtocols(self, nodes):
        try:
            protocols = [protocol_of_node(node) for node in nodes]
            self.ui.modelMessage.text = why_model(
                joined_protocol(protocols), _("Train for this scanner, in the section Quantify")
            )
        except PCrCESTError as error:
            return str(error)
        return ""

    def showProtocol(self):
        node = self.selectedNode()
        if node is None:
            self.table.clear()
        elif node is not self.shownNode or self.table.document != document_of(node):
            self.table.show(document_of(node), frames_of_node(node))
        self.shownNode = node

    def forget(self):
        """The scene is closed."""
        self.pendingPath = None
        self.shownNode = None
        self.table.clear()
        self.showStudy([])
