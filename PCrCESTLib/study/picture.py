"""What the pictures of a study have in common: file, words, and how methods and muscles are spread over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN = ("fs", "ksw")  # AREX has a forest plot where it is no multiple of fs


class Placed(Protocol):
    """A number of one muscle by one method."""

    @property
    def method(self) -> str:
        """Key of the method."""

    @property
    def muscle(self) -> str:
        """Name without side."""


T = TypeVar("T", bound=Placed)


@dataclass(frozen=True)
class Picture:
    """A figure, the ``name`` of its file, and ``text`` that tells it to who cannot see it."""

    name: str
    text: str
    figure: Figure


def sheets(items: Sequence[T]) -> list[tuple[str, list[T]]]:
    """Spread numbers over figures: one a method, with a panel a muscle; of a single muscle one, with a panel a method.

    Returns
    -------
    list of (method, items)
        ``method`` is empty for the figure of all methods.
    """
    if not items:
        return []
    if len({item.muscle for item in items}) == 1:
        return [("", list(items))]
    methods = dict.fromkeys(item.method for item in items)
    return [(method, [item for item in items if item.method == method]) for method in methods]


def file_label(*names: str) -> str:
    """Return names as the end of a file's name, each after an underscore; empty ones leave nothing."""
    return "".join("_" + "".join(c if c.isalnum() or c in "-_" else "_" for c in n) for n in names if n)
