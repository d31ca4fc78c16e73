"""What is known of every beat: the heart's own rows and what the device did with it."""

from array import array
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.device.generator import BeatDecision, Cause
from sim.heart.beating import BEAT_COLUMNS, BeatingHeart
from sim.heart.circulation import BEAT_FIELDS
from sim.heart.conduction import Activation
from sim.heart.contractility import AF, SINUS
from sim.instruments import RULES as READING_RULES
from sim.instruments import ReadingWindow, clean_beats
from sim.visit.record import BeatTable

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

HEART_COLUMNS: Final = ("start_s", "rr_s", "origin")
DEVICE_COLUMNS: Final = (
    "delivered",
    "cause",
    "train_start_s",
    "train_end_s",
    "ls_s",
    "v_s",
    "atrial_s",
    "setting_id",
    "arm_id",
    "v1_s",
    "v2_s",
    "v1_mv",
    "v2_mv",
    "a_sensed_s",
)
COLUMNS: Final = HEART_COLUMNS + DEVICE_COLUMNS + BEAT_FIELDS
CAUSES: Final = tuple(Cause)
LOST_TO_SENSING: Final = (Cause.NO_LS, Cause.LS_OUT, Cause.V_UNDERSENSED, Cause.NOISE)
CODE_OF: Final = {cause: code for code, cause in enumerate(CAUSES)}
_LOST_CODES: Final = tuple(CODE_OF[cause] for cause in LOST_TO_SENSING)
_ORIGIN: Final = BEAT_COLUMNS.index("origin")
_START: Final = BEAT_COLUMNS.index("at_s")
_FIRST_FIELD: Final = len(BEAT_COLUMNS) - len(BEAT_FIELDS)
_WIDTH: Final = len(DEVICE_COLUMNS)
_NAN: Final = float("nan")


def line_of(
    activation: Activation, decision: BeatDecision, setting_id: int, arm_id: int
) -> tuple[float, ...]:
    """Return what the device did of one beat, in the order of `DEVICE_COLUMNS`."""
    atrial_s = activation.atrial_s
    return (
        decision.delivered,
        CODE_OF[decision.cause],
        decision.train_start_s,
        decision.train_end_s,
        decision.ls_s,
        decision.reference_s,
        _NAN if atrial_s is None else atrial_s,
        setting_id,
        arm_id,
        activation.v1_s,
        activation.v2_s,
        activation.v1_mv,
        activation.v2_mv,
        decision.atrial_s,
    )


class BeatLog:
    """Keeps what the device did, a line a beat, beside the heart's own rows."""

    def __init__(self, heart: BeatingHeart) -> None:
        self._heart = heart
        # an array of doubles takes a quarter of what a tuple a beat does
        self._lines = array("d")

    @property
    def n_beats(self) -> int:
        """Beats so far."""
        return len(self._lines) // _WIDTH

    def add(
        self,
        activation: Activation,
        decision: BeatDecision,
        setting_id: int,
        arm_id: int,
    ) -> None:
        """Write the line of the beat that the heart has just made."""
        self._lines.extend(line_of(activation, decision, setting_id, arm_id))

    def line(self, beat: int) -> tuple[float, ...]:
        """Return what the device did of one beat, in the order of `DEVICE_COLUMNS`."""
        return tuple(self._lines[beat * _WIDTH : (beat + 1) * _WIDTH])

    def window(
        self, first: int, n: int, *, expects_ccm: bool, link_lost: bool = False
    ) -> ReadingWindow:
        """Return the `n` true beats from `first` on, for an instrument to read."""
        rows = self._heart.beats[first : first + n]
        reach = READING_RULES.dropped_around_ectopic
        low = max(0, first - reach)
        ectopic = self.ectopic(low, self.n_beats)
        own = slice(first - low, first - low + n)

        def column(name: str) -> FloatArray:
            values: FloatArray = rows[:, BEAT_COLUMNS.index(name)]
            return values

        return ReadingWindow(
            start_s=column("at_s"),
            rr_s=column("rr_s"),
            sbp_mmhg=column("sbp_mmhg"),
            dbp_mmhg=column("dbp_mmhg"),
            map_mmhg=column("map_mmhg"),
            sv_ml=column("sv_ml"),
            dpdt_max_mmhg_per_s=column("dpdt_max_mmhg_per_s"),
            clean=clean_beats(ectopic, reach)[own],
            ectopic=ectopic[own],
            delivered=self._device("delivered", first, first + n) > 0.0,
            expects_ccm=expects_ccm,
            link_lost=link_lost,
        )

    def ectopic(self, first: int, last: int) -> BoolArray:
        """Tell which of the beats `first` to `last - 1` were ectopic."""
        origin = self._heart.beats[first:last, _ORIGIN]
        return np.asarray((origin != SINUS) & (origin != AF))

    def n_ectopic(self, first: int = 0) -> int:
        """Return how many beats from `first` on were ectopic."""
        return int(self.ectopic(first, self.n_beats).sum())

    def delivered_frac(self, first: int) -> float:
        """Return the share of the non-ectopic beats from `first` on with a train."""
        return self._share(first, self._device("delivered", first, self.n_beats) > 0.0)

    def unsensed_frac(self, first: int) -> float:
        """Return the share of the non-ectopic beats lost to sensing, not to rules."""
        cause = self._device("cause", first, self.n_beats)
        return self._share(first, np.isin(cause, _LOST_CODES))

    def start_of(self, beat: int) -> float:
        """Return the activation time of a beat, seconds."""
        return float(self._heart.beats[beat, _START])

    def table(self) -> BeatTable:
        """Return every beat so far."""
        beats = self._heart.beats
        parts = (
            beats[:, : len(HEART_COLUMNS)],
            self._table(0, self.n_beats),
            beats[:, _FIRST_FIELD:],
        )
        rows = np.concatenate(parts, axis=1)
        rows.setflags(write=False)
        return BeatTable(COLUMNS, rows)

    def _device(self, name: str, first: int, last: int) -> FloatArray:
        return self._table(first, last)[:, DEVICE_COLUMNS.index(name)]

    def _table(self, first: int, last: int) -> FloatArray:
        """Return what the device did of some beats, a line each; a copy."""
        # a view would keep the array from growing
        own = self._lines[first * _WIDTH : last * _WIDTH]
        return np.frombuffer(own).reshape(-1, _WIDTH)

    def _share(self, first: int, chosen: BoolArray) -> float:
        own = ~self.ectopic(first, self.n_beats)
        return float(chosen[own].mean()) if own.any() else 0.0
