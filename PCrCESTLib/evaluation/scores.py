"""Numbers that say how good estimates are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.models.measure import Z90


@dataclass(frozen=True)
class Score:
    """Agreement of one quantity with the truth.

    ``rmse`` and ``bias`` are relative to the mean of the truth, ``relative_rmse`` is the RMS of estimate/truth − 1,
    ``r2`` the share of the truth's variance explained (negative when worse than its mean), ``coverage90`` the share of
    truths inside the 90 % interval (NaN for a method without uncertainty).
    """

    rmse: float
    bias: float
    relative_rmse: float
    r2: float
    coverage90: float


def score(estimate: np.ndarray, truth: np.ndarray, log_sd: np.ndarray | None = None) -> Score:
    """Compare estimates with the truth, both (n,) in one unit; ``log_sd`` (n,) is the SD of the logarithm."""
    error = estimate - truth
    middle = float(np.mean(truth))
    spread = float(np.mean((truth - middle) ** 2))
    mse = float(np.mean(error**2))
    return Score(
        rmse=float(np.sqrt(mse)) / middle,
        bias=float(np.mean(error)) / middle,
        relative_rmse=float(np.sqrt(np.mean((error / truth) ** 2))),
        r2=1 - mse / spread if spread > 0 else float("nan"),
        coverage90=float("nan") if log_sd is None else covered(estimate, truth, log_sd),
    )


def covered(estimate: np.ndarray, truth: np.ndarray, log_sd: np.ndarray) -> float:
    """Share of truths within 1.645 SD of the estimate, on the logarithm."""
    return float(np.mean(np.abs(np.log(truth / np.maximum(estimate, 1e-30))) < Z90 * log_sd))
