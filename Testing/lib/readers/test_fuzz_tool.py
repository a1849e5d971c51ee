"""A short run of the fuzz of all readers; ``Testing/tools/fuzz_nrrd_nifti_mat.py`` runs as long as one likes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from Linux' /proc")
def test_damaged_files_are_read_or_refused_with_a_sentence():
    tool = REPOSITORY / "Testing" / "tools" / "fuzz_nrrd_nifti_mat.py"
    done = subprocess.run(
        [sys.executable, str(tool), "--mutations", "420"],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "420 mutations, 0 bad" in done.stdout
    refused_or_read = re.search(r"plain\.seq\.nrrd.*", done.stdout)[0].split()[1:]
    assert sum(map(int, refused_or_read)) >= 30
