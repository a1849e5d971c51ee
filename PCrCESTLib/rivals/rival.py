"""A trained rival: predicts from raw spectra as our own model does, and lives in two small files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import MissingExtraError, ModelMismatchError, PCrCESTError, ReaderError
from PCrCESTLib.models.card import sha256
from PCrCESTLib.models.inference import Spectra, aligned
from PCrCESTLib.models.model import compact
from PCrCESTLib.rivals.architecture import Architecture
from PCrCESTLib.rivals.layers import Arrays
from PCrCESTLib.rivals.reference_network import ReferenceNetwork
from PCrCESTLib.rivals.samples import FS_UNIT, KSW_UNIT
from PCrCESTLib.rivals.simple_networks import AnncestLike, SingleBranchMlp

NETWORKS = ("reference", "cnn", "anncest", "mlp")
_CHUNK = 2048
_FORMAT = 1


def make_architecture(network: str, grid_ppm: np.ndarray, n_powers: int) -> Architecture:
    """Return one of the networks for a grid of offsets.

    Raises
    ------
    PCrCESTError
        When no network has that name.
    """
    if network == "reference":
        return ReferenceNetwork(grid_ppm, n_powers)
    if network == "cnn":
        return ReferenceNetwork(grid_ppm, n_powers, local=False)
    if network == "anncest":
        return AnncestLike(grid_ppm, n_powers)
    if network == "mlp":
        return SingleBranchMlp(grid_ppm, n_powers)
    raise PCrCESTError(f"no network is called {network!r}; there are {', '.join(NETWORKS)}")


@dataclass(frozen=True)
class RivalCard:
    """What a rival is, in words and numbers.

    ``powers_ut`` in µT and ``grid_ppm`` are what goes in; ``default_r1_obs`` in s⁻¹, the mean of the training,
    stands in where R1obs is unknown. ``training`` says on what, how long and how well.
    """

    name: str
    network: str
    powers_ut: tuple[float, ...]
    grid_ppm: tuple[float, ...]
    default_r1_obs: float
    training: dict[str, Any]
    weights_sha256: str = ""


@dataclass(frozen=True, eq=False)
class Rival:
    """A trained network with its card."""

    card: RivalCard
    params: Arrays

    @property
    def architecture(self) -> Architecture:
        """The network without weights."""
        return make_architecture(self.card.network, np.array(self.card.grid_ppm), len(self.card.powers_ut))

    def predict(self, spectra: Spectra) -> tuple[np.ndarray, np.ndarray]:
        """Estimate fs and ksw (s⁻¹), each (n,), from spectra as acquired.

        Prepared as for our own model: aligned to water by ``b0_ppm``; then divided by R1obs, ``default_r1_obs`` where
        that is unknown. Negative estimates become zero. The noise level and the B1 map have no place in these networks.

        Raises
        ------
        ModelMismatchError
            When the number of powers is another.
        MissingExtraError
            When torch is not installed.
        """
        try:
            import torch
        except ImportError as error:
            raise MissingExtraError("torch", "the networks to compare with", "torch") from error
        if len(spectra.z) != len(self.card.powers_ut):
            raise ModelMismatchError(
                f"{self.card.name} takes {len(self.card.powers_ut)} powers ({self.card.powers_ut} µT); the spectra "
                f"have {len(spectra.z)}"
            )
        network = self.architecture
        params = {key: torch.from_numpy(values) for key, values in self.params.items()}
        parts = [np.empty((0, 2), dtype=np.float32)]
        with torch.no_grad():
            for start in range(0, len(spectra), _CHUNK):
                ratio = torch.from_numpy(self._ratio(spectra.rows(slice(start, start + _CHUNK))))
                parts.append(network.forward(params, ratio).targets.numpy())
        estimate = np.maximum(np.concatenate(parts).astype(np.float64), 0.0)
        return estimate[:, 0] * FS_UNIT, estimate[:, 1] * KSW_UNIT

    def _ratio(self, spectra: Spectra) -> np.ndarray:
        """Z/R1obs on the network's grid, float32 (n, n_powers, n_grid)."""
        z = aligned(spectra, np.array(self.card.grid_ppm)).reshape(len(spectra), len(self.card.powers_ut), -1)
        r1_obs = np.where(np.isfinite(spectra.r1_obs), spectra.r1_obs, self.card.default_r1_obs)
        return np.asarray(z / r1_obs[:, None, None].astype(np.float32), dtype=np.float32)


def save_rival(rival: Rival, folder: Path) -> Path:
    """Write ``NAME.npz`` (no pickle) and ``NAME.json``; return the card's path."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{rival.card.name}.npz"
    np.savez_compressed(weights, **compact(rival.params))  # type: ignore[arg-type]
    card = replace(rival.card, weights_sha256=sha256(weights))
    path = folder / f"{rival.card.name}.json"
    path.write_text(json.dumps(asdict(card) | {"format": _FORMAT}, indent=1) + "\n", encoding="utf-8")
    return path


def load_rival(path: Path) -> Rival:
    """Read a rival from its card (.json); the weights (.npz) lie beside it.

    Raises
    ------
    ReaderError
        When a file is missing or damaged, or the weights are not those of the card.
    """
    weights = path.with_suffix(".npz")
    try:
        document = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if document.pop("format") != _FORMAT:
            raise ReaderError(f"{path}: this rival was written by another version; train it again")
        for key in ("powers_ut", "grid_ppm"):
            document[key] = tuple(float(v) for v in document[key])
        card = RivalCard(**document)
        if sha256(weights) != card.weights_sha256:
            raise ReaderError(f"{weights}: the weights are not those of the card; copy both files again")
        with np.load(weights, allow_pickle=False) as arrays:
            params = {name: arrays[name].astype(np.float32) for name in arrays.files}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReaderError(f"{path}: not a trained rival of this program ({error})") from error
    return Rival(card, params)
