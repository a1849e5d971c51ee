"""A background from a site's own scans, for ``pcrcest train --background-from``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.errors import ModelMismatchError, PCrCESTError, ProtocolError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.version import __version__

if TYPE_CHECKING:
    from PCrCESTLib.preparation.zseries import ZSeries
    from PCrCESTLib.series import CestSeries
    from PCrCESTLib.synthesis.backgrounds import Backgrounds

MAPS = ("r1", "t1", "mask", "rois")
METHOD = "Lorentzian lines fitted to 1/Z of B0-aligned local means; PCr and Cr window bridged by a cubic polynomial"
Report = Callable[[float, str], None]


@dataclass(frozen=True)
class _Subject:
    """The series of one subject with every power of the protocol, and the maps that go with them, by option."""

    paths: tuple[Path, ...]
    series: tuple[CestSeries, ...]
    maps: dict[str, Path]

    @property
    def name(self) -> str:
        return self.paths[0].name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the scans, and the maps that go with them, to ``train``."""
    add = parser.add_argument
    add(
        "--background-from",
        type=Path,
        nargs="+",
        metavar="SERIES",
        help="scans of the same protocol, from which to extract the background; one subject after the other, its "
        "powers together. Training then starts from the bundled model of that protocol, if there is one",
    )
    one_each = "of --background-from, one a subject in the same order"
    relaxation = parser.add_mutually_exclusive_group()
    relaxation.add_argument("--r1", type=Path, nargs="+", metavar="R1.nii.gz", help=f"R1 maps {one_each}")
    relaxation.add_argument("--t1", type=Path, nargs="+", metavar="T1.nii.gz", help=f"T1 maps {one_each}")
    add("--mask", type=Path, nargs="+", metavar="M.nii.gz", help=f"muscle masks {one_each}")
    add("--rois", type=Path, nargs="+", metavar="LABELS.nii.gz", help=f"muscle regions {one_each}")


def command_words(args: argparse.Namespace) -> list[str]:
    """Return the part of the command line that names the scans."""
    words: list[str] = []
    for name in ("background_from", *MAPS):
        if getattr(args, name):
            words += ["--" + name.replace("_", "-"), *map(str, getattr(args, name))]
    return words


def check_arguments(args: argparse.Namespace) -> None:
    """Refuse maps without scans.

    Raises
    ------
    PCrCESTError
        With the option that is missing or too many.
    """
    if not args.background_from:
        alone = next((name for name in MAPS if getattr(args, name)), None)
        if alone:
            raise PCrCESTError(f"--{alone} goes with the scans of --background-from; none are given")
    elif args.background:
        raise PCrCESTError(
            "--background and --background-from are both given; one background is trained with"
        )


def site_background(
    args: argparse.Namespace, protocol: Protocol, report: Report
) -> tuple[Backgrounds, list[str]]:
    """Extract the background of the scans in ``args``; return it with sentences for the user.

    Raises
    ------
    PCrCESTError
        When a scan is not of the protocol, cannot be read, or holds no muscle.
    """
    from PCrCESTLib.synthesis.extraction import extract_backgrounds, join_backgrounds

    subjects = _subjects(args, protocol)
    grid = np.unique(np.round([protocol.offsets_ppm[i] for i in protocol.saturated_frames], 4))
    parts, scans, notes = [], [], []
    for i, subject in enumerate(subjects):
        report(i / len(subjects), f"background of subject {i + 1} of {len(subjects)}")
        means, more = _local_means(subject, protocol, grid)
        found = extract_backgrounds(means, protocol.field_t, subject.name)
        parts.append(found.backgrounds)
        scans.append({"files": _files(subject), "blocks": list(found.blocks)})
        notes += [*more, *found.notes]
    provenance = {"field_t": protocol.field_t, "method": METHOD, "pcrcest": __version__, "scans": scans}
    return join_backgrounds(parts, provenance), notes


