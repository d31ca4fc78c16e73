"""Speed of what turns a circulation into a patient: control of each beat, solving."""

import numpy as np

from bench.report import Row, best_cpu_s
from sim.heart.beating import BeatingHeart, heart_streams, play, settled
from sim.patient import personalize, phenotype

_BEATS = 5000
_US_PER_S = 1e6
_MS_PER_S = 1e3


class _NoCirculation:
    """Stands for the circulation, so that only what steers it is timed."""

    def beat(self, rr_s: float, *, out: np.ndarray, **_: float) -> None:
        out[:] = 93.0


def _beats(heart: BeatingHeart) -> None:
    now_s = 0.0
    for _ in range(_BEATS):
        heart.activate(now_s)
        now_s += heart.contract(0.05)


def _control_only() -> None:
    heart = BeatingHeart(_PATIENT.heart, heart_streams(1), 7200.0)
    heart.circulation = _NoCirculation()  # type: ignore[assignment]
    _beats(heart)


def _whole() -> None:
    _beats(BeatingHeart(_PATIENT.heart, heart_streams(1), 7200.0))


_PATIENT = phenotype("hfref-ischaemic")


def rows() -> list[Row]:
    """Measure control per beat, one whole beat, playing, settling and solving."""
    plan = np.full(_BEATS, 0.05)
    made = best_cpu_s(lambda: BeatingHeart(_PATIENT.heart, heart_streams(1), 7200.0))
    control_s = (best_cpu_s(_control_only) - made) / _BEATS
    whole_s = (best_cpu_s(_whole) - made) / _BEATS
    played_s = best_cpu_s(lambda: play(_PATIENT.heart, plan)) / len(plan)
    settled_s = best_cpu_s(lambda: settled(_PATIENT.heart, 0.05))
    solved_s = best_cpu_s(lambda: personalize(_PATIENT, {"ejection_fraction_pct": 28}))
    return [
        Row("what steers one beat", control_s * _US_PER_S, "us", 10),
        Row("one beat of a patient, circulation included", whole_s * _US_PER_S, "us"),
        Row("one noise-free beat of play()", played_s * _US_PER_S, "us"),
        Row("settled() at a gain, reflex closed", settled_s * _MS_PER_S, "ms"),
        Row("a patient solved to bedside values", solved_s * _MS_PER_S, "ms"),
    ]
