"""Section *Quantify*: the same ``pcrcest quantify`` that a script runs, as a process beside the window."""

import importlib.util
import shutil
import tempfile
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from PCrCESTLib.fitting.pools import POOL_SETS
from PCrCESTLib.job import Job
from PCrCESTLib.methods import METHODS
from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.methods.settings import JHU, REX
from PCrCESTLib.models.registry import bundled_names
from PCrCESTLib.scene.inputs import write_inputs
from PCrCESTLib.scene.request import AS_ACQUIRED, AUTO, MULTI_POOL, RIGID, Request, is_peak_fit
from PCrCESTLib.scene.runs import add_run
from PCrCESTWidgetLib.choice import choiceOf
from PCrCESTWidgetLib.jobcontrol import JobControl

DEVICE_SETTING = "PCrCEST/Device"
PROBE_MILLISECONDS = 200


class QuantifySection:
    """Chooses method, model and device, runs the job, and hands its results over."""

    def __init__(self, panel):
        self.panel, self.ui = panel, panel.ui
        self.folder = None  # inputs and outputs of the running job
        self.started = None  # name and place of what is being computed
        self.control = JobControl(
            self.ui.applyButton, self.ui.progressBar, self.ui.progressMessage, self.onDone, self.onFailed, self.onEnded
        )
        for key, known in METHODS.items():
            self.ui.methodSelector.addItem(_(known.title), key)
        self.ui.methodSelector.connect("activated(int)", self.onMethod)
        for pools in POOL_SETS:
            self.ui.poolsSelector.addItem(str(pools), pools)
        self.ui.poolsSelector.connect("activated(int)", self.onPools)
        self.ui.conversionSelector.addItem(_("formula of Rex, at the stated ksw"), REX)
        self.ui.conversionSelector.addItem(_("JHU calibration (3 T, 0.6 µT, 2 s)"), JHU)
        self.ui.conversionSelector.connect("activated(int)", self.onConversion)
        self.ui.motionSelector.addItem(_("as acquired"), AS_ACQUIRED)
        self.ui.motionSelector.addItem(_("rigid correction"), RIGID)
        self.ui.motionSelector.connect("activated(int)", self.onMotion)
        self.fillModels()
        self.ui.modelSelector.connect("activated(int)", self.onModel)
        self.probe = None
        self.probeTimer = qt.QTimer()
        self.probeTimer.setInterval(PROBE_MILLISECONDS)
        self.probeTimer.connect("timeout()", self.onProbe)
        self.fillDevices()
        self.ui.deviceSelector.connect("activated(int)", self.onDevice)
        self.control.drive(panel, _("The quantification cannot start"), self.start)

    def fillModels(self, further=()):
        """List auto, the bundled models, and files the user chose or trained."""
        combo = self.ui.modelSelector
        combo.clear()
        combo.addItem(_("auto (by protocol)"), AUTO)
        for name in bundled_names():
            combo.addItem(name, name)
        for path in further:
            combo.addItem(Path(path).stem, str(path))
        combo.addItem(_("File…"), "")

    def fillDevices(self, found=None):
        """Offer auto and the CPU at once, and GPUs as soon as a process has found which there are."""
        combo, kept = self.ui.deviceSelector, str(qt.QSettings().value(DEVICE_SETTING, AUTO))
        combo.clear()
        combo.addItem(_("auto (a GPU if there is one)"), AUTO)
        for name, text in (found or {"cpu": _("NumPy on the CPU")}).items():
            combo.addItem(f"{name}: {text}", name)
        combo.setCurrentIndex(max(0, combo.findData(kept)))

    def enter(self):
        """Look for GPUs once; importing PyTorch would stop the window for seconds."""
        if self.probe is None and importlib.util.find_spec("torch") is not None:
            self.probe = Job(["devices", "--progress", "json"])
            self.probeTimer.start()

    def onProbe(self):
        for event in self.probe.poll():
            if event["event"] == "done":
                self.fillDevices(event["devices"])
        if not self.probe.running:
            self.probeTimer.stop()

    def stop(self):
        """End everything now, for a window that closes."""
        self.control.stop()
        self.probeTimer.stop()
        if self.probe is not None and self.probe.running:
            self.probe.stop()

    def onDevice(self, _index):
        qt.QSettings().setValue(DEVICE_SETTING, self.device())

    def device(self):
        return str(self.ui.deviceSelector.itemData(self.ui.deviceSelector.currentIndex))

    def onMethod(self, index):
        self.panel.parameters.method = str(self.ui.methodSelector.itemData(index))

    def onPools(self, index):
        self.panel.parameters.pools = int(self.ui.poolsSelector.itemData(index))

    def onConversion(self, index):
        self.panel.parameters.conversion = str(self.ui.conversionSelector.itemData(index))

    def onMotion(self, index):
        self.panel.parameters.motion = str(self.ui.motionSelector.itemData(index))

    def onModel(self, index):
        chosen = self.ui.modelSelector.itemData(index)
        if not chosen:
            chosen = qt.QFileDialog.getOpenFileName(
                slicer.util.mainWindow(), _("Model card"), "", _("Model cards (*.json)")
            )
            if chosen:
                self.addModel(chosen)
                return
            chosen = self.panel.parameters.model
        self.panel.parameters.model = str(chosen)
        self.showModel()

    def addModel(self, path):
        """Offer a model file and choose it."""
        self.fillModels([path])
        self.panel.parameters.model = str(path)
        self.showModel()

    def showModel(self):
        combo = self.ui.modelSelector
        index = combo.findData(self.panel.parameters.model)
        if index < 0:
            self.fillModels([self.panel.parameters.model])
            index = combo.findData(self.panel.parameters.model)
        combo.setCurrentIndex(index)

    def start(self):
        parameters = self.panel.parameters
        self.folder = Path(tempfile.mkdtemp(prefix="PCrCEST-", dir=slicer.app.temporaryPath))
        try:
            inputs = self.inputs()
            arguments = ["quantify", *write_inputs(inputs, self.folder), "--out", str(self.folder / "out")]
            name = f"{inputs.series[0].GetName()} {parameters.method}"
            self.started = (name, [node.GetID() for node in inputs.series])
            self.control.start([*arguments, *self.request().arguments(), "--progress", "json"])
        except Exception:
            self.removeFolder()
            raise

    def request(self):
        """What is asked for besides the scan."""
        p = self.panel.parameters
        return Request(
            method=p.method,
            model=p.model,
            device=self.device(),
            pools=p.pools,
            ksw=p.statedKsw,
            ksw_sd=p.statedKswSd,
            conversion=p.conversion,
            motion=p.motion,
            pcr_protons=p.pcrProtons,
            erode=p.erode,
            exclude_flagged=p.excludeFlagged,
        )

    def inputs(self):
        parameters = self.panel.parameters
        return choiceOf(parameters).inputs(parameters.method, parameters.onlyMuscles)

    def onDone(self, _facts):
        name, seriesIds = self.started
        found = [slicer.mrmlScene.GetNodeByID(i) for i in seriesIds]
        series = [node for node in found if node is not None]
        run = add_run(self.folder / "out", name, found[0], series)
        self.panel.showRun(run)

    def onFailed(self, sentence, details):
        slicer.util.errorDisplay(sentence, windowTitle=_("PCrCEST"), detailedText=details)

    def onEnded(self):
        self.removeFolder()
        self.panel.refresh()

    def removeFolder(self):
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def update(self, missing):
        """``missing`` is what the scan still lacks; a fit may lack more."""
        self.showModel()
        p = self.panel.parameters
        if p.method not in METHODS:
            p.method = NETWORK
        for combo, value in (
            (self.ui.methodSelector, p.method),
            (self.ui.poolsSelector, p.pools),
            (self.ui.conversionSelector, p.conversion),
            (self.ui.motionSelector, p.motion),
        ):
            combo.setCurrentIndex(max(combo.findData(value), 0))
        self.showSettings(p.method)
        missing = missing or choiceOf(p).missing_for(self.request())
        self.ui.applyButton.enabled = self.control.running or not missing
        return missing

    def showSettings(self, method):
        """A method's own settings only: a peak has a stated rate, the network a model and a device."""
        isPeak = is_peak_fit(method)
        shown = {
            "modelSelector": method == NETWORK,
            "deviceSelector": method == NETWORK,
            "poolsSelector": method == MULTI_POOL,
            "kswBox": isPeak,
            "kswSdBox": isPeak,
            "conversionSelector": isPeak,
        }
        for name, visible in shown.items():
            getattr(self.ui, name).visible = visible
            getattr(self.ui, f"{name}Label").visible = visible
