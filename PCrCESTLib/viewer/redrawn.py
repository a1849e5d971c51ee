"""*Update table*: the table again with the muscles as drawn now, without computing the voxels once more."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.scene.runs import Run, add_run, find_runs, free_name, series_of_run
from PCrCESTLib.scene.table_again import take_table, write_for_stats
from PCrCESTLib.selection import Selection

if TYPE_CHECKING:
    from PCrCESTLib.viewer.application import Application


class RedrawnTable:
    """Runs ``pcrcest stats`` on the shown result; what comes of it is a result beside that one."""

    def __init__(self, app: Application) -> None:
        """Begin with nothing to do."""
        self.app = app
        app.edits["update_table"] = lambda _value: self.start()

    def start(self) -> None:
        """Make the table of the shown result again."""
        with self.app.guarded("The table cannot be updated"):
            run = self.app.results.run()
            request = self.app.quantification.request()
            inputs = self.app.choice.inputs(request.method)
            if run is None or inputs.muscles is None:
                raise PCrCESTError("a result and a drawn muscle are needed; draw one in the section Muscles")
            folder = Path(tempfile.mkdtemp(prefix="job-", dir=self.app.folder))
            try:
                arguments = ["stats", *write_for_stats(run, inputs, folder), *request.rules()]
                selection = Selection(request.erode, request.exclude_flagged)
                self.app.jobs.start(
                    f"Updating the table of {run.name}",
                    arguments,
                    lambda _facts: self._done(run, folder, selection),
                    lambda: shutil.rmtree(folder, ignore_errors=True),
                )
            except Exception:
                shutil.rmtree(folder, ignore_errors=True)
                raise

    def _done(self, run: Run, folder: Path, selection: Selection) -> None:
        result = take_table(run, folder, selection, self.app.jobs.warnings)
        series = series_of_run(run)
        name = free_name(f"{run.name} redrawn", [known.name for known in find_runs()])
        self.app.results.take(add_run(result, name, series[0] if series else None, series))
