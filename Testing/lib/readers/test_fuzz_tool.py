"""A short run of the fuzz of all readers; the tools ``Testing/tools/fuzz_….py`` run as long as one likes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
TOOLS = REPOSITORY / "Testing" / "tools"


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from Linux' /proc")
@pytest.mark.parametrize(
    ("name", "mutations"), [("nrrd_nifti_mat", 420), ("bruker", 90), ("dicom", 60), ("companions", 60)]
)
def test_damaged_files_are_read_or_refused_with_a_sentence(name, mutations):
    for package in {
        "bruker": ["brukerapi"],
        "dicom": ["pydicom"],
        "companions": ["brukerapi", "pydicom"],
    }.get(name, []):
        pytest.importorskip(package)
    tool = TOOLS / f"fuzz_{name}.py"
    done = subprocess.run(
        [sys.executable, str(tool), "--mutations", str(mutations)],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{mutations} mutations, 0 bad" in done.stdout
    kinds = {
        "nrrd_nifti_mat": "plain.seq.nrrd",
        "bruker": "PV6 slices",
        "dicom": "enhanced",
        "companions": "bruker fair",
    }
    kind = kinds[name]
    refused_or_read = re.search(rf"^{re.escape(kind)} (.*)", done.stdout, re.MULTILINE)[1].split()
    assert sum(map(int, refused_or_read)) >= 10


def test_a_hanging_reader_is_ended_and_counted(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import fuzz_supervisor

    tool = tmp_path / "tool.py"
    tool.write_text(
        "import json, sys, time\n"
        "first, last = map(int, sys.argv[2:4])\n"
        "for number in range(first, last):\n"
        "    print(json.dumps({'number': number, 'kind': 'scan'}), flush=True)\n"
        "    time.sleep(60 if number == 1 else 0)\n"
        "    print(json.dumps({'outcome': 'read', 'seconds': 0, 'bytes': 0}), flush=True)\n"
    )
    monkeypatch.setattr(fuzz_supervisor, "MOST_SECONDS", 1.0)
    tally = fuzz_supervisor.supervise(tool, "", 4, 1, None)
    assert tally.outcomes["scan"] == {"read": 3, "BAD": 1}
    assert tally.bad == ["1 scan: BAD: more than 1 s"]
