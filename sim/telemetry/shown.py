"""A beat as a monitor draws it: its trace is made of readings, not of the heart.

The mean of a true pressure trace would give away what a reading is to find out, and so
would the slope of its rise and the times of its valves. What is drawn has the pressures
that the monitor shows, and one shape for everybody.
"""

from dataclasses import dataclass, replace
from math import isnan, nan, sqrt
from typing import Final

import numpy as np

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
    lasts_s = PULSE.ejection_s * sqrt(rr_s)
    rise_mmhg = max(sbp_mmhg - dbp_mmhg, 0.0)
    slope = PULSE.bend * rise_mmhg / (PULSE.peak_at_frac * lasts_s)
    return {
        "sbp_mmhg": sbp_mmhg,
        "dbp_mmhg": dbp_mmhg,
        "lvedp_mmhg": nan,
        "la_mean_mmhg": nan,
        "dpdt_max_mmhg_per_s": slope,
        "aortic_open_s": PULSE.open_s if ejects else nan,
        "aortic_close_s": PULSE.open_s + lasts_s if ejects else nan,
        "mitral_open_s": nan,
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
    level_mmhg, pulses = 0.0, list[dict[str, float]]()
    opens = ~np.isnan(beats.aortic_open_s)
    for rr_s, ejects, (sbp, dbp, map_) in zip(
        beats.rr_s.tolist(), opens.tolist(), shown_mmhg.tolist(), strict=True
    ):
        level_mmhg = level_mmhg if isnan(map_) else map_
        pulse = (level_mmhg, level_mmhg) if isnan(map_) else (sbp, dbp)
        pulses.append(pulse_fields(rr_s, *pulse, ejects=ejects))
    if not pulses:
        return beats
    names = pulses[0].keys()
    return replace(beats, **{k: np.array([p[k] for p in pulses]) for k in names})
