"""The protocol as a table that can be edited: what was acquired, key by key, checked as it is typed."""

import qt
from slicer.i18n import tr as _

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.protocol_text import as_text, as_value, check_document, keys_of, title_of

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
        self.keys = keys_of(document)
        self.isFilling = True
        try:
            self.table.setRowCount(len(self.keys))
            for row, key in enumerate(self.keys):
                name = qt.QTableWidgetItem(_(title_of(key)))
                name.setFlags(qt.Qt.ItemIsEnabled)
                self.table.setItem(row, 0, name)
                self.table.setItem(row, 1, qt.QTableWidgetItem(as_text(self.document.get(key))))
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
        value = as_value(self.keys[row], self.table.item(row, 1).text())
        if value is None:
            self.document.pop(self.keys[row], None)
        else:
            self.document[self.keys[row]] = value
        if self.check():
            self.onChange(dict(self.document))

    def check(self):
        """Say what is wrong with the document; return whether it is complete."""
        try:
            protocol = check_document(self.document, self.nFrames)
        except PCrCESTError as error:
            return self.say(str(error))
        self.message.text = protocol.describe()
        self.message.setStyleSheet("")
        return True

    def say(self, sentence):
        self.message.text = sentence
        self.message.setStyleSheet(f"color: {WRONG}")
        return False
