"""Fit many circulations at once to what was measured at the bedside.

Newton's method on the beat that repeats itself: the unknowns are the eight volumes at
activation, LV elastance, systemic resistance and arterial compliance together, so that
no heart has to settle on the way.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.heart.batch import ClosedLoopBatch
from sim.heart.circulation import BEAT_FIELDS, BeatHaemodynamics
from sim.heart.parameters import HFREF, VOLUMES, Circulation, FloatArray
from sim.heart.repeating import repeating_beat
from sim.units import PCT_PER_FRAC

Flags = NDArray[np.bool_]

_N_VOLUMES: Final = len(VOLUMES)
_ELASTANCE: Final = _N_VOLUMES
_RESISTANCE: Final = _N_VOLUMES + 1
_COMPLIANCE: Final = _N_VOLUMES + 2
_N: Final = _N_VOLUMES + 3
_LV: Final = VOLUMES.index("lv")
_RV: Final = VOLUMES.index("rv")
_ARTERIES: Final = VOLUMES.index("sa")
# The sum of the volumes stays by itself, so that one of the eight needs no equation.
_PERIODIC: Final = [i for i, name in enumerate(VOLUMES) if name != "sv"]
_READ: Final = [
    BEAT_FIELDS.index(name) for name in ("ef_frac", "edv_ml", "sbp_mmhg", "dbp_mmhg")
]
_ML: Final = 100.0
_VOLUME_STEP_ML: Final = 0.01
_LOG_STEP: Final = 1e-4
_LARGEST_LOG: Final = 0.35
_LARGEST_SHARE: Final = 0.4
_SOLVED: Final = 1e-9
_MOST_ROUNDS: Final = 14
_MOST_HALVINGS: Final = 4

LEAST_COMPLIANCE_ML_PER_MMHG: Final = 0.35
MOST_COMPLIANCE_ML_PER_MMHG: Final = 3.0
"""Beyond these the diastolic pressure is not matched (assumed)."""


@dataclass(frozen=True, slots=True, eq=False)
class BedsideValues:
    """What each of n patients must show at rest; every field is `(n,)`."""

    ejection_fraction_pct: FloatArray
    edv_ml: FloatArray
    sbp_mmhg: FloatArray
    dbp_mmhg: FloatArray
    heart_rate_bpm: FloatArray
    fibrillates: Flags

    def __len__(self) -> int:
        return len(self.edv_ml)

    def taken(self, which: NDArray[np.intp] | Flags) -> "BedsideValues":
        """Return the same of some of the patients."""
        return BedsideValues(
            **{name: getattr(self, name)[which] for name in self.__slots__}
        )


@dataclass(frozen=True, slots=True, eq=False)
class SolvedHearts:
    """Circulations of n patients; where `found` is false the other fields mean nothing.

    `dbp_met` tells whose diastolic pressure is the one asked for.
    """

    circulations: tuple[Circulation, ...]
    haemodynamics: tuple[BeatHaemodynamics, ...]
    found: Flags
    dbp_met: Flags


def solve_batch(
    values: BedsideValues, told: Callable[[int], None] | None = None
) -> SolvedHearts:
    """Return circulations, made from `HFREF`, that settle at the values.

    As `solve_patient` does for one, and beyond it: the diastolic pressure is met by
    arterial compliance as far as that stays within its bounds, and the right ventricle
    is as large as its stroke volume asks, as the left is of its own size [assumed].
    `told` is called now and then with how many are solved so far.
    """
    hearts = _Iterate.started(values)
    hearts.improve(told)
    log_c = hearts.at[:, _COMPLIANCE]
    low = np.log(LEAST_COMPLIANCE_ML_PER_MMHG)
    high = np.log(MOST_COMPLIANCE_ML_PER_MMHG)
    outside = ~((low <= log_c) & (log_c <= high)) | ~hearts.solved
    if outside.any():
        again = _Iterate.started(values.taken(outside))
        again.held = np.clip(again.at[:, _COMPLIANCE], low, high)
        stiff = (log_c[outside] < low) | (log_c[outside] > high)
        again.held[stiff] = np.clip(log_c[outside][stiff], low, high)
        again.improve()
        hearts.take_over(again, outside)
    return hearts.result(~outside)


@cache
def _reference() -> tuple[FloatArray, BeatHaemodynamics]:
    resting = repeating_beat(HFREF)
    return resting.volumes_ml, resting.haemodynamics


class _Iterate:
    """The iterate of many hearts: `at` is `(n, 11)`, `miss` the equations' residuals.

    `held` is the logarithm of a compliance that is not solved for, nan where it is.
    """

    def __init__(self, values: BedsideValues, at: FloatArray) -> None:
        self.values, self.at = values, at
        self.held = np.full(len(values), np.nan)
        self.rows = np.full((len(values), len(BEAT_FIELDS)), np.nan)
        self.solved = np.zeros(len(values), dtype=np.bool_)

    @classmethod
    def started(cls, values: BedsideValues) -> "_Iterate":
        """Guess from the reference heart, scaled by what is asked for."""
        volumes_ml, beat = _reference()
        c = HFREF
        stroke_ml = values.edv_ml * values.ejection_fraction_pct / PCT_PER_FRAC
        esv_ml = values.edv_ml - stroke_ml
        pulse_mmhg = values.sbp_mmhg - values.dbp_mmhg
        map_mmhg = values.dbp_mmhg + pulse_mmhg / 3.0
        at = np.empty((len(values), _N))
        elastance = values.sbp_mmhg / beat.sbp_mmhg * c.lv_elastance_mmhg_per_ml
        elastance *= (beat.esv_ml - c.lv_v0_ml) / np.maximum(1.0, esv_ml - c.lv_v0_ml)
        flow = stroke_ml * values.heart_rate_bpm / (beat.sv_ml * c.heart_rate_bpm)
        resistance = c.systemic_resistance_mmhg_s_per_ml * map_mmhg / beat.map_mmhg
        compliance = c.systemic_arterial_compliance_ml_per_mmhg * stroke_ml / beat.sv_ml
        compliance *= beat.pulse_pressure_mmhg / pulse_mmhg
        at[:, :_N_VOLUMES] = volumes_ml
        at[:, _LV] = values.edv_ml
        at[:, _ARTERIES] = compliance * values.dbp_mmhg
        at[:, _RV] += (stroke_ml / beat.sv_ml - 1.0) * (volumes_ml[_RV] - c.rv_v0_ml)
        at[:, _ELASTANCE] = np.log(elastance)
        at[:, _RESISTANCE] = np.log(resistance / flow)
        at[:, _COMPLIANCE] = np.log(compliance)
        return cls(values, at)

    def improve(self, told: Callable[[int], None] | None = None) -> None:
        """Take Newton's steps until every heart is solved or no step helps."""
        n = len(self.values)
        busy = np.arange(n)
        for _ in range(_MOST_ROUNDS):
            if not busy.size:
                return
            miss, rows, slopes = self._linearized(busy)
            self.rows[busy] = rows
            size = _sizes(miss)
            self.solved[busy] = size <= _SOLVED
            if told is not None:
                told(int(self.solved.sum()))
            usable = np.isfinite(slopes).all(axis=(1, 2)) & ~self.solved[busy]
            busy, miss, slopes = busy[usable], miss[usable], slopes[usable]
            if busy.size:
                busy = self._step(busy, _solutions(slopes, miss), _sizes(miss))

    def take_over(self, other: "_Iterate", where: Flags) -> None:
        """Take the iterate of other hearts in the places of some of these."""
        self.at[where], self.rows[where] = other.at, other.rows
        self.solved[where] = other.solved

    def result(self, dbp_met: Flags) -> SolvedHearts:
        """Return the circulations at the iterate."""
        circulations = tuple(
            self._circulation(j, self.at[j]) if self.solved[j] else HFREF
            for j in range(len(self.values))
        )
        beats = tuple(BeatHaemodynamics.from_row(row) for row in self.rows)
        return SolvedHearts(circulations, beats, self.solved, dbp_met & self.solved)

    def _step(
        self, busy: NDArray[np.intp], steps: FloatArray, sizes: FloatArray
    ) -> NDArray[np.intp]:
        """Move by limited steps, smaller where they do not help; return who moved."""
        share = np.ones(len(busy))
        moved = np.zeros(len(busy), dtype=np.bool_)
        start = self.at[busy]
        for _ in range(_MOST_HALVINGS):
            trying = np.flatnonzero(~moved)
            if not trying.size:
                break
            trial = start[trying] + _limited(
                start[trying], steps[trying], share[trying]
            )
            who = busy[trying]
            batch = self._batch(who, trial)
            miss, _ = self._missed(who, trial, batch)
            better = _sizes(miss) < sizes[trying]
            self.at[who[better]] = trial[better]
            moved[trying[better]] = True
            share[trying[~better]] *= 0.4
        return busy[moved]

    def _linearized(
        self, who: NDArray[np.intp]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return residuals `(m, 11)`, beats, and slopes `(m, 11, 11)`."""
        at = self.at[who]
        batch = self._batch(who, at)
        miss, rows = self._missed(who, at, batch)
        slopes = np.empty((len(who), _N, _N))
        for column in range(_COMPLIANCE):
            step = _VOLUME_STEP_ML if column < _N_VOLUMES else _LOG_STEP
            beside = at.copy()
            beside[:, column] += step
            # the batch has the elastance and resistance of `at`, and is told the rest
            scale = np.exp(beside[:, _ELASTANCE:_COMPLIANCE] - at[:, 8:_COMPLIANCE])
            there = self._beat(who, beside, batch, scale)
            slopes[:, :, column] = (there[0] - miss) / step
        beside = at.copy()
        beside[:, _COMPLIANCE] += _LOG_STEP
        there = self._missed(who, beside, self._batch(who, beside))
        slopes[:, :, _COMPLIANCE] = (there[0] - miss) / _LOG_STEP
        return miss, rows, slopes

    def _missed(
        self, who: NDArray[np.intp], at: FloatArray, batch: ClosedLoopBatch
    ) -> tuple[FloatArray, FloatArray]:
        scale = np.ones((len(who), 2))
        self._beat(who, at, batch, scale)  # leaves the tails of a beat like this
        return self._beat(who, at, batch, scale)

    def _beat(
        self,
        who: NDArray[np.intp],
        at: FloatArray,
        batch: ClosedLoopBatch,
        scale: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        values = self.values.taken(who)
        rr_s = np.array([c.rr_s for c in batch.circulations])
        onset_s = np.where(values.fibrillates, np.nan, rr_s - HFREF.av_delay_s)
        before_ml = at[:, :_N_VOLUMES]
        batch.volumes_ml = before_ml
        rows = batch.beat(
            rr_s,
            contractility=scale[:, 0],
            resistance_scale=scale[:, 1],
            atrial_onset_s=onset_s,
        )
        change_ml = batch.volumes_ml - before_ml
        ef_frac, edv_ml, sbp_mmhg, dbp_mmhg = rows[:, _READ].T
        asked_frac = values.ejection_fraction_pct / PCT_PER_FRAC
        held = self.held[who]
        compliance = np.where(
            np.isnan(held),
            (dbp_mmhg - values.dbp_mmhg) / values.dbp_mmhg,
            at[:, _COMPLIANCE] - held,
        )
        miss = np.column_stack(
            [
                change_ml[:, _PERIODIC] / _ML,
                ef_frac / asked_frac - 1.0,
                edv_ml / values.edv_ml - 1.0,
                sbp_mmhg / values.sbp_mmhg - 1.0,
                compliance,
            ]
        )
        return miss, rows

    def _batch(self, who: NDArray[np.intp], at: FloatArray) -> ClosedLoopBatch:
        # without a right ventricle's share, contractility is that of the left alone
        return ClosedLoopBatch(
            [
                replace(self._circulation(j, row), rv_share_of_contractility_frac=0.0)
                for j, row in zip(who, at, strict=True)
            ]
        )

    def _circulation(self, j: int, at: FloatArray) -> Circulation:
        c, own = HFREF, self.values
        _, beat = _reference()
        unstressed_ml = c.la_v0_ml + c.lv_v0_ml + c.ra_v0_ml + c.rv_v0_ml
        left = (own.edv_ml[j] - c.lv_v0_ml) / (beat.edv_ml - c.lv_v0_ml)
        right = own.edv_ml[j] * own.ejection_fraction_pct[j] / PCT_PER_FRAC / beat.sv_ml
        return replace(
            c,
            heart_rate_bpm=float(own.heart_rate_bpm[j]),
            lv_elastance_mmhg_per_ml=float(np.exp(at[_ELASTANCE])),
            lv_stiffness_per_ml=float(c.lv_stiffness_per_ml / left),
            rv_elastance_mmhg_per_ml=float(c.rv_elastance_mmhg_per_ml / right),
            rv_stiffness_per_ml=float(c.rv_stiffness_per_ml / right),
            systemic_resistance_mmhg_s_per_ml=float(np.exp(at[_RESISTANCE])),
            systemic_arterial_compliance_ml_per_mmhg=float(np.exp(at[_COMPLIANCE])),
            stressed_volume_ml=float(at[:_N_VOLUMES].sum()) - unstressed_ml,
        )


def _sizes(miss: FloatArray) -> FloatArray:
    sizes = np.abs(miss).max(axis=1)
    found: FloatArray = np.where(np.isfinite(sizes), sizes, np.inf)
    return found


def _solutions(slopes: FloatArray, miss: FloatArray) -> FloatArray:
    """Return Newton's steps; a singular heart gets the shortest, and harms no other."""
    a, b = slopes + 1e-14 * np.eye(_N), -miss
    try:
        return np.asarray(np.linalg.solve(a, b[:, :, None])[:, :, 0], dtype=np.float64)
    except np.linalg.LinAlgError:
        return np.array([_solution(*one) for one in zip(a, b, strict=True)])


def _solution(slopes: FloatArray, goal: FloatArray) -> FloatArray:
    try:
        return np.asarray(np.linalg.solve(slopes, goal), dtype=np.float64)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(slopes) @ goal, dtype=np.float64)


def _limited(at: FloatArray, steps: FloatArray, share: FloatArray) -> FloatArray:
    """Return the steps, cut so that no volume and no parameter leaps."""
    room = np.hstack(
        [
            _LARGEST_SHARE * at[:, :_N_VOLUMES],
            np.full((len(at), _N - _N_VOLUMES), _LARGEST_LOG),
        ]
    )
    excess = (np.abs(steps) / room).max(axis=1)
    cut: FloatArray = share / np.maximum(1.0, excess)
    return steps * cut[:, None]
