"""Does ``pcrcest study`` find a loss of 12 % of fs, and none where there is none? And are its intervals honest?

Run: ``python Testing/benchmarks/study.py images FOLDER [ANIMALS]``: digital rat legs of three groups (controls, others
with 12 % less PCr, others with as much) go through the command by four methods; prints what each finds; about 20 s an
animal. Or ``python Testing/benchmarks/study.py chance [STUDIES]``: draws numbers of subjects instead of images; prints
how often tests find what is not there, and how often intervals hold the truth, beside the range that chance leaves to
99 % of such counts.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from scipy import stats

from PCrCESTLib.cli import main as pcrcest
from PCrCESTLib.protocols import find_protocol
from PCrCESTLib.study.mixed import Observations, mixed_model
from PCrCESTLib.study.tests import HEDGES_G, PERCENT, compare_groups
from PCrCESTLib.synthesis.phantom import PhantomSettings, simulate_leg
from PCrCESTLib.synthesis.phantom_files import write_phantom

EFFECT = 0.12
GROUPS = {"control": 0.0, "ALS -12 %": EFFECT, "ALS none": 0.0}
METHODS = "two-branch,mplf,plof,ld"
ANIMAL_SD = 0.06  # of fs between animals, besides the 12 % between the muscles of an animal
NOISE, SIZE = 0.005, 36


def images(folder: Path, n_animals: int) -> None:
    """Simulate, run the command, print its tests of fs."""
    protocol = find_protocol("rat-4.7T-dual")
    rows = []
    for g, (group, effect) in enumerate(GROUPS.items()):
        for i in range(n_animals):
            seed = 1000 * (g + 1) + i
            animal = folder / "scans" / f"g{g}a{i}"
            factor = (1 - effect) * float(np.exp(np.random.default_rng(seed).normal(0, ANIMAL_SD)))
            if not animal.exists():
                settings = PhantomSettings(fs_factor=factor)
                phantom = simulate_leg(protocol, seed=seed, noise_sd=NOISE, size=SIZE, settings=settings)
                write_phantom(phantom, animal)
            rows.append(_row(f"g{g}a{i}", group, animal))
    with (folder / "study.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["subject", "group", "series", "r1", "fm", "rois"])
        writer.writerows(rows)
    out = folder / "out"
    arguments = ["study", str(folder / "study.csv"), "--out", str(out), "--methods", METHODS, "--overwrite"]
    if pcrcest([*arguments, "--progress", "none"]) != 0:
        raise SystemExit(2)
    _print_tests(out / "study_tests.csv")


def _row(subject: str, group: str, animal: Path) -> list[str]:
    series = ";".join(str(animal / f"sub-sim_cest-{p}uT.nii.gz") for p in ("0.5", "1"))
    return [subject, group, series, *(str(animal / f"sub-sim_{m}.nii.gz") for m in ("R1obs", "fm", "labels"))]


def _print_tests(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [r for r in csv.DictReader(stream) if r["quantity"] == "fs" and r["muscle"] == "all muscles"]
    print(
        f"fs over all muscles; truth: {', '.join(f'{g} {-e:+.0%}' for g, e in GROUPS.items() if g != 'control')}"
    )
    for row in rows:
        if row["unit"] in ("%", "SD") or row["test"] == "Welch t":
            scale = 1e3 if row["unit"] == "1" else 1
            numbers = [
                f"{scale * float(row[k]):+7.2f}" if row[k] else "-" for k in ("estimate", "low", "high")
            ]
            print(
                f"{row['compared']:<10} {row['method']:<11} {row['test']:<32} {numbers[0]} "
                f"[{numbers[1]}, {numbers[2]}] p {row['p'] or '-'}  n {row['n_reference']} + {row['n_compared']}  "
                f"{row['note']}"
            )


def chance(n_studies: int) -> None:
    """Draw studies of 8 + 8 subjects with four muscles each; count false positives and coverage."""
    print(f"{n_studies} studies of 8 + 8 subjects; counts in %, in brackets what chance leaves to 99 %")
    # Below 0.05 of the variance between subjects the mixed model often gives way to the regression of means.
    for between in (0.1, 0.03):
        for effect in (0.0, EFFECT):
            _count(n_studies, between, effect, np.random.default_rng(int(1000 * (between + effect))))


def _count(n_studies: int, between: float, effect: float, rng: np.random.Generator) -> None:
    n, n_muscles, within = 8, 4, 0.12
    subject = np.repeat(np.arange(2 * n), n_muscles)
    compared, muscle = subject >= n, np.tile(np.arange(n_muscles), 2 * n)
    found: dict[str, list[bool]] = {}
    held: dict[str, list[bool]] = {}
    fallen = 0
    # True standardized difference of the subjects' means.
    delta = -effect / np.hypot(between, within / np.sqrt(n_muscles))
    for _ in range(n_studies):
        noise = between * rng.standard_normal(2 * n)[subject] + within * rng.standard_normal(len(subject))
        y = 1e-3 * (1 + 0.1 * (muscle - 1.5) - effect * compared + noise)
        means = y.reshape(2 * n, n_muscles).mean(axis=1)
        findings = compare_groups(means[:n], means[n:], "1")
        models = mixed_model(Observations(y, compared, subject, muscle, np.zeros((len(y), 0))), "1")
        fallen += models[0].test != "mixed model"
        named = [(f.test, f) for f in findings] + list(zip(("mixed", "mixed in %"), models, strict=True))
        for name, f in named:
            if np.isfinite(f.p):
                found.setdefault(name, []).append(f.p < 0.05)
            if np.isfinite(f.low):
                unit = {PERCENT: -100 * effect, "mixed in %": -100 * effect, HEDGES_G: delta}
                held.setdefault(name, []).append(f.low <= unit.get(name, -1e-3 * effect) <= f.high)
    print(f"SD between subjects {between:.0%}, effect {-effect:+.0%}; regression in {fallen} of {n_studies}")
    for name in dict.fromkeys([*found, *held]):
        print(
            f"  {name:<16} p < 0.05: {_share(found.get(name), 0.05)}   interval holds: {_share(held.get(name), 0.95)}"
        )


def _share(counts: list[bool] | None, expected: float) -> str:
    if not counts:
        return "-".rjust(21)
    low, high = (k / len(counts) for k in stats.binom.interval(0.99, len(counts), expected))
    return f"{np.mean(counts):6.1%} ({low:.1%} to {high:.1%})"


def main() -> None:
    """Run the part that was asked for."""
    if len(sys.argv) > 2 and sys.argv[1] == "images":
        images(Path(sys.argv[2]).absolute(), int(sys.argv[3]) if len(sys.argv) > 3 else 8)
    elif len(sys.argv) > 1 and sys.argv[1] == "chance":
        chance(int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
