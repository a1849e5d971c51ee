"""Write the file lists of PCrCESTLib/CMakeLists.txt and PCrCEST/CMakeLists.txt from what lies in the folders.

Run ``python Testing/tools/cmake_lists.py`` after adding or removing a file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

# Folder -> endings of its resources; its scripts are all .py files.
RESOURCES = {
    "PCrCESTLib": (".npz", ".json", ".typed", ".js", ".css"),
    "PCrCEST": (".ui", ".png", ".svg", ".json"),
}


def files_of(folder: str) -> tuple[list[str], list[str]]:
    """Scripts and resources of a folder, as CMake lists them: relative, sorted, with forward slashes."""
    root = REPOSITORY / folder
    paths = sorted(
        p.relative_to(root) for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts
    )
    scripts = [p.as_posix() for p in paths if p.suffix == ".py"]
    return scripts, [p.as_posix() for p in paths if p.name.endswith(RESOURCES[folder])]


def listed_in(folder: str) -> tuple[list[str], list[str]]:
    """Scripts and resources that the folder's CMakeLists.txt names."""
    text = (REPOSITORY / folder / "CMakeLists.txt").read_text(encoding="utf-8")
    scripts, resources = (
        re.search(_block(f"{folder}_{kind}"), text).group(2).split() for kind in ("SCRIPTS", "RESOURCES")
    )
    return scripts, resources


def write_lists(folder: str) -> None:
    """Bring the folder's CMakeLists.txt up to date."""
    path = REPOSITORY / folder / "CMakeLists.txt"
    text = path.read_text(encoding="utf-8")
    for kind, names in zip(("SCRIPTS", "RESOURCES"), files_of(folder), strict=True):
        lines = "".join(f"  {name}\n" for name in names)
        text = re.sub(
            _block(f"{folder}_{kind}"), lambda m, lines=lines: m.group(1) + lines + m.group(3), text
        )
    path.write_text(text, encoding="utf-8")


def _block(variable: str) -> str:
    return rf"(set\({variable}\n)([^)]*?)(\)\n)"


if __name__ == "__main__":
    for each in RESOURCES:
        write_lists(each)
        sys.stdout.write(f"{each}/CMakeLists.txt lists {sum(map(len, files_of(each)))} files\n")
