"""Part *Quantify*: the same ``pcrcest quantify`` that a script runs, as a process beside the page."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.fitting.pools import POOL_SETS
from PCrCESTLib.methods import METHODS
from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.methods.settings import JHU, REX
from PCrCESTLib.models.registry import bundled_names
from PCrCESTLib.scene.inputs import write_inputs
from PCrCESTLib.scene.request import AS_ACQUIRED, AUTO, MULTI_POOL, RIGID, Request
from PCrCESTLib.scene.runs import add_run

if TYPE_CHECKING:
    from PCrCESTLib.viewer.application import Application


def _items(known: dict[Any, str]) -> list[dict[str, Any]]:
    return [{"title": title, "value": value} for value, title in known.items()]


DEVICES = {AUTO: "auto (a GPU if there is one)", "cpu": "CPU", "cuda": "NVIDIA GPU (CUDA)", "mps": "Apple GPU (MPS)"}
CHOICES: dict[str, dict[Any, str]] = {
    "method": {name: known.title for name, known in METHODS.items()},
    "model": {AUTO: "auto (by protocol)", **{name: name for name in bundled_names()}},
    "pools": {pools: str(pools) for pools in POOL_SETS},
    "conversion": {REX: "formula of Rex, at the stated ksw", JHU: "JHU calibration (3 T, 0.6 µT, 2 s)"},
    "motion": {AS_ACQUIRED: "as acquired", RIGID: "rigid correction"},
}
NUMBERS = {"ksw": float, "ksw_sd": float, "pcr_protons": float, "erode": int}


class Quantification:
    """Chooses method and settings, runs the job, and hands its results over."""

    def __init__(self, app: Application) -> None:
        """Begin with the default request."""
        self.app, self.state = app, app.state
        default = Request()
        names = [*CHOICES, *NUMBERS, "device", "exclude_flagged"]
        self.state.update({name: getattr(default, name) for name in names})
        self.state.update({f"{name}_items": _items(known) for name, known in CHOICES.items()})
        devices = DEVICES if importlib.util.find_spec("torch") else {k: DEVICES[k] for k in (AUTO, "cpu")}
        self.state.update({"device_items": _items(devices), "only_muscles": False, "quantify_hint": ""})
        self.state.update({"is_network": True, "is_peak_fit": False, "has_pools": False, "can_run": False})
        self.state.change(*names)(lambda **_: self.update())
        app.edits["run"] = lambda _value: self.run()

    def request(self) -> Request:
        """Return what is asked for; a page that sends anything else than the choices is refused."""
        state = self.state
        for name, known in CHOICES.items():
            if state[name] not in known:
                raise PCrCESTError(f"{state[name]} is no {name}; choose one of the list")
        if state.device not in DEVICES:
            raise PCrCESTError(f"{state.device} is no device; choose one of the list")
        try:
            numbers: dict[str, Any] = {name: kind(state[name]) for name, kind in NUMBERS.items()}
        except (TypeError, ValueError) as error:
            raise PCrCESTError("a setting is no number; type one") from error
        chosen: dict[str, Any] = {name: state[name] for name in (*CHOICES, "device")}
        return Request(**chosen, **numbers, exclude_flagged=bool(state.exclude_flagged))

    def run(self) -> None:
        """Compute the chosen scan."""
        with self.app.guarded("The quantification cannot start"):
            missing = self.app.scan.missing()
            if missing:
                raise PCrCESTError(missing)
            request, choice = self.request(), self.app.choice
            folder = Path(tempfile.mkdtemp(prefix="job-", dir=self.app.folder))
            try:
                inputs = choice.inputs(request.method, bool(self.state.only_muscles))
                out = folder / "out"
                arguments = ["quantify", *write_inputs(inputs, folder), "--out", str(out), *request.arguments()]
                name = f"{choice.series[0].GetName()} {request.method}"
                self.app.jobs.start(
                    f"Computing {name}",
                    arguments,
                    lambda _facts: self.app.results.take(add_run(out, name, choice.series[0], choice.series)),
                    lambda: shutil.rmtree(folder, ignore_errors=True),
                )
            except Exception:
                shutil.rmtree(folder, ignore_errors=True)
                raise

    def update(self) -> None:
        """Show the settings of the chosen method, and what it misses."""
        try:
            request = self.request()
            missing = self.app.scan.missing() or self.app.choice.missing_for(request)
        except PCrCESTError as error:
            request, missing = Request(), str(error)
        self.state.update(
            {
                "is_network": request.method == NETWORK,
                "is_peak_fit": request.is_peak_fit,
                "has_pools": request.method == MULTI_POOL,
                "quantify_hint": missing,
                "can_run": not missing,
            }
        )
