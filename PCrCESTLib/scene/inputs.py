"""From nodes to the files and arguments of a quantification: interfaces run the very command that a script does."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.image_files import write_image
from PCrCESTLib.protocol_json import save_protocol
from PCrCESTLib.readers.nifti import stem_of
from PCrCESTLib.scene.exports import file_stem
from PCrCESTLib.scene.muscles import segment_mask, write_segmentation
from PCrCESTLib.scene.series_nodes import series_of
from PCrCESTLib.scene.volumes import array_of, geometry_of

COMPANIONS = ("r1", "t1", "b1", "b0", "fm", "anatomy")


@dataclass(frozen=True)
class Inputs:
    """What the user chose.

    Parameters
    ----------
    series : list of sequence nodes
        The powers of one subject.
    companions : dict
        Scalar volume nodes by option name (`COMPANIONS`).
    muscles : segmentation node or None
        Regions of the table.
    only_muscles : bool
        Compute inside the muscles only.
    """

    series: list[Any]
    companions: dict[str, Any] = field(default_factory=dict)
    muscles: Any | None = None
    only_muscles: bool = False


def write_inputs(inputs: Inputs, folder: Path) -> list[str]:
    """Write everything into a folder; return the arguments of ``pcrcest quantify`` that name the files.

    Raises
    ------
    PCrCESTError
        When a node cannot be used; the sentence names it.
    """
    arguments: list[str] = []
    for i, node in enumerate(inputs.series):
        series = series_of(node)
        path = _place(folder, f"series-{i + 1}", node)
        write_image(series.data, series.geometry, path)
        save_protocol(series.protocol, path.with_name(f"{stem_of(path)}.json"))
        arguments.append(str(path))
    for option, node in inputs.companions.items():
        path = _place(folder, option, node)
        values = array_of(node)
        if values.ndim != 3:
            raise ReaderError(f"{node.GetName()}: a volume with one value a voxel is expected for --{option}")
        write_image(values.astype(np.float32), geometry_of(node), path)
        arguments += [f"--{option}", str(path)]
    if inputs.muscles is not None:
        reference = inputs.series[0].GetNthDataNode(0)
        arguments += _write_muscles(inputs.muscles, reference, inputs.only_muscles, folder)
    return arguments


def _place(folder: Path, role: str, node: Any) -> Path:
    """Where a node is written: under its own name, which is what messages of the job call it by."""
    name = file_stem(node.GetName()) or role
    (folder / role).mkdir()
    return folder / role / f"{name}.nii.gz"


def _write_muscles(muscles: Any, reference: Any, only_muscles: bool, folder: Path) -> list[str]:
    path = folder / "muscles.seg.nrrd"
    write_segmentation(muscles, reference, path)
    arguments = ["--rois", str(path)]
    if only_muscles:
        contents = muscles.GetSegmentation()
        masks = [
            segment_mask(muscles, contents.GetNthSegmentID(i), reference)
            for i in range(contents.GetNumberOfSegments())
        ]
        mask = folder / "mask.nii.gz"
        write_image(np.any(masks, axis=0), geometry_of(reference), mask)
        arguments += ["--mask", str(mask)]
    return arguments
