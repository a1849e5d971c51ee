"""How the magnetization is saturated before one image is read: continuous wave or a train of pulses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from reprlib import repr as brief

from PCrCESTLib.errors import PhysicsError

PULSE_SHAPES = ("block", "gaussian", "sinc-gaussian", "fermi", "samples")
B1_DEFINITIONS = ("cwpe", "rms", "peak")

# With 256 steps Z is within 5e-5 of 1024 steps for 50 ms pulses of 1 µT at 3 T, near water too.
_STEPS = 256


@dataclass(frozen=True)
class PulseTrain:
    """A train of equal pulses with pauses between them.

    Attributes
    ----------
    shape : str
        ``"block"``, ``"gaussian"``, ``"sinc-gaussian"``, ``"fermi"`` or ``"samples"``.
    pulse_duration_s : float
        Duration of one pulse in s.
    inter_pulse_delay_s : float
        Pause between the end of a pulse and the start of the next in s.
    count : int
        Number of pulses.
    samples : tuple of float, optional
        For ``shape="samples"``: amplitudes of equal time steps, in any unit; only their ratios count.
    spoiled : bool
        Whether gradients destroy the transverse magnetization after every pulse.

    Raises
    ------
    PhysicsError
        If a value has no physical meaning; the sentence says which and what to give instead.
    """

    shape: str
    pulse_duration_s: float
    inter_pulse_delay_s: float = 0.0
    count: int = 1
    samples: tuple[float, ...] | None = None
    spoiled: bool = True

    def __post_init__(self) -> None:
        if self.shape not in PULSE_SHAPES:
            raise PhysicsError(
                f"pulse shape {brief(self.shape)} is unknown; give one of {', '.join(PULSE_SHAPES)}"
            )
        _require_positive("pulse_duration_s", self.pulse_duration_s)
        _require_not_negative("inter_pulse_delay_s", self.inter_pulse_delay_s)
        if int(self.count) != self.count or self.count < 1:
            raise PhysicsError(f"a train has {self.count} pulses; give a whole number of at least 1 as count")
        if (self.samples is not None) != (self.shape == "samples"):
            raise PhysicsError(
                f"pulse shape {brief(self.shape)} came with samples={brief(self.samples)}; "
                "give samples with shape 'samples' and with no other"
            )
        if self.samples is not None:
            object.__setattr__(self, "samples", tuple(float(value) for value in self.samples))
            if not self.samples or not all(map(math.isfinite, self.samples)) or not any(self.samples):
                raise PhysicsError(
                    "pulse samples are empty, all zero or not finite; give the pulse's amplitudes"
                )

    @property
    def duration_s(self) -> float:
        """Time from the start of the first pulse to the end of the last, in s."""
        return self.count * self.pulse_duration_s + (self.count - 1) * self.inter_pulse_delay_s

    @property
    def amplitudes(self) -> tuple[float, ...]:
        """Amplitudes of the equal time steps of one pulse, relative to the peak.

        ``"gaussian"`` is cut at three standard deviations; ``"sinc-gaussian"`` is that Gaussian times a sinc
        with one side lobe on each side; ``"fermi"`` has a half-width of ten transition widths and is cut at
        -60 dB (Bernstein, King, Zhou, Handbook of MRI Pulse Sequences, 2004, section 4.1).
        """
        if self.shape == "block":
            return (1.0,)
        values = self.samples if self.samples is not None else _sampled(self.shape)
        peak = max(map(abs, values))
        return tuple(value / peak for value in values)

    def peak_per_b1(self, definition: str) -> float:
        """Peak B1 of a pulse divided by the B1 that the protocol states under ``definition``."""
        amplitudes = self.amplitudes
        mean_square = math.fsum(a * a for a in amplitudes) / len(amplitudes)
        if definition == "peak":
            return 1.0
        if definition == "rms":
            return 1.0 / math.sqrt(mean_square)
        duty_cycle = self.pulse_duration_s / (self.pulse_duration_s + self.inter_pulse_delay_s)
        return 1.0 / math.sqrt(mean_square * duty_cycle)


@dataclass(frozen=True)
class Saturation:
    """Everything about one frame's saturation but its offset and its B1.

    Attributes
    ----------
    duration_s : float
        Time from the start of the saturation to its end in s; for a train use `Saturation.pulsed`.
    train : PulseTrain, optional
        None for continuous wave.
    b1_definition : str
        What the B1 of a train means: ``"cwpe"``, the root mean square over pulse and pause (continuous-wave
        power equivalent); ``"rms"``, over the pulse alone; ``"peak"``. All are the same for continuous wave.
    readout_delay_s : float
        Time between saturation and readout in s; the transverse magnetization is spoiled at its start.
    recovery_s : float, optional
        Free recovery before the saturation in s, starting from ``initial_mz``; None for no such phase.
    initial_mz : float, optional
        Longitudinal magnetization of every pool at the very start, relative to its equilibrium.
        None means 1 without ``recovery_s`` and 0 (a 90 degree readout left nothing) with it.
    repetition_time_s : float, optional
        Steady state over this repetition time in s: saturation, delay, readout and free recovery repeat
        until nothing changes. None for a single saturation.
    readout_retains : float
        In the steady state, the factor by which the readout multiplies every pool's longitudinal
        magnetization (cosine of its flip angle).

    Raises
    ------
    PhysicsError
        If a value has no physical meaning or two of them contradict each other.
    """

    duration_s: float
    train: PulseTrain | None = None
    b1_definition: str = "cwpe"
    readout_delay_s: float = 0.0
    recovery_s: float | None = None
    initial_mz: float | None = None
    repetition_time_s: float | None = None
    readout_retains: float = 1.0

    def __post_init__(self) -> None:
        _require_positive("duration_s", self.duration_s)
        _require_not_negative("readout_delay_s", self.readout_delay_s)
        if self.recovery_s is not None:
            _require_not_negative("recovery_s", self.recovery_s)
        if self.b1_definition not in B1_DEFINITIONS:
            raise PhysicsError(
                f"B1 definition {brief(self.b1_definition)} is unknown; give one of {', '.join(B1_DEFINITIONS)}"
            )
        for name, value in (("initial_mz", self.initial_mz), ("readout_retains", self.readout_retains)):
            if value is not None and not -1.0 <= value <= 1.0:
                raise PhysicsError(f"{name} is {value}; give a value from -1 to 1 (1 is equilibrium)")
        self._check_train()
        self._check_repetition()

    def _check_train(self) -> None:
        if self.train is not None and not math.isclose(self.duration_s, self.train.duration_s, rel_tol=1e-6):
            raise PhysicsError(
                f"duration_s is {self.duration_s} s but the pulses and pauses of the train add up to "
                f"{self.train.duration_s} s; use Saturation.pulsed(train), which takes it from the train"
            )

    def _check_repetition(self) -> None:
        if self.repetition_time_s is None:
            return
        if self.recovery_s is not None or self.initial_mz is not None:
            raise PhysicsError(
                "repetition_time_s asks for the steady state, whose start cannot be chosen; "
                "leave recovery_s and initial_mz out"
            )
        busy = self.duration_s + self.readout_delay_s
        if not busy <= self.repetition_time_s < math.inf:
            raise PhysicsError(
                f"repetition_time_s is {self.repetition_time_s} s, shorter than saturation and readout delay "
                f"({busy} s); give the time from one saturation to the next"
            )

    @classmethod
    def pulsed(
        cls,
        train: PulseTrain,
        *,
        b1_definition: str = "cwpe",
        readout_delay_s: float = 0.0,
        recovery_s: float | None = None,
        initial_mz: float | None = None,
        repetition_time_s: float | None = None,
        readout_retains: float = 1.0,
    ) -> Saturation:
        """Saturation by ``train``, whose pulses and pauses give the duration; the rest as in the class."""
        return cls(
            train.duration_s,
            train,
            b1_definition,
            readout_delay_s,
            recovery_s,
            initial_mz,
            repetition_time_s,
            readout_retains,
        )

    def describe(self) -> str:
        """Say in a few words how the magnetization is saturated, for logs and reports."""
        if self.train is None:
            return f"continuous wave {self.duration_s:g} s"
        return (
            f"{self.train.count} {self.train.shape} pulses of {self.train.pulse_duration_s * 1e3:g} ms "
            f"with pauses of {self.train.inter_pulse_delay_s * 1e3:g} ms"
        )

    @property
    def is_continuous(self) -> bool:
        """Whether the saturation is one uninterrupted rectangular pulse."""
        return self.train is None

    @property
    def starting_mz(self) -> float:
        """Longitudinal magnetization at the very start, relative to equilibrium."""
        if self.initial_mz is not None:
            return self.initial_mz
        return 1.0 if self.recovery_s is None else 0.0

    @property
    def free_recovery_s(self) -> float:
        """Time of free recovery before the saturation in s."""
        if self.repetition_time_s is not None:
            return self.repetition_time_s - self.duration_s - self.readout_delay_s
        return self.recovery_s or 0.0


def _require_positive(name: str, value: float) -> None:
    if not 0.0 < value < math.inf:
        raise PhysicsError(f"{name} is {value}; give a time above 0 s")


def _require_not_negative(name: str, value: float) -> None:
    if not 0.0 <= value < math.inf:
        raise PhysicsError(f"{name} is {value}; give a time of 0 s or more")


def _sampled(shape: str) -> tuple[float, ...]:
    """Take the shape at the middle of each step; x runs from -1 at the pulse's start to 1 at its end."""
    half = [_amplitude(shape, (2 * step + 1) / _STEPS - 1.0) for step in range(_STEPS // 2)]
    return tuple(half + half[::-1])


def _amplitude(shape: str, x: float) -> float:
    gaussian = math.exp(-0.5 * (3.0 * x) ** 2)
    if shape == "gaussian":
        return gaussian
    if shape == "sinc-gaussian":
        return gaussian * math.sin(2.0 * math.pi * x) / (2.0 * math.pi * x)
    transition = 1.0 / (10.0 + math.log(999.0))
    return 1.0 / (1.0 + math.exp((abs(x) - 10.0 * transition) / transition))
