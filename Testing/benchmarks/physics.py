"""How fast the physics engine is, beside the simulators that people use, in one run.

``python Testing/benchmarks/physics.py`` prints spectra per second for water, four solutes (amide, PCr, Cr, NOE)
and a semi-solid pool at 61 offsets, continuous wave 1 µT for 5 s at 4.7 T, and the ratios; ``--growth``
shows first time and peak memory from 1e2 to 1e6 spectra. Every engine gets the same tissues, and its answers are
compared with ours.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from PCrCESTLib.physics import GAMMA, Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.saturation import Saturation

OFFSETS_PPM = np.linspace(-6.0, 6.0, 61)
FIELD_T, B1_UT, DURATION_S = 4.7, 1.0, 5.0
PULSEQ_CEST_SPECTRA_PER_S = (160, 510)
"""C++ pulseq-cest on two cores, measured earlier for this project; no compiled wheel is on PyPI."""


def muscle(n_tissues: int, seed: int = 0) -> Tissue:
    """Random rat muscle with a Lorentzian semi-solid line, so that every simulator can follow."""
    rng = np.random.default_rng(seed)

    def uniform(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, n_tissues)

    pools = (
        Pool("amide", 3.5, uniform(8e-4, 1.2e-3), uniform(50, 150), 1.3, uniform(1e-3, 2e-3)),
        Pool("PCr", 2.6, uniform(6e-4, 1.4e-3), uniform(60, 160), 1.3, uniform(8e-3, 12e-3)),
        Pool("Cr", 2.0, uniform(1.6e-3, 2.4e-3), uniform(300, 700), 1.3, uniform(8e-3, 12e-3)),
        Pool("NOE", -3.3, uniform(0.01, 0.02), uniform(5, 15), 1.3, uniform(3e-4, 6e-4)),
    )
    semisolid = SemisolidPool(
        uniform(0.07, 0.2), uniform(20, 30), 1.3, uniform(1e-5, 5e-5), -2.0, "lorentzian"
    )
    return Tissue(Water(uniform(1.1, 1.7), uniform(0.02, 0.06)), pools, semisolid)


def ours(tissue: Tissue) -> np.ndarray:
    return z_spectra(tissue, Saturation(DURATION_S), OFFSETS_PPM, B1_UT, FIELD_T)


def rate_on_all_cores(tissue: Tissue) -> tuple[float, float]:
    """Spectra per second, and per second of processor time, of one process a core, all at work together."""
    cores = os.cpu_count() or 1
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        shares = [tissue.map(part_of(i, cores)) for i in range(cores)]
        rates = pool.map(_rate_of_share, shares, chunksize=1)
    return sum(wall for wall, _ in rates), sum(processor for _, processor in rates) / cores


def _rate_of_share(tissue: Tissue) -> tuple[float, float]:
    return best_rate(lambda: ours(tissue), tissue.n_tissues, 9)


def one(value: float | np.ndarray, index: int) -> float:
    return float(value if np.ndim(value) == 0 else value[index])


def bmctool_parameters(tissue: Tissue, index: int) -> object:
    from bmctool.parameters.Parameters import Parameters

    def pool(part: Pool | SemisolidPool) -> dict[str, float]:
        return {
            "f": one(part.fraction, index),
            "dw": one(part.shift_ppm, index),
            "k": one(part.k_per_s, index),
            "t1": one(part.t1_s, index),
            "t2": one(part.t2_s, index),
        }

    water = {"f": 1.0, "t1": one(tissue.water.t1_s, index), "t2": one(tissue.water.t2_s, index)}
    return Parameters.from_dict(
        {
            "water_pool": water,
            "cest_pool": {part.name: pool(part) for part in tissue.pools},
            "mt_pool": {**pool(tissue.semisolid), "lineshape": "Lorentzian"},
            "b0": FIELD_T,
            "gamma": GAMMA,
            "b0_inhom": 0.0,
            "rel_b1": 1.0,
        }
    )


def bmctool_solver(tissue: Tissue) -> np.ndarray:
    """BMCTool's solver alone, without its pulse-sequence layer."""
    from bmctool.simulation.BlochMcConnellSolver import BlochMcConnellSolver

    hz_per_ut = GAMMA / (2 * np.pi)
    spectra = np.empty((tissue.n_tissues, len(OFFSETS_PPM)))
    for index in range(tissue.n_tissues):
        parameters = bmctool_parameters(tissue, index)
        solver = BlochMcConnellSolver(parameters, len(OFFSETS_PPM))
        for frame, offset in enumerate(OFFSETS_PPM):
            solver.update_matrix(B1_UT * hz_per_ut, 0.0, offset * FIELD_T * hz_per_ut)
            state = solver.solve_equation(parameters.m_vec, DURATION_S)
            spectra[index, frame] = state[parameters.mz_loc]
    return spectra


