"""The chosen scan between the parameter node, which a scene keeps, and the library's `ScanChoice`."""

import slicer

from PCrCESTLib.scene.choice import MOST_SERIES, ScanChoice

SERIES = ("series1", "series2", "series3")
# Parameter and field of the choice.
NODES = {
    "anatomy": "anatomy", "relaxation": "relaxation", "b1Map": "b1", "b0Map": "b0", "fmMap": "fm", "muscles": "muscles",
}  # fmt: skip


def choiceOf(parameters):
    """What the user chose; series without gaps and repetitions."""
    chosen = [getattr(parameters, name) for name in SERIES]
    series = tuple(dict.fromkeys(node for node in chosen if node is not None))
    nodes = {field: getattr(parameters, name) for name, field in NODES.items()}
    return ScanChoice(series, relaxation_kind=parameters.relaxationKind.name.lower(), **nodes)


def choose(parameters, choice):
    """Put a choice into the parameters, all at once."""
    series = [*choice.series, *[None] * (MOST_SERIES - len(choice.series))]
    wanted = dict(zip(SERIES, series, strict=True)) | {name: getattr(choice, field) for name, field in NODES.items()}
    kinds = type(parameters.relaxationKind)
    wanted["relaxationKind"] = kinds[choice.relaxation_kind.upper()]
    with slicer.util.NodeModify(parameters):
        for name, value in wanted.items():
            if getattr(parameters, name) is not value:
                setattr(parameters, name, value)
