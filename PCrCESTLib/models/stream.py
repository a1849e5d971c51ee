"""An endless, seeded stream of training batches: fresh tissues into a pool, fresh scan effects every draw."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.models.inference import Spectra, aligned
from PCrCESTLib.models.network import conditions
from PCrCESTLib.preparation.b0 import samples_water_dip, shift_from_dip
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.augment import add_noise, disturb, draw_m0_factors, draw_noise_levels
from PCrCESTLib.synthesis.backgrounds import Backgrounds
from PCrCESTLib.synthesis.families import REFERENCE, TRAINING_FAMILIES, MuscleFamily
from PCrCESTLib.synthesis.spectra import (
    CleanSpectra,
    at_power,
    frames_of,
    fully_synthetic,
    partially_synthetic,
)

REFERENCE_SHARE = 0.25
PARTIAL_SHARE = 0.5  # of the other families
PERFECT_SHARE = 0.5
SIGMA_JITTER = 0.08  # a voxel's noise is known to about this much
R1_ERROR = 0.03
B1_MAP_ERROR = 0.03
UNKNOWN_R1_SHARE = 0.3
UNKNOWN_B1_SHARE = 0.6


@dataclass(frozen=True)
class Batch:
    """One training batch: aligned noisy spectra, what the network is told, and the truth (fs, ksw) (n, 2)."""

    z: np.ndarray
    sigma: np.ndarray
    conditions: np.ndarray
    truth: np.ndarray


class Source:
    """Draws clean spectra of a protocol from families and backgrounds.

    A share of them is the reference paper's muscle (`REFERENCE`). A mixture costs little where the families can be
    told apart: there the network reaches the bound of the narrow one and stays wide on the others.
    """

    def __init__(
        self,
        protocol: Protocol,
        backgrounds: Backgrounds,
        families: tuple[MuscleFamily, ...] = TRAINING_FAMILIES,
        *,
        reference_share: float = REFERENCE_SHARE,
        partial_share: float = PARTIAL_SHARE,
    ) -> None:
        """Remember what to draw from."""
        self.protocol = protocol
        self.backgrounds = backgrounds
        self.families = families
        self.reference_share = reference_share
        self.partial_share = partial_share
        offsets, b1 = frames_of(protocol)
        self._frames = [at_power(b1, power) for power in protocol.powers_ut]
        self._frames = [frames[np.argsort(offsets[frames])] for frames in self._frames]
        self.offsets_ppm = [offsets[frames] for frames in self._frames]

    def clean(self, n: int, rng: np.random.Generator) -> CleanSpectra:
        """Draw ``n`` noise-free spectra: the reference muscle's share, the rest in equal shares of the families."""
        n_reference = round(self.reference_share * n)
        parts = [self.of_family(REFERENCE, n_reference, rng)] if n_reference else []
        if n > n_reference:
            each = math.ceil((n - n_reference) / len(self.families))
            parts += [self.of_family(family, each, rng) for family in self.families]
        joined = CleanSpectra.concatenate(parts)
        return joined.take(rng.permutation(len(joined))[:n])

    def of_family(self, family: MuscleFamily, n: int, rng: np.random.Generator) -> CleanSpectra:
        """Draw ``n`` noise-free spectra of one family; the reference muscle is never partially synthetic."""
        n_partial = 0 if family is REFERENCE else math.ceil(self.partial_share * n)
        parts = []
        if n > n_partial:
            parts.append(fully_synthetic(family, self.protocol, n - n_partial, rng))
        if n_partial:
            parts.append(partially_synthetic(family, self.backgrounds, self.protocol, n_partial, rng))
        return CleanSpectra.concatenate(parts)

    def blocks(self, z: np.ndarray) -> list[np.ndarray]:
        """Split frames (n, n_frames) into powers, each with ascending offsets."""
        return [z[:, frames] for frames in self._frames]

    def scan(
        self,
        clean: CleanSpectra,
        sigma: np.ndarray,
        rng: np.random.Generator,
        *,
        perfect_share: float = PERFECT_SHARE,
    ) -> Spectra:
        """Spectra as a scan of these tissues would give them, prepared as ``quantify`` prepares them.

        In a ``perfect_share`` of them the scanner adds noise and nothing else, whatever the tissue: a network that
        met a perfect scanner in one family only would take its absence of errors for that family.
        """
        pure = self.blocks(clean.z)
        real = np.nonzero(rng.random(len(clean)) >= perfect_share)[0]
        disturbed = disturb([z[real] for z in pure], self.offsets_ppm, rng)
        m0 = draw_m0_factors(len(real), rng)[:, None]
        for z, changed in zip(pure, disturbed, strict=True):
            z[real] = changed * m0
        blocks = [add_noise(z, sigma, rng) for z in pure]
        told = sigma * (1 + SIGMA_JITTER * rng.standard_normal(len(sigma)))
        return self.prepared(blocks, told, clean.r1_obs, clean.relative_b1)

    def prepared(
        self, blocks: list[np.ndarray], sigma: np.ndarray, r1_obs: np.ndarray, relative_b1: np.ndarray
    ) -> Spectra:
        """Spectra of noisy ``blocks``, one (n, n_offsets) a power, with their water found in the lowest power.

        ``sigma`` SD of Z, ``r1_obs`` s⁻¹ and ``relative_b1``, each (n,), are what is known of them.
        """
        b0 = np.zeros(len(sigma))
        if samples_water_dip(self.offsets_ppm[0]):
            b0, _ = shift_from_dip(blocks[0], self.offsets_ppm[0])
        return Spectra(self.offsets_ppm, blocks, sigma, b0, r1_obs, relative_b1)


