"""Speed of what turns a circulation into a patient: control of each beat, solving."""

import numpy as np

from bench.report import Row, timed_row
from bench.timing import timed
from sim.heart.beating import BeatingHeart, heart_streams, play, settled
from sim.patient import personalize, phenotype

_BEATS = 5000


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
    made = timed(lambda: BeatingHeart(_PATIENT.heart, heart_streams(1), 7200.0))
    control = (timed(_control_only) - made) / _BEATS
    whole = (timed(_whole) - made) / _BEATS
    one = timed(lambda: play(_PATIENT.heart, plan)) / len(plan)
    rest = timed(lambda: settled(_PATIENT.heart, 0.05))
    solved = timed(lambda: personalize(_PATIENT, {"ejection_fraction_pct": 28}))
    return [
        timed_row("what steers one beat", control, "us", 10),
        timed_row("one beat of a patient, circulation included", whole, "us"),
        timed_row("one noise-free beat of play()", one, "us"),
        timed_row("settled() at a gain, reflex closed", rest, "ms"),
        timed_row("a patient solved to bedside values", solved, "ms"),
    ]
