"""What is made of a whole result, by a process beside the window: the report to read, and the objects for the PACS."""

import importlib.util
import shutil
import tempfile
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from PCrCESTLib.errors import OutputError, PCrCESTError
from PCrCESTLib.scene.exports import dicom_source
from PCrCESTLib.scene.kept_files import kept_files
from PCrCESTLib.scene.runs import export_run
from PCrCESTWidgetLib.jobcontrol import JobControl

ANONYMOUS = "deidentified"
PDF_PACKAGE = "weasyprint"


class Document:
    """Writes the shown result into a folder of its own, runs a command on that, and says what became of it."""

    command = ""

    def __init__(self, export, button):
        self.export, self.panel, self.ui = export, export.panel, export.panel.ui
        self.button = button
        self.folder = None  # holds the result as files, for the running job
        self.result = None
        self.isWhole = True
        self.target = None
        self.control = JobControl(
            button, self.ui.exportBar, self.ui.exportMessage, self.onDone, self.onFailed, self.onEnded
        )
        self.control.drive(self.panel, _("The export failed"), self.start)

    @property
    def running(self):
        return self.control.running

    def start(self):
        run, target = self.panel.shownRun(), self.export.folder()
        if not self.isReady():
            return
        self.ui.openReportButton.visible = False
        arguments = self.arguments(run, target)
        self.folder = Path(tempfile.mkdtemp(prefix="PCrCEST-", dir=slicer.app.temporaryPath))
        try:
            self.result = self.folder / self.export.stem()  # the report tells its name
            export_run(run, self.result)
            self.isWhole = kept_files(run.run_id) is not None
            self.control.start([self.command, str(self.result), *arguments, "--progress", "json"])
        except Exception:
            self.onEnded()
            raise
        self.panel.refresh()

    def isReady(self):
        """Whether everything that the command needs is there; may ask for it."""
        return True

    def arguments(self, run, target):
        """Arguments of the command behind the result; asks before anything is replaced."""
        raise NotImplementedError

    def stem(self):
        """Head of file names, which tell whose scan it is unless that is not wanted."""
        return ANONYMOUS if self.panel.parameters.deidentify else self.export.stem()

    def options(self, *existing):
        """``--deidentify`` as chosen, and ``--overwrite`` where the user agrees to replace what exists."""
        found = [path for path in existing if path.is_dir() or path.is_file()]
        if found:
            self.export.free(found[0])
        return [
            *(["--deidentify"] if self.panel.parameters.deidentify else []),
            *(["--overwrite"] if found else []),
        ]

    def say(self, *notes):
        """Say what was written, and what there is to know of it."""
        if not self.isWhole:
            notes += (
                _("saved by an earlier version without anatomy, muscles and spectra: they are missing here"),
            )
        wrote = _("Wrote {what}").format(what=self.target)
        self.ui.exportMessage.text = "\n".join([wrote, *(f"• {note}" for note in notes)])

    def onDone(self, _facts):
        self.say(*self.control.warnings)

    def onFailed(self, sentence, details):
        slicer.util.errorDisplay(sentence, windowTitle=_("PCrCEST"), detailedText=details)

    def onEnded(self):
        if self.running:
            return  # it goes on in another way
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None
        self.panel.refresh()


class Report(Document):
    """``pcrcest report``: one page, and its PDF where that can be made."""

    command = "report"

    def __init__(self, export):
        Document.__init__(self, export, export.panel.ui.reportButton)
        self.withoutPdf = ""  # why there is none although it was asked for
        self.asked = []
        self.ui.openReportButton.visible = False
        self.ui.openReportButton.connect("clicked(bool)", self.onOpen)

    def isReady(self):
        """The pictures are drawn by matplotlib, which Slicer does not bring."""
        if importlib.util.find_spec("matplotlib") is not None:
            return True
        question = _(
            "The report needs the Python package matplotlib, which is not installed. Install it now?"
        )
        if not slicer.util.confirmOkCancelDisplay(question, windowTitle=_("PCrCEST")):
            return False
        qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)
        try:
            slicer.util.pip_install("matplotlib")
        except Exception as error:
            raise PCrCESTError(
                _("matplotlib cannot be installed ({reason}); is there a network?").format(reason=error)
            ) from error
        finally:
            qt.QApplication.restoreOverrideCursor()
        importlib.invalidate_caches()
        return True

    def arguments(self, _run, target):
        self.target = target / f"{self.stem()}_report.html"
        self.withoutPdf = ""
        wanted = [
            self.target,
            *([self.target.with_suffix(".pdf")] if self.panel.parameters.reportPdf else []),
        ]
        self.asked = ["--out", str(self.target), *self.options(*wanted)]
        return [*self.asked, *(["--pdf"] if len(wanted) > 1 else [])]

    def onDone(self, facts):
        self.target = Path(facts["out"])
        notes = [self.withoutPdf] if self.withoutPdf else self.control.warnings
        self.say(*notes)
        self.ui.openReportButton.visible = True

    def onFailed(self, sentence, details):
        """Without what the PDF needs, make the page alone."""
        if PDF_PACKAGE not in sentence or self.withoutPdf:
            Document.onFailed(self, sentence, details)
            return
        isThere = importlib.util.find_spec(PDF_PACKAGE) is not None
        why = sentence if isThere else _("the Python package weasyprint is not installed")
        self.withoutPdf = _("no PDF: {why}; open the page and print it to PDF").format(why=why)
        self.control.start([self.command, str(self.result), *self.asked, "--progress", "json"])

    def onOpen(self, _checked=False):
        with self.panel.guarded(_("The report cannot be opened")):
            isThere = self.target is not None and self.target.is_file()
            if not isThere or not qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self.target))):
                raise OutputError(
                    _("{path} cannot be opened; look for it in its folder").format(path=self.target)
                )


class Dicom(Document):
    """``pcrcest dicom``: joins the study of the scan where that was read from DICOM files that are still there."""

    command = "dicom"

    def __init__(self, export):
        Document.__init__(self, export, export.panel.ui.dicomButton)

    def arguments(self, run, target):
        self.target = target / f"{self.stem()}_dicom"
        isTaken = self.target.is_dir() and any(self.target.iterdir())
        options = self.options(*([self.target] if isTaken else []))
        source = dicom_source(run)
        return ["--out", str(self.target), *options, *(["--source", *map(str, source)] if source else [])]
