"""A trained model: weights, grid and card, on disk and in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.models.card import ModelCard, sha256
from PCrCESTLib.models.network import local_indices

_HALVED = ".weight"


@dataclass(frozen=True)
class Model:
    """Weights with their meaning.

    ``params`` maps names to float32 arrays; ``grid_ppm`` (n_grid,) is the ascending offset grid, measured from
    water, on which every power's spectrum enters.
    """

    card: ModelCard
    grid_ppm: np.ndarray
    params: dict[str, np.ndarray]

    @property
    def n_powers(self) -> int:
        """Number of saturation powers it takes."""
        return len(self.card.protocol.powers_ut)

    @property
    def local(self) -> np.ndarray:
        """Indices of the PCr window on the grid."""
        return local_indices(self.grid_ppm)

    @property
    def log_mean(self) -> np.ndarray:
        """(2,) mean of log fs and log ksw over the training truth."""
        return self.params["target.mean"]

    @property
    def log_sd(self) -> np.ndarray:
        """(2,) SD of log fs and log ksw over the training truth."""
        return self.params["target.sd"]


def save_model(model: Model, folder: Path) -> Path:
    """Write ``NAME.npz`` and ``NAME.json`` into ``folder``; return the card's path.

    Matrices that `stored` has rounded go to the file in half precision and come back unchanged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{model.card.name}.npz"
    np.savez_compressed(weights, grid_ppm=model.grid_ppm, **compact(model.params))  # type: ignore[arg-type]
    card = replace(model.card, weights_sha256=sha256(weights))
    path = folder / f"{model.card.name}.json"
    path.write_text(card.to_json(), encoding="utf-8")
    return path


def stored(params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Round the layers' matrices to half precision, as the file holds them; everything else stays as it is."""
    return {k: v.astype(np.float16).astype(np.float32) if k.endswith(_HALVED) else v for k, v in params.items()}


def compact(params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return half-precision copies of the arrays that lose nothing by it, the others as they are."""
    with np.errstate(over="ignore"):
        halves = {k: v.astype(np.float16) for k, v in params.items()}
    return {k: h if np.array_equal(h.astype(np.float32), params[k]) else params[k] for k, h in halves.items()}


def load_model(path: Path) -> Model:
    """Read a model from its card (.json) or its weights (.npz); the other lies beside it.

    Raises
    ------
    ReaderError
        When a file is missing, damaged, or the weights are not those the card was written for.
    """
    card_path, weights = path.with_suffix(".json"), path.with_suffix(".npz")
    for needed in (card_path, weights):
        if not needed.is_file():
            raise ReaderError(f"{needed}: no such file; a model is a .npz file with its .json card beside it")
    card = ModelCard.from_json(card_path.read_text(encoding="utf-8"), card_path)
    if sha256(weights) != card.weights_sha256:
        raise ReaderError(
            f"{weights}: the weights are not those of the card (checksum differs); copy both files again"
        )
    try:
        with np.load(weights, allow_pickle=False) as arrays:
            grid = arrays["grid_ppm"]
            params = {name: arrays[name].astype(np.float32) for name in arrays.files if name != "grid_ppm"}
    except (OSError, ValueError, KeyError) as error:
        raise ReaderError(f"{weights}: not a weight file ({error})") from error
    return Model(card, grid, params)
