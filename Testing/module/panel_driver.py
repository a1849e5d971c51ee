"""Drives the shipped panel on the stand-in for Slicer as a user would, and watches what it does."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from PCrCESTLib.cli import main

MODULE_FILE = Path(__file__).resolve().parents[2] / "PCrCEST" / "PCrCEST.py"
# Give a folder here to keep the pictures of the panel.
PICTURES = os.environ.get("PCRCEST_SCREENSHOTS")


class Panel:
    """The open module."""

    def __init__(self, harness, tmp_path):
        import slicer

        self.harness, self.tmp_path = harness, tmp_path
        self.module, self.widget, self.window = harness.load_module(MODULE_FILE)
        self.ui = self.widget.ui
        self.scene = slicer.mrmlScene
        self.app = slicer.app
        self.started = time.monotonic()
        self.steps = []

    @property
    def parameters(self):
        return self.widget.parameters

    @property
    def running(self):
        return self.widget.quantify.control.running

    def native(self, wrapped):
        """The Qt widget behind a stand-in, for what a test looks at and the module does not use."""
        return wrapped._native

    def process(self):
        self.harness.process_events()

    def wait(self, condition, seconds=120.0):
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            self.process()
            time.sleep(0.01)
        assert condition()

    def click(self, button):
        began = time.monotonic()
        button.click()
        self.process()
        self.steps.append((button.text, time.monotonic() - began))

    def key(self, keys):
        """Press a shortcut while the panel's window is the active one."""
        from PySide6 import QtGui, QtTest, QtWidgets

        combination = QtGui.QKeySequence(keys)[0]
        window = self.native(self.window)
        window.activateWindow()
        QtTest.QTest.qWaitForWindowActive(window)
        target = QtWidgets.QApplication.focusWidget() or window
        QtTest.QTest.keyClick(target, combination.key(), combination.keyboardModifiers())
        self.process()

    def run(self):
        self.click(self.ui.applyButton)
        self.wait(lambda: not self.running)
        assert self.ui.progressMessage.text == "Done", self.ui.progressMessage.text

    def press_load(self, path):
        """Press *Load* on a path, and wait for what a folder takes."""
        self.ui.scanPath.currentPath = str(path)
        self.click(self.ui.loadButton)
        self.wait(lambda: not self.widget.scan.listing.running)

    def load(self, folder, powers=("0.5", "1")):
        for power in powers:
            self.press_load(folder / f"sub-sim_cest-{power}uT.nii.gz")

    def messages(self, kind=None):
        return [m for m in self.harness.journal.messages if kind in (None, m.kind)]

    def texts(self, kind=None):
        return self.harness.texts(kind)

    def foreground(self, view="Red"):
        logic = self.app.layoutManager().sliceWidget(view).sliceLogic()
        return self.scene.GetNodeByID(logic.GetSliceCompositeNode().GetForegroundVolumeID() or "")

    def shown_curves(self):
        chart = self.widget.results.plot.viewNode.GetPlotChartNode()
        return [chart.GetNthPlotSeriesNode(i).GetName() for i in range(chart.GetNumberOfPlotSeriesNodes())]

    def temporary_folders(self, prefix):
        found = Path(self.app.temporaryPath).glob(f"{prefix}*")
        return [p for p in found if not p.name.startswith("PCrCEST-leg-")]

    def quit(self):
        self.app.aboutToQuit.emit()
        self.process()

    def shot(self, name):
        """Keep a picture of the panel, and of nothing else, where the environment asks for it."""
        self.process()
        picture = self.native(self.window).grab()
        assert picture.width() <= 400
        if PICTURES:
            picture.save(str(Path(PICTURES) / f"{name}.png"))

    def report(self):
        """Print the clicks and how long each kept the user waiting."""
        for text, seconds in self.steps:
            sys.stdout.write(f"{seconds:6.2f} s  {text}\n")
        sys.stdout.write(f"{time.monotonic() - self.started:6.2f} s  in all\n")


@pytest.fixture
def panel(harness, monkeypatch, tmp_path) -> Panel:
    from PySide6 import QtWidgets

    assert QtWidgets.QApplication.instance() is not None
    opened = Panel(harness, tmp_path)
    from PCrCESTLib.scene import loading

    monkeypatch.setattr(loading, "SIMULATED_SIZE", 40)
    return opened


@pytest.fixture(scope="session")
def scan_folder(tmp_path_factory) -> Path:
    """A simulated leg as files."""
    folder = tmp_path_factory.mktemp("leg") / "scan"
    assert main(["simulate", "--out", str(folder), "--noise", "0.005", "--size", "40", "--seed", "1"]) == 0
    return folder


@pytest.fixture
def result(panel, scan_folder, tmp_path):
    """A run in the scene without computing it: maps made of the simulation's truth."""
    import slicer

    from PCrCESTLib.geometry import Geometry
    from PCrCESTLib.image_files import write_image
    from PCrCESTLib.readers.image_io import read_volume
    from PCrCESTLib.scene.runs import add_run

    panel.load(scan_folder)

    def add(name, factor=1.0):
        folder = tmp_path / name
        folder.mkdir()
        truth = {k: read_volume(scan_folder / "truth" / f"{k}.nii.gz") for k in ("fs", "ksw")}
        geometry: Geometry = truth["fs"].geometry
        inside = truth["fs"].array > 0
        share = np.where(np.arange(geometry.shape[2]) % 2, 0.1, 0.5)  # every second column is doubtful
        for kind, volume in truth.items():
            values = np.where(inside, volume.array * factor, np.nan).astype(np.float32)
            write_image(values, geometry, folder / f"{kind}.nii.gz")
            write_image((values * share).astype(np.float32), geometry, folder / f"{kind}_sd.nii.gz")
        write_image(np.zeros(geometry.shape, np.float32), geometry, folder / "b0.nii.gz")
        write_image(np.where(inside, 0, 64).astype(np.uint8), geometry, folder / "quality.nii.gz")
        (folder / "roi_statistics.csv").write_text(
            "roi,quantity,unit,estimator,value,sd,sd_meaning,identifiable,n_voxels,n_total,volume_mm3,flagged_share\n"
            "left soleus,fs,1,ROI spectrum,0.00064123456789,0.0001,of estimate,True,40,44,24.0,0.05\n"
            "left soleus,ksw,1/s,ROI spectrum,112.5,30.25,of estimate,False,40,44,24.0,0.05\n",
            encoding="utf-8",
        )
        warnings = ["ksw is not identifiable", "no picture: no matplotlib"]
        record = {"pcr_protons": 2.0, "warnings": warnings, "device": {"used": "numpy"}}
        (folder / "quantify.json").write_text(json.dumps(record), encoding="utf-8")
        run = add_run(folder, name, panel.parameters.series1)
        panel.widget.showRun(run)
        return run

    assert slicer.mrmlScene is panel.scene
    return add
