"""What is known of every beat: the heart's own rows and what the device did with it."""

from collections.abc import Sequence
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
_NAN: Final = float("nan")
_BESIDES: Final = ("atrial_mv", "refractory_end_s")
"""What is kept of each beat for who asks, and stands in no table."""
_LINE: Final = DEVICE_COLUMNS + _BESIDES
_FIRST_LINES: Final = 1024
_AT: Final = {name: place for place, name in enumerate(_LINE)}
_OF_LEADS: Final = [
    _AT[name] for name in ("atrial_s", "v1_s", "v2_s", "atrial_mv", "v1_mv", "v2_mv")
] + [_AT["refractory_end_s"]]
_OF_DEVICE: Final = [
    _AT[name] for name in ("delivered", "train_start_s", "train_end_s", "ls_s", "v_s")
] + [_AT["a_sensed_s"], _AT["cause"]]
_OF_VISIT: Final = [_AT["setting_id"], _AT["arm_id"]]
_PER_BEAT: Final = 4
"""How far back beats are looked for that are not ectopic, in those wanted."""


def line_of(
    activation: Activation, decision: BeatDecision, setting_id: int, arm_id: int
) -> tuple[float, ...]:
    """Return what leads and device did of one beat: `DEVICE_COLUMNS`, then the rest."""
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
        activation.atrial_mv,
        activation.refractory_end_s,
    )


class BeatLog:
    """Keeps what the device did, a line a beat, beside the heart's own rows."""

    def __init__(self, heart: BeatingHeart) -> None:
        self._heart = heart
        self._n = 0
        self._lines = np.empty((_FIRST_LINES, len(_LINE)))

    @property
    def n_beats(self) -> int:
        """Beats so far."""
        return self._n

    def add(
        self,
        activation: Activation,
        decision: BeatDecision,
        setting_id: int,
        arm_id: int,
    ) -> None:
        """Write the line of the beat that the heart has just made."""
        self._room(1)[0] = line_of(activation, decision, setting_id, arm_id)
        self._n += 1

    def add_many(
        self, leads: FloatArray, found: FloatArray, setting_id: int, arm_id: int
    ) -> None:
        """Write the lines of beats that the heart has just made.

        Parameters
        ----------
        leads, found : (n, 8), (n, 7)
            In the order of `LEADS` and `DEVICE` of `sim.heart.judged`.
        """
        lines = self._room(len(leads))
        lines[:, _OF_LEADS], lines[:, _OF_DEVICE] = leads[:, 1:], found
        lines[:, _OF_VISIT] = setting_id, arm_id
        self._n += len(leads)

    def _room(self, n: int) -> FloatArray:
        """Return the lines that come next."""
        while self._n + n > len(self._lines):
            self._lines = np.concatenate((self._lines, np.empty_like(self._lines)))
        lines: FloatArray = self._lines[self._n : self._n + n]
        return lines

    def line(self, beat: int) -> Sequence[float]:
        """Return what the device did of one beat, in the order of `DEVICE_COLUMNS`."""
        line: list[float] = self._lines[beat, : len(DEVICE_COLUMNS)].tolist()
        return line

    def judged(self, first: int) -> FloatArray:
        """Return what the device made of the beats from `first` on, `(n, 7)`.

        The columns are `DEVICE` of `sim.heart.judged`.
        """
        judged: FloatArray = self._lines[first : self._n, _OF_DEVICE]
        return judged

    def recent(self, n: int) -> NDArray[np.intp]:
        """Return the places of the last `n` beats that were not ectopic."""
        low, own = self._n, np.empty(0, np.intp)
        while len(own) < n and low > 0:
            low = max(0, low - _PER_BEAT * n)
            own = np.flatnonzero(~self.ectopic(low, self._n)) + low
        return own[-n:]

    def recent_starts_s(self, n: int) -> list[float]:
        """Return when the last `n` beats that were not ectopic began."""
        starts_s: list[float] = self._heart.beats[self.recent(n), _START].tolist()
        return starts_s

    def recent_activations(self, n: int) -> list[Activation]:
        """Return the last `n` activations that were not ectopic."""
        return [self._activation(int(beat)) for beat in self.recent(n)]

    def _activation(self, beat: int) -> Activation:
        at_s, origin = self._heart.beats[beat, [_START, _ORIGIN]].tolist()
        values: list[float] = self._lines[beat, _OF_LEADS].tolist()
        atrial_s = values[0] if values[0] == values[0] else None
        return Activation(at_s, int(origin), atrial_s, *values[1:])

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
            self._lines[: self._n, : len(DEVICE_COLUMNS)],
            beats[:, _FIRST_FIELD:],
        )
        rows = np.concatenate(parts, axis=1)
        rows.setflags(write=False)
        return BeatTable(COLUMNS, rows)

    def _device(self, name: str, first: int, last: int) -> FloatArray:
        values: FloatArray = self._lines[first:last, _AT[name]]
        return values

    def _share(self, first: int, chosen: BoolArray) -> float:
        own = ~self.ectopic(first, self.n_beats)
        return float(chosen[own].mean()) if own.any() else 0.0
