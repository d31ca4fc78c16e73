"""What choices lose where energy is weighed otherwise than the search weighed it."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from harness.study.judging.numbers import FloatArray
from harness.study.tables import Columns
from harness.task.objective import Objective
from harness.truth.score import OTHER_ENERGY_WEIGHTS
from sim.heart.sensation import INTOLERABLE_GRADE


def best_valued(weight: float) -> str:
    """Return the column with the utility of the best at an energy weight."""
    return f"best_utility_energy_{weight:g}_pct"


def lost_at(weight: float) -> str:
    """Return the column with the points lost at an energy weight."""
    return f"points_lost_energy_{weight:g}"


def span_at(weight: float) -> str:
    """Return the column with what lies between off and the best at that weight."""
    return f"span_points_energy_{weight:g}"


def at_other_weights(visits: Columns, study: Mapping[str, Any]) -> Columns:
    """Return points lost and span of each visit at the other energy weights.

    Parameters
    ----------
    visits
        Columns of visits; a candidate that is not tolerated counts as off at best.
    study
        What was played, whose table `search` weighs discomfort.
    """
    told = study.get("search", {})
    weights = {f.name: told[f.name] for f in fields(Objective) if f.name in told}
    objective, off = Objective(**weights), visits["off_gain_pct"]
    found: dict[str, FloatArray] = {}
    for weight in OTHER_ENERGY_WEIGHTS:
        worth = replace(objective, energy_weight=weight).utility_pct(
            visits["candidate_gain_pct"],
            visits["candidate_energy_frac"],
            visits["candidate_sensation"],
        )
        bearable = visits["candidate_sensation"] < INTOLERABLE_GRADE
        kept = np.where(bearable, worth, np.minimum(worth, off))
        best = visits[best_valued(weight)]
        found |= {lost_at(weight): best - kept, span_at(weight): best - off}
    return found
