"""Looks and keys of the page at 1280 by 720: all of it can be reached and read, dark and light, and without a mouse."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pointing import eventually

from PCrCESTLib.commands.simulate import write_leg

SECTIONS = ("scan", "muscles", "quantify", "results", "export")
SLICES = 3
CUT_OFF = """(css) => [...document.querySelectorAll(css)]
    .filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1).map((e) => e.innerText)"""
# WCAG 2, relative luminance; the ground is the first ancestor that is not transparent.
CONTRAST = """(css) => [...document.querySelectorAll(css)]
    .filter((e) => e.offsetParent && e.innerText.trim()).map((e) => {
    const parts = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
        .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    let ground = [0, 0, 0], alpha = 1;
    for (let at = e; at; at = at.parentElement) alpha *= Number(getComputedStyle(at).opacity);
    for (let at = e; at; at = at.parentElement) {
        const color = parts(getComputedStyle(at).backgroundColor);
        if (color.length < 4 || color[3] > 0.9) { ground = color; break; }
    }
    const ink = parts(getComputedStyle(e).color);
    alpha *= ink[3] ?? 1;
    const seen = ink.slice(0, 3).map((c, i) => alpha * c + (1 - alpha) * ground[i]);
    const [low, high] = [light(seen), light(ground)].sort((a, b) => a - b);
    return [(high + 0.05) / (low + 0.05), e.innerText];
})"""
TEXTS = ".pcr-hint, .pcr-fact, .pcr-title, .pcr-table td, .v-expansion-panel-title, .v-app-bar .text-caption, .v-btn"


@pytest.fixture(scope="module")
def page(visit, opened_folder):
    """Page with a computed leg of several slices, all sections unfolded."""
    write_leg(opened_folder / "scan", "rat-4.7T-0.25uT", noise_sd=0.005, size=32, slices=SLICES)
    (series,) = (opened_folder / "scan").glob("*_cest*.nii.gz")
    page = visit()
    page.one(".scan-path input").fill(str(series))
    page.one(".scan-path input").press("Enter")
    page.until_state("scan_facts", "it.length > 1")
    page.until_idle()
    for name in SECTIONS:
        page.open_section(name)
    page.compute()
    return page


def test_nothing_is_cut_off_and_nothing_scrolls_sideways(page):
    for css in ("html", "body", ".v-main", ".v-navigation-drawer__content", ".pcr-views"):
        assert page.page.evaluate(CUT_OFF, css) == []
    assert page.page.evaluate(CUT_OFF, ".v-btn__content, .pcr-title, .pcr-hint, .pcr-fact") == []


@pytest.mark.parametrize("css", [".sample", ".add-muscle", ".run", ".compare", ".export-muscles", ".all-numbers"])
def test_every_part_can_be_scrolled_to(page, css):
    page.one(css).scroll_into_view_if_needed()
    box = page.one(css).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    assert 47 <= box["y"] <= 721 - box["height"]


def test_dark_and_light_can_both_be_read(page):
    grounds = []
    for _ in range(2):
        eventually(lambda: is_readable(page), 5)  # colors change gradually
        ground = page.page.evaluate("getComputedStyle(document.querySelector('.pcr-left')).backgroundColor")
        grounds.append(np.mean([int(n) for n in re.findall(r"\d+", ground)[:3]]))
        before = page.state("plot")["layout"]["font"]["color"]
        page.one(".theme").click()
        page.until_state("plot", f"it.layout.font.color !== '{before}'")
    assert min(grounds) < 60 < 200 < max(grounds)


def is_readable(page) -> None:
    assert [(ratio, text) for ratio, text in page.page.evaluate(CONTRAST, TEXTS) if ratio < 4.5] == []


def test_tools_are_taken_and_put_down_by_keys(page):
    press = page.page.keyboard.press
    for key, tool in {"b": "paint", "e": "erase", "o": "outline", "p": "polygon", "t": "threshold"}.items():
        press(key)
        page.until_state("tool", f"it === '{tool}'")
        press(key if tool == "paint" else "Escape")
        page.until_state("tool", "it === ''")
    size = page.state("brush_mm")
    press("]")
    bigger = page.until_state("brush_mm", f"it > {size}")
    press("[")
    page.until_state("brush_mm", f"it < {bigger}")


def test_keys_that_are_typed_into_a_field_take_no_tool(page):
    page.one(".scan-path input").fill("")
    page.one(".scan-path input").press_sequentially("bet")
    assert page.one(".scan-path input").input_value() == "bet"
    page.one(".pcr-title").click()
    page.page.keyboard.press("b")
    page.until_state("tool", "it === 'paint'")
    page.page.keyboard.press("Escape")
    page.until_state("tool", "it === ''")


def test_the_list_of_keys_opens_by_its_key(page):
    page.page.keyboard.press("?")
    dialog = page.page.locator(".v-overlay--active").filter(has_text="Keys and mouse")
    dialog.wait_for()
    page.page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")


def test_arrows_and_wheel_go_through_the_slices(page, tmp_path):
    shown = page.until_state("slice", f"it === {SLICES // 2}")
    before = page.picture(tmp_path / "before.png")
    page.page.keyboard.press("ArrowUp")
    page.until_state("slice", f"it === {shown + 1}")
    eventually(lambda: differs(page.picture(tmp_path / "after.png"), before))
    page.page.keyboard.press("ArrowDown")
    page.until_state("slice", f"it === {shown}")
    box = page.view()
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.page.mouse.wheel(0, 120)
    moved = page.until_state("slice", f"it !== {shown}")
    page.page.mouse.wheel(0, -120)
    page.until_state("slice", f"it !== {moved}")


def differs(one, other) -> None:
    assert np.abs(one - other).mean() > 0.5


def test_every_button_and_slider_has_a_name_for_screen_readers(page):
    named = "(e) => e.title || e.innerText.trim() || e.getAttribute('aria-label')"
    for css in ("button", ".opacity [role=slider]", ".slice [role=slider]", ".doubt [role=slider]"):
        names = page.page.locator(f"{css} >> visible=true").evaluate_all(f"(all) => all.map({named})")
        assert names
        assert all(names)
