"""One scan to be quantified among many, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PCrCESTLib.errors import ReaderError

DONE, SKIPPED, FAILED = "done", "skipped", "failed"
# Not told to anybody outside: another process has the scan just now; the process that had it ended.
BUSY, DIED = "busy", "died"
MAX_LABEL = 64


def bids_label(text: str, entity: str) -> str:
    """Label of a subject or session in file names: ``als03`` of ``sub-als_03``.

    BIDS (*Common principles*, file names) allows letters and digits only; the usual separators are dropped.

    Parameters
    ----------
    text : str
        As a person wrote it, with or without ``sub-`` or ``ses-``.
    entity : str
        ``sub`` or ``ses``.

    Raises
    ------
    ReaderError
        When no label can be made of it.
    """
    label = re.sub(r"[-_. ]", "", text.strip().removeprefix(f"{entity}-"))
    if not re.fullmatch(r"[A-Za-z0-9]+", label) or len(label) > MAX_LABEL:
        kind = {"sub": "subject", "ses": "session"}[entity]
        raise ReaderError(
            f"{kind} {text[:MAX_LABEL]!r} cannot be the name of a folder; up to {MAX_LABEL} letters and digits are "
            "expected, such as als03"
        )
    return label


@dataclass(frozen=True)
class Job:
    """One scan: whose it is, and how to quantify it.

    Parameters
    ----------
    subject, session : str
        With or without ``sub-`` and ``ses-``; the session may be empty. Kept as BIDS labels.
    arguments : sequence of str
        Those of ``pcrcest quantify``, without ``--out``.
    refusal : str
        Why it cannot be quantified, when that is known already; it then becomes a failure in the table.

    Raises
    ------
    ReaderError
        When subject or session cannot be labels.
    """

    subject: str
    session: str = ""
    arguments: Sequence[str] = ()
    refusal: str = ""

    def __post_init__(self) -> None:
        """Bring the labels and arguments to one form."""
        object.__setattr__(self, "subject", bids_label(self.subject, "sub"))
        object.__setattr__(self, "session", bids_label(self.session, "ses") if self.session else "")
        object.__setattr__(self, "arguments", tuple(map(str, self.arguments)))

    @property
    def name(self) -> str:
        """Prefix of file names: ``sub-als03_ses-2``."""
        return f"sub-{self.subject}" + (f"_ses-{self.session}" if self.session else "")

    @property
    def folder(self) -> Path:
        """Where the results lie within the data set: ``sub-als03/ses-2``."""
        return Path(*self.name.split("_"))


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Parameters
    ----------
    job : Job
        Which one.
    folder : Path
        Where its results lie, or would.
    status : str
        ``done``, ``skipped`` (its results were there already) or ``failed``.
    sentence : str
        Why it failed or was skipped, or what to know of its results.
    seconds : float
        How long it took.
    """

    job: Job
    folder: Path
    status: str
    sentence: str = ""
    seconds: float = 0.0
