"""A result without what could tell whose it is: names, identifiers, dates, paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PCrCESTLib.models.registry import bundled_names
from PCrCESTLib.muscles import PRESETS
from PCrCESTLib.readers.identity import ScanIdentity
from PCrCESTLib.readers.nifti import stem_of
from PCrCESTLib.report.result import Result
from PCrCESTLib.result_folder import CORRELATION

REMOVED = "[removed]"
BIDS_ENTITY = re.compile(r"(?:sub|ses)-([A-Za-z0-9]+)")
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d[-_./](?:0?[1-9]|1[0-2])[-_./](?:0?[1-9]|[12]\d|3[01])"
    r"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])[-./](?:0?[1-9]|1[0-2])[-./](?:19|20)\d\d)(?!\d)(?:T\d\d:\d\d(?::\d\d)?(?:[+-]\d\d:\d\d|Z)?)?"
)
_SEPARATORS = re.compile(r"[^0-9A-Za-z\u00c0-\uffff]+")
_QUANTITY = re.compile(r"\d+(?:p\d+)?(?:[munµ]?T|ms|s|Hz|ppm|mm|D|d)?", re.IGNORECASE)
SHORTEST = 3
# Words of files and folders that say what is in them, not whose it is.
_WORDS = {
    "anat", "anatomy", "b0ppm", "bruker", "cest", "control", "dicom", "label", "labels", "left", "legs", "map", "maps",
    "mask", "nifti", "nii", "out", "pcr", "pcrcest", "protocol", "r1map", "r1obs", "rat", "relb1", "result", "results",
    "right", "rois", "scan", "scans", "series", "sim", "simulated", "t1map", "tmp",
}  # fmt: skip


def deidentified(result: Result, header: ScanIdentity) -> Result:
    """Return the result without names, identifiers, dates and paths in any of its texts.

    Removed are the paths and names of all inputs and of the folder, their parts that may name a person or an animal,
    subject and session labels of BIDS, what the ``header`` of the scan says of subject and place, dates, and the time
    of the computation. Names of regions are kept, but for such parts. Checksums stay: they tell something only to who
    has the files.
    """
    whole, parts, words = _identifying(result)
    parts, words = parts | _of_header(header), words | set(_SEPARATORS.split(header.name)) - {""}
    clean, clean_name = _cleaner(whole, parts), _cleaner(whole, parts | words)
    record = _cleaned(result.record, clean)
    record["inputs"] = [{**item, "path": ""} for item in record["inputs"] if isinstance(item, dict)]
    for key in ("finished", CORRELATION):  # the latter has names of regions, and the spectra hold it
        record.pop(key, None)
    all_names = [*result.roi_names(), *(name for name, _ in result.regions), *(s.roi for s in result.spectra)]
    names = _distinct({name: clean_name(name) for name in all_names})
    return replace(
        result,
        folder=Path(),
        record=record,
        regions=tuple((names[name], mask) for name, mask in result.regions),
        rows=tuple(replace(row, roi=names[row.roi]) for row in result.rows),
        spectra=tuple(replace(s, roi=names[s.roi]) for s in result.spectra),
        missing=tuple(clean(sentence) for sentence in result.missing),
    )


def _distinct(names: dict[str, str]) -> dict[str, str]:
    """Give names that became the same a number."""
    taken: set[str] = set()
    found = {}
    for old, new in names.items():
        candidate, i = new, 2
        while candidate in taken:
            candidate, i = f"{new} ({i})", i + 1
        taken.add(candidate)
        found[old] = candidate
    return found


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item, clean) for item in value]
    if isinstance(value, dict):
        return {clean(str(key)): _cleaned(item, clean) for key, item in value.items()}
    return value


def _cleaner(whole: set[str], parts: set[str]) -> Callable[[str], str]:
    """Return the function that takes texts, and parts where they are words of their own, out of a text."""
    patterns = [re.escape(text) for text in sorted(whole, key=len, reverse=True)]
    patterns += [
        rf"(?<![0-9A-Za-z]){re.escape(p)}(?![0-9A-Za-z])" for p in sorted(parts, key=len, reverse=True)
    ]
    known = re.compile("|".join(patterns), re.IGNORECASE) if patterns else None

    def clean(text: str) -> str:
        without = known.sub(REMOVED, text) if known else text
        return _DATE.sub(REMOVED, without)

    return clean


def _identifying(result: Result) -> tuple[set[str], set[str], set[str]]:
    """Texts that identify wherever they stand, parts that do as words, and words that may in a region's name only.

    A lower-case word of a path (``data``, ``meier``) may stand in a sentence of this program; in a name of a region it
    is more likely a person's.
    """
    paths = [
        Path(str(item["path"]))
        for item in result.record["inputs"]
        if isinstance(item, dict) and item.get("path")
    ]
    folder = result.folder.resolve()
    whole = {str(folder), str(result.folder)}
    for path in paths:
        whole |= {str(path), str(path.parent), path.name, stem_of(path)}
    model = result.record.get("model")
    if isinstance(model, dict) and model.get("name") not in bundled_names():
        whole.add(str(model.get("name", "")))  # often called after the site
    pieces = [piece for path in [*paths, folder] for piece in path.parts]
    words = {w for piece in pieces for w in _SEPARATORS.split(piece) if len(w) >= SHORTEST and w.isalpha()}
    return (
        {w for w in whole if len(w) >= SHORTEST and w.casefold() not in _WORDS},
        _telling_parts(pieces),
        {w for w in words if w.casefold() not in _known_words()},
    )


def _of_header(header: ScanIdentity) -> set[str]:
    """Return what the header says of subject and place, whole and in its parts."""
    own = (
        header.name,
        header.subject_id,
        header.birth_date,
        header.accession,
        header.institution,
        header.station,
    )
    texts = {text for value in own for text in value.split("; ")}
    names = {part for part in _SEPARATORS.split(header.name) if len(part) >= SHORTEST}
    described = _telling_parts([header.institution, header.station, header.study, header.series])
    return {
        text for text in texts | names if len(text) >= SHORTEST and text.casefold() not in _WORDS
    } | described


def _telling_parts(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for name in names:
        found |= {m.group(0) for m in BIDS_ENTITY.finditer(name)}
        labels = {m.group(1) for m in BIDS_ENTITY.finditer(name)}
        found |= {label for label in labels if len(label) >= SHORTEST}
        found |= {part for part in _SEPARATORS.split(name) if _may_identify(part)}
    return {f for f in found if f.casefold() not in _known_words()}


def _may_identify(part: str) -> bool:
    """Whether a part of a file name may be a name or an identifier: it has a digit or a capital, or is no word."""
    if len(part) < SHORTEST or _QUANTITY.fullmatch(part):
        return len(part) >= 5 and part.isdigit()  # a long number may be an identifier
    return any(c.isdigit() or c.isupper() for c in part)


def _known_words() -> set[str]:
    muscles = {w for preset in PRESETS.values() for m in preset for w in _SEPARATORS.split(m.name.casefold())}
    models = {w for name in bundled_names() for w in _SEPARATORS.split(name.casefold())}
    return _WORDS | muscles | models
