"""*Train for this scanner*: a site's own model on the tissue background of its own scans."""

import importlib.util
import re
import shutil
import tempfile
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.protocol_json import save_protocol
from PCrCESTLib.protocols import joined_protocol
from PCrCESTLib.scene.inputs import Inputs, write_inputs
from PCrCESTLib.scene.series_nodes import protocol_of_node
from PCrCESTWidgetLib.jobcontrol import JobControl

LENGTHS = {"standard (a few minutes)": 4_000_000, "long": 12_000_000, "trial (not for use)": 200_000}
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]*"


class TrainGroup:
    """Writes the chosen scans, trains beside the window, and offers the finished model."""

    def __init__(self, panel):
        self.panel, self.ui = panel, panel.ui
        self.folder = None
        self.model = None  # file of the model in training
        self.ui.trainLength.addItems([_(text) for text in LENGTHS])
        self.control = JobControl(
            self.ui.trainButton, self.ui.trainBar, self.ui.trainMessage, self.onDone, self.onFailed, self.onEnded
        )
        self.control.drive(panel, _("The training cannot start"), self.start)
        self.ui.torchButton.connect("clicked(bool)", self.onInstallTorch)

    def hasTorch(self):
        return importlib.util.find_spec("torch") is not None

    def start(self):
        if not self.hasTorch():
            raise PCrCESTError(_("training needs PyTorch, which is not installed; press Install PyTorch"))
        name = self.ui.trainName.text.strip()
        if not re.fullmatch(NAME_PATTERN, name):
            raise PCrCESTError(_("{name!r} is no name for a model; use letters, digits, - and _").format(name=name))
        models = modelsFolder()
        if (models / f"{name}.json").exists():
            raise PCrCESTError(_("a model {name} exists already; give another name").format(name=name))
        self.folder = Path(tempfile.mkdtemp(prefix="PCrCEST-", dir=slicer.app.temporaryPath))
        self.model = models / f"{name}.json"
        try:
            self.control.start(self.arguments(name, models))
        except Exception:
            self.onEnded()
            raise

    def arguments(self, name, models):
        chosen = self.panel.quantify.inputs()
        nodes = chosen.series
        relaxation = {option: node for option, node in chosen.companions.items() if option in ("r1", "t1")}
        written = write_inputs(Inputs(nodes, relaxation, chosen.muscles), self.folder)
        series, maps = written[: len(nodes)], written[len(nodes) :]
        protocol = self.folder / "protocol.json"
        save_protocol(joined_protocol([protocol_of_node(node) for node in nodes]), protocol)
        samples = list(LENGTHS.values())[self.ui.trainLength.currentIndex]
        arguments = ["train", "--protocol", str(protocol), "--background-from", *series, *maps, "--name", name]
        return [*arguments, "--out", str(models), "--samples", f"{samples}", "--progress", "json"]

    def onDone(self, _facts):
        self.panel.quantify.addModel(str(self.model))

    def onFailed(self, sentence, details):
        slicer.util.errorDisplay(sentence, windowTitle=_("PCrCEST"), detailedText=details)

    def onEnded(self):
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def onInstallTorch(self, _checked=False):
        """Only on request, and only through the extension that knows which build fits this computer."""
        with self.panel.guarded(_("PyTorch cannot be installed")):
            if importlib.util.find_spec("PyTorchUtils") is None:
                raise PCrCESTError(
                    _("the PyTorch extension is not installed; install it in the Extensions Manager and restart")
                )
            import PyTorchUtils

            PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True)
            self.panel.refresh()

    def update(self, missing):
        hasTorch = self.hasTorch()
        self.ui.torchButton.visible = not hasTorch
        self.ui.trainButton.enabled = self.control.running or (hasTorch and not missing)


def modelsFolder():
    """Where models trained on this computer are kept: beside Slicer's settings, so that updates keep them."""
    return Path(slicer.app.userSettings().fileName()).parent / "PCrCEST-models"
