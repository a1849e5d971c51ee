"""The document says how it was made, lists every chapter, and every figure it shows is there."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from PCrCESTLib.evaluation.document import LARGEST_FIGURE_BYTES, Origin, document_text, write_document
from PCrCESTLib.evaluation.section import REDUCED, Section
from PCrCESTLib.figures.canvas import new_figure
from PCrCESTLib.models.card import ModelCard
from PCrCESTLib.models.model import Model
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.rivals.rival import RivalCard

PROTOCOL = named_protocol("rat-4.7T-dual")


def origin(**changes):
    card = ModelCard(
        "ours",
        PROTOCOL,
        (0, 1),
        (0, 1),
        (1, 1),
        {"samples": 12_000_000, "seconds": 1200},
        weights_sha256="ab" * 32,
    )
    rival = RivalCard(
        "cnn-authors-full",
        "cnn",
        (0.5, 1.0),
        (0.0,),
        0.7,
        {"data": "authors-full", "samples": 1000, "seconds": 5},
        "cd" * 32,
    )
    settings = {
        "command": "pcrcest evaluate --out x",
        "protocol": PROTOCOL,
        "effort": REDUCED,
        "models": [Model(card, np.zeros(1), {})],
        "rivals": [rival],
    }
    return Origin(**(settings | changes))


def picture(noisy=False):
    figure = new_figure("a test", figsize=(5, 5))
    axes = figure.subplots()
    values = np.random.default_rng(0).random((900, 900) if noisy else (2, 2))
    axes.imshow(values, interpolation="nearest")
    return figure


@pytest.fixture
def sections():
    return [
        Section(
            "First: one",
            "some *text*",
            (("a.png", picture()), ("b.png", picture())),
            {"rmse": np.float64(0.1)},
        ),
        Section("Second", "more", (), {"coverage": float("nan"), "values": np.arange(3)}),
    ]


def test_every_chapter_and_every_figure_is_there(sections, tmp_path):
    files = write_document(tmp_path, sections, origin())
    text = (tmp_path / "evaluation.md").read_text(encoding="utf-8")
    for section in sections:
        assert f"## {section.title}\n\n{section.text}" in text
    shown = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert shown == ["evaluation/a.png", "evaluation/b.png"]
    assert all((tmp_path / name).is_file() for name in [*shown, *files])
    assert sorted(files) == sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*"))


def test_links_of_the_contents_lead_to_the_headings(sections):
    text = document_text(sections, origin())
    targets = re.findall(r"\]\(#(.*?)\)", text)
    assert targets == ["first-one", "second"]


def test_it_says_how_it_was_made(sections):
    text = document_text(sections, origin(notes=["something was left out"], seconds={"Second": 12.4}))
    for fact in (
        "pcrcest evaluate --out x",
        f"seed {REDUCED.seed}",
        "something was left out",
        "cnn-authors-full",
        "authors-full",
        "12 000 000",
        "ab" * 6,
        "cd" * 6,
        "It took 12 s",
        "NumPy",
    ):
        assert fact in text


def test_the_numbers_are_strict_json(sections, tmp_path):
    write_document(tmp_path, sections, origin())
    text = (tmp_path / "evaluation.json").read_text(encoding="utf-8")
    numbers = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON number"))
    first, second = numbers["sections"]
    assert first["scores"] == {"rmse": 0.1}
    assert second["scores"] == {"coverage": None, "values": [0, 1, 2]}
    assert numbers["effort"]["n_animals"] == REDUCED.n_animals
    assert numbers["models"] == [{"name": "ours", "sha256": "ab" * 32}]


def test_a_detailed_figure_stays_small(tmp_path):
    write_document(tmp_path, [Section("Noise", "", (("noise.png", picture(noisy=True)),))], origin())
    assert (tmp_path / "evaluation" / "noise.png").stat().st_size < LARGEST_FIGURE_BYTES
