"""How a rival is trained, and how far a training has come: values, and their file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from PCrCESTLib.errors import PCrCESTError, ReaderError
from PCrCESTLib.rivals.layers import Arrays

PAPER_EPOCH = 1_749_600  # training spectra of the reference paper, seen once
PRECISIONS = ("fp32", "bf16")
_FORMAT = 1


@dataclass(frozen=True)
class RivalPlan:
    """Budget and settings, the reference paper's where it states them.

    Parameters
    ----------
    samples : int
        Noisy spectra seen in all.
    seconds : float
        Stop after this time too; over all runs when resumed.
    learning_rate : float
        Adam's; 0 for the network's own (the reference paper's 1e-4 for its network).
    decay : bool
        Let the learning rate fall to a hundredth along a cosine, round by round, over ``samples``. The paper did
        not, but it also took 44 million samples; with less, this is the fairer training.
    batch : int
        Spectra an update.
    noise : tuple of float
        Range of the noise SD of Z/R1obs in s, uniform, one draw a batch.
    round_samples : int
        Spectra between two validations, each followed by a checkpoint.
    validation : int
        Spectra to validate on, never trained on.
    patience : int
        Stop when the validation has not improved over this many spectra (the paper's five epochs).
    precision : str
        ``"bf16"`` runs convolutions in bfloat16, 2 to 3 times as fast on CPUs that have it, except over the last
        ``exact_share`` of the samples.
    """

    samples: int = 12_000_000
    seconds: float = float("inf")
    learning_rate: float = 0.0
    decay: bool = False
    batch: int = 64
    noise: tuple[float, float] = (0.001, 0.04)
    round_samples: int = 131_072
    validation: int = 8_192
    patience: int = 5 * PAPER_EPOCH
    precision: str = "fp32"
    exact_share: float = 0.1
    seed: int = 1

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise PCrCESTError(f"precision is {self.precision!r}; give one of {', '.join(PRECISIONS)}")
        if not 0 < self.batch <= self.round_samples <= self.samples:
            raise PCrCESTError(
                f"batch {self.batch}, round {self.round_samples} and samples {self.samples} must be above 0 and in "
                "ascending order"
            )


@dataclass(frozen=True)
class State:
    """A training after some rounds.

    ``weights`` and ``best`` (those of the lowest validation loss) map names to arrays; ``moments`` are the
    optimizer's. ``history`` has a row a round: samples, seconds, training loss, validation losses.
    """

    rounds: int
    weights: Arrays
    best: Arrays
    moments: Arrays
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Seconds trained so far."""
        return self.history[-1]["seconds"] if self.history else 0.0

    @property
    def best_row(self) -> dict[str, float]:
        """Row of the lowest validation loss."""
        return min(self.history, key=lambda row: row["validation_clean"])

    def samples_since_best(self) -> float:
        """Return the samples seen since the validation loss was lowest."""
        return self.history[-1]["samples"] - self.best_row["samples"] if self.history else 0.0


def save_state(state: State, plan: RivalPlan, identity: str, path: Path) -> None:
    """Write a checkpoint (.npz without pickle) in one go, so that an interrupted write leaves the previous one.

    ``identity`` says what is trained on what; a training that is something else refuses to resume from it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {
        "format": _FORMAT,
        "rounds": state.rounds,
        "history": state.history,
        "plan": _comparable(plan),
        "identity": identity,
    }
    arrays = {"facts": np.array(json.dumps(facts))}
    for part in ("weights", "best", "moments"):
        arrays |= {f"{part}/{key}": values for key, values in getattr(state, part).items()}
    partial = path.with_name(f".{path.name}.partial.npz")
    np.savez(partial, **arrays)  # type: ignore[arg-type]
    partial.replace(path)


def load_state(plan: RivalPlan, identity: str, path: Path) -> State:
    """Read a checkpoint.

    Raises
    ------
    ReaderError
        When the file is no checkpoint, or one of another training.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        facts = json.loads(str(arrays.pop("facts")))
        parts = {
            part: {k.split("/", 1)[1]: v for k, v in arrays.items() if k.startswith(f"{part}/")}
            for part in ("weights", "best", "moments")
        }
        found = (facts["format"], facts["identity"], facts["plan"])
        state = State(rounds=int(facts["rounds"]), history=facts["history"], **parts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReaderError(f"{path}: not a checkpoint of this program ({error})") from error
    if found != (_FORMAT, identity, _comparable(plan)):
        raise ReaderError(
            f"{path}: a checkpoint of another training ({facts['identity']}, {facts['plan']}); give its settings to "
            "resume it, or another folder"
        )
    return state


def _comparable(plan: RivalPlan) -> dict[str, object]:
    """Everything that must agree to resume: all but the budget, which may be extended unless a decay follows it."""
    facts = asdict(plan) | {"noise": list(plan.noise)}
    free = ("seconds", "patience", "precision", "exact_share")
    for key in free if plan.decay else ("samples", *free):
        del facts[key]
    return facts
