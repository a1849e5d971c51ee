"""Measure the bundled models again and write their cards, after a change of how they are measured or of their SDs.

Run: ``python Testing/tools/remeasure.py [NAME …]`` (about a minute a model). Weights and training record
stay as they are.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from PCrCESTLib.models import training
from PCrCESTLib.models.measure import MEASURED_SPECTRA, THRESHOLD_QUANTILES, THRESHOLD_SPECTRA, measured
from PCrCESTLib.models.model import save_model
from PCrCESTLib.models.registry import bundled_folder, bundled_names, find_model
from PCrCESTLib.models.stream import Source
from PCrCESTLib.synthesis.backgrounds import simulate_backgrounds

SEED = 2_000_003  # used nowhere in training


def main() -> None:
    """Measure and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=bundled_names())
    for name in parser.parse_args().names:
        model = find_model(name)
        rng = np.random.default_rng(SEED)
        protocol = model.card.protocol
        source = Source(protocol, simulate_backgrounds(protocol, training.BACKGROUNDS_PER_FAMILY, rng))
        model = measured(model, source, source.clean(MEASURED_SPECTRA, rng), THRESHOLD_SPECTRA, rng)
        record = model.card.training | {"measured_seed": SEED, "threshold_quantiles": THRESHOLD_QUANTILES}
        save_model(replace(model, card=replace(model.card, training=record)), bundled_folder())
        print(name, model.card.thresholds, *model.card.over_bound, sep="\n  ", flush=True)


if __name__ == "__main__":
    main()
