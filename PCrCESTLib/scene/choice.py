"""Which nodes of the scene are the scan: its powers, the maps beside them, and the muscles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.scene.inputs import Inputs
from PCrCESTLib.scene.request import Request, is_peak_fit
from PCrCESTLib.scene.series_nodes import protocol_of_node
from PCrCESTLib.scene.volumes import geometry_of

MOST_SERIES = 3
RELAXATIONS = ("r1", "t1")
# Field of the choice that takes what was loaded in this role (`scene.loading.load_scan`).
FIELDS = {"anatomy": "anatomy", "b1": "b1", "b0": "b0", "fm": "fm", "rois": "muscles"}


@dataclass(frozen=True)
class ScanChoice:
    """The chosen scan of one subject, as nodes of the scene; None for what is not given.

    Parameters
    ----------
    series : tuple of sequence nodes
        The same slices at different powers, `MOST_SERIES` at most.
    anatomy : volume node
        What is shown under the maps.
    relaxation : volume node
        Map of ``relaxation_kind``: ``r1`` (1/s) or ``t1`` (s or ms).
    b1, b0, fm : volume nodes
        B1 over its nominal value, water frequency (ppm), and fraction of macromolecules.
    muscles : segmentation node
        Regions of the table.
    """

    series: tuple[Any, ...] = ()
    anatomy: Any | None = None
    relaxation: Any | None = None
    relaxation_kind: str = "r1"
    b1: Any | None = None
    b0: Any | None = None
    fm: Any | None = None
    muscles: Any | None = None

    def joined(self, nodes: Mapping[str, Any]) -> ScanChoice:
        """Return the choice after a scan was loaded.

        A series on the grid of the chosen ones at another power of the same field is a further power of that subject.
        Anything else is a new subject, and no map of the old one is kept for it. A map that is chosen already stays.

        Parameters
        ----------
        nodes : mapping
            Nodes by role: ``series``, and what came with it.

        Raises
        ------
        ProtocolError, GeometryError
            When a series has no usable protocol, or no place.
        """
        new = nodes["series"]
        base = self if self._takes(new) else ScanChoice(relaxation_kind=self.relaxation_kind)
        found: dict[str, Any] = {"series": (*base.series, new)}
        for role, name in FIELDS.items():
            if role in nodes and getattr(base, name) is None:
                found[name] = nodes[role]
        kind = next((kind for kind in RELAXATIONS if kind in nodes), None)
        if kind is not None and base.relaxation is None:
            found |= {"relaxation": nodes[kind], "relaxation_kind": kind}
        return replace(base, **found)

    def _takes(self, node: Any) -> bool:
        """Whether a series is a further power of the chosen subject."""
        if not 0 < len(self.series) < MOST_SERIES:
            return False
        new = protocol_of_node(node)
        for other in self.series:
            old = protocol_of_node(other)
            if not geometry_of(other.GetNthDataNode(0)).same_as(geometry_of(node.GetNthDataNode(0))):
                return False
            if old.field_t != new.field_t or set(old.powers_ut) & set(new.powers_ut):
                return False
        return True

    def reference(self) -> Any | None:
        """Return the anatomy, on whose grid muscles are drawn; None where a frame of the series has to do."""
        return self.anatomy

    def drawn_muscles(self) -> Any | None:
        """Return the segmentation, None when there is no segment in it yet."""
        if self.muscles is None or self.muscles.GetSegmentation().GetNumberOfSegments() == 0:
            return None
        return self.muscles

    def inputs(self, method: str, only_muscles: bool = False) -> Inputs:
        """Return what a quantification by a method takes; fm belongs to the fits of a peak."""
        companions = {
            self.relaxation_kind: self.relaxation,
            "b1": self.b1,
            "b0": self.b0,
            "fm": self.fm if is_peak_fit(method) else None,
            "anatomy": self.anatomy,
        }
        return Inputs(
            series=list(self.series),
            companions={option: node for option, node in companions.items() if node is not None},
            muscles=self.drawn_muscles(),
            only_muscles=only_muscles,
        )

    def protocols(self) -> list[Protocol]:
        """Return what was acquired, one protocol a series; `ProtocolError` where one is not usable."""
        return [protocol_of_node(node) for node in self.series]

    def missing_for(self, request: Request) -> str:
        """Return why the method of a request cannot do with the scan, an empty text when it can."""
        try:
            return request.missing(self.protocols())
        except PCrCESTError as error:
            return str(error)
