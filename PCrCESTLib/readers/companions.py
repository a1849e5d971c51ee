"""Maps and regions beside a series under the same prefix, as ``rat1_R1obs.nii.gz`` beside ``rat1_cest.nii.gz``.

Only names are compared; whether a file is what its name says is for ``read_map`` to find out. T1w is a T1-weighted
picture, not a T1 map.
"""

from __future__ import annotations

import re
from pathlib import Path

from PCrCESTLib.readers.nifti import stem_of

# Option of ``pcrcest quantify`` -> what follows the prefix in the name, lower case.
ROLE_NAMES = {
    "r1": r"r1(obs|map)?",
    "t1": r"t1(obs|map)?",
    "fm": r"(mt)?(fm|psr)(map)?",
    "b1": r"(rel|t)?b1(map|rel)?",
    "b0": r"(d)?b0(map|ppm|shift)?",
    "mask": r"(body)?mask",
    "rois": r"(rois?|labels?|legs|muscles?|dseg|seg(mentation)?)",
    "anatomy": r"(anat(omy)?|t[12]w|pdw)",
}
SERIES_ENDINGS = ("cest", "zspec", "zspectra", "z")
IMAGE_SUFFIXES = (".seg.nrrd", ".seq.nrrd", ".nii.gz", ".nii", ".nrrd")


def find_companions(series: Path) -> dict[str, Path]:
    """Files beside ``series`` by the option of ``quantify`` that takes them; the first by name where there are several.

    A file that several powers share may carry the prefix without the power: for ``rat1_0p5uT_cest`` both
    ``rat1_0p5uT_R1obs`` and ``rat1_R1obs`` are found, the longer prefix first.
    """
    try:
        beside = sorted(
            p for p in series.resolve().parent.iterdir() if p.name.lower().endswith(IMAGE_SUFFIXES)
        )
    except OSError:
        return {}
    found: dict[str, Path] = {}
    for prefix in _prefixes(series):
        for path in beside:
            role = _role(_image_stem(path), prefix)
            if role is not None and path != series.resolve():
                found.setdefault(role, path)
    return {role: found[role] for role in ROLE_NAMES if role in found}


def _prefixes(series: Path) -> list[str]:
    parts = stem_of(series).split("_")
    if parts[-1].lower() in SERIES_ENDINGS:
        parts = parts[:-1]
    return ["_".join(parts[:n]) for n in range(len(parts), 0, -1)] or [""]


def _role(stem: str, prefix: str) -> str | None:
    if prefix and not stem.startswith(prefix + "_"):
        return None
    rest = stem[len(prefix) + 1 if prefix else 0 :].lower()
    return next((role for role, names in ROLE_NAMES.items() if re.fullmatch(names, rest)), None)


def _image_stem(path: Path) -> str:
    suffix = next(s for s in IMAGE_SUFFIXES if path.name.lower().endswith(s))
    return path.name[: -len(suffix)]
