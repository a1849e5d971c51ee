"""What comes over the page: errors, the browser of the server's folders, the protocol, keys and mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PCrCESTLib.viewer.page.numbers import table
from PCrCESTLib.viewer.page.sections import FIELD

if TYPE_CHECKING:
    from PCrCESTLib.viewer.application import Application

KEYS = (
    ("B, E, O, P, T", "brush, eraser, draw around, polygon, threshold; again or Esc puts it down"),
    ("[ and ]", "smaller and larger brush (or Shift + wheel)"),
    ("Ctrl + Z, Ctrl + Y", "undo, redo"),
    ("arrow up, down; wheel", "next slice"),
    ("right drag; Ctrl + wheel", "zoom"),
    ("middle drag; Shift + drag", "move the image"),
    ("R", "the whole image again"),
    ("?", "this list"),
)


def dialogs(app: Application) -> None:
    """Put all of them into the page, closed."""
    app.state.setdefault("help_open", False)
    app.state.setdefault("details_open", False)
    _messages()
    _browser()
    _protocol()
    _all_numbers()
    _help()


def _messages() -> None:
    from trame.widgets import html, vuetify3

    with vuetify3.VSnackbar(
        model_value=("!!error",),
        update_modelValue="$event || (error = '')",
        timeout=-1,
        color="#b3261e",  # white on the dark theme's own red is hard to read
        location="top",
        classes="error",
        multi_line=True,
    ):
        html.Div("{{ error }}", raw_attrs=['role="alert"'])
        with html.Template(v_slot_actions=True):
            vuetify3.VBtn("Details", v_if="job_details", click="details_open = true", variant="text")
            vuetify3.VBtn("Close", click="error = ''; job_details = ''", variant="text", classes="close-error")
    with vuetify3.VSnackbar(
        model_value=("!!note",), update_modelValue="$event || (note = '')", timeout=6000, location="top", classes="note"
    ):
        html.Div("{{ note }}")
    with vuetify3.VDialog(v_model=("details_open",), max_width=800), vuetify3.VCard(title="Details"):
        with vuetify3.VCardText():
            html.Pre("{{ job_details }}", classes="pcr-details")
        with vuetify3.VCardActions():
            vuetify3.VBtn("Close", click="details_open = false")


def _browser() -> None:
    from trame.widgets import html, vuetify3

    with vuetify3.VDialog(v_model=("browse_open",), max_width=720, scrollable=True), vuetify3.VCard(
        title="Open from the server", classes="browser"
    ):
        with vuetify3.VCardText(style="height: 420px"):
            html.Div("{{ browse_folder || 'opened folders' }}", classes="pcr-fact mb-1")
            with html.Div(v_if="browse_folder", classes="pcr-entry", click="trigger('browse', [browse_above])"):
                vuetify3.VIcon("mdi-arrow-up", size="small", classes="mr-2")
                html.Span("up")
            with html.Div(
                v_for="entry in browse_entries",
                key="entry.path",
                classes="pcr-entry",
                click="trigger(entry.folder ? 'browse' : 'open_path', [entry.path])",
            ):
                vuetify3.VIcon(("entry.folder ? 'mdi-folder' : 'mdi-file-outline'",), size="small", classes="mr-2")
                html.Span("{{ entry.name }}")
        with vuetify3.VCardActions():
            vuetify3.VBtn(
                "Open this folder",
                v_if="browse_folder",
                click="trigger('open_path', [browse_folder])",
                classes="open-folder",
                title="a DICOM series, a Bruker scan or study, or one 3D file a frame",
            )
            vuetify3.VSpacer()
            vuetify3.VBtn("Close", click="browse_open = false")


def _protocol() -> None:
    from trame.widgets import html, vuetify3

    with vuetify3.VDialog(v_model=("protocol_open",), max_width=640, scrollable=True), vuetify3.VCard(
        title=("`Protocol of ${protocol_title}`",), classes="protocol"
    ):
        with vuetify3.VCardText(style="max-height: 480px"):
            vuetify3.VTextField(
                v_for="row in protocol_rows",
                key="row.key",
                label=("row.title",),
                model_value=("row.text",),
                update_modelValue="trigger('protocol_typed', [row.key, $event])",
                v_bind_class="`protocol-${row.key}`",
                **FIELD,
            )
        html.Div("{{ protocol_message }}", classes="pcr-hint px-6 pt-2 protocol-message")
        with vuetify3.VCardActions():
            vuetify3.VBtn("Use", click="trigger('protocol_take')", color="primary", classes="protocol-take")
            vuetify3.VBtn("Cancel", click="protocol_open = false")


def _all_numbers() -> None:
    from trame.widgets import html, vuetify3

    with vuetify3.VDialog(v_model=("all_open",), max_width=1240, scrollable=True), vuetify3.VCard(
        title="All numbers of the muscles"
    ):
        with vuetify3.VCardText(style="max-height: 560px"), html.Div(style="overflow: auto"):
            table("all_columns", "all_rows", "pcr-table pcr-all")
        with vuetify3.VCardActions():
            vuetify3.VBtn("Save as CSV", click="utils.pcrcest.edit('export', 'table')")
            vuetify3.VBtn("Close", click="all_open = false", classes="close-all")


def _help() -> None:
    from trame.widgets import html, vuetify3

    with vuetify3.VDialog(v_model=("help_open",), max_width=560), vuetify3.VCard(title="Keys and mouse"):
        with vuetify3.VCardText(), vuetify3.VTable(density="compact"), html.Tbody():
            for keys, meaning in KEYS:
                with html.Tr():
                    html.Td(keys, style="white-space: nowrap")
                    html.Td(meaning)
        with vuetify3.VCardActions():
            vuetify3.VBtn("Close", click="help_open = false")
