"""Which scans belong together, and what of a choice a quantification takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.scene.choice import MOST_SERIES, ScanChoice
from PCrCESTLib.scene.muscles import add_segmentation
from PCrCESTLib.scene.request import Request
from PCrCESTLib.scene.series_nodes import add_series
from PCrCESTLib.scene.volumes import add_volume
from PCrCESTLib.series import CestSeries


@pytest.fixture
def at(scene, series):
    """Add a series at a power, perhaps on another grid or at another field; return its node."""

    def add(b1_ut, geometry=None, field_t=4.7):
        protocol = replace(series.protocol, b1_ut=(b1_ut,) * series.protocol.n_frames, field_t=field_t)
        return add_series(CestSeries(series.data, geometry or series.geometry, protocol), f"{b1_ut:g} uT")

    return add


@pytest.fixture
def volume(scene, oblique):
    return lambda name: add_volume(np.ones(oblique.shape, np.float32), oblique, name)


def test_the_first_scan_brings_its_companions(at, volume):
    nodes = {"series": at(0.5), "t1": volume("T1"), "b0": volume("B0"), "anatomy": volume("anatomy")}
    choice = ScanChoice().joined(nodes)
    assert choice.series == (nodes["series"],)
    assert (choice.relaxation, choice.relaxation_kind) == (nodes["t1"], "t1")
    assert (choice.b0, choice.reference(), choice.b1) == (nodes["b0"], nodes["anatomy"], None)
    assert ScanChoice().reference() is None


def test_another_power_joins_and_brings_only_what_is_missing(at, volume):
    first = {"series": at(0.5), "r1": volume("R1")}
    second = {"series": at(1.0), "r1": volume("R1 again"), "b1": volume("B1")}
    choice = ScanChoice().joined(first).joined(second)
    assert choice.series == (first["series"], second["series"])
    assert choice.relaxation is first["r1"]
    assert choice.b1 is second["b1"]


@pytest.mark.parametrize("case", ["the same power", "another grid", "another field", "a fourth power"])
def test_a_new_subject_keeps_nothing_of_the_old_one(at, volume, oblique, case):
    old = ScanChoice().joined({"series": at(0.5), "r1": volume("R1"), "anatomy": volume("anatomy")})
    for power in (1.0, 1.5)[: MOST_SERIES - 1 if case == "a fourth power" else 0]:
        old = old.joined({"series": at(power)})
    shifted = Geometry(oblique.size, oblique.spacing_mm, (0.0, 0.0, 0.0), oblique.direction)
    new = {
        "the same power": lambda: at(0.5),
        "another grid": lambda: at(2.0, shifted),
        "another field": lambda: at(2.0, field_t=7.0),
        "a fourth power": lambda: at(2.0),
    }[case]()
    assert old.joined({"series": new}) == ScanChoice((new,))


def test_maps_chosen_before_any_series_are_of_nobody(at, volume):
    assert ScanChoice(anatomy=volume("old")).joined({"series": at(0.5)}).anatomy is None


def test_a_series_without_protocol_cannot_be_joined(at):
    import slicer

    foreign = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "foreign")
    with pytest.raises(ProtocolError, match="foreign: "):
        ScanChoice((foreign,)).joined({"series": at(0.5)})


def test_a_quantification_takes_what_its_method_uses(at, volume):
    choice = ScanChoice((at(0.5),), volume("anatomy"), volume("R1"), "r1", fm=volume("fm"))
    assert set(choice.inputs("two-branch").companions) == {"r1", "anatomy"}
    assert set(choice.inputs("bm").companions) == {"r1", "anatomy"}
    assert choice.inputs("mplf").companions == {"r1": choice.relaxation, "fm": choice.fm, "anatomy": choice.anatomy}
    assert choice.inputs("mplf").series == list(choice.series)


def test_a_segmentation_counts_when_a_segment_is_in_it(at, volume):
    muscles = add_segmentation(volume("anatomy"), "muscles")
    choice = ScanChoice((at(0.5),), muscles=muscles)
    assert choice.inputs("ld", only_muscles=True).muscles is None
    muscles.GetSegmentation().AddEmptySegment("soleus")
    inputs = choice.inputs("ld", only_muscles=True)
    assert inputs.muscles is muscles
    assert inputs.only_muscles


def test_what_a_method_lacks_is_said(at):
    one = ScanChoice((at(0.5),))
    assert one.missing_for(Request()) == ""
    assert "give a second series" in one.missing_for(Request("dsp"))
    apart = ScanChoice((at(0.5), at(1.0, field_t=7.0)))
    assert "differ in more than power and offsets" in apart.missing_for(Request("ld"))
    assert "no CEST series is chosen" in ScanChoice().missing_for(Request())
