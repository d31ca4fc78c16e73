"""How reproducible an optimum is, readout by readout: AV delays in CRT.

The published optima are those of an AV delay, which fills the heart; CCM makes it
contract. The delay's curve is that of the model's own circulation, paced at 110/min as
the patients were. Systolic pressure follows an AV delay more than dP/dt max does, and
contractility less: a readout that is good for one need not be good for the other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np

from harness.evidence.validation.people import SEED, rng_of
from harness.evidence.validation.rules import (
    Finding,
    Found,
    Limits,
    compared,
    limits_of_ratio,
)
from sim.heart.circulation import BeatHaemodynamics
from sim.heart.parameters import HFREF, FloatArray
from sim.heart.repeating import repeating_beat
from sim.instruments import Instruments, Reading, ReadingWindow, readout
from sim.streams import stream
from sim.units import MS_PER_S, S_PER_MIN

RATE_BPM: Final = 110.0
RR_S: Final = S_PER_MIN / RATE_BPM
DELAYS_MS: Final = np.arange(40.0, 241.0, 40.0)
N_SESSIONS: Final = 80
N_PAIRS: Final = 6
N_OPTIMA: Final = 20_000
READ_BEATS: Final = 10
GAP_BEATS: Final = 6
N_PATIENTS: Final = 36
FINGER: Final = "finger-pressure"
SYSTOLIC: Final = "invasive-systolic"
DPDT: Final = "invasive-dpdt"
CHANNELS: Final = ("sbp_mmhg", "pulse_pressure_mmhg", "map_mmhg", "dbp_mmhg")
_QUANTITIES: Final = {
    FINGER: "sbp_mmhg",
    SYSTOLIC: "sbp_mmhg",
    DPDT: "dpdt_max_mmhg_per_s",
}


@cache
def paced(av_ms: float) -> BeatHaemodynamics:
    """Return the settled beat of the failing circulation at an AV delay."""
    av_s = av_ms / MS_PER_S
    circulation = replace(HFREF, heart_rate_bpm=RATE_BPM, av_delay_s=av_s)
    return repeating_beat(circulation).haemodynamics


def curve(quantity: str) -> FloatArray:
    """Return a quantity over the delays, as a share of its highest value."""
    values = np.array([getattr(paced(float(av)), quantity) for av in DELAYS_MS])
    return np.asarray(values / values.max())


@dataclass(slots=True)
class _Session:
    """A paced patient with one readout; `beat` is the clock, in beats."""

    tools: Instruments
    beat: int = 600

    def read(self) -> Reading:
        self.beat += GAP_BEATS
        true, ones = paced(120.0), np.ones(READ_BEATS)
        window = ReadingWindow(
            start_s=RR_S * (self.beat + np.cumsum(ones) - 1.0),
            rr_s=RR_S * ones,
            sbp_mmhg=true.sbp_mmhg * ones,
            dbp_mmhg=true.dbp_mmhg * ones,
            map_mmhg=true.map_mmhg * ones,
            sv_ml=true.sv_ml * ones,
            dpdt_max_mmhg_per_s=true.dpdt_max_mmhg_per_s * ones,
            clean=ones > 0.0,
            ectopic=ones < 0.0,
            delivered=ones > 0.0,
            expects_ccm=False,
        )
        self.beat += READ_BEATS
        return self.tools.read(window)


@cache
def pair_errors(name: str) -> Mapping[str, FloatArray]:
    """Return relative errors of pairs, by channel and of the readout ("primary")."""
    found: dict[str, list[float]] = {channel: [] for channel in ("primary", *CHANNELS)}
    for number in range(N_SESSIONS):
        session = _Session(_tools(name, number))
        for _ in range(N_PAIRS):
            before, tested, after = (session.read() for _ in range(3))
            for channel, errors in found.items():
                base = getattr(before, channel) + getattr(after, channel)
                errors.append(2.0 * getattr(tested, channel) / base - 1.0)
    return {channel: np.array(errors) for channel, errors in found.items()}


def _tools(name: str, number: int) -> Instruments:
    return Instruments(
        readout(name),
        breathing_hz=0.25,
        rng_drift=stream(SEED, name="drift", patient=number),
        rng_of_reading=lambda k: stream(
            SEED, name="reading_error", patient=number, key=(k,)
        ),
        horizon_s=1800.0,
    )


@cache
def scatter_ms(name: str) -> float:
    """Return the SD of the difference of two optima, each the top of a parabola."""
    rng, errors = rng_of(f"optima {name}"), pair_errors(name)["primary"]
    noise = rng.choice(errors, (2, N_OPTIMA, DELAYS_MS.size))
    values = curve(_QUANTITIES[name]) + noise
    design = np.vander(DELAYS_MS, 3)
    fits = np.linalg.lstsq(design, values.reshape(-1, DELAYS_MS.size).T, rcond=None)[0]
    bend, slope = fits[0], fits[1]
    tops = np.clip(-slope / (2.0 * np.minimum(bend, -1e-12)), 40.0, 240.0)
    one, other = tops.reshape(2, N_OPTIMA)
    return float(np.std(other - one))


_HOW: Final = (
    f"failing circulation paced at {RATE_BPM:g}/min, AV delays 40 to 240 ms, each once"
    " between references, parabola; errors of pairs from"
    f" {N_SESSIONS} sessions, {N_OPTIMA} pairs of optima"
)


def _against(name: str, other: str, published: tuple[float, float]) -> Finding:
    ratio = scatter_ms(name) / scatter_ms(other)
    reach = float(np.exp(1.96 * np.sqrt(1.0 / (N_SESSIONS * N_PAIRS))))
    shown = f"{published[0]:g} / {published[1]:g} = {published[0] / published[1]:.2f}"
    part = compared(
        f"{name} / {other}",
        shown,
        limits_of_ratio(*published, N_PATIENTS),
        Found(ratio, ratio / reach, ratio * reach),
    )
    return Finding(
        _HOW,
        (part,),
        f"Here {scatter_ms(name):.1f} and {scatter_ms(other):.1f} ms: milliseconds"
        " depend on how often each delay was read and on the curve of a patient, so"
        " that the ratio alone is compared. Over AV delays systolic pressure moves"
        f" {moves():.2f} times as much as dP/dt max; with contractility 0.39 times.",
    )


def moves() -> float:
    """Return how much systolic pressure moves over AV delays, dP/dt max being 1."""
    systolic, dpdt = (np.ptp(curve(_QUANTITIES[name])) for name in (SYSTOLIC, DPDT))
    return float(systolic / dpdt)


def n11() -> Finding:
    """Signal over noise of the pressures, against that of the systolic one."""
    found, noise = {}, pair_errors(FINGER)
    for channel in CHANNELS:
        found[channel] = float(np.std(curve(channel)) / np.std(noise[channel]))
    published = {"pulse_pressure_mmhg": 15.5, "map_mmhg": 14.2, "dbp_mmhg": 12.1}
    spreads = {"pulse_pressure_mmhg": 6.4, "map_mmhg": 5.6, "dbp_mmhg": 4.4}
    error = float(np.sqrt(1.0 / (N_SESSIONS * N_PAIRS)))
    parts = []
    for channel, value in published.items():
        ratio, seen = value / 15.4, found[channel] / found["sbp_mmhg"]
        errors = (spreads[channel] / value, 5.4 / 15.4)
        reach = 1.96 * ratio * float(np.hypot(*errors)) / np.sqrt(22.0)
        why = "95 % limits of the ratio of published means, n 22"
        limits = Limits(ratio - reach, ratio + reach, why)
        wide = 2.0 * seen * error
        estimate = Found(seen, seen - wide, seen + wide)
        label = channel.removesuffix("_mmhg").replace("_", " ") + " / systolic"
        parts.append(compared(label, f"{value:g} / 15.4", limits, estimate))
    return Finding(
        f"{_HOW}; SD of the true curve over the delays against that of a pair",
        tuple(parts),
        "The abstract does not define its signal-to-noise, so that only ratios are"
        " compared; cardiac output is not read from the finger.",
    )


EXPERIMENTS: Final[Mapping[str, Callable[[], Finding]]] = {
    "N11": n11,
    "N12": lambda: _against(SYSTOLIC, DPDT, (16.8, 23.6)),
    "N13": lambda: _against(FINGER, SYSTOLIC, (18.3, 16.8)),
    "N14": lambda: _against(DPDT, FINGER, (23.6, 18.3)),
}
