"""Part *Export*: files of a result for the browser to save, and the report."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PCrCESTLib.errors import OutputError
from PCrCESTLib.scene.exports import export_table, file_stem
from PCrCESTLib.scene.muscles import write_segmentation
from PCrCESTLib.scene.runs import Run, export_run
from PCrCESTLib.scene.spectra import write_spectra

if TYPE_CHECKING:
    from PCrCESTLib.viewer.application import Application

DOWNLOADS = "downloads"


class Exports:
    """Writes into the session's folder for downloads and tells the page to fetch the file."""

    def __init__(self, app: Application) -> None:
        """Offer the files of whatever result is shown."""
        self.app, self.state = app, app.state
        (app.folder / DOWNLOADS).mkdir(exist_ok=True)
        self.state.update({"export_hint": "", "export_pdf": False, "export_deidentify": False})
        # What the page is to fetch: name, and a number, so that the same name twice is noticed.
        self.state.update({"download": {"name": "", "number": 0, "inline": False}})
        self._kinds: dict[str, Callable[[], Path | None]] = {
            "maps": self.maps,
            "map": self.map,
            "table": self.table,
            "spectrum": self.spectrum,
            "muscles": self.muscles,
            "picture": self.picture,
            "report": self.report,
        }
        app.edits["export"] = lambda kind: self.export(str(kind))

    def export(self, kind: str) -> None:
        """Make a file of a kind and let the page fetch it."""
        with self.app.guarded("The export failed"):
            if kind in self._kinds:
                path = self._kinds[kind]()
                if path is not None:
                    self.offer(path)

    def offer(self, path: Path, inline: bool = False) -> None:
        """Let the page fetch a file of the folder for downloads."""
        number = self.state.download["number"] + 1
        self.state.download = {"name": path.name, "number": number, "inline": inline}

    def _run(self) -> Run:
        run = self.app.results.run()
        if run is None:
            raise OutputError("no result is shown; compute one, or choose one in Results")
        return run

    def _stem(self) -> str:
        run = self.app.results.run()
        return file_stem(run.name if run is not None else "PCrCEST")

    def _place(self, ending: str) -> Path:
        return self.app.folder / DOWNLOADS / f"{self._stem()}{ending}"

    def maps(self) -> Path:
        """Return everything of the result in one ZIP file: maps, table, regions, spectra and provenance."""
        run, path = self._run(), self._place(".zip")
        with tempfile.TemporaryDirectory(dir=self.app.folder) as work:
            folder = Path(work) / self._stem()
            export_run(run, folder)
            with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # NIfTI is packed already
                for file in sorted(folder.iterdir()):
                    archive.write(file, f"{folder.name}/{file.name}")
        return path

    def map(self) -> Path:
        """Return the shown map as NIfTI."""
        run, kind = self._run(), self.app.results.kind()
        path = self._place(f"_{kind}.nii.gz")
        with tempfile.TemporaryDirectory(dir=self.app.folder) as work:
            export_run(run, Path(work) / "run")
            shutil.move(Path(work) / "run" / f"{kind}.nii.gz", path)
        return path

    def table(self) -> Path:
        """Return the numbers per muscle as CSV."""
        run, path = self._run(), self._place("_muscles.csv")
        export_table(run, path)
        return path

    def spectrum(self) -> Path:
        """Return the plotted spectra as CSV."""
        plot = self.app.plot
        if not plot.spectra:
            raise OutputError("no spectrum is plotted; point at a voxel or choose a muscle")
        path = self._place("_spectrum.csv")
        write_spectra(path, plot.title, plot.spectra)
        return path

    def muscles(self) -> Path:
        """Return the muscles as drawn, ``.seg.nrrd``."""
        reference = self.app.drawing.reference()
        if self.app.choice.muscles is None or reference is None:
            raise OutputError("no muscle is drawn; draw one first")
        path = self._place("_muscles.seg.nrrd")
        write_segmentation(self.app.choice.muscles, reference, path)
        return path

    def picture(self) -> Path:
        """Return the view as a picture."""
        path = self._place(".png")
        self.app.workspace.snapshot(path)
        return path

    def report(self) -> None:
        """Start the report; the page shows it when it is made."""
        run = self._run()
        folder = Path(tempfile.mkdtemp(prefix="job-", dir=self.app.folder))
        try:
            result = folder / self._stem()
            export_run(run, result)
            name = "deidentified" if self.state.export_deidentify else self._stem()
            page = self.app.folder / DOWNLOADS / f"{name}_report.html"
            options = ["--overwrite", *(["--pdf"] if self.state.export_pdf else [])]
            options += ["--deidentify"] if self.state.export_deidentify else []
            self.app.jobs.start(
                "Writing the report",
                ["report", str(result), "--out", str(page), *options],
                lambda _facts: self._report_made(page),
                lambda: shutil.rmtree(folder, ignore_errors=True),
            )
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _report_made(self, page: Path) -> None:
        pdf = page.with_suffix(".pdf")
        self.offer(pdf if self.state.export_pdf and pdf.is_file() else page)

    def update(self) -> None:
        """Say what is missing."""
        self.state.export_hint = "" if self.app.results.run() is not None else "There is no result to export yet."