def bmctool_sequence(tissue: Tissue) -> np.ndarray:
    """BMCTool as its users run it: a pulse sequence through its simulator."""
    import pypulseq as pp
    from bmctool.simulation.BMCSim import BMCSim

    hz_per_ut = GAMMA / (2 * np.pi)
    sequence = pp.Sequence(system=pp.Opts(B0=FIELD_T, gamma=hz_per_ut * 1e6))
    for offset in OFFSETS_PPM:
        pulse = pp.make_block_pulse(
            flip_angle=GAMMA * B1_UT * DURATION_S,
            duration=DURATION_S,
            freq_offset=offset * FIELD_T * hz_per_ut,
            system=sequence.system,
        )
        sequence.add_block(pulse)
        sequence.add_block(pp.make_adc(num_samples=1, duration=1e-3))
    sequence.set_definition("offsets_ppm", list(OFFSETS_PPM))
    spectra = []
    for index in range(tissue.n_tissues):
        simulation = BMCSim(bmctool_parameters(tissue, index), sequence, verbose=False)
        simulation.run()
        spectra.append(simulation.get_zspec()[1])
    return np.array(spectra)


def torch_matrix_exponential(tissue: Tissue) -> np.ndarray:
    """Full matrices through ``torch.linalg.matrix_exp``, all offsets of 16 spectra in a batch."""
    import torch

    from PCrCESTLib.physics.arrays import TorchBackend
    from PCrCESTLib.physics.generator import generator
    from PCrCESTLib.physics.system import build_system

    backend = TorchBackend(torch.float64, torch.device("cpu"))
    shape = (len(OFFSETS_PPM), tissue.n_tissues)
    offsets = backend.array(OFFSETS_PPM)[:, None]
    tensors = as_tensors(tissue)
    system = build_system(
        backend, tensors, offsets, torch.full_like(offsets, B1_UT), FIELD_T, 0.0, 1.0, shape
    )
    points = torch.nonzero(torch.ones(shape), as_tuple=True)
    z = torch.zeros(shape, dtype=torch.float64)
    for first in range(0, len(points[0]), 16 * len(OFFSETS_PPM)):
        some = tuple(index[first : first + 16 * len(OFFSETS_PPM)] for index in points)
        matrices = torch.linalg.matrix_exp(generator(system.take(some)) * DURATION_S)
        z[some] = 1.0 + matrices[:, 2, -1]
    return z.T.numpy()


def as_tensors(tissue: Tissue) -> Tissue:
    import torch

    return tissue.map(lambda value: torch.as_tensor(value) if isinstance(value, np.ndarray) else value)


def in_single(tissue: Tissue) -> Tissue:
    return tissue.map(lambda value: np.float32(value) if isinstance(value, np.ndarray) else value)


def best_rate(run: Callable[[], object], n_spectra: int, repeats: int) -> tuple[float, float]:
    """Spectra per second and per second of processor time, the best of several runs after a warm-up.

    The second number does not suffer from what else the machine is doing.
    """
    run()
    seconds, processor_seconds = [], []
    for _ in range(repeats):
        start, processor_start = time.perf_counter(), time.process_time()
        run()
        seconds.append(time.perf_counter() - start)
        processor_seconds.append(time.process_time() - processor_start)
    return n_spectra / min(seconds), n_spectra / min(processor_seconds)


