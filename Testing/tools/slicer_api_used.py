"""Everything of Slicer, CTK and Qt that the module uses, and whether the real application has it.

Run: ``python Testing/tools/slicer_api_used.py API``, where API is the folder with ``classes.json`` and
``python_api.json`` read off the running application. Exits with 1 when a name is missing there.
"""

from __future__ import annotations

import ast
import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

MODULE = Path(__file__).resolve().parents[2] / "PCrCEST"
UTIL_CLASSES = {"NodeModify", "VTKObservationMixin"}  # the description lists functions
# Not in the list of classes, which holds QObjects; QTableWidgetItem is in the notes that go with it.
NO_OBJECTS = ("Qt", "QApplication", "QTableWidgetItem")


def names_of(description: dict) -> set[str]:
    """Everything that can be read on an object of a class."""
    callables = [*description["signals"], *description["slots"]]
    return {*description["properties"], *description["members"], *(c.split("(")[0] for c in callables)}


def find(classes: dict, name: str) -> dict | None:
    """Description of a class, whatever namespace it lives in."""
    return next((classes[f"{s}.{name}"] for s in ("qt", "ctk", "slicer") if f"{s}.{name}" in classes), None)


def used_in_panels(classes: dict) -> list[tuple[str, bool]]:
    """Classes, properties, signals and slots of the .ui files."""
    found = []
    for panel in MODULE.rglob("*.ui"):
        tree = ElementTree.parse(panel)
        kinds = {w.get("name"): w.get("class") for w in tree.iter("widget")}
        for widget in tree.iter("widget"):
            kind, description = widget.get("class"), find(classes, widget.get("class"))
            found.append((kind, description is not None))
            offered = names_of(description) | names_of(classes["qt.QWidget"]) if description else set()
            for prop in widget.findall("property"):
                if prop.get("stdset") != "0":
                    found.append((f"{kind}.{prop.get('name')}", prop.get("name") in offered))
        for link in tree.iter("connection"):
            for owner, part, group in (("sender", "signal", "signals"), ("receiver", "slot", "slots")):
                kind, text = kinds[link.findtext(owner)], link.findtext(part)
                found.append((f"{kind}.{text}", text in find(classes, kind)[group]))
    return found


def used_in_sources(classes: dict, api: dict) -> list[tuple[str, bool]]:
    """Attributes of the panel's widgets, functions of slicer.util, members of slicer.app, classes of qt and ctk."""
    kinds = {
        w.get("name"): w.get("class") for p in MODULE.rglob("*.ui") for w in ElementTree.parse(p).iter("widget")
    }
    found = []
    for path in MODULE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Attribute):
                continue
            owner = ast.unparse(node.value)
            if owner == "slicer.util":
                found.append((f"slicer.util.{node.attr}", node.attr in {*api["slicer.util"], *UTIL_CLASSES}))
            elif owner == "slicer.app":
                found.append((f"slicer.app.{node.attr}", node.attr in api["slicer.app"]))
            elif owner in ("qt", "ctk") and node.attr not in NO_OBJECTS:
                found.append((f"{owner}.{node.attr}", f"{owner}.{node.attr}" in classes))
            elif owner.startswith("self.ui.") and owner.count(".") == 2:
                kind = kinds[owner.split(".")[2]]
                offered = names_of(find(classes, kind)) | names_of(classes["qt.QWidget"])
                found.append((f"{kind}.{node.attr}", node.attr in offered))
    return found


def main() -> int:
    """Print the list."""
    folder = Path(sys.argv[1])
    classes, api = (json.loads((folder / f).read_text()) for f in ("classes.json", "python_api.json"))
    found = dict(sorted({*used_in_panels(classes), *used_in_sources(classes, api)}))
    for name, exists in found.items():
        print(f"{'found  ' if exists else 'MISSING'} {name}")
    missing = [name for name, exists in found.items() if not exists]
    print(f"{len(found)} names, {len(missing)} missing")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
