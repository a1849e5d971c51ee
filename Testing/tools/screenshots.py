"""Pictures of the module for README and catalogue, made on the stand-in for Slicer.

Run: ``python Testing/tools/screenshots.py OUT [--data DATA]``. Without DATA, the simulated leg; with it, also a
measured rat and the human leg, which are not part of this project. ``--only study`` takes those of a DICOM study alone.
Each picture has the panel at left and the slice at right.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

TESTING = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTING), str(TESTING / "module"), str(TESTING.parent)]

SECTIONS = ("scan", "muscles", "quantify", "results", "export")
VIEW = (620, 620)


class Studio:
    """The open module, photographed."""

    def __init__(self, out: Path) -> None:
        from harness.journal import JOURNAL
        from harness.session import bootstrap

        self.out, self.journal = out, JOURNAL
        self.session = bootstrap()
        self.session.activate()
        _, self.widget, self.top = self.session.load_module(TESTING.parent / "PCrCEST" / "PCrCEST.py")
        self.ui = self.widget.ui
        # Where this computer keeps the library is nobody's affair.
        self.ui.statusLabel.text = self.ui.statusLabel.text.split(" (")[0] + "."
        # The window must be there first: managers that come later do not see what was added before.
        import slicer
        from slice_rendering import SliceRendering

        self.logic = slicer.app.layoutManager().sliceWidget("Red").sliceLogic()
        self.rendering = SliceRendering(self.logic, VIEW)

    def wait(self, condition, seconds=300.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            self.session.qt_application.processEvents()
            time.sleep(0.02)
        if not condition():
            raise TimeoutError(self.ui.progressMessage.text)

    def open_only(self, *names: str) -> None:
        for name in SECTIONS:
            getattr(self.ui, f"{name}Section").collapsed = name not in names

    def load(self, path: Path) -> None:
        self.ui.scanPath.currentPath = str(path)
        self.ui.loadButton.click()

    def apply(self) -> None:
        self.ui.applyButton.click()
        self.wait(lambda: not self.widget.quantify.control.running)
        for text in self.journal.texts("error"):
            print(f"error shown: {text}")

    def shoot(self, name: str) -> None:
        from PySide6 import QtCore, QtGui

        self.logic.ResizeSliceNode(*VIEW)
        self.logic.FitSliceToAll()
        view = self.rendering.picture().copy()
        native = self.top._native
        self.session.qt_application.processEvents()  # what was shown or hidden before counts in the height
        # A wrapped text needs more height than its hint says.
        native.resize(native.width(), native.layout().totalMinimumHeightForWidth(native.width()))
        self.session.qt_application.processEvents()
        panel = native.grab().toImage()
        height = max(panel.height(), VIEW[1])
        canvas = QtGui.QImage(panel.width() + VIEW[0], height, QtGui.QImage.Format.Format_RGB888)
        canvas.fill(QtCore.Qt.GlobalColor.black)
        slice_image = QtGui.QImage(view.tobytes(), *VIEW, 3 * VIEW[0], QtGui.QImage.Format.Format_RGB888)
        painter = QtGui.QPainter(canvas)
        painter.fillRect(0, 0, panel.width(), height, panel.pixelColor(2, 2))
        painter.drawImage(0, 0, panel)
        painter.drawImage(panel.width(), 0, slice_image)
        painter.end()
        canvas.save(str(self.out / f"{name}.png"))
        print(self.out / f"{name}.png")

    def clear(self) -> None:
        import slicer

        slicer.mrmlScene.Clear(0)
        self.session.qt_application.processEvents()


def simulated(studio: Studio) -> None:
    studio.open_only("scan")
    studio.ui.sampleButton.click()
    studio.open_only("scan")
    studio.ui.protocolGroup.collapsed = studio.ui.mapsGroup.collapsed = False
    studio.shoot("1-scan")
    studio.ui.protocolGroup.collapsed = studio.ui.mapsGroup.collapsed = True
    studio.open_only("muscles", "quantify")
    studio.shoot("2-muscles")
    studio.apply()
    studio.shoot("3-results")
    first = studio.widget.shownRun()
    choose(studio.ui.plotSelector, "boxes")
    choose(studio.ui.mapSelector, "pcr_mm")
    studio.open_only("results")
    studio.shoot("4-muscles-compared")
    compare_methods(studio)
    export(studio)
    studio.ui.erodeBox.value = 1
    studio.ui.updateTableButton.click()
    studio.wait(lambda: not studio.widget.tableUpdate.control.running)
    studio.open_only("results")
    choose(studio.ui.compareSelector, first.run_id)
    studio.shoot("9-table-updated")


def export(studio: Studio) -> None:
    """Report and DICOM of the shown result, made."""
    with tempfile.TemporaryDirectory() as folder:
        studio.ui.exportFolder.currentPath = folder
        studio.open_only("export")
        for button in (studio.ui.dicomButton, studio.ui.reportButton):
            button.click()
            studio.wait(lambda: not any(job.running for job in studio.widget.export.jobs))
            name = "9-dicom" if button is studio.ui.dicomButton else "9-report"
            studio.shoot(name)
        studio.ui.exportFolder.currentPath = ""


def choose(combo, data: str) -> None:
    """Choose an entry as a click does."""
    index = combo.findData(data)
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


def compare_methods(studio: Studio) -> None:
    """The multi-pool fit of the same leg with its pools, the network's result beside it."""
    network = studio.widget.shownRun().run_id
    choose(studio.ui.mapSelector, "fs")
    choose(studio.ui.methodSelector, "mplf")
    studio.open_only("quantify")
    studio.shoot("5-fit-settings")
    studio.apply()
    choose(studio.ui.plotKind, "pools")
    studio.ui.plotSelector.setCurrentIndex(1)
    studio.ui.plotSelector.activated.emit(1)
    choose(studio.ui.compareSelector, network)
    studio.shoot("6-methods-compared")
    choose(studio.ui.plotSelector, "boxes")
    studio.shoot("6-methods-boxed")


