"""What is asked of a quantification reaches the command line as it was meant."""

from __future__ import annotations

import argparse

import pytest

from PCrCESTLib.commands import quantify, stats
from PCrCESTLib.methods import METHODS
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.scene.request import RIGID, Request, is_peak_fit


def parsed(command, arguments):
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers(dest="command")
    command.add_parser(subparsers)
    return parser.parse_args(arguments)


def asked(request):
    return parsed(quantify, ["quantify", "scan.nii.gz", "--out", "out", *request.arguments()])


@pytest.mark.parametrize("method", METHODS)
def test_what_is_not_changed_is_the_default_of_the_command(method):
    alone = parsed(quantify, ["quantify", "scan.nii.gz", "--out", "out", "--method", method])
    assert vars(asked(Request(method))) == vars(alone)


def test_settings_of_a_fit_arrive():
    request = Request(
        "plof", pools=5, ksw=140.0, ksw_sd=20.5, conversion="jhu", motion=RIGID, pcr_protons=2.5, erode=2,
        exclude_flagged=True,
    )  # fmt: skip
    args = asked(request)
    assert (args.method, args.pools, args.ksw, args.ksw_sd, args.conversion) == ("plof", 5, 140.0, 20.5, "jhu")
    assert (args.motion, args.pcr_protons, args.erode, args.exclude_flagged) == ("rigid", 2.5, 2, True)


def test_settings_of_the_network_arrive_and_those_of_fits_stay_away():
    request = Request(model="mine.json", device="cpu", ksw=140.0)
    args = asked(request)
    assert (args.method, args.model, args.device) == ("two-branch", "mine.json", "cpu")
    assert "--ksw" not in request.arguments()


def test_the_table_is_made_again_by_the_same_rules():
    request = Request(erode=1, exclude_flagged=True)
    args = parsed(stats, ["stats", "result", "--out", "table.csv", *request.rules()])
    assert (args.erode, args.exclude_flagged) == (1, True)


def test_fits_of_a_peak_are_all_but_the_network_and_the_physics():
    assert {method for method in METHODS if not is_peak_fit(method)} == {"two-branch", "bm"}
    assert Request("dsp").is_peak_fit
    assert not Request("bm").is_peak_fit


def test_what_stands_against_a_method_is_one_sentence():
    rat, human = named_protocol("rat-4.7T-dual"), named_protocol("human-3T-0.6uT")
    assert all(Request(method).missing([rat]) == "" for method in METHODS)
    assert "needs scans at two powers" in Request("dsp").missing([human])
    assert Request("plof", conversion="jhu").missing([human]) == ""
    assert "the JHU calibration holds at 3 T" in Request("plof", conversion="jhu").missing([rat])
    assert "a positive rate" in Request("ld", ksw=0.0).missing([rat])
    assert "no fit" in Request("nonsense").missing([rat])
