"""The page: top bar, sections on the left, views in the middle, plot and numbers on the right; 1280 by 720 and up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PCrCESTLib.version import __version__
from PCrCESTLib.viewer.page.dialogs import dialogs
from PCrCESTLib.viewer.page.numbers import numbers
from PCrCESTLib.viewer.page.sections import icon, sections

if TYPE_CHECKING:
    from PCrCESTLib.viewer.application import Application

LEFT_PX, RIGHT_PX = 310, 430


def build_page(app: Application) -> None:
    """Lay the page out on the server of a session; everything in it is served by that server."""
    from trame.ui.vuetify3 import VAppLayout
    from trame.widgets import client, vuetify3

    assets = Path(__file__).with_name("assets")
    name = f"pcrcest-{__version__}"  # a new version must not meet the old script in the browser's store
    app.server.enable_module(
        {"serve": {name: str(assets)}, "scripts": [f"{name}/page.js"], "styles": [f"{name}/page.css"]}
    )
    app.state.trame__title = "PCrCEST"
    app.state.setdefault("upload_percent", 0)
    app.state.setdefault("open_sections", ["scan"])
    with VAppLayout(app.server, theme=("dark ? 'dark' : 'light'",)) as layout:
        client.ClientTriggers(mounted="utils.pcrcest.opened()")
        client.ClientStateChange(value="download", change="utils.pcrcest.fetchDownload(download)")
        _bar(app)
        with vuetify3.VNavigationDrawer(permanent=True, width=LEFT_PX, classes="pcr-left"):
            sections(app)
        with vuetify3.VNavigationDrawer(permanent=True, width=RIGHT_PX, location="right", classes="pa-2"):
            numbers(app)
        with vuetify3.VMain():
            _views(app, layout)
        dialogs(app)


def _bar(app: Application) -> None:
    from trame.widgets import html, vuetify3

    with vuetify3.VAppBar(density="compact", elevation=1):
        html.Div("PCrCEST", classes="text-h6 mx-4")
        html.Div("{{ busy }}", v_if="busy", classes="text-caption busy")
        with html.Div(v_if="job", classes="d-flex align-center job", style="min-width: 0; flex: 1"):
            vuetify3.VProgressLinear(
                model_value=("job_percent",), height=6, rounded=True, style="width: 160px; flex: none", color="primary"
            )
            html.Span("{{ job }}: {{ job_percent }} %, {{ job_stage }}", classes="text-caption mx-3 text-truncate")
            vuetify3.VBtn(
                "Cancel", size="small", variant="tonal", color="error", classes="cancel", click="trigger('cancel')"
            )
        vuetify3.VSpacer(v_if="!job")  # the progress needs the room
        html.Div("research software, not for diagnosis", classes="text-caption mr-3", style="opacity: 0.7")
        vuetify3.VBtn(
            icon=("dark ? 'mdi-weather-sunny' : 'mdi-weather-night'",),
            click="dark = !dark",
            size="small",
            classes="theme",
            title="dark or light",
        )
        vuetify3.VBtn(
            icon="mdi-keyboard",
            click="help_open = true",
            size="small",
            title="keys and mouse (?)",
        )


def _views(app: Application, layout: object) -> None:
    from trame.widgets import html, vuetify3

    with html.Div(classes="pcr-views", v_bind_class="{'has-slices': slices > 1}"):
        with html.Div(classes="pcr-grid"):
            app.workspace.layout.initialize_layout_grid(layout)
            html.Div(
                "{{ name }}",
                v_for="name, i in view_names",
                key="i",
                classes="pcr-view-name",
                v_bind_style="{left: `${50 * i}%`}",
            )
        icon(
            "mdi-fit-to-screen-outline", "the whole image (R)", "utils.pcrcest.edit('fit')", "pcr-fit", color="white"
        )
        with html.Div(classes="pcr-slices", v_show="slices > 1"):
            html.Span("slice {{ slice + 1 }} of {{ slices }}", classes="text-caption mr-3", style="width: 110px")
            vuetify3.VSlider(
                model_value=("slice",),
                update_modelValue="utils.pcrcest.edit('slice', $event)",
                min=0,
                max=("slices - 1",),
                step=1,
                hide_details=True,
                density="compact",
                classes="slice",
                name="slice",
            )
