"""The extension's build files name every file, and CMake accepts them."""

from __future__ import annotations

import json
import runpy
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TOOL = runpy.run_path(str(REPOSITORY / "Testing" / "tools" / "cmake_lists.py"))

# Stands in for Slicer's build system: it writes down what it is asked to build and checks that it exists.
STAND_IN = """
set(Slicer_USE_FILE ${CMAKE_CURRENT_LIST_DIR}/use.cmake)
set(Slicer_EXTENSION_GENERATE_CONFIG ${CMAKE_CURRENT_LIST_DIR}/nothing.cmake)
set(Slicer_EXTENSION_CPACK ${CMAKE_CURRENT_LIST_DIR}/end.cmake)
"""
USE_FILE = """
function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(ARG "WITH_SUBDIR;WITH_GENERIC_TESTS" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "unknown: ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  foreach(file ${ARG_SCRIPTS} ${ARG_RESOURCES})
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
      message(FATAL_ERROR "missing: ${file}")
    endif()
    file(APPEND ${CMAKE_BINARY_DIR}/packaged.txt "${ARG_NAME}/${file} ${ARG_WITH_SUBDIR}\\n")
  endforeach()
endfunction()
function(slicer_add_python_unittest)
endfunction()
"""
END_FILE = """
foreach(name HOMEPAGE CATEGORY CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  file(APPEND ${CMAKE_BINARY_DIR}/extension.txt "${name}=${EXTENSION_${name}}\\n")
endforeach()
"""


@pytest.mark.parametrize("folder", ["PCrCESTLib", "PCrCEST"])
def test_every_file_is_packaged(folder):
    assert TOOL["listed_in"](folder) == TOOL["files_of"](folder), "run: python Testing/tools/cmake_lists.py"


@pytest.fixture(scope="module")
def configured(tmp_path_factory):
    """Build folder after CMake has read the extension against a stand-in for Slicer."""
    if shutil.which("cmake") is None:
        pytest.skip("CMake is not installed")
    slicer, build = tmp_path_factory.mktemp("slicer"), tmp_path_factory.mktemp("build")
    files = {"SlicerConfig": STAND_IN, "use": USE_FILE, "nothing": "", "end": END_FILE}
    for name, text in files.items():
        (slicer / f"{name}.cmake").write_text(text)
    command = ["cmake", "-S", REPOSITORY, "-B", build, f"-DSlicer_DIR={slicer}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return build


def test_the_library_goes_into_its_own_package_and_the_module_to_the_top(configured):
    rows = dict(line.split() for line in (configured / "packaged.txt").read_text().splitlines())
    assert rows["PCrCESTLib/__init__.py"] == "TRUE"
    assert rows["PCrCESTLib/readers/nifti.py"] == "TRUE"
    assert rows["PCrCEST/PCrCEST.py"] == "FALSE"
    assert rows["PCrCEST/Resources/UI/PCrCEST.ui"] == "FALSE"


def test_the_extension_says_what_the_extensions_manager_asks(configured):
    facts = dict(line.split("=", 1) for line in (configured / "extension.txt").read_text().splitlines())
    assert facts["CATEGORY"] == "Quantification"
    assert facts["DEPENDS"] == "PyTorch"
    assert all(facts.values())
    assert facts["ICONURL"].endswith("/PCrCEST/Resources/Icons/PCrCEST.png")
    for key in ("ICONURL", "SCREENSHOTURLS"):
        assert facts[key].endswith((".png", ".jpeg", ".gif"))


def test_the_catalog_entry_follows_its_schema():
    entry = json.loads((REPOSITORY / "PCrCEST.json").read_text())
    allowed = {
        "$schema", "category", "scm_url", "scm_revision", "scm_type", "build_dependencies", "build_subdirectory",
        "dicom_support_rule", "enabled", "tier",
    }  # fmt: skip
    assert {"$schema", "category", "scm_url"} <= set(entry) <= allowed
    assert entry["$schema"].endswith("slicer-extension-catalog-entry-schema-v1.0.2.json#")
    assert entry["build_dependencies"] == ["PyTorch"]
    assert entry["scm_url"].endswith(".git")


def test_the_icon_is_a_square_png_with_transparency():
    head = (REPOSITORY / "PCrCEST/Resources/Icons/PCrCEST.png").read_bytes()[:26]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, _bits, color_type = struct.unpack(">IIBB", head[16:26])
    assert (width, height, color_type) == (128, 128, 6)
