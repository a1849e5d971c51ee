"""Ctrl-C and a GUI's terminate end the job with 130 and leave nothing behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from .conftest import powers

# The job stops itself at a chosen stage, so that the moment of the signal does not depend on the machine's speed.
INTERRUPTED = """
import os, signal, sys
from PCrCESTLib import progress
from PCrCESTLib.cli import main
step = progress.JsonProgress.step
def interrupted(self, fraction, stage):
    step(self, fraction, stage)
    if stage == sys.argv[1]:
        os.kill(os.getpid(), getattr(signal, sys.argv[2]))
progress.JsonProgress.step = interrupted
sys.exit(main(sys.argv[3:]))
"""


@pytest.mark.parametrize("stage", ["reading", "preparing", "inference", "writing"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_cancelled_at_any_stage(a_simulated_scan, tmp_path, stage, name):
    assert hasattr(signal, name)
    out = tmp_path / "deep" / "out"
    arguments = ["quantify", *powers(a_simulated_scan), "--out", str(out), "--progress", "json"]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, stage, name, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["exit_code"] == 130
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
