"""A beat as a monitor draws it: its trace is made of readings, not of the heart.

The mean of a true pressure trace would give away what a reading is to find out, and so
would the slope of its rise and the times of its valves. What is drawn has the pressures
that the monitor shows, and one shape for everybody.
"""

from dataclasses import dataclass, replace
from math import nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.sources import sourced
from sim.telemetry.beats import FloatArray, RecordedBeats

_EVIDENCE: Final = ("ccmlab-evidence", "C2 Waveforms", "assumed")


@dataclass(frozen=True, slots=True)
class ShownPulse:
    """The shape of every pulse on the monitor, whoever's it is.

    Ejection lasts `ejection_s` at an interval of 1 s and goes with its square root;
    `bend` is how the rise bends, as in `PressureShape`.
    """

    open_s: float = sourced(0.07, *_EVIDENCE)
    ejection_s: float = sourced(0.32, *_EVIDENCE)
    bend: float = sourced(4.0, *_EVIDENCE)
    peak_at_frac: float = sourced(0.70, *_EVIDENCE)


PULSE: Final = ShownPulse()


def pulse_fields(
    rr_s: float, sbp_mmhg: float, dbp_mmhg: float, *, ejects: bool
) -> dict[str, float]:
    """Return the fields of `RecordedBeats` that the pressure trace is drawn from.

    Parameters
    ----------
    rr_s
        The interval that the beat begins.
    sbp_mmhg, dbp_mmhg
        What the monitor shows; equal for a flat line.
    ejects
        Whether there is a pulse at all.
    """
    found = _pulses(
        np.array([rr_s]), np.array([sbp_mmhg]), np.array([dbp_mmhg]), np.array([ejects])
    )
    return {name: float(value[0]) for name, value in found.items()}


def _pulses(
    rr_s: FloatArray,
    sbp_mmhg: FloatArray,
    dbp_mmhg: FloatArray,
    ejects: NDArray[np.bool_],
) -> dict[str, FloatArray]:
    lasts_s = PULSE.ejection_s * np.sqrt(rr_s)
    rise_mmhg = np.maximum(sbp_mmhg - dbp_mmhg, 0.0)
    slope = PULSE.bend * rise_mmhg / (PULSE.peak_at_frac * lasts_s)
    unknown = np.full(rr_s.shape, nan)
    return {
        "sbp_mmhg": sbp_mmhg,
        "dbp_mmhg": dbp_mmhg,
        "lvedp_mmhg": unknown,
        "la_mean_mmhg": unknown,
        "dpdt_max_mmhg_per_s": slope,
        "aortic_open_s": np.where(ejects, PULSE.open_s, nan),
        "aortic_close_s": np.where(ejects, PULSE.open_s + lasts_s, nan),
        "mitral_open_s": unknown,
    }


def beats_shown(beats: RecordedBeats, shown_mmhg: FloatArray) -> RecordedBeats:
    """Return beats whose pulse is the monitor's; without a signal a line at its level.

    Parameters
    ----------
    beats
        Beats of a visit, `(n,)`.
    shown_mmhg : (n, 3)
        Systolic, diastolic and mean pressure that the monitor showed of each, nan
        without a signal.
    """
    sbp, dbp, map_ = shown_mmhg.T
    signal = ~np.isnan(map_)
    # the newest level that was shown, 0 before there was any
    newest = np.maximum.accumulate(np.where(signal, np.arange(map_.size), -1))
    level = np.where(newest < 0, 0.0, map_[newest])
    return replace(
        beats,
        **_pulses(
            beats.rr_s,
            np.where(signal, sbp, level),
            np.where(signal, dbp, level),
            ~np.isnan(beats.aortic_open_s),
        ),
    )
