"""Frames become Z-spectra: divided by M0 at their own time, sorted, repeats averaged, powers joined."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.errors import GeometryError, ProtocolError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.preparation.mask import body_mask
from PCrCESTLib.preparation.zseries import prepare_series, protocol_of
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.saturation import Saturation
from PCrCESTLib.series import CestSeries

GRID = Geometry((4, 3, 2))


def series(offsets, values, *, b1=0.5, references=None, normalized=False, field=4.7, duration=5.0, grid=GRID):
    """A series whose frame i is ``values[i]`` everywhere."""
    offsets = tuple(float(o) for o in offsets)
    if references is None:
        references = tuple(i for i, o in enumerate(offsets) if abs(o) >= 20)
    powers = b1 if isinstance(b1, tuple) else (b1,) * len(offsets)
    protocol = Protocol(field, offsets, powers, Saturation(duration), tuple(references), normalized)
    data = np.ones((len(offsets), *grid.shape), dtype=np.float32) * np.reshape(values, (-1, 1, 1, 1))
    return CestSeries(data.astype(np.float32), grid, protocol, source=("scan.nii.gz",))


def test_m0_is_interpolated_in_acquisition_order():
    """M0 drifts linearly from 100 to 140 over five frames; a constant tissue gives a constant Z."""
    drift = np.array([100.0, 110.0, 120.0, 130.0, 140.0])
    z = prepare_series([series([300, 3, 2, 1, 300], drift * [1, 0.5, 0.5, 0.5, 1])])
    np.testing.assert_allclose(z.blocks[0].z, 0.5, rtol=1e-6)


def test_outside_the_references_the_nearest_one_is_used():
    z = prepare_series([series([3, 300, 2, 300, 1], [50, 100, 60, 120, 60])])
    np.testing.assert_allclose(z.blocks[0].z[:, 0, 0, 0], [0.5, 60 / 110, 0.5], rtol=1e-6)  # 1, 2, 3 ppm


def test_offsets_are_sorted_and_repeats_averaged_and_that_is_said():
    z = prepare_series([series([2, -1, 2, 0.5], [0.8, 0.9, 0.6, 0.4], normalized=True)])
    np.testing.assert_allclose(z.blocks[0].offsets_ppm, [-1, 0.5, 2])
    np.testing.assert_allclose(z.blocks[0].z[:, 0, 0, 0], [0.9, 0.4, 0.7], rtol=1e-6)
    assert any("repeated" in note for note in z.notes)


def test_powers_from_one_file_or_from_two_are_the_same():
    one = series([3, 1, 3, 1], [0.8, 0.6, 0.7, 0.5], b1=(0.5, 0.5, 1.0, 1.0), normalized=True)
    low = series([3, 1], [0.8, 0.6], b1=0.5, normalized=True)
    high = series([3, 1], [0.7, 0.5], b1=1.0, normalized=True)
    together, apart = prepare_series([one]), prepare_series([high, low])
    assert together.powers_ut == apart.powers_ut == (0.5, 1.0)
    for a, b in zip(together.blocks, apart.blocks, strict=True):
        np.testing.assert_array_equal(a.z, b.z)


def test_voxels_without_m0_become_nan_and_a_scan_without_m0_is_refused():
    scan = series([300, 3], [100, 50])
    scan.data[0, 0, 0, 0] = 0
    z = prepare_series([scan]).blocks[0].z
    assert np.isnan(z[0, 0, 0, 0])
    assert np.sum(np.isnan(z)) == 1
    with pytest.raises(ReaderError, match="zero everywhere"):
        prepare_series([series([300, 3], [0, 50])])


@pytest.mark.parametrize(
    ("other", "error", "words"),
    [
        (series([3, 1], [0.7, 0.5], normalized=True, grid=Geometry((4, 3, 1))), GeometryError, "different grids"),
        (series([3, 1], [0.7, 0.5], normalized=True, field=7.0), ProtocolError, "4.7 and 7 T"),
        (series([3, 1], [0.7, 0.5], normalized=True, duration=2.0), ProtocolError, "only B1 may differ"),
    ],
)
def test_series_that_do_not_belong_together_are_refused(other, error, words):
    with pytest.raises(error, match=words):
        prepare_series([series([3, 1], [0.8, 0.6], normalized=True), other])


def test_the_prepared_protocol_describes_the_prepared_spectra():
    z = prepare_series([series([300, 3, -2, 300], [1, 0.5, 0.5, 1])])
    protocol = protocol_of(z)
    assert protocol.normalized
    assert protocol.offsets_ppm == (-2.0, 3.0)
    assert protocol.reference_frames == ()


def test_the_body_is_what_is_bright_without_saturation():
    grid = Geometry((40, 40, 1))
    body = np.zeros(grid.shape, dtype=bool)
    body[0, 8:30, 8:30] = True
    rng = np.random.default_rng(0)
    m0 = np.abs(np.where(body, 100, 0) + rng.normal(0, 3, grid.shape))
    protocol = Protocol(4.7, (300.0, 3.0, 1.0), (0.5,) * 3, Saturation(5.0), (0,))
    data = np.stack([m0, 0.8 * m0, 0.6 * m0]).astype(np.float32)
    mask = body_mask(prepare_series([CestSeries(data, grid, protocol)]))
    assert np.mean(mask == body) > 0.995


def test_an_empty_image_has_no_body():
    z = prepare_series([series([3, 1], [0.8, 0.6], normalized=True)])
    z.blocks[0].z[:] = 0
    with pytest.raises(ReaderError, match="no tissue"):
        body_mask(z)
