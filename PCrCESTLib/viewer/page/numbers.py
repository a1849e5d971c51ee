"""Right side of the page: the plot, the table of muscles, and what there is to know of the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PCrCESTLib.viewer.page.sections import FIELD

if TYPE_CHECKING:
    from PCrCESTLib.viewer.application import Application


def numbers(_app: Application) -> None:
    """Put plot and table into the page."""
    from trame.widgets import html, plotly, vuetify3

    with html.Div(classes="d-flex"):
        vuetify3.VSelect(
            v_model=("plot_of",), items=("plot_items",), label="plot", **FIELD | {"classes": "mt-2 plot-of"}
        )
        vuetify3.VSelect(
            v_model=("plot_view",),
            items=("plot_views",),
            label="part",
            style="max-width: 145px",
            disabled=("plot_of === 'boxes' || plot_of === 'motion'",),
            **FIELD | {"classes": "mt-2 ml-1 plot-view"},
        )
    html.Div("{{ plot_title }}", classes="pcr-title mt-2 plot-title")
    with html.Div(classes="pcr-plot"):
        plotly.Figure(
            state_variable_name="plot", display_mode_bar=False, responsive=True, style="width: 100%; height: 100%"
        )
    with html.Div(style="overflow-x: auto", v_if="table_rows.length"):
        table("table_columns", "table_rows", "pcr-table")
    vuetify3.VBtn(
        "All numbers",
        v_if="table_rows.length",
        click="trigger('all_numbers')",
        size="small",
        variant="tonal",
        classes="all-numbers mt-1 mr-1",
    )
    vuetify3.VBtn(
        "Update table",
        v_if="run && segments.length",
        click="utils.pcrcest.edit('update_table')",
        disabled=("!!job",),
        size="small",
        variant="tonal",
        classes="update-table mt-1",
        title="a further result with the muscles as drawn now; voxels are not computed again",
    )
    html.Div("{{ result_messages }}", v_if="result_messages", classes="pcr-hint mt-2 messages")


def table(columns: str, rows: str, classes: str) -> None:
    """Put a table into the page: the names of the variables with its titles and with its rows of texts."""
    from trame.widgets import html, vuetify3

    with vuetify3.VTable(density="compact", classes=classes):
        with html.Thead(), html.Tr():
            html.Th("{{ title }}", v_for=f"title in {columns}", key="title")
        with html.Tbody(), html.Tr(v_for=f"row, i in {rows}", key="i"):
            html.Td("{{ cell }}", v_for="cell, j in row", key="j")
