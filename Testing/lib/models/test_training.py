"""A model can be trained for any protocol, learns, and comes with an honest card."""

from __future__ import annotations

import json

import numpy as np
import pytest

from PCrCESTLib.errors import CancelledError
from PCrCESTLib.models.model import load_model, save_model
from PCrCESTLib.models.network import Sizes
from PCrCESTLib.models.training import TrainingPlan, train_model
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.synthesis.backgrounds import simulate_backgrounds

SMALL = TrainingPlan(samples=102_400, batch=512, pool=2400, fresh=0.0, sizes=Sizes((32, 24), (24, 16), (32, 16)))


@pytest.fixture(scope="module", params=["rat-4.7T-0.25uT", "human-3T-0.6uT"])
def trained(request):
    """A few seconds of training, with water in the protocol and without."""
    protocol = named_protocol(request.param)
    losses = []
    model = train_model(
        request.param,
        protocol,
        SMALL,
        backgrounds=simulate_backgrounds(protocol, 1, np.random.default_rng(0)),
        command="as in the test",
        report=lambda _, line: losses.append(float(line.rsplit(" ", 1)[1])),
    )
    return model, losses


def test_the_loss_falls(trained):
    _, losses = trained
    assert losses[-1] < losses[0]


def test_the_card_says_what_was_done_and_how_well_it_went(trained, tmp_path):
    model, _ = trained
    text = save_model(model, tmp_path).read_text(encoding="utf-8")
    card = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON number"))
    assert card["training"]["seed"] == 1
    assert card["training"]["command"] == "as in the test"
    assert [row["noise_sd"] for row in card["measured_errors"]] == [0.01, 0.005, 0.002, 0.0005]
    assert 0.5 < card["thresholds"]["residual"] < 10
    assert load_model(tmp_path / f"{model.card.name}.json").card.protocol == model.card.protocol


def test_the_seed_decides_the_weights():
    protocol = named_protocol("human-3T-0.6uT")
    plan = TrainingPlan(samples=10_240, batch=512, pool=800, fresh=0.0, sizes=SMALL.sizes)
    background = simulate_backgrounds(protocol, 1, np.random.default_rng(0))
    a, b = (train_model("m", protocol, plan, backgrounds=background) for _ in range(2))
    np.testing.assert_array_equal(a.params["head.2.weight"], b.params["head.2.weight"])


def test_the_model_that_training_starts_from_stays_what_it_is(trained):
    """Its arrays and the tensors of the training must not share memory."""
    model, _ = trained
    before = {name: values.copy() for name, values in model.params.items()}
    plan = TrainingPlan(samples=10_240, batch=512, pool=800, fresh=0.0)
    protocol = model.card.protocol
    background = simulate_backgrounds(protocol, 1, np.random.default_rng(0))
    went_on = train_model("m", protocol, plan, backgrounds=background, initial=model)
    assert not np.array_equal(went_on.params["head.2.weight"], before["head.2.weight"])
    for name, values in model.params.items():
        np.testing.assert_array_equal(values, before[name], err_msg=name)


def test_a_training_can_be_stopped():
    def stop(_fraction, _line):
        raise CancelledError("stop")

    protocol = named_protocol("human-3T-0.6uT")
    with pytest.raises(CancelledError):
        train_model(
            "m",
            protocol,
            SMALL,
            backgrounds=simulate_backgrounds(protocol, 1, np.random.default_rng(0)),
            report=stop,
        )
