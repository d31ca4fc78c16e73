"""What the visits of one cell chose, reached and cost, before any comparison.

Every number here is of one contender alone; `paired` holds contenders against each
other, on the same patients.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Final

import numpy as np

from harness.study.judging.cells import Cell
from harness.study.judging.numbers import (
    NOTHING,
    QUARTILES,
    Estimate,
    FloatArray,
    mean,
    mean_of_lowest,
    quantiles,
    rate_pct,
    ratio,
)
from harness.study.judging.reading import Columns
from harness.study.judging.weights import lost_at, span_at
from harness.task.lattice import PULSE
from harness.truth.landscape import FLAT_PCT
from harness.truth.score import OTHER_ENERGY_WEIGHTS
from sim.units import PCT_PER_FRAC

WORST_FRAC: Final = 0.05
"""Share of patients whose outcome is told apart: those who fared worst."""
TARGETS: Final = (0.5, 0.75, 0.9)
"""Shares of the attainable gain."""
MEDIAN: Final = (0.5,)
_SAME: Final = 1e-9  # of the searched range: settings on a lattice differ by far more

Values = Mapping[str, Estimate]


def losses(cell: Cell) -> Values:
    """Return what choices and permanent settings give away, in points and as regret.

    Regret is noise-free, post-replicated, and of the permanent settings.
    """
    lost, span = (cell.per_patient(name) for name in ("points_lost", "span_points"))
    told = np.isfinite(lost) & np.isfinite(span)
    share = ratio(lost[told], span[told])
    return {
        "points_lost_mean": mean(known(lost)),
        "points_lost_share_pct": share.times(PCT_PER_FRAC),
        "final_points_lost_mean": mean(known(cell.per_patient("final_points_lost"))),
        **_at_other_weights(cell),
        **_regrets(cell),
    }


def _at_other_weights(cell: Cell) -> Values:
    found = {}
    for weight in OTHER_ENERGY_WEIGHTS:
        name = lost_at(weight)
        lost, span = cell.per_patient(name), cell.per_patient(span_at(weight))
        told = np.isfinite(lost) & np.isfinite(span)
        share = ratio(lost[told], span[told])
        found[f"{name}_mean"] = mean(lost[told])
        found[f"{name}_share_pct"] = share.times(PCT_PER_FRAC)
    return found


def _regrets(cell: Cell) -> Values:
    regret = known(cell.per_patient("regret_pct"))
    low, middle, high = quantiles(regret, QUARTILES)
    found = {
        "regret_median_pct": middle,
        "regret_mean_pct": mean(regret),
        "regret_q25_pct": low,
        "regret_q75_pct": high,
    }
    for name in ("post_regret", "final_regret"):
        values = known(cell.per_patient(f"{name}_pct"))
        found[f"{name}_median_pct"] = quantiles(values, MEDIAN)[0]
        found[f"{name}_mean_pct"] = mean(values)
    return found


def gains(cell: Cell) -> Values:
    """Return what was won of what was to be won, and who was harmed."""
    attainable = cell.per_patient("attainable_gain_pct")
    gained = cell.per_patient("candidate_gain_pct")
    able = attainable >= FLAT_PCT
    shares = PCT_PER_FRAC * known(cell.per_patient("attained_frac"))
    return {
        "attained_pct": ratio(gained[able], attainable[able]).times(PCT_PER_FRAC),
        "attained_median_pct": quantiles(shares, MEDIAN)[0],
        "gain_mean_pct": mean(known(gained)),
        **harms(cell),
        **_solved(cell),
    }


def harms(cell: Cell) -> Values:
    """Return who was harmed, how much the worst off lost, and what energy is used."""
    final = known(cell.per_patient("final_gain_pct"))
    energy = known(cell.per_patient("final_energy_frac"))
    return {
        "harmed_pct": rate_pct(cell.of("harmed"), cell.of("patient")),
        "candidate_harms_pct": rate_pct(cell.of("candidate_harms"), cell.of("patient")),
        "worst_gain_pct": mean_of_lowest(final, WORST_FRAC),
        "energy_mean_pct": mean(energy).times(PCT_PER_FRAC),
    }


def _solved(cell: Cell) -> Values:
    share, patients = cell.of("attained_frac"), cell.of("patient")
    able = np.isfinite(share)
    return {
        f"solved_{PCT_PER_FRAC * target:.0f}_pct": rate_pct(
            share[able] >= target, patients[able]
        )
        for target in TARGETS
    }


def costs(cell: Cell) -> Values:
    """Return what the visits that came to their end took of patient and computer."""
    asks, slowest = known(cell.of("ask_ms")), known(cell.of("slowest_ask_ms"))
    return {
        "unpleasant_events_mean": mean(known(cell.per_patient("unpleasant_events"))),
        "minutes_mean": mean(known(cell.per_patient("minutes"))),
        "visit_minutes_mean": mean(known(cell.per_patient("visit_minutes"))),
        "evaluations_mean": mean(known(cell.per_patient("n_evaluations"))),
        "information_bits_mean": mean(known(cell.per_patient("information_bits"))),
        "ask_ms_median": (
            Estimate(float(np.median(asks)), n=asks.size) if asks.size else NOTHING
        ),
        "slowest_ask_ms": (
            Estimate(float(slowest.max()), n=slowest.size) if slowest.size else NOTHING
        ),
        "kept_pct": rate_pct(~cell.done, cell.of("patient")),
    }


def known(values: FloatArray) -> FloatArray:
    """Return the values that are there."""
    found: FloatArray = values[np.isfinite(values)]
    return found


def searched_spans(evaluations: Columns) -> Mapping[str, float]:
    """Return the range that was tested of each value that was searched at all."""
    tested = ((name, evaluations[name]) for name in PULSE)
    spans = {name: float(np.ptp(v)) if v.size else 0.0 for name, v in tested}
    return {name: span for name, span in spans.items() if span > 0.0}


def reproducibility(cell: Cell, spans: Mapping[str, float]) -> Mapping[str, Estimate]:
    """Return how far apart the choices for one patient are, over its replicates."""
    apart = [
        _distances(of_one)
        for of_one in _choices(cell, spans)
        if spans and len(of_one) > 1
    ]
    if not apart:
        return {"choice_distance_pct": NOTHING, "choice_same_pct": NOTHING}
    same = np.array([bool((of_one < _SAME).all()) for of_one in apart])
    far = np.array([float(of_one.mean()) for of_one in apart])
    return {
        "choice_distance_pct": mean(far).times(PCT_PER_FRAC),
        "choice_same_pct": rate_pct(same, np.arange(same.size)),
    }


def _choices(cell: Cell, spans: Mapping[str, float]) -> list[FloatArray]:
    """Return the choices in the finished visits of each patient, scaled."""
    scaled = np.column_stack(
        [cell.of(f"candidate_{name}") / span for name, span in spans.items()]
        or [np.zeros(cell.place.size)]
    )
    of_whom = np.where(cell.done, cell.place, -1)
    return [scaled[of_whom == patient] for patient in range(cell.patients.size)]


def _distances(of_one: FloatArray) -> FloatArray:
    """Return the distance of every pair of choices."""
    pairs = combinations(of_one, 2)
    return np.array([float(np.abs(a - b).mean()) for a, b in pairs])