def _subjects(args: argparse.Namespace, protocol: Protocol) -> list[_Subject]:
    """Group the series in their order: a subject is complete when it has every power of the protocol."""
    groups: list[list[tuple[Path, CestSeries]]] = [[]]
    for path in args.background_from:
        if not _missing_powers([s for _, s in groups[-1]], protocol):
            groups.append([])
        groups[-1].append((path, _read(path, args.protocol)))
    lacking = _missing_powers([s for _, s in groups[-1]], protocol)
    if lacking:
        raise ProtocolError(
            f"{groups[-1][-1][0]}: with this series its subject still lacks {lacking[0]:g} µT; give every power "
            f"({' + '.join(f'{p:g}' for p in protocol.powers_ut)} µT) of one subject before the next subject"
        )
    given = {name: getattr(args, name) for name in MAPS if getattr(args, name)}
    for name, paths in given.items():
        if len(paths) != len(groups):
            raise PCrCESTError(
                f"--{name} has {len(paths)} files for {len(groups)} subjects; give one a subject, in the same order"
            )
    return [
        _Subject(
            tuple(path for path, _ in group),
            tuple(series for _, series in group),
            {name: paths[i] for name, paths in given.items()},
        )
        for i, group in enumerate(groups)
    ]


def _missing_powers(series: Sequence[CestSeries], protocol: Protocol) -> list[float]:
    from PCrCESTLib.models.matching import common_powers

    have = common_powers(protocol.powers_ut, (p for s in series for p in s.protocol.powers_ut))
    return [p for p in protocol.powers_ut if p not in have]


def _read(path: Path, protocol: str) -> CestSeries:
    """Read a series by its own protocol file; by the one to train for when it has none."""
    from PCrCESTLib.readers import read_series

    try:
        return read_series(path)
    except ProtocolError:
        if not Path(protocol).is_file():
            raise
        return read_series(path, Path(protocol))


def _local_means(subject: _Subject, protocol: Protocol, grid: np.ndarray) -> tuple[Any, list[str]]:
    from PCrCESTLib.models.matching import differences
    from PCrCESTLib.preparation.local_means import local_means
    from PCrCESTLib.preparation.zseries import prepare_series, protocol_of
    from PCrCESTLib.readers import read_map

    series = prepare_series(subject.series)
    found = differences(protocol, protocol_of(series))
    if found:
        raise ModelMismatchError(
            f"{subject.paths[0]}: this scan is not of the protocol to train for: {'; '.join(found)}"
        )
    notes = [f"{subject.name}: {note}" for note in series.notes]
    r1 = None
    for quantity in ("r1", "t1"):
        if quantity in subject.maps:
            read = read_map(subject.maps[quantity], quantity, series.geometry)
            r1, notes = read.values, [*notes, *read.notes]
    regions, more = _regions(subject, series)
    means = local_means(series, regions, grid, r1)
    # Within the tolerance the nominal powers are those of the protocol.
    return replace(means, b1_ut=np.array(protocol.powers_ut)), [*notes, *more]


def _regions(subject: _Subject, series: ZSeries) -> tuple[list[tuple[str, np.ndarray]], list[str]]:
    from PCrCESTLib.preparation.mask import body_mask
    from PCrCESTLib.readers import read_mask, read_rois

    grid = series.geometry
    notes: list[str] = []
    inside = None
    if "mask" in subject.maps:
        mask = read_mask(subject.maps["mask"], grid)
        inside, notes = mask.values, list(mask.notes)
    if "rois" in subject.maps:
        rois = read_rois(subject.maps["rois"], grid)
        masks = rois.masks if inside is None else rois.masks & inside
        return list(zip(rois.names, masks, strict=True)), [*notes, *rois.notes]
    if inside is None:
        notes.append(
            f"{subject.name}: neither regions nor a mask were given; all tissue is taken, fat and bone too"
        )
        inside = body_mask(series)
    return [("tissue", inside)], notes


def _files(subject: _Subject) -> list[dict[str, str | None]]:
    """Names without folders (a model may be passed on) and checksums."""
    from PCrCESTLib.checksums import input_checksum

    roles = [*(("series", path) for path in subject.paths), *subject.maps.items()]
    return [{"role": role, "name": path.name, "sha256": input_checksum(path)} for role, path in roles]
