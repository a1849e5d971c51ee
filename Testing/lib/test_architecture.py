"""The house rules that keep the library importable anywhere and its parts replaceable."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "PCrCESTLib"

# Lowest first; a part may import from its own layer and from those below. A new top-level part needs a place here.
LAYERS = (
    ("errors", "version", "saturation", "geometry", "progress", "outputs", "image_files",
     "job", "muscles", "segment_file"),
    ("protocol", "protocol_json", "protocol_text", "protocols"),
    ("series",),
    ("physics",),
    ("preparation", "synthesis", "fitting"),
    ("readers", "models"),
    ("quality", "contribution", "checksums"),
    ("methods",),
    ("quantify", "selection", "roi", "result_folder", "statistics", "study", "report", "evaluation", "map_files",
     "overview", "figures", "advice", "rivals", "dicom_export"),
    ("scene", "commands", "batch"),
    ("cli", "viewer"),
    ("__main__",),
)  # fmt: skip

# Not merely a matter of order: these must not know each other at all.
STRANGERS = {
    "physics": {"readers", "series", "geometry", "models", "synthesis", "preparation"},
    "readers": {"models", "physics", "synthesis", "preparation", "quantify"},
    "models": {"readers"},
    "synthesis": {"readers"},
}
QT = {"qt", "ctk", "PySide2", "PySide6", "PyQt5", "PyQt6", "PythonQt"}
EVERYWHERE = {
    "numpy",
    "scipy",
    "SimpleITK",
    "PCrCESTLib",
}  # of what Slicer bundles, all that file scopes need
HEAVY = (
    *("torch", "matplotlib", "h5py", "pydicom", "highdicom", "brukerapi", "distributed"),
    *("statsmodels", "pandas", "weasyprint", "slicer", "vtk"),
    *("aiohttp", "trame", "trame_client", "trame_rca", "trame_server", "trame_slicer", "trame_vuetify"),
)
MAX_LINES = 500

Import = tuple[str, int]


def sources(folder: Path = LIBRARY) -> list[Path]:
    return sorted(p for p in folder.rglob("*.py") if "__pycache__" not in p.parts)


def module_of(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str:
    """Top-level part of a module of the library: ``readers`` of ``PCrCESTLib.readers.maps``."""
    return [*module.split("."), ""][1]


def is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imported(node: ast.AST) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"relative import in line {node.lineno}: write it out"
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            is_module = (REPOSITORY / Path(*inner.split("."))).with_suffix(".py").is_file()
            yield (inner if is_module or node.module == "PCrCESTLib" else str(node.module)), node.lineno


def all_imports(path: Path) -> list[Import]:
    return [i for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for i in imported(node)]


def file_scope_imports(path: Path) -> list[Import]:
    """Imports that run when the module is imported."""

    def walk(nodes: list[ast.stmt]) -> Iterator[Import]:
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_for_type_checkers(node):
                continue
            yield from imported(node)
            for field in ("body", "orelse", "handlers", "finalbody"):
                yield from walk(getattr(node, field, []))

    return list(walk(ast.parse(path.read_text(encoding="utf-8")).body))


def layer_of(part: str) -> int:
    found = [level for level, names in enumerate(LAYERS) if any(fnmatch(part, name) for name in names)]
    assert found, f"PCrCESTLib/{part} has no place in LAYERS; give it one"
    return found[-1]


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_imports_point_downward(path):
    part = part_of(module_of(path))
    for module, line in all_imports(path):
        used = part_of(module)
        if not module.startswith("PCrCESTLib.") or part == "" or used in ("", "__version__", part):
            continue
        assert layer_of(used) <= layer_of(part), (
            f"{path.name}:{line} {part} imports {used}, which lies above it"
        )
        assert used not in STRANGERS.get(part, ()), f"{path.name}:{line} {part} must not know {used}"


def test_modules_do_not_import_each_other_in_a_circle():
    graph = {
        module_of(path): (
            {m for m, _ in file_scope_imports(path) if m.startswith("PCrCESTLib.")} - {module_of(path)}
        )
        for path in sources()
    }
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_nothing_in_the_library_knows_qt(path):
    assert not [i for i in all_imports(path) if i[0].split(".")[0] in QT]


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_file_scopes_need_only_what_slicer_bundles(path):
    allowed = EVERYWHERE | set(sys.stdlib_module_names)
    if part_of(module_of(path)) in ("models", "physics"):
        allowed = allowed | {"torch"}
    foreign = [i for i in file_scope_imports(path) if i[0].split(".")[0] not in allowed]
    assert not foreign, "import it inside the function that needs it"


@pytest.mark.parametrize(
    "path",
    [p for folder in ("PCrCESTLib", "PCrCEST", "Testing", "Resources") for p in sources(REPOSITORY / folder)],
    ids=lambda p: p.relative_to(REPOSITORY).as_posix(),
)
def test_a_file_fits_on_a_few_screens(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def run_python(code: str) -> str:
    """Output of a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_library_brings_nothing_heavy():
    code = f"import sys, PCrCESTLib; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert run_python(code).strip() == "[]"


def test_importing_the_command_line_brings_nothing_heavy():
    code = f"import sys, PCrCESTLib.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert run_python(code).strip() == "[]"


def test_every_module_can_be_imported_without_the_extras():
    modules = [
        module_of(p) for p in sources() if part_of(module_of(p)) not in ("__main__", "scene", "viewer")
    ]
    code = f"""
import importlib, sys
for absent in {HEAVY!r}:
    sys.modules[absent] = None  # as if it were not installed
for name in {modules!r}:
    importlib.import_module(name)
print(len({modules!r}))
"""
    assert int(run_python(code)) == len(modules)