def study(studio: Studio) -> None:
    """A folder of DICOM series with M0 and the companion scans apart; one of these computed."""
    from dicom_study import write_study

    from PCrCESTLib.cli import main as pcrcest

    with tempfile.TemporaryDirectory() as folder:
        leg, patient = Path(folder) / "leg", Path(folder) / "patient"
        pcrcest(["simulate", "--out", str(leg), "--noise", "0.005", "--size", "64", "--seed", "1"])
        studio.load(write_study(leg, patient))
        scans = studio.ui.studySelector
        for number in ("5", "7"):
            index = next(i for i in range(scans.count) if scans.itemText(i).startswith(f"{number}  CEST"))
            scans.setCurrentIndex(index)
            scans.activated.emit(index)
        studio.open_only("scan")
        studio.shoot("7-study")
        for button in (studio.ui.r1OfferButton, studio.ui.b0OfferButton):
            button.click()
            studio.wait(lambda: not studio.widget.scan.companions.running)
        studio.shoot("8-companion-computed")


def rat(studio: Studio, data: Path) -> None:
    folder = data / "rat_leg_4p7T"
    studio.load(folder / "sub-control01" / "sub-control01_cest.nii.gz")
    studio.open_only("scan", "muscles", "quantify")
    studio.shoot("rat-scan")
    studio.apply()
    studio.shoot("rat")


def human(studio: Studio, data: Path) -> None:
    from PCrCESTLib.evaluation.measured_human import human_protocol

    path = data / "human_leg_3T" / "Data.mat"
    nodes = studio.widget.logic.loadScan(path, human_protocol(path))
    studio.widget.scan.take(nodes)
    studio.open_only("scan", "quantify")
    studio.shoot("human-scan")
    studio.apply()
    studio.shoot("human")


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", choices=("simulated", "study"), help="these pictures alone")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    studio = Studio(args.out)
    if args.only in (None, "simulated"):
        simulated(studio)
        studio.clear()
    if args.only in (None, "study"):
        study(studio)
    if args.data:
        studio.clear()
        rat(studio, args.data)
        studio.clear()
        human(studio, args.data)


if __name__ == "__main__":
    main()