def make_batch(source: Source, clean: CleanSpectra, grid_ppm: np.ndarray, rng: np.random.Generator) -> Batch:
    """Turn clean spectra into a training batch with its own noise, and R1 and B1 known or not."""
    sigma = draw_noise_levels(len(clean), rng)
    spectra = source.scan(clean, sigma, rng)
    n = len(clean)
    r1 = clean.r1_obs * (1 + R1_ERROR * rng.standard_normal(n))
    b1 = clean.relative_b1 * (1 + B1_MAP_ERROR * rng.standard_normal(n))
    r1[rng.random(n) < UNKNOWN_R1_SHARE] = np.nan
    b1[rng.random(n) < UNKNOWN_B1_SHARE] = np.nan
    told = spectra.sigma.astype(np.float32)
    return Batch(
        aligned(spectra, grid_ppm), told, conditions(told, r1, b1), np.stack([clean.fs, clean.ksw], axis=1)
    )


def batches(
    source: Source, grid_ppm: np.ndarray, batch_size: int, pool_size: int, fresh_per_batch: int, seed: int
) -> Iterator[Batch]:
    """Yield batches for ever from a pool whose oldest spectra are replaced by ``fresh_per_batch`` new ones each time.

    Replacing happens in blocks of an eighth of the pool, which the engine computes faster than many small ones.
    """
    rng = np.random.default_rng(seed)
    block = pool_size // 8
    pool = CleanSpectra.concatenate([source.clean(block, rng) for _ in range(8)])
    oldest, due = 0, 0
    while True:
        yield make_batch(source, pool.take(rng.integers(len(pool), size=batch_size)), grid_ppm, rng)
        due += fresh_per_batch
        if due >= block:
            pool = pool.replaced(slice(oldest * block, (oldest + 1) * block), source.clean(block, rng))
            oldest, due = (oldest + 1) % 8, due - block


def prefetched(stream: Iterator[Batch], depth: int = 6) -> Iterator[Batch]:
    """Yield the same batches, made ahead in a thread while the caller trains."""
    ready: queue.Queue[Batch | BaseException] = queue.Queue(depth)
    stop = threading.Event()

    def fill() -> None:
        try:
            for batch in stream:
                while not stop.is_set():
                    try:
                        ready.put(batch, timeout=0.2)
                        break
                    except queue.Full:
                        continue
                if stop.is_set():
                    return
        except BaseException as error:  # handed to the consumer, which raises it
            ready.put(error)

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        # The thread may be in the middle of a large block; a cancelled training must not wait for it.
        thread.join(timeout=1.0)
