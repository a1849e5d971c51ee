"""*Update table*: the table again with the muscles as drawn now, without computing the voxels once more."""

import shutil
import tempfile
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.scene.runs import add_run, free_name, series_of_run
from PCrCESTLib.scene.table_again import take_table, write_for_stats
from PCrCESTLib.selection import Selection
from PCrCESTWidgetLib.jobcontrol import JobControl


class TableUpdate:
    """Runs ``pcrcest stats`` on the shown result; what comes of it is a result beside that one."""

    def __init__(self, panel):
        self.panel, self.ui = panel, panel.ui
        self.folder = None
        self.started = None  # the run and the rules
        self.toldOf = None  # the shown run that the message is about
        self.control = JobControl(
            self.ui.updateTableButton,
            self.ui.tableBar,
            self.ui.tableMessage,
            self.onDone,
            self.onFailed,
            self.onEnded,
        )
        self.control.drive(panel, _("The table cannot be updated"), self.start)

    def start(self):
        run, inputs = self.panel.shownRun(), self.panel.quantify.inputs()
        if inputs.muscles is None:
            raise PCrCESTError(_("no muscle is drawn; draw one in the section Muscles"))
        self.started = (run, Selection(self.panel.parameters.erode, self.panel.parameters.excludeFlagged))
        self.folder = Path(tempfile.mkdtemp(prefix="PCrCEST-", dir=slicer.app.temporaryPath))
        try:
            arguments = ["stats", *write_for_stats(run, inputs, self.folder), *self.panel.quantify.request().rules()]
            self.control.start([*arguments, "--progress", "json"])
            self.panel.refresh()
        except Exception:
            self.onEnded()
            raise

    def onDone(self, _facts):
        with self.panel.guarded(_("The table cannot be updated")):
            run, selection = self.started
            result = take_table(run, self.folder, selection, self.control.warnings)
            series = series_of_run(run)
            taken = {known.name for known in self.panel.results.runs.values()}
            name = free_name(run.name + " " + _("redrawn"), taken)
            self.panel.showRun(add_run(result, name, series[0] if series else None, series))
            self.ui.tableMessage.text = _("A result of its own: the muscles as drawn now.")

    def onFailed(self, sentence, details):
        slicer.util.errorDisplay(sentence, windowTitle=_("PCrCEST"), detailedText=details)

    def onEnded(self):
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None
        run = self.panel.shownRun()
        self.toldOf = None if run is None else run.run_id
        self.panel.refresh()

    def update(self, run):
        if not self.control.running and (run is None or run.run_id != self.toldOf):
            self.ui.tableMessage.text = ""
        hasMuscles = self.panel.logic.filledMuscles(self.panel.parameters) is not None
        self.ui.updateTableButton.enabled = self.control.running or (run is not None and hasMuscles)
        self.ui.tableStatus.visible = self.control.running or bool(self.ui.tableMessage.text)
