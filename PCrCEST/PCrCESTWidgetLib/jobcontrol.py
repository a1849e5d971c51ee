"""A long job behind a button: Apply becomes Cancel, a bar moves, and the window stays alive."""

import qt
from slicer.i18n import tr as _

from PCrCESTLib.job import Job, time_left

POLL_MILLISECONDS = 100


class JobControl:
    """Runs one job at a time and shows it in a button, a bar and a line of text.

    ``onDone(facts)`` is called after success, ``onFailed(sentence, details)`` after an error, ``onEnded()`` after
    everything. What they raise is reported and does not stop the polling of later jobs.
    """

    def __init__(self, button, bar, message, onDone, onFailed, onEnded):
        self.button, self.bar, self.message = button, bar, message
        self.onDone, self.onFailed, self.onEnded = onDone, onFailed, onEnded
        self.restingText, self.shortcut = button.text, button.shortcut
        self.job = None
        self.facts = None
        self.sentence = ""
        self.warnings = []
        self.isCancelled = False
        self.timer = qt.QTimer()
        self.timer.setInterval(POLL_MILLISECONDS)
        self.timer.connect("timeout()", self.poll)
        self.bar.visible = False

    @property
    def running(self):
        return self.job is not None

    def drive(self, panel, failure, prepare):
        """Let the button start a job and cancel it: ``prepare`` starts it, ``failure`` heads what that raises."""
        self.panel, self.failure, self.prepare = panel, failure, prepare
        self.button.connect("clicked(bool)", self.onPressed)

    def onPressed(self, _checked=False):
        if self.running:
            self.cancel()
            return
        with self.panel.guarded(self.failure):
            self.prepare()

    def start(self, arguments):
        self.facts, self.sentence, self.warnings, self.isCancelled = None, "", [], False
        self.job = Job(arguments)
        self.setButtonText(_("Cancel"))
        self.bar.setValue(0)
        self.bar.visible = True
        self.message.text = _("Starting…")
        self.timer.start()

    def cancel(self):
        """Ask the job to stop; the end is noticed by the timer."""
        if self.job is not None:
            self.isCancelled = True
            self.message.text = _("Cancelling…")
            self.job.cancel()

    def stop(self):
        """End everything now, for a window that closes."""
        self.timer.stop()
        if self.job is not None:
            self.job.stop()
            self.rest(_("Stopped"))
            self.onEnded()

    def poll(self):
        if self.job is None:
            return
        for event in self.job.poll():
            self.take(event)
            if self.job is None:
                return

    def take(self, event):
        kind = event["event"]
        if kind == "progress":
            self.bar.setValue(round(100 * event["fraction"]))
            left = time_left(event["fraction"], self.job.seconds)
            self.message.text = event["stage"] + (f" · {left}" if left else "")
        elif kind == "warning":
            self.warnings.append(event["message"])
        elif kind == "done":
            self.facts = event
        elif kind == "error":
            self.sentence = event["message"]
        elif kind == "exit":
            self.end(event["code"])

    def end(self, code):
        details = self.job.details()
        self.timer.stop()
        try:
            if self.isCancelled:
                self.rest(_("Cancelled; nothing was changed"))
            elif code == 0 and self.facts is not None:
                self.rest(_("Done"))
                self.onDone(self.facts)
            else:
                sentence = self.sentence or _("The computation ended unexpectedly (code {code}).").format(code=code)
                self.rest(sentence)
                self.onFailed(sentence, details)
        finally:
            self.onEnded()

    def rest(self, text):
        self.job = None
        self.setButtonText(self.restingText)
        self.bar.visible = False
        self.message.text = text

    def setButtonText(self, text):
        """Qt drops a button's shortcut with its text."""
        self.button.text = text
        self.button.shortcut = self.shortcut
