"""Commands that run beside a session, one at a time: started, followed, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.job import Job, time_left

if TYPE_CHECKING:
    from PCrCESTLib.viewer.application import Application

POLL_SECONDS = 0.1


class Jobs:
    """The one running ``pcrcest`` command of a session and its progress in the page."""

    def __init__(self, app: Application) -> None:
        """Begin with none."""
        self.app, self.state = app, app.state
        self._job: Job | None = None
        self._is_cancelled = False
        self.warnings: list[str] = []
        self.state.update({"job": "", "job_percent": 0, "job_stage": "", "job_details": ""})
        app.trigger("cancel", self.cancel)

    @property
    def running(self) -> bool:
        """Whether a command runs."""
        return self._job is not None

    def start(
        self,
        name: str,
        arguments: Sequence[str],
        done: Callable[[dict[str, Any]], None],
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """Start ``pcrcest ARGUMENTS``.

        Parameters
        ----------
        name : str
            What the page calls it.
        arguments : sequence of str
            Without ``--progress``.
        done : callable
            Gets the facts of the ``done`` event when the command succeeded.
        ended : callable
            Is called in the end, whatever happened.

        Raises
        ------
        PCrCESTError
            While another one runs.
        """
        if self._job is not None:
            raise PCrCESTError(f"{self.state.job} is still running; wait for it, or cancel it")
        self.warnings, self._is_cancelled = [], False
        self._job = Job([*arguments, "--progress", "json"])
        self.state.update({"job": name, "job_percent": 0, "job_stage": "starting", "job_details": ""})
        self.app.later(self._follow(self._job, name, done, ended), name)

    async def _follow(
        self, job: Job, name: str, done: Callable[[dict[str, Any]], None], ended: Callable[[], None]
    ) -> None:
        facts: dict[str, Any] | None = None
        sentence = ""
        code = 0
        try:
            while job.running:
                for event in job.poll():
                    kind = event["event"]
                    if kind == "progress":
                        self._show(job, event)
                    elif kind == "warning":
                        self.warnings.append(str(event["message"]))
                    elif kind == "done":
                        facts = event
                    elif kind == "error":
                        sentence = str(event["message"])
                    elif kind == "exit":
                        code = int(event["code"])
                await asyncio.sleep(POLL_SECONDS)
        finally:
            self._job = None
            self.state.update({"job": "", "job_stage": ""})
        try:
            if self._is_cancelled:  # whatever its code: it may have been ended before it could catch that
                self.state.note = f"{name} was cancelled; nothing was changed."
            elif facts is not None and code == 0:
                done(facts)
            else:
                self.state.job_details = job.details()
                raise PCrCESTError(sentence or f"it ended with code {code}; see the details")
        finally:
            ended()
            self.app.refresh()

    def _show(self, job: Job, event: dict[str, Any]) -> None:
        fraction = float(event["fraction"])
        left = time_left(fraction, job.seconds)
        stage = f"{event['stage']}, {left}" if left else str(event["stage"])
        with self.state:
            self.state.update({"job_percent": round(100 * fraction), "job_stage": stage})

    def cancel(self) -> None:
        """Ask the running command to stop."""
        if self._job is not None:
            self._is_cancelled = True
            self.state.job_stage = "cancelling"
            self._job.cancel()

    def stop(self) -> None:
        """End the running command now, for a session that ends."""
        if self._job is not None:
            self._job.stop()
