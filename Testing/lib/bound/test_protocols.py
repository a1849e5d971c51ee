"""The named reference protocols are those of the published data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.protocol_json import protocol_from_dict, protocol_to_dict
from PCrCESTLib.protocols import named_protocol, protocol_names


def test_dual_rat_protocol_holds_89_offsets_at_each_of_two_powers() -> None:
    protocol = named_protocol("rat-4.7T-dual")
    assert protocol.n_frames == 2 * 89
    assert protocol.powers_ut == (0.5, 1.0)
    assert protocol.saturation.duration_s == 5.0
    assert protocol.normalized


def test_rat_offsets_step_an_eighth_ppm_around_water_and_reach_10_ppm() -> None:
    offsets = np.array(named_protocol("rat-4.7T-0.25uT").offsets_ppm)
    assert offsets.max() == 10.0
    inner = offsets[np.abs(offsets) <= 5]
    assert len(inner) == 81
    assert np.allclose(np.diff(inner), -0.125)
    assert np.allclose(offsets, -offsets[::-1])


def test_rat_protocol_is_the_one_of_the_public_rats(shared_data: Path) -> None:
    path = shared_data / "rat_leg_4p7T" / "sub-control01" / "sub-control01_cest.json"
    public = protocol_from_dict(json.loads(path.read_text()))
    assert named_protocol("rat-4.7T-0.25uT") == public


def test_human_protocol_matches_the_public_leg() -> None:
    protocol = named_protocol("human-3T-0.6uT")
    assert (protocol.field_t, protocol.powers_ut) == (3.0, (0.6,))
    saturated = [protocol.offsets_ppm[i] for i in protocol.saturated_frames]
    assert len(saturated) == 50
    assert (saturated[0], saturated[-1]) == pytest.approx((1.3, 3.5))


@pytest.mark.parametrize("name", protocol_names())
def test_every_named_protocol_survives_its_file(name: str) -> None:
    protocol = named_protocol(name)
    assert protocol_from_dict(protocol_to_dict(protocol)) == protocol


def test_an_unknown_name_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(ProtocolError, match=r"rat-4\.7T-dual"):
        named_protocol("mouse")
