"""The command that trains a model for a scan that none fits, ready to be pasted."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.models.registry import training_command
from PCrCESTLib.protocol_json import load_protocol
from PCrCESTLib.series import CestSeries

SAVED_PROTOCOL = "my-scanner.json"


def remedy(
    paths: Sequence[Path], series: Sequence[CestSeries], given: Path | None = None, m0: Path | None = None
) -> str:
    """Return the command line that trains a model for the series of one subject.

    It names the protocol file of a single series that says everything. Else, with several series or a protocol that
    comes wholly or partly from the images, ``pcrcest info`` first saves the protocol.

    Parameters
    ----------
    paths : sequence of Path
        The series as they were given.
    series : sequence of CestSeries
        What was read from them.
    given, m0 : Path, optional
        The files of ``--protocol`` and ``--m0``.
    """
    file = _complete_file(series[0]) if len(series) == 1 else None
    if file is not None:
        return training_command(file)
    words = ["pcrcest", "info", *map(str, paths), *(["--protocol", str(given)] if given else [])]
    words += ["--m0", str(m0)] if m0 else []
    return f"{shlex.join([*words, '--save-protocol', SAVED_PROTOCOL])} && {training_command(SAVED_PROTOCOL)}"


def _complete_file(series: CestSeries) -> str | None:
    """Protocol file that alone gives the protocol of the series, None when there is none."""
    for source in series.source[1:]:
        try:
            if load_protocol(Path(source)) == series.protocol:
                return source
        except ProtocolError:
            continue
    return None
