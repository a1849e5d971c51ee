"""Presets of muscles: their codes are DICOM's own, and regions of the usual names are known by them."""

from __future__ import annotations

import pytest

from PCrCESTLib.muscles import CATEGORY, PRESETS, REGION, SIDE_CODES, TYPE, muscle_named, region_terminology

MUSCLES = {muscle.name: muscle for group in PRESETS.values() for muscle in group}


def test_every_code_is_one_that_dicom_prints_for_that_muscle():
    """Context group 3031 of PS3.16 (ISO/IEEE 11073, *MDC*), in pydicom's copy; SNOMED CT (*SCT*) for the rest."""
    codes = pytest.importorskip("pydicom.sr.coding").Code
    groups = pytest.importorskip("pydicom.sr.codedict")
    listed = {(c.value, c.meaning) for c in groups.codes.cid3031.concepts.values() if isinstance(c, codes)}
    coded = [m for m in MUSCLES.values() if m.code]
    assert {tuple(m.code.split("^")) for m in coded} <= listed
    assert {m.name for m in MUSCLES.values()} - {m.name for m in coded} == {"Peroneus", "Whole leg"}
    for muscle in coded:
        first = muscle.name.split()[0].lower()
        assert first in muscle.code.lower()


def test_the_codes_of_snomed_are_known_to_dicom():
    concepts = pytest.importorskip("pydicom.sr._concepts_dict").concepts["SCT"]
    known = {value for entry in concepts.values() for value in entry}
    for code in (CATEGORY, TYPE, REGION, SIDE_CODES["left"], SIDE_CODES["right"]):
        assert code.split("^")[1] in known


@pytest.mark.parametrize(
    ("name", "muscle", "side"),
    [
        ("Soleus", "Soleus", ""),
        ("soleus left", "Soleus", "left"),
        ("Right Soleus", "Soleus", "right"),
        ("tibialis_anterior_r", "Tibialis anterior", "right"),
        ("L-GM", "Gastrocnemius medialis", "left"),
        ("SOL_L", "Soleus", "left"),
    ],
)
def test_the_usual_spellings_of_a_muscle_are_known(name, muscle, side):
    assert muscle_named(name) == (MUSCLES[muscle], side)


@pytest.mark.parametrize("name", ["", " ", "left", "st", "sol", "tumor", "soleus and plantaris", "_", "l r"])
def test_other_names_mean_no_muscle(name):
    assert muscle_named(name) is None
    assert region_terminology(name) == ""


def test_two_muscles_have_terms_that_differ():
    terms = {region_terminology(name) for name in ("Soleus", "Soleus left", "Gastrocnemius left", "VM right")}
    assert len(terms) == 4
