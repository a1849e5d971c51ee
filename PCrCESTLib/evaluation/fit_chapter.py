"""What the fits see in a spectrum, and how near the fit of the physics comes to the bound, at what price."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from PCrCESTLib.evaluation.accuracy import compared
from PCrCESTLib.evaluation.fits import Fit, fits_for
from PCrCESTLib.evaluation.maps import scanned_leg
from PCrCESTLib.evaluation.methods import Method as Row
from PCrCESTLib.evaluation.pictures import drawn
from PCrCESTLib.evaluation.section import Effort, Section, markdown_table
from PCrCESTLib.evaluation.testsets import realistic_set, reference_bound, reference_set, scanned, source_of
from PCrCESTLib.figures.components import SpectrumPanel, draw_components
from PCrCESTLib.methods import Method, make_fit
from PCrCESTLib.methods.bloch_method import BlochMethod
from PCrCESTLib.methods.method import FIT, WITHOUT_PCR
from PCrCESTLib.models.inference import Spectra
from PCrCESTLib.physics.library import reference_muscle
from PCrCESTLib.physics.prior import default_prior
from PCrCESTLib.protocol import Protocol

SHARE = 40  # one of so many spectra of the other chapters: the fit of the physics is slow
NOISE = (0.01, 0.002, 0.0005)
MUSCLES = {"reference": reference_set, "realistic": realistic_set}


def fits_section(methods: Sequence[Row], protocol: Protocol, effort: Effort) -> Section:
    """Figure of all fits on one voxel and one region; table of Bloch–McConnell fits over the bound, with speeds."""
    rows = bloch_rows(methods[0], protocol, effort)
    text = f"{_setting(effort)}\n{_table(rows)}\n{_FIGURE}"
    figures = drawn("fits.png", lambda: draw_components(spectra_of_leg(protocol, effort)))
    return Section("The fits", text, figures, {"bloch": rows})


def bloch_methods(protocol: Protocol) -> list[Fit]:
    """Return the fit that knows which pools there are, and the one for any muscle that ``--method bm`` runs."""
    tissue = reference_muscle()
    return [
        Fit("Bloch–McConnell, reference muscle", "bm", BlochMethod(protocol, tissue, default_prior(tissue))),
        Fit("Bloch–McConnell, any muscle (bm)", "bm", make_fit("bm", protocol)),
    ]


def bloch_rows(ours: Row, protocol: Protocol, effort: Effort) -> list[dict[str, Any]]:
    """RMSE, share of truths in the 90 % interval and spectra a second of both fits and our network."""
    source, n = source_of(protocol), max(effort.n_spectra // SHARE, 20)
    bounds = {b.noise_sd: b for b in reference_bound(protocol)}
    rows = []
    for muscle, draw in MUSCLES.items():
        clean = draw(protocol, n, np.random.default_rng([effort.seed, 60]))
        for noise in NOISE:
            spectra = scanned(source, clean, noise, np.random.default_rng([effort.seed, 61]))
            for method in (ours, *bloch_methods(protocol)):
                started = time.perf_counter()
                found = compared(method.estimate(spectra), clean)
                rate = n / (time.perf_counter() - started)
                row = {"muscle": muscle, "noise": noise, "method": method.name, "spectra_per_s": rate, "n": n}
                for quantity, score in found.items():
                    over = score.rmse / getattr(bounds[noise], quantity) if muscle == "reference" else None
                    row |= {
                        quantity: score.rmse,
                        f"{quantity} over bound": over,
                        f"{quantity} in 90 %": score.coverage90,
                    }
                rows.append(row)
    return rows


def spectra_of_leg(protocol: Protocol, effort: Effort) -> list[tuple[str, list[SpectrumPanel]]]:
    """Return one voxel and one muscle of a digital leg as every fit sees them."""
    leg = scanned_leg(protocol, effort)
    label = leg.phantom.labels[leg.voxels.mask]
    inside = np.nonzero(label == np.bincount(label).argmax())[0]
    fits = [fit.method for fit in fits_for(protocol)]
    chosen = {"one voxel": inside[len(inside) // 2 :][:1], f"{len(inside)} voxels": inside}
    return [
        (name, [panel_of(m, leg.voxels.spectra.rows(rows)) for m in fits]) for name, rows in chosen.items()
    ]


def panel_of(method: Method, voxels: Spectra) -> SpectrumPanel:
    """Fit the mean of some voxels and lay out what the method draws at the lowest power."""
    mean, estimates = method.region(voxels)
    curves = method.curves(mean, estimates)
    lowest = {c.name: c.z for c in curves if c.b1_ut == curves[0].b1_ut}
    fit, without = lowest.pop(FIT, None), lowest.pop(WITHOUT_PCR, None)
    name = method.title.split(" · ")[0]
    title = f"{name}\nfs {estimates.fs[0] * 1e3:.2f} ± {estimates.fs_sd[0] * 1e3:.2f} ·10⁻³"
    return SpectrumPanel(title, mean.offsets_ppm[0], mean.z[0][0], fit, without, lowest)


def _setting(effort: Effort) -> str:
    n = max(effort.n_spectra // SHARE, 20)
    return (
        "The other chapters hold the fast fits as rows. The Bloch–McConnell fit takes all powers, the exact engine and "
        "the prior of the bound; it is the gold standard where the muscle has the pools it is told of "
        f"(*reference muscle* on the reference set), and slow. {n} spectra a cell, one core.\n"
    )


_FIGURE = (
    "Figure: one voxel and one muscle of the digital leg of the chapter on maps as every fit sees them at the lowest "
    "power: points measured, line fitted, dashed without PCr, pools as what each takes from 1.\n"
)


def _table(rows: Sequence[dict[str, Any]]) -> str:
    header = [
        "muscle, noise",
        "method",
        "fs RMSE (÷ bound)",
        "ksw RMSE (÷ bound)",
        "fs in 90 %",
        "ksw in 90 %",
        "per s",
    ]

    def cell(row: dict[str, Any], quantity: str) -> str:
        over = row[f"{quantity} over bound"]
        return f"{row[quantity]:.1%}" + (f" ({over:.2f})" if over is not None else "")

    body = [
        [
            f"{row['muscle']}, {row['noise']:g}",
            row["method"],
            cell(row, "fs"),
            cell(row, "ksw"),
            f"{row['fs in 90 %']:.0%}",
            f"{row['ksw in 90 %']:.0%}",
            f"{row['spectra_per_s']:.3g}",
        ]
        for row in rows
    ]
    return markdown_table(header, body)
