"""The table per region as a structured report, each number beside its segment."""

from __future__ import annotations

from dataclasses import replace

import highdicom
import numpy as np
import pytest

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.map_files import write_roi_table
from PCrCESTLib.roi import ROI_SPECTRUM, VOXEL_MEAN, RoiRow


def row(roi, quantity, estimator, value, sd, unit="1", identifiable=True):
    return RoiRow(roi, quantity, unit, estimator, value, sd, "", identifiable, 7, 9, 31.5, 0.25)


COLUMNS = b"roi,quantity,estimator,value,sd,identifiable,volume_mm3,flagged_share\n"
INFINITE = COLUMNS + b"Soleus left,fs,ROI spectrum,1,1,True,inf,0\n"
ROWS = [
    row("Soleus left", "fs", VOXEL_MEAN, 0.0011, 0.0002),
    row("Soleus left", "fs", ROI_SPECTRUM, 0.00105, 0.00007),
    row("Soleus left", "PCr", ROI_SPECTRUM, 58.3, 3.9, "mM"),
    row("Soleus left", "ksw", ROI_SPECTRUM, 121.0, 40.0, "1/s", identifiable=False),
    row("Whole leg", "fs", ROI_SPECTRUM, 0.0009, float("nan")),
]


@pytest.fixture
def with_table(result):
    masks = {
        name: np.zeros(result.grid.shape, bool) for name in ("Soleus left", "Whole leg", "empty of numbers")
    }
    for n, mask in enumerate(masks.values()):
        mask[n, 1:, 2:] = True
    result.add_regions(masks)
    write_roi_table(ROWS, result.folder / "roi_statistics.csv")
    return result


def groups_of(result):
    read = highdicom.sr.Comprehensive3DSR.from_dataset(result.dataset("table"))
    return read.content.get_volumetric_roi_measurement_groups()


def numbers_of(group):
    """(quantity, derivation) → (value, unit)."""
    found = {}
    for measurement in group.get_measurements():
        derivation = measurement.derivation.meaning if measurement.derivation else ""
        value = measurement[0].MeasuredValueSequence[0].FloatingPointValue
        found[measurement.name.value, derivation] = (value, measurement.unit.value)
    return found


def test_every_number_is_kept_exactly_with_its_estimator_and_unit(with_table):
    with_table.export()
    spectrum, voxels, leg = groups_of(with_table)
    deviation = "Standard Deviation"
    extent = {("118565006", ""): (31.5, "mm3"), ("flagged", ""): (25.0, "%")}
    assert (spectrum.method.value, voxels.method) == ("roi-spectrum", None)
    assert numbers_of(spectrum) == extent | {
        ("fs", ""): (0.00105, "1"),
        ("fs", deviation): (0.00007, "1"),
        ("PCr", ""): (58.3, "mmol/L"),
        ("PCr", deviation): (3.9, "mmol/L"),
        ("ksw", ""): (121.0, "/s"),
        ("ksw", deviation): (40.0, "/s"),
    }
    assert numbers_of(voxels) == extent | {("fs", "Mean"): (0.0011, "1"), ("fs", deviation): (0.0002, "1")}
    assert ("fs", deviation) not in numbers_of(leg), "a number that is not known is left out"


def test_numbers_belong_to_their_segment(with_table):
    with_table.export()
    segments = with_table.dataset("rois")
    labels = {s.SegmentNumber: s.SegmentLabel for s in segments.SegmentSequence}
    groups = groups_of(with_table)
    assert [g.tracking_identifier for g in groups] == ["Soleus left", "Soleus left", "Whole leg"]
    for group in groups:
        reference = group.referenced_segment
        item = reference[0].ReferencedSOPSequence[0]
        assert item.ReferencedSOPInstanceUID == segments.SOPInstanceUID
        assert labels[item.ReferencedSegmentNumber] == group.tracking_identifier


def test_what_the_scan_cannot_tell_is_said(with_table):
    with_table.export()
    answers = {e.name.value: e.value.meaning for e in groups_of(with_table)[0].get_qualitative_evaluations()}
    assert answers == {"fs-known": "Yes", "ksw-known": "No"}


def test_the_report_lists_maps_and_segments_as_its_evidence(with_table):
    with_table.export()
    table = with_table.dataset("table")
    evidence = {
        str(item.ReferencedSOPInstanceUID)
        for keyword in ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence")
        for study in table.get(keyword, ())
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert evidence == {str(with_table.dataset(n).SOPInstanceUID) for n in ("fs", "rois")}


def test_a_table_repeated_is_the_same_to_the_byte(with_table, tmp_path):
    with_table.export()
    with_table.export(tmp_path / "again")
    assert (with_table.out / "table.dcm").read_bytes() == (tmp_path / "again" / "table.dcm").read_bytes()


def test_a_table_of_other_regions_is_no_report(with_table):
    write_roi_table([row("heart", "fs", ROI_SPECTRUM, 1.0, 1.0)], with_table.folder / "roi_statistics.csv")
    assert "table.dcm" not in with_table.export().files


def test_a_region_without_a_value_has_no_measurement_and_does_not_stop_the_others(with_table):
    before = with_table.export(with_table.folder.parent / "before").files
    nan = float("nan")
    gone = replace(row("empty of numbers", "fs", ROI_SPECTRUM, nan, nan), n_voxels=0, reason="nothing is drawn")
    write_roi_table([*ROWS, gone], with_table.folder / "roi_statistics.csv")
    assert with_table.export().files == before


@pytest.mark.parametrize("content", [b"roi,quantity\nx,fs\n", b"\xff\xfe\x00", b'roi,value\n"a', INFINITE])
def test_a_damaged_table_gives_one_sentence(with_table, content):
    (with_table.folder / "roi_statistics.csv").write_bytes(content)
    with pytest.raises(ReaderError, match=r"roi_statistics\.csv: not a table as pcrcest quantify writes it"):
        with_table.export()
    assert not with_table.out.exists()
