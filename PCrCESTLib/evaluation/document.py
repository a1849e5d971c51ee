"""The evaluation as files: one Markdown document, its figures, and its numbers for machines."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.evaluation.section import Effort, Section, markdown_table
from PCrCESTLib.models.model import Model
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.rivals.rival import RivalCard
from PCrCESTLib.version import __version__

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOCUMENT, NUMBERS, FIGURE_FOLDER = "evaluation.md", "evaluation.json", "evaluation"
LARGEST_FIGURE_BYTES = 200_000
DPI_TRIED = (110, 90, 72, 60)


@dataclass(frozen=True)
class Origin:
    """How an evaluation was made: everything that is needed to make it again.

    ``models`` are our networks, ``rivals`` the cards of those compared with; ``notes`` are what the reader must know
    of the run, such as what was left out; ``seconds`` by section title is how long each took.
    """

    command: str
    protocol: Protocol
    effort: Effort
    models: Sequence[Model]
    rivals: Sequence[RivalCard] = ()
    notes: Sequence[str] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


def write_document(folder: Path, sections: Sequence[Section], origin: Origin) -> list[str]:
    """Write document, figures and numbers into ``folder``; return the files' names.

    Figures lie in the folder ``evaluation``, each drawn as finely as fits 200 kB.
    """
    names = [DOCUMENT, NUMBERS]
    for section in sections:
        for name, figure in section.figures:
            path = folder / FIGURE_FOLDER / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(_png(figure))
            names.append(f"{FIGURE_FOLDER}/{name}")
    (folder / DOCUMENT).write_text(document_text(sections, origin), encoding="utf-8")
    numbers = json.dumps(_finite(_numbers(sections, origin)), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / NUMBERS).write_text(numbers + "\n", encoding="utf-8")
    return names


def document_text(sections: Sequence[Section], origin: Origin) -> str:
    """Return the Markdown: origin, contents, one chapter a section."""
    parts = ["# Evaluation of PCrCEST\n", _origin_text(origin)]
    parts.append("\n".join(f"- [{s.title}](#{_anchor(s.title)})" for s in sections) + "\n")
    for section in sections:
        parts.append(f"## {section.title}\n\n{section.text.strip()}\n")
        parts += [f"![{section.title}]({FIGURE_FOLDER}/{name})\n" for name, _ in section.figures]
    return "\n".join(parts)


def _origin_text(origin: Origin) -> str:
    effort = origin.effort
    lines = [
        f"Made with `{origin.command}`: {origin.protocol.describe()}. Effort {effort.name}: {effort.n_spectra} spectra "
        f"a test set, {effort.n_animals} animals a group, {effort.n_studies} studies; seed {effort.seed}. "
        f"{', '.join(f'{name} {version}' for name, version in versions().items())}."
        + (f" It took {sum(origin.seconds.values()):.0f} s." if origin.seconds else ""),
        "",
        *(f"- Note: {note}" for note in origin.notes),
        *([""] if origin.notes else []),
        _network_table(origin),
    ]
    return "\n".join(lines)


def _network_table(origin: Origin) -> str:
    header = ["name", "network", "trained on", "samples seen", "seconds", "weights (SHA-256)"]
    rows = [_our_row(model) for model in origin.models] + [_rival_row(card) for card in origin.rivals]
    return markdown_table(header, rows)


def _our_row(model: Model) -> list[str]:
    training = model.card.training
    families = f"{len(training['families'])} families of muscle" if "families" in training else "–"
    checksum = model.card.weights_sha256[:12] or "–"
    return [model.card.name, "two-branch (ours)", families, *_cost(training), checksum]


def _rival_row(card: RivalCard) -> list[str]:
    return [
        card.name,
        card.network,
        str(card.training.get("data", "–")),
        *_cost(card.training),
        card.weights_sha256[:12] or "–",
    ]


def _cost(training: Mapping[str, Any]) -> tuple[str, str]:
    """Spectra seen and seconds of a training, all earlier legs included."""
    samples, seconds = (_with_earlier_legs(training, count) for count in ("samples", "seconds"))
    return (
        "–" if samples is None else f"{samples:,.0f}".replace(",", " "),
        "–" if seconds is None else f"{seconds:.0f}",
    )


def _with_earlier_legs(training: Mapping[str, Any], count: str) -> float | None:
    last = training.get(count)
    return float(last + training.get(f"{count}_before", 0)) if isinstance(last, (int, float)) else None


def versions() -> dict[str, str]:
    """Versions of what computed."""
    import scipy

    return {
        "PCrCEST": __version__,
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "SciPy": str(scipy.__version__),
    }


def _numbers(sections: Sequence[Section], origin: Origin) -> dict[str, Any]:
    return {
        "command": origin.command,
        "effort": asdict(origin.effort),
        "protocol": origin.protocol.describe(),
        "versions": versions(),
        "models": [{"name": m.card.name, "sha256": m.card.weights_sha256} for m in origin.models],
        "rivals": [
            {"name": r.name, "network": r.network, "sha256": r.weights_sha256, "training": r.training}
            for r in origin.rivals
        ],
        "notes": list(origin.notes),
        "sections": [
            {
                "title": s.title,
                "seconds": round(origin.seconds.get(s.title, 0.0), 1),
                "figures": [f"{FIGURE_FOLDER}/{name}" for name, _ in s.figures],
                "scores": s.scores,
            }
            for s in sections
        ],
    }


def _finite(value: Any) -> Any:
    """Make JSON of it: what is not a number becomes null, and NumPy's scalars and arrays become Python's."""
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return _finite(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def _png(figure: Figure) -> bytes:
    """Draw as finely as fits 200 kB, but never coarser than 60 dpi."""
    content = b""
    for dpi in DPI_TRIED:
        stream = BytesIO()
        figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
        content = stream.getvalue()
        if len(content) < LARGEST_FIGURE_BYTES:
            break
    return content


def _anchor(title: str) -> str:
    """Link target that Markdown viewers make of a heading."""
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")
