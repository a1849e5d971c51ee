"""Training spectra a second: new tissues from the engine, and batches with fresh scan effects from the pool.

Run: ``python Testing/benchmarks/stream.py [PROTOCOL]`` (half a minute, one core). A training draws batches from a pool
of which it replaces 4 % for every spectrum seen, so both speeds together give the stream's; the goal is 5 000 spectra a
second. Beside it the same number of spectra from the authors' summation formula, the peer: fast, and not exact.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the training leaves one core to the stream

import sys
import time
from collections.abc import Callable

import numpy as np

from PCrCESTLib.models.stream import Source, make_batch
from PCrCESTLib.models.training import BACKGROUNDS_PER_FAMILY, TrainingPlan
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.rivals.recipe import AuthorsPartial
from PCrCESTLib.synthesis.backgrounds import simulate_backgrounds

N_TISSUES, N_BATCHES = 20_000, 20


def per_second(run: Callable[[], object], n: int) -> float:
    """Spectra a second of a run that makes ``n``."""
    started = time.perf_counter()
    run()
    return n / (time.perf_counter() - started)


def main() -> None:
    """Print the speeds."""
    protocol = named_protocol(sys.argv[1] if len(sys.argv) > 1 else "rat-4.7T-dual")
    rng, plan = np.random.default_rng(0), TrainingPlan()
    source = Source(protocol, simulate_backgrounds(protocol, BACKGROUNDS_PER_FAMILY, rng))
    pool = source.clean(1000, rng)  # the first call fills tables
    started = time.perf_counter()
    pool = source.clean(N_TISSUES, rng)
    tissues = N_TISSUES / (time.perf_counter() - started)

    def batches() -> None:
        for _ in range(N_BATCHES):
            rows = rng.integers(len(pool), size=plan.batch)
            make_batch(source, pool.take(rows), source.offsets_ppm[0], rng)

    seen = per_second(batches, N_BATCHES * plan.batch)
    stream = 1 / (1 / seen + plan.fresh / tissues)
    authors = AuthorsPartial(protocol, source.backgrounds)
    peer = per_second(lambda: authors.draw(N_TISSUES, rng), N_TISSUES)
    print(f"new tissues, exact engine        {tissues:9.0f} a second")
    print(f"batches from the pool            {seen:9.0f} a second")
    print(f"stream of a training             {stream:9.0f} a second, {stream / 5000:.1f} x the goal")
    print(f"authors' formula, no scan effect {peer:9.0f} a second, {stream / peer:.2f} x this")


if __name__ == "__main__":
    main()
