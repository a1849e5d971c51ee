"""Left side of the page: scan, muscles, quantify, results, export, in the order of the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PCrCESTLib.viewer.application import Application

COMPACT = {"density": "compact", "hide_details": True}
FIELD = COMPACT | {"variant": "outlined", "classes": "mt-2"}
TOOLS = (
    ("paint", "mdi-brush", "brush (B)"),
    ("erase", "mdi-eraser", "eraser (E)"),
    ("outline", "mdi-draw", "draw around (O)"),
    ("polygon", "mdi-vector-polygon", "polygon: click corners, the right button closes it (P)"),
    ("threshold", "mdi-contrast-circle", "threshold (T)"),
)


def sections(_app: Application) -> None:
    """Put all sections into the page."""
    from trame.widgets import vuetify3

    with vuetify3.VExpansionPanels(
        v_model=("open_sections",), multiple=True, variant="accordion", flat=True, static=True
    ):
        _scan()
        _muscles()
        _quantify()
        _results()
        _export()


@contextmanager
def _section(name: str, title: str) -> Iterator[None]:
    from trame.widgets import vuetify3

    with vuetify3.VExpansionPanel(value=name, classes=f"section-{name}"):
        vuetify3.VExpansionPanelTitle(title)
        with vuetify3.VExpansionPanelText():
            yield


def _hint(variable: str, classes: str = "") -> None:
    from trame.widgets import html

    html.Div(f"{{{{ {variable} }}}}", v_if=variable, classes=f"pcr-hint my-1 {classes}")


def _button(text: str, click: str, classes: str, **options: Any) -> None:
    from trame.widgets import vuetify3

    vuetify3.VBtn(text, click=click, size="small", variant="tonal", classes=f"mr-1 mt-1 {classes}", **options)


def _save(text: str, kind: str, **options: Any) -> None:
    """Put a button into the page that makes a file of a kind (`Exports`)."""
    _button(text, f"utils.pcrcest.edit('export', '{kind}')", f"export-{kind}", **options)


def icon(name: str, title: str, click: str, classes: str = "", **options: Any) -> None:
    """Put a button that is only a picture into the page; its title is read by screen readers too."""
    from trame.widgets import vuetify3

    vuetify3.VBtn(
        icon=name,
        click=click,
        title=title,
        size="small",
        density="comfortable",
        variant="text",
        classes=classes,
        **options,
    )


def _scan() -> None:
    from trame.widgets import html, vuetify3

    with _section("scan", "Scan"):
        with html.Div(classes="d-flex align-center"):
            vuetify3.VTextField(
                v_model=("scan_path",),
                label="path on the server",
                keydown_enter="trigger('open_path', [scan_path])",
                __events=[("keydown_enter", "keydown.enter")],
                classes="scan-path mt-1",
                density="compact",
                hide_details=True,
                variant="outlined",
            )
            icon("mdi-folder-open", "browse the server", "trigger('browse', [''])", "browse ml-1")
        _button("Open", "trigger('open_path', [scan_path])", "open", disabled=("!scan_path",))
        _button("Upload files", "utils.pcrcest.pick(false)", "upload")
        _button("folder", "utils.pcrcest.pick(true)", "upload-folder")
        _button("Simulated leg", "trigger('sample')", "sample")
        vuetify3.VProgressLinear(v_if="upload_percent", model_value=("upload_percent",), height=4, classes="mt-2")
        vuetify3.VSelect(
            v_if="study_scans.length",
            items=("study_scans",),
            label=("`${study_scans.length} scans: choose one`",),
            update_modelValue="trigger('open_path', [$event])",
            **FIELD | {"classes": "mt-2 study"},
        )
        with html.Div(v_for="fact in scan_facts", key="fact.title + fact.text", classes="pcr-fact mt-1 d-flex"):
            with html.Div(style="flex: 1"):
                html.B("{{ fact.title }}")
                html.Span(": {{ fact.text }}")
            icon(
                "mdi-pencil",
                "protocol of this series",
                "trigger('edit_protocol', [fact.series])",
                "edit-protocol",
                v_if="fact.series >= 0",
            )
        _hint("scan_hint", "scan-hint")
        _hint("scan_model")
        _button("New subject", "trigger('new_subject')", "new-subject", v_if="scan_facts.length")


def _muscles() -> None:
    from trame.widgets import html, vuetify3

    with _section("muscles", "Muscles"):
        vuetify3.VSelect(v_model=("preset",), items=("presets",), label="preset", **FIELD)
        with html.Div(classes="d-flex"):
            vuetify3.VSelect(v_model=("muscle",), items=("preset_muscles",), label="muscle", **FIELD)
            vuetify3.VSelect(
                v_model=("side",),
                items=("[{title: 'none', value: ''}, 'left', 'right']",),
                label="side",
                style="max-width: 105px",
                **FIELD | {"classes": "mt-2 ml-1 side"},
            )
        with html.Div(classes="d-flex align-center"):
            _button("Add", "utils.pcrcest.edit('add')", "add-muscle", disabled=("!scan_facts.length",))
            _button("Copy to next slice", "utils.pcrcest.edit('copy', 1)", "copy", disabled=("!segment",))
            icon("mdi-undo", "undo (Ctrl+Z)", "utils.pcrcest.edit('undo')", "undo", disabled=("!can_undo",))
            icon("mdi-redo", "redo (Ctrl+Y)", "utils.pcrcest.edit('redo')", "redo", disabled=("!can_redo",))
        with html.Div(classes="pcr-segments mt-1"), html.Div(
            v_for="s in segments",
            key="s.id",
            classes="pcr-segment",
            v_bind_class="{'is-chosen': s.id === segment}",
            click="utils.pcrcest.edit('segment', s.id)",
        ):
            html.Div(classes="pcr-swatch", v_bind_style="{background: s.color}")
            html.Span("{{ s.name }}", style="flex: 1")
            html.Span("{{ s.voxels }}", classes="voxels mr-1", title="voxels")
            icon("mdi-close", "remove", "$event.stopPropagation(); utils.pcrcest.edit('remove', s.id)")
        with html.Div(v_if="segments.length", classes="d-flex align-center mt-1"):
            for tool, picture, title in TOOLS:
                icon(
                    picture,
                    title,
                    f"utils.pcrcest.edit('tool', '{tool}')",
                    f"tool-{tool}",
                    color=(f"tool === '{tool}' ? 'primary' : undefined",),
                )
            vuetify3.VSlider(
                v_if="tool === 'paint' || tool === 'erase'",
                v_model=("brush_mm",),
                min=0.2,
                max=30,
                step=0.1,
                title=("`${brush_mm} mm`",),
                name="brush diameter, mm",
                classes="ml-2 brush",
                **COMPACT,
            )
        vuetify3.VCheckbox(
            v_if="segments.length > 1",
            model_value=("keep_others",),
            update_modelValue="utils.pcrcest.edit('keep_others', $event)",
            label="keep the other muscles",
            classes="keep-others",
            **COMPACT,
        )
        with html.Div(v_if="tool === 'threshold'", classes="d-flex align-center"):
            vuetify3.VRangeSlider(
                v_model=("threshold",),
                min=("threshold_limits[0]",),
                max=("threshold_limits[1]",),
                name="threshold",
                **COMPACT,
            )
            _button("Apply", "utils.pcrcest.edit('threshold_apply')", "threshold-apply")
        vuetify3.VSelect(
            v_if="draw_on_items.length",
            model_value=("draw_on",),
            update_modelValue="utils.pcrcest.edit('draw_on', $event)",
            items=("draw_on_items",),
            label="draw on",
            **FIELD,
        )
        _hint("muscles_hint")


def _quantify() -> None:
    from trame.widgets import html, vuetify3

    def select(name: str, label: str, shown: str | None = None) -> None:
        options = {} if shown is None else {"v_if": shown}
        vuetify3.VSelect(
            v_model=(name,), items=(f"{name}_items",), label=label, **options, **FIELD | {"classes": f"mt-2 {name}"}
        )

    def number(name: str, label: str) -> None:
        vuetify3.VTextField(v_model=(name,), label=label, type="number", **FIELD | {"classes": "mt-2 mr-1"})

    with _section("quantify", "Quantify"):
        select("method", "method")
        select("model", "model", "is_network")
        select("device", "device", "is_network")
        select("pools", "pools", "has_pools")
        with html.Div(v_if="is_peak_fit"):
            with html.Div(classes="d-flex"):
                number("ksw", "stated ksw (1/s)")
                number("ksw_sd", "± (1/s)")
            select("conversion", "from peak to fs")
        select("motion", "motion")
        with html.Div(classes="d-flex"):
            number("pcr_protons", "protons of a PCr")
            number("erode", "layers to erode")
        vuetify3.VCheckbox(v_model=("exclude_flagged",), label="leave out flagged voxels", **COMPACT)
        vuetify3.VCheckbox(v_model=("only_muscles",), label="inside the muscles only", **COMPACT)
        vuetify3.VBtn(
            "Run",
            click="utils.pcrcest.edit('run')",
            block=True,
            color="#1565c0",  # white on the dark theme's own blue has a contrast of 3 only
            classes="run mt-1",
            disabled=("!can_run || !!job",),
        )
        _hint("quantify_hint", "quantify-hint")


def _results() -> None:
    from trame.widgets import html, vuetify3

    with _section("results", "Results"):
        with html.Div(classes="d-flex align-center"):
            vuetify3.VSelect(v_model=("run",), items=("runs",), label="result", **FIELD)
            icon("mdi-delete-outline", "remove this result", "trigger('remove_run', [run])", disabled=("!run",))
        vuetify3.VSelect(v_model=("map_kind",), items=("map_items",), label="map", **FIELD | {"classes": "mt-2 map"})
        html.Div(
            "range {{ +map_range[0].toPrecision(3) }} – {{ +map_range[1].toPrecision(3) }}", classes="pcr-hint mt-2"
        )
        vuetify3.VRangeSlider(
            v_model=("map_range",),
            min=("map_limits[0]",),
            max=("map_limits[1]",),
            step=("map_step",),
            name="color range",
            classes="range",
            **COMPACT,
        )
        html.Div("opacity {{ Math.round(100 * opacity) }} %", classes="pcr-hint")
        vuetify3.VSlider(
            v_model=("opacity",), min=0, max=1, step=0.05, name="opacity", classes="opacity", **COMPACT
        )
        html.Div(
            "{{ doubt >= 100 ? 'all voxels' : `voxels whose SD is below ${doubt} % of the value` }}",
            classes="pcr-hint",
        )
        vuetify3.VSlider(
            v_model=("doubt",), min=5, max=100, step=5, name="largest SD, %", classes="doubt", **COMPACT
        )
        vuetify3.VSelect(
            v_model=("compare",),
            items=("[{title: 'nothing', value: ''}, ...runs.filter((r) => r.value !== run)]",),
            label="side by side with",
            **FIELD | {"classes": "mt-1 compare"},
        )


def _export() -> None:
    from trame.widgets import html, vuetify3

    with _section("export", "Export"):
        _hint("export_hint")
        with html.Div(v_if="run"):
            _save("Everything (ZIP)", "maps")
            _save("This map (NIfTI)", "map")
            _save("Table (CSV)", "table", disabled=("!table_rows.length",))
            _save("Report", "report", disabled=("!!job",))
            with html.Div(classes="d-flex"):
                vuetify3.VCheckbox(v_model=("export_pdf",), label="as PDF", **COMPACT)
                vuetify3.VCheckbox(v_model=("export_deidentify",), label="de-identified", **COMPACT)
        _save("Picture", "picture", disabled=("!scan_facts.length",))
        _save("Spectrum (CSV)", "spectrum")
        _save("Muscles", "muscles", disabled=("!segments.length",))