def compare_engines(n_spectra: int) -> None:
    many, few, some = muscle(n_spectra), muscle(4), muscle(64)
    exact = ours(some)
    rates = {
        "ours, NumPy float64": best_rate(lambda: ours(many), n_spectra, 5),
        "ours, NumPy float32": best_rate(lambda: ours(in_single(many)), n_spectra, 5),
        "ours, float64, all cores": rate_on_all_cores(many),
        "ours, torch float64": best_rate(lambda: ours(as_tensors(many)), n_spectra, 5),
        "torch.linalg.matrix_exp": best_rate(lambda: torch_matrix_exponential(some), 64, 2),
        "BMCTool, solver alone": best_rate(lambda: bmctool_solver(few), 4, 3),
        "BMCTool, pulse sequence": best_rate(lambda: bmctool_sequence(few), 4, 3),
    }
    errors = {
        "ours, torch float64": np.abs(np.asarray(ours(as_tensors(some))) - exact).max(),
        "ours, NumPy float32": np.abs(ours(in_single(some)) - exact).max(),
        "torch.linalg.matrix_exp": np.abs(torch_matrix_exponential(some) - exact).max(),
        "BMCTool, solver alone": np.abs(bmctool_solver(some.map(first_of(4))) - exact[:4]).max(),
        "BMCTool, pulse sequence": np.abs(bmctool_sequence(some.map(first_of(4))) - exact[:4]).max(),
    }
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {len(OFFSETS_PPM)} offsets, 6 pools")
    print(f"{'':32s} {'spectra/s':>10s} {'ours is':>10s} {'/core-s':>10s} {'ours is':>10s}")
    wall, processor = rates["ours, float64, all cores"][0], rates["ours, NumPy float64"][1]
    for name, (rate, core_rate) in rates.items():
        error = f"  max |dZ| {errors[name]:.0e}" if name in errors else ""
        ratios = f"{rate:10.1f} {wall / rate:8.1f} x {core_rate:10.1f} {processor / core_rate:8.1f} x"
        print(f"{name:32s} {ratios}{error}")
    for rate in PULSEQ_CEST_SPECTRA_PER_S:
        print(f"{'pulseq-cest (C++), cited':32s} {rate:10.1f} {wall / rate:8.1f} x")


def part_of(index: int, count: int) -> Callable[[float | np.ndarray], float | np.ndarray]:
    return lambda value: value[index::count] if isinstance(value, np.ndarray) else value


def first_of(count: int) -> Callable[[float | np.ndarray], float | np.ndarray]:
    return lambda value: value[:count] if isinstance(value, np.ndarray) else value


def show_growth(sizes: list[int]) -> None:
    """Time and peak memory for growing numbers of spectra, each in a process of its own."""
    print("spectra     seconds  spectra/s   peak MiB  of it input and result MiB")
    for size in sizes:
        command = [sys.executable, __file__, "--measure", str(size)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="")


def measure(size: int) -> None:
    ours(muscle(10))
    tissue = muscle(size)
    start = time.perf_counter()
    z = ours(tissue)
    seconds = time.perf_counter() - start
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    held = z.nbytes + sum(value.nbytes for value in tissue.numbers() if isinstance(value, np.ndarray))
    print(f"{size:8d} {seconds:10.3f} {size / seconds:10.0f} {peak_mib:10.0f} {held / 2**20:10.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spectra", type=int, default=20_000, help="spectra in our timed runs")
    parser.add_argument("--growth", action="store_true", help="also 1e2 to 1e6 spectra")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
        return
    if arguments.growth:
        # First, while this process is small: a child's peak memory counts from its parent's.
        show_growth([10**power for power in range(2, 7)])
    compare_engines(arguments.spectra)


if __name__ == "__main__":
    main()
