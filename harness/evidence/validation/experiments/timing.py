"""When the effect comes and goes, and how it depends on each setting."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

import numpy as np

from harness.evidence.validation.rules import Finding, held
from sim.device.settings import axis_numbers
from sim.heart.beating import BEAT_COLUMNS, play, settled
from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.patient import phenotype
from sim.units import PCT_PER_FRAC

WHO: Final = "hfref-ischaemic"
ON_BEATS: Final = 740
OFF_BEATS: Final = 1480
NOTICED: Final = 0.05
SETTLED: Final = 0.9
FEW_BEATS: Final = 10
UNMEASURABLE_PCT: Final = 0.5
"""Left-over gain of dP/dt max that no reading could show (repeats: 2.1 to 3.3 %)."""


@cache
def on_and_off() -> tuple[FloatArray, int]:
    """Return dP/dt max in percent of rest, beat by beat, and the beats of delivery."""
    patient = phenotype(WHO)
    start = settled(patient.heart)
    gain = float(patient.gain(Train(7.5)))
    gains = np.r_[np.full(ON_BEATS, gain), np.zeros(OFF_BEATS)]
    rows = play(patient.heart, gains, start=start)
    dpdt = rows[:, BEAT_COLUMNS.index("dpdt_max_mmhg_per_s")]
    rise = PCT_PER_FRAC * (dpdt / start.haemodynamics.dpdt_max_mmhg_per_s - 1.0)
    return np.asarray(rise, dtype=np.float64), ON_BEATS


def a11() -> Finding:
    """Onset and offset in beats."""
    rise, n_on = on_and_off()
    early = rise[:60]
    level = float(early[40:].mean())
    first = int(np.argmax(early > NOTICED * level))
    steady = int(np.argmax(early > SETTLED * level))
    off = rise[n_on:]
    left = 1.0 - off / rise[n_on - 1]
    away = int(np.argmax(left > 0.5))
    return Finding(
        f"{WHO}, nominal train, settled, on for {n_on} beats, then off; true dP/dt max",
        (
            held(
                "change within 1-2 beats",
                "first change 1 or 2 beats after the first train",
                f"beat {first} after it",
                1 <= first <= 2,
            ),
            held(
                "steady after a few beats",
                f"nine tenths within {FEW_BEATS} beats",
                f"beat {steady}",
                steady <= FEW_BEATS,
            ),
            held(
                "back when switched off",
                f"half gone within {FEW_BEATS} beats",
                f"beat {away}",
                away <= FEW_BEATS,
            ),
        ),
        "A fifth of the effect is slow (minutes) by assumption: nine tenths is of the"
        " level in beats 40 to 60.",
    )


def a31() -> Finding:
    """Return to baseline after ten minutes of delivery."""
    rise, n_on = on_and_off()
    minutes = 15.0
    beats = round(minutes * phenotype(WHO).rhythm.heart_rate_bpm)
    left = float(rise[n_on + beats])
    return Finding(
        f"{WHO}, nominal train for {n_on / 74.0:.0f} min, then off for"
        f" {minutes:.0f} min; true dP/dt max",
        (
            held(
                "complete return",
                f"less than {UNMEASURABLE_PCT:g} % left",
                f"{left:.2f} % left",
                abs(left) < UNMEASURABLE_PCT,
            ),
        ),
        "The time that the return took is not in the abstract.",
    )


def _gains(train: Train) -> FloatArray:
    return phenotype(WHO).gain(train)


def _rises(values: FloatArray) -> bool:
    return bool((np.diff(values) > 0.0).all())


def _range_text(values: FloatArray) -> str:
    return f"{PCT_PER_FRAC * values[0]:.1f} to {PCT_PER_FRAC * values[-1]:.1f} %"


def _amplitudes() -> tuple[FloatArray, FloatArray]:
    volts = np.linspace(0.0, 7.5, 31)
    return volts, _gains(Train(volts, delay_ms=32.0))


def a12() -> Finding:
    """Threshold in amplitude, then more."""
    volts, gains = _amplitudes()
    silent = gains <= 0.0
    threshold = float(volts[np.argmin(silent)])
    return Finding(
        f"{WHO}, settled Ees gain at 0 to 7.5 V, else nominal",
        (
            held(
                "no effect at low voltage",
                "a threshold above 0 V",
                f"no gain below {threshold:.2g} V",
                bool(silent[1]) and threshold > 0.0,
            ),
            held(
                "increasing above it",
                "each step above the threshold gains",
                _range_text(gains[~silent]),
                _rises(gains[~silent]),
            ),
        ),
    )


def a13() -> Finding:
    """Graded in amplitude, duration and delay; either sign."""
    delays = np.array(axis_numbers("delay_ms"))
    gains = _gains(Train(7.5, delay_ms=delays))
    best = float(delays[np.argmax(gains)])
    return Finding(
        f"{WHO}, settled Ees gain over the device's delays, else nominal",
        (
            held(
                "may be positive or negative",
                "both signs over the delay",
                f"{PCT_PER_FRAC * gains.min():.1f} to"
                f" {PCT_PER_FRAC * gains.max():.1f} %",
                gains.min() < 0.0 < gains.max(),
            ),
            held(
                "best delay inside the range",
                "an optimum not at an end",
                f"{best:.0f} ms",
                bool(delays[0] < best < delays[-1]),
            ),
        ),
        "The action potential itself, and ryanodine, are not in the model.",
    )


def a15() -> Finding:
    """Graded with all four settings; gradual return."""
    widths = np.array(axis_numbers("phase_duration_ms"))
    delays = np.arange(5.0, 33.0)
    graded = {
        "amplitude": _amplitudes()[1][-13:],
        "phase duration": _gains(Train(7.5, phase_duration_ms=widths)),
        "number of pulses": _gains(Train(7.5, n_pulses=np.array([1.0, 2.0, 3.0]))),
        "delay up to the best": _gains(Train(7.5, delay_ms=delays)),
    }
    rise, n_on = on_and_off()
    after = rise[n_on : n_on + 30]
    gradual = held(
        "gradual return",
        "falls in each beat for 5 beats, not at once",
        f"{after[1]:.1f}, {after[3]:.1f}, {after[5]:.1f} % in beats 1, 3, 5",
        bool((np.diff(after[1:6]) < 0.0).all()) and after[5] > 0.1 * rise[n_on - 1],
    )
    parts = [
        held(name, "gain rises", _range_text(values), _rises(values))
        for name, values in graded.items()
    ]
    return Finding(f"{WHO}, one setting at a time, else nominal", (*parts, gradual))


EXPERIMENTS: Final[Mapping[str, Callable[[], Finding]]] = {
    "A11": a11,
    "A31": a31,
    "A12": a12,
    "A13": a13,
    "A15": a15,
}
