"""The whole job runs on what Slicer bundles: numpy, scipy, SimpleITK and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

import pytest

from .conftest import powers

REPOSITORY = Path(__file__).resolve().parents[3]
ALLOWED = ("numpy", "scipy", "simpleitk")


@pytest.fixture(scope="module")
def only_what_slicer_bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package folder with links to the three allowed distributions and nothing else."""
    folder = tmp_path_factory.mktemp("packages")
    for name in ALLOWED:
        files = distribution(name).files or []
        tops = {Path(str(f)).parts[0] for f in files if not str(f).startswith("..")}
        root = Path(str(distribution(name).locate_file("")))
        for top in tops:
            (folder / top).symlink_to(root / top)
    (folder / "PCrCESTLib").symlink_to(REPOSITORY / "PCrCESTLib")
    return folder


def run(packages: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # -S leaves out site-packages, -P the working folder: only the links above can be imported.
    safe_path = ["-P"] if sys.version_info >= (3, 11) else []
    return subprocess.run(
        [sys.executable, "-S", *safe_path, *arguments],
        env={"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_environment_really_lacks_the_extras(only_what_slicer_bundles):
    assert find_spec("torch") is not None, "torch is here, so its absence there means something"
    probe = "import importlib.util as u; print([n for n in ('torch','matplotlib','h5py') if u.find_spec(n)])"
    assert run(only_what_slicer_bundles, "-c", probe).stdout.strip() == "[]"


def test_quantify_runs_there_and_says_what_it_left_out(only_what_slicer_bundles, a_simulated_scan, tmp_path):
    out = tmp_path / "out"
    done = run(
        only_what_slicer_bundles,
        *["-m", "PCrCESTLib", "quantify", *powers(a_simulated_scan), "--out", str(out)],
        *["--rois", str(a_simulated_scan / "sub-sim_labels.nii.gz"), "--progress", "json"],
    )
    assert done.returncode == 0, done.stderr
    record = json.loads((out / "quantify.json").read_text(encoding="utf-8"))
    assert record["device"]["used"] == "numpy"
    assert "torch is not installed" in record["device"]["reason"]
    assert any("matplotlib" in warning and "pip install" in warning for warning in record["warnings"])
    assert (out / "fs.nii.gz").stat().st_size > 0


def test_asking_for_a_gpu_without_torch_is_refused(only_what_slicer_bundles, a_simulated_scan, tmp_path):
    done = run(
        only_what_slicer_bundles,
        *["-m", "PCrCESTLib", "quantify", *powers(a_simulated_scan), "--out", str(tmp_path / "o")],
        *["--device", "cuda", "--progress", "none"],
    )
    assert done.returncode == 2
    assert "torch" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o").exists()
