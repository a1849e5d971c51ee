"""The protocol as a table that can be edited: what was acquired, key by key, checked as it is typed."""

import json

import qt
from slicer.i18n import tr as _

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.protocol_json import protocol_from_dict

# The keys that every scan needs, in the order in which people think of them; further ones follow as they come.
LABELS = {
    "MagneticFieldStrength": "Field (T)",
    "SaturationB1": "B1 (µT)",
    "SaturationDuration": "Saturation (s)",
    "SaturationType": "Saturation type",
    "SaturationOffsets": "Offsets",
    "SaturationOffsetsUnits": "Offsets in",
    "ReferenceFrames": "Reference frames",
    "Normalized": "Already M/M0",
    "RepetitionTime": "TR (s)",
}
WRONG = "#c0392b"


class ProtocolTable:
    """Shows a protocol document and calls ``onChange(document)`` after each edit that gives a valid protocol."""

    def __init__(self, table, message, onChange):
        self.table, self.message, self.onChange = table, message, onChange
        self.keys = []
        self.document = {}
        self.isFilling = False
        self.nFrames = None
        table.setColumnCount(2)
        table.setHorizontalHeaderLabels([_("Parameter"), _("Value")])
        table.horizontalHeader().setStretchLastSection(True)
        table.verticalHeader().setVisible(False)
        table.connect("cellChanged(int,int)", self.onCellChanged)

    def show(self, document, nFrames=None):
        """Show the keys of a document; it may be incomplete. ``nFrames`` is how many offsets are expected."""
        self.document, self.nFrames = dict(document), nFrames
        self.keys = list(LABELS) + [key for key in document if key not in LABELS and not key.endswith("B1Units")]
        self.isFilling = True
        try:
            self.table.setRowCount(len(self.keys))
            for row, key in enumerate(self.keys):
                name = qt.QTableWidgetItem(_(LABELS.get(key, key)))
                name.setFlags(qt.Qt.ItemIsEnabled)
                self.table.setItem(row, 0, name)
                self.table.setItem(row, 1, qt.QTableWidgetItem(asText(self.document.get(key))))
        finally:
            self.isFilling = False
        self.check()

    def clear(self):
        self.document, self.keys = {}, []
        self.table.setRowCount(0)
        self.message.text = ""

    def onCellChanged(self, row, column):
        if self.isFilling or column != 1 or row >= len(self.keys):
            return
        value = asValue(self.keys[row], self.table.item(row, 1).text())
        if value is None:
            self.document.pop(self.keys[row], None)
        else:
            self.document[self.keys[row]] = value
        if self.check():
            self.onChange(dict(self.document))

    def check(self):
        """Say what is wrong with the document; return whether it is complete."""
        try:
            protocol = protocol_from_dict(self.document)
        except PCrCESTError as error:
            return self.say(str(error))
        if self.nFrames is not None and protocol.n_frames != self.nFrames:
            return self.say(
                _("{n} offsets for {frames} frames; give one offset a frame, references included").format(
                    n=protocol.n_frames, frames=self.nFrames
                )
            )
        self.message.text = protocol.describe()
        self.message.setStyleSheet("")
        return True

    def say(self, sentence):
        self.message.text = sentence
        self.message.setStyleSheet(f"color: {WRONG}")
        return False


def asText(value):
    """A value of a protocol file as one types it."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join("none" if v is None else f"{v:g}" for v in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def asValue(key, text):
    """What was typed as a value of a protocol file; None for nothing."""
    text = text.strip()
    if not text:
        return [] if key == "ReferenceFrames" else None
    if text.lower() in ("yes", "true", "no", "false"):
        return text.lower() in ("yes", "true")
    parts = [p for p in text.replace("[", " ").replace("]", " ").replace(",", " ").replace(";", " ").split() if p]
    numbers = [None if p.lower() in ("none", "null") else asNumber(p) for p in parts]
    if any(isinstance(n, str) for n in numbers):
        return text
    if key == "ReferenceFrames":
        return [int(n) if n is not None and float(n).is_integer() else n for n in numbers]
    if key == "SaturationOffsets" or len(numbers) > 1:
        return numbers
    return numbers[0]


def asNumber(text):
    try:
        return json.loads(text) if text.lower() not in ("nan", "inf", "-inf") else text
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text
