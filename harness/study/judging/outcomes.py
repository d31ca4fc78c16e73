"""What the visits of one cell reached and cost, before any comparison."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from harness.study.judging.cells import Cell
from harness.study.judging.numbers import (
    NOTHING,
    QUARTILES,
    Estimate,
    FloatArray,
    mean,
    quantiles,
    rate_pct,
    ratio,
)
from harness.truth.landscape import FLAT_PCT
from sim.units import PCT_PER_FRAC

TARGETS: Final = (0.5, 0.75, 0.9)
"""Shares of the attainable gain."""
MEDIAN: Final = (0.5,)

Values = Mapping[str, Estimate]


def regrets(cell: Cell) -> Values:
    """Return regret noise-free, post-replicated and of the permanent settings."""
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
        "harmed_pct": rate_pct(cell.of("harmed"), cell.of("patient")),
        **_solved(cell),
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
