"""A quantification that is cancelled, and pages that are loaded again while one runs."""

from __future__ import annotations

import pytest

from PCrCESTLib.viewer.processes import all_processes, family

SLOW = "Bloch–McConnell fit"


@pytest.fixture(scope="module")
def page(visit):
    """The page with the simulated leg."""
    page = visit()
    page.open_sample()
    return page


def start(page, method: str) -> None:
    page.open_section("quantify")
    page.choose(".method", method)
    page.one(".run").click()
    page.until_state("job", "it !== ''")


def test_a_page_loaded_again_shows_the_progress_of_what_runs_and_can_cancel_it(page, viewer):
    before = len(family(viewer.pid, all_processes()))
    start(page, SLOW)
    page.until_state("job_percent", "it > 0")
    address = page.page.url
    page.page.reload()
    page.until_ready()
    assert page.page.url == address
    told = page.one(".job .text-truncate")
    assert told.inner_text().startswith("Computing sub-sim_cest-0.5uT bm: ")
    assert told.evaluate("(e) => e.scrollWidth <= e.clientWidth"), "the progress is cut off"
    page.one(".cancel").click()
    page.one(".job").wait_for(state="detached")
    assert page.one(".note").inner_text().startswith("Computing sub-sim_cest-0.5uT bm was cancelled")
    assert page.state("runs") == []
    assert page.state("error") == ""
    assert len(family(viewer.pid, all_processes())) == before


def test_after_a_cancelled_run_another_one_works_even_when_its_page_is_loaded_again(page):
    start(page, "two-branch network")
    page.page.reload()
    page.until_ready()
    page.until_state("runs", "it.length === 1")
    page.until_idle()
    assert len(page.table()) == 8
    assert page.state("scan_facts")


def test_a_second_run_is_not_started_beside_the_first(page):
    start(page, SLOW)
    assert page.one(".run").is_disabled()
    page.page.evaluate("window.trame.trigger('edit', ['run', null, 0, 0])")
    told = page.until_state("error", "it !== ''")
    assert "is still running" in told
    page.one(".close-error").click()
    page.one(".cancel").click()
    page.until_state("job", "it === ''")
