"""Section *Export*: maps, table, figure, spectrum, scene, report and DICOM as files, whole or not at all."""

from pathlib import Path

import slicer
import vtk
from slicer.i18n import tr as _

from PCrCESTLib.errors import OutputError
from PCrCESTLib.scene.exports import export_table, file_stem, require_table
from PCrCESTLib.scene.runs import export_run
from PCrCESTLib.scene.spectra import write_spectra
from PCrCESTWidgetLib.documents import Dicom, Report


class ExportSection:
    """Every button writes into the chosen folder and says what it wrote; nothing is overwritten silently."""

    def __init__(self, panel):
        self.panel, self.ui = panel, panel.ui
        self.report, self.dicom = Report(self), Dicom(self)
        self.jobs = [self.report.control, self.dicom.control]
        self.ui.exportMapsButton.connect("clicked(bool)", lambda _checked: self.write(self.maps))
        self.ui.exportFigureButton.connect("clicked(bool)", lambda _checked: self.write(self.figure))
        self.ui.exportTableButton.connect("clicked(bool)", lambda _checked: self.write(self.table))
        self.ui.exportSpectrumButton.connect("clicked(bool)", lambda _checked: self.write(self.spectrum))
        self.ui.exportSceneButton.connect("clicked(bool)", lambda _checked: self.write(self.scene))
        self.ui.exportFolder.connect("currentPathChanged(QString)", lambda _path: self.panel.refresh())

    def write(self, what):
        with self.panel.guarded(_("The export failed")):
            self.ui.exportMessage.text = _("Wrote {what}").format(what=what(self.folder()))

    def folder(self):
        """The chosen folder."""
        text = self.ui.exportFolder.currentPath
        if not text:
            raise OutputError(_("no folder is chosen; choose one above"))
        folder = Path(text)
        if not folder.is_dir():
            raise OutputError(_("{folder}: there is no such folder; choose another").format(folder=folder))
        return folder

    def stem(self):
        return file_stem(self.panel.shownRun().name)

    def free(self, path):
        """The path itself, if the user agrees where a file lies there."""
        if path.exists() and not slicer.util.confirmYesNoDisplay(
            _("{path} exists. Replace it?").format(path=path), windowTitle=_("PCrCEST")
        ):
            raise OutputError(_("{path} was kept; choose another folder").format(path=path.name))
        return path

    def maps(self, folder):
        target = self.free(folder / self.stem())
        files = export_run(self.panel.shownRun(), target, overwrite=True)
        return _("{n} files in {folder}").format(n=len(files), folder=target)

    def figure(self, folder):
        path = self.free(folder / f"{self.stem()}.png")
        window = slicer.app.layoutManager().sliceWidget("Red").sliceView().renderWindow()
        window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(window)
        grab.ReadFrontBufferOff()
        writer = vtk.vtkPNGWriter()
        writer.SetFileName(str(path))
        writer.SetInputConnection(grab.GetOutputPort())
        writer.Write()
        if not path.is_file() or not path.stat().st_size:
            raise OutputError(_("{path} cannot be written; choose another folder").format(path=path))
        return path

    def table(self, folder):
        run = self.panel.shownRun()
        require_table(run)
        path = self.free(folder / f"{self.stem()}_muscles.csv")
        export_table(run, path)
        return path

    def spectrum(self, folder):
        plot = self.panel.results.plot
        if not plot.spectra:
            raise OutputError(_("no spectrum is plotted; point at a voxel or choose a muscle in Results"))
        path = self.free(folder / f"{self.stem()}_spectrum.csv")
        write_spectra(path, plot.title, plot.spectra)
        return path

    def scene(self, folder):
        path = self.free(folder / f"{self.stem()}.mrb")
        if not slicer.util.saveScene(str(path)):
            raise OutputError(_("{path} cannot be written; choose another folder").format(path=path))
        return path

    def update(self):
        run = self.panel.shownRun()
        hasFolder = bool(self.ui.exportFolder.currentPath)
        isBusy = self.report.running or self.dicom.running  # they share the line below
        for button in (
            self.ui.exportMapsButton,
            self.ui.exportFigureButton,
            self.ui.exportTableButton,
            self.ui.exportSpectrumButton,
            self.ui.exportSceneButton,
        ):
            button.enabled = run is not None and hasFolder and not isBusy
        for document in (self.report, self.dicom):
            document.button.enabled = document.running or (run is not None and hasFolder and not isBusy)
        if run is None:
            return _("There is no result to export yet.")
        return "" if hasFolder else _("Choose a folder for the files.")
