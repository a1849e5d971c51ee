"""One number a subject: values of a study sorted and averaged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from PCrCESTLib.study.values import Value


def subject_means(values: Sequence[Value]) -> dict[str, float]:
    """Return one number a subject: mean over sides and sessions, then over muscles.

    Over muscles, only those count that every subject has, so that no subject's mean is of other muscles than another's;
    nothing when there is none.
    """
    cells = muscle_means(values)
    subjects = {s for s, _ in cells}
    muscles = {m for _, m in cells}
    common = [m for m in sorted(muscles) if all((s, m) in cells for s in subjects)]
    return {s: float(np.mean([cells[s, m] for m in common])) for s in sorted(subjects)} if common else {}


def muscle_means(values: Sequence[Value]) -> dict[tuple[str, str], float]:
    """Average sides, then sessions, by (subject, muscle): a session with two sides counts once."""
    by_session: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for v in values:
        by_session[v.subject, v.muscle, v.session].append(v.value)
    cells: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (subject, muscle, _), numbers in by_session.items():
        cells[subject, muscle].append(float(np.mean(numbers)))
    return {key: float(np.mean(numbers)) for key, numbers in cells.items()}


def by(values: Sequence[Value], *keys: str) -> Iterable[tuple[tuple[str, ...], list[Value]]]:
    """Sort values by some of their fields."""
    found: dict[tuple[str, ...], list[Value]] = defaultdict(list)
    for value in values:
        found[tuple(getattr(value, key) for key in keys)].append(value)
    return found.items()


def of_group(means: Mapping[str, float], values: Sequence[Value], group: str) -> np.ndarray:
    """Return the numbers of the subjects of a group, sorted by name."""
    members = {v.subject for v in values if v.group == group}
    return np.array([means[s] for s in sorted(members) if s in means])
