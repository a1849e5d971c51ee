"""Reads a map in a picture as a user does: by the color bar beside it."""

from __future__ import annotations

import numpy as np

COLORED = 40.0  # difference of the color channels beyond which nobody calls it gray


def color_bar(picture: np.ndarray) -> np.ndarray:
    """Colors of the bar from its lower to its upper end, (rows, 3): the longest upright stripe of even rows."""
    right = picture[:, 3 * picture.shape[1] // 4 :]
    colored = np.ptp(right, axis=2) > COLORED
    best: tuple[int, int, int] = (0, 0, 0)
    for column in range(2, right.shape[1] - 2):
        even = np.abs(right[:, column] - right[:, column + 2]).max(axis=1) < 12
        length, top = _longest(colored[:, column] & even)
        best = max(best, (length, top, column))
    length, top, column = best
    assert length > 100, "no color bar is shown"
    return right[top : top + length, column][::-1]


def value_of(color: np.ndarray, bar: np.ndarray, shown: tuple[float, float]) -> float:
    """Value that a color has on the bar of a range; fails for a color that is not on it."""
    distance = np.linalg.norm(bar - color, axis=1)
    assert distance.min() < 25, f"{color} is no color of the bar"
    return float(np.interp(distance.argmin(), (0, len(bar) - 1), shown))


def _longest(flags: np.ndarray) -> tuple[int, int]:
    """Length and start of the longest run of true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    if len(edges) == 0:
        return 0, 0
    lengths = edges[1::2] - edges[::2]
    longest = int(lengths.argmax())
    return int(lengths[longest]), int(edges[2 * longest])
