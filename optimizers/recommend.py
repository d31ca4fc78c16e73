"""Choosing from what was seen: recommenders, and the do-no-harm gate behind them.

The life of a recommendation. The log of a search is whole. A recommender picks one
point that was tested and was tolerated every time, or none, and says how probable it is
that it beats the reference. The gate then keeps the reference unless that is probable
enough, and the reason goes with the choice. Nothing is recommended that nobody felt: a
model's favourite among untested settings is a wish, and a search that believes in it
has to spend a test on it.

`best_observed` is there to show what goes wrong without shrinkage, no more.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan
from statistics import fmean
from types import MappingProxyType

import numpy as np

from optimizers.population import Insight, Rows, infer, row_of
from optimizers.posterior import (
    Beliefs,
    believe,
    pool,
    probability_positive,
    reading_error,
)
from optimizers.problem import Observation, Problem
from optimizers.shared import shared_belief
from optimizers.sources import nearest_name
from optimizers.space import FloatArray, Point

GATE_PROBABILITY = 0.8
"""The reference is left only when a better value is more probable than this."""

MOST_RISK_RECOMMENDED = 0.25
"""Highest chance of being truly felt too much at which a point is recommended."""

HARM_PCT = 0.1
"""Loss of gain against the reference, in percent, from which a choice does harm."""

HARM_PRICE = 1.0
"""What sure harm costs a choice, in noise SDs. At this price an idealised search with
people of all laws, or of all but the patient's own, harmed about 5 % of training
patients before the verdict, and lost less than behind a gate that harms as few."""

_DIFFERENT = 1e-9  # values that differ by rounding alone are ties


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a recommender would choose, before the gate.

    `value` and `standard_error` have the unit of the observations;
    `probability_better` is the chance that the true value exceeds the reference's.
    """

    point: Point
    value: float
    standard_error: float
    probability_better: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The choice behind the gate: `gated` when the gate kept the reference."""

    point: Point
    value: float
    standard_error: float
    probability_better: float
    gated: bool
    reason: str


Recommender = Callable[[Problem, Sequence[Observation], Point | None], Candidate | None]
"""Picks one tested, tolerated point; None when there is none.

The last argument is the point that the strategy itself returned, if it did.
"""


def recommend(
    problem: Problem,
    log: Sequence[Observation],
    *,
    recommender: str = "posterior_mean",
    own: Point | None = None,
    gate_probability: float = GATE_PROBABILITY,
) -> Recommendation:
    """Return the best setting, or the reference when too little speaks against it.

    Parameters
    ----------
    log
        Every observation of the search.
    recommender
        A name in `RECOMMENDERS`.
    own
        What the strategy returned, for the recommender of that name.
    gate_probability
        0 to 1; 0 moves on any sign of a gain.
    """
    if not 0.0 <= gate_probability <= 1.0:
        raise ValueError(f"gate_probability must be 0 to 1, got {gate_probability:g}")
    candidate = recommender_named(recommender)(problem, log, own)
    return gate(problem, log, candidate, gate_probability=gate_probability)


def gate(
    problem: Problem,
    log: Sequence[Observation],
    candidate: Candidate | None,
    *,
    gate_probability: float,
) -> Recommendation:
    """Keep the reference unless the candidate is probably better."""
    if candidate is None:
        return _stay(problem, log, nan, "no tested setting was tolerated")
    better, text = candidate.probability_better, f"{candidate.probability_better:.2f}"
    if candidate.point == problem.reference:
        return _ungated(candidate, "the reference itself is the best choice")
    # staying would be harm: then the candidate needs no probability
    if not reference_tolerated(problem, log):
        return _ungated(candidate, "the reference is not tolerated")
    if better > gate_probability:
        reason = f"better than the reference with probability {text}"
        return _ungated(candidate, reason)
    reason = (
        f"kept the reference: {problem.space.describe(candidate.point)} is better with "
        f"probability {text}, and more than {gate_probability:g} is asked"
    )
    return _stay(problem, log, better, reason)


def tolerated_points(
    problem: Problem, log: Sequence[Observation], *, unread: bool = False
) -> list[Point]:
    """Return the tested points with a usable value that were tolerated every time.

    In order of the first test; points outside the space's rules are left out, and
    those without a value too unless `unread`.
    """
    # felt once is refused for good, whatever was told of it another time
    refused = {seen.tested for seen in log if not seen.tolerated}
    tested = dict.fromkeys(seen.tested for seen in log if seen.usable or unread)
    return [p for p in tested if p not in refused and problem.space.contains(p)]


def reference_tolerated(problem: Problem, log: Sequence[Observation]) -> bool:
    """Return whether no test of the reference was broken off or felt too much."""
    return all(seen.tolerated for seen in log if seen.tested == problem.reference)


def posterior_mean(
    problem: Problem, log: Sequence[Observation], own: Point | None = None
) -> Candidate | None:
    """Pick the highest expected value given all readings (see `posterior`)."""
    points = tolerated_points(problem, log)
    if not points:
        return None
    beliefs = believe(problem, pool(problem, log), points)
    return _believed(beliefs, first_highest(beliefs.value, points))


def best_mean(
    problem: Problem, log: Sequence[Observation], own: Point | None = None
) -> Candidate | None:
    """Pick the highest mean of a point's own readings."""
    readings = pool(problem, log)
    points = tolerated_points(problem, log)
    if not points:
        return None
    rows = [readings.points.index(point) for point in points]
    means, errors = readings.mean[rows], readings.standard_error[rows]
    best = first_highest(means, points)
    return _compared(problem, log, points[best], means[best], errors[best])


def best_observed(
    problem: Problem, log: Sequence[Observation], own: Point | None = None
) -> Candidate | None:
    """Pick the point of the highest single reading, as the naive would."""
    points = set(tolerated_points(problem, log))
    rows = [seen for seen in log if seen.usable and seen.tested in points]
    if not rows:
        return None
    values = np.array([seen.value for seen in rows])
    best = rows[first_highest(values, [seen.tested for seen in rows])]
    error = reading_error(problem, best)
    return _compared(problem, log, best.tested, best.value, error)


def quadratic(
    problem: Problem, log: Sequence[Observation], own: Point | None = None
) -> Candidate | None:
    """Pick the tested point where a parabola in each axis, fitted to all, is highest.

    Falls back on `best_mean` while there are no more points than coefficients.
    """
    points = tolerated_points(problem, log)
    readings = pool(problem, log)
    terms = parabola_terms(problem, readings.points)
    # with as many coefficients as points the parabola passes through the noise
    if not points or len(readings.points) <= terms.shape[1]:
        return best_mean(problem, log, own)
    weighted = terms / readings.standard_error[:, None]
    inverse = np.linalg.pinv(weighted)
    coefficients = inverse @ (readings.mean / readings.standard_error)
    at = parabola_terms(problem, [*points, problem.reference])
    heights = at @ coefficients
    best = first_highest(heights[:-1], points)
    spread = np.linalg.norm((at[best] - at[-1]) @ inverse)
    gain = heights[best] - heights[-1]
    error = float(np.linalg.norm(at[best] @ inverse))
    better = float(probability_positive(gain, spread))
    return Candidate(points[best], float(heights[best]), error, better)


def own_choice(
    problem: Problem, log: Sequence[Observation], own: Point | None = None
) -> Candidate | None:
    """Take the point the strategy returned, if it was tested and tolerated."""
    # a strategy that chose nothing, or what was not tolerated, gets the default
    if own is None or own not in tolerated_points(problem, log):
        return posterior_mean(problem, log)
    return _believed(believe(problem, pool(problem, log), [own]), 0)


def population(
    problem: Problem, log: Sequence[Observation], own: Point | None = None
) -> Candidate | None:
    """Pick the highest expected value given all readings and how people differ.

    From the value goes what the chance of harm costs: a little to win is no reason to
    risk much, and a gate alone cannot tell the two apart. Points that are probably felt
    too much, whatever was told of them, are passed over while any other was tested.
    Where no reading says anything, people alone decide between the points that were
    tried and borne.
    """
    points = tolerated_points(problem, log)
    if problem.population is not None and set(points) <= {problem.reference}:
        points = tolerated_points(problem, log, unread=True)
    if not points:
        return None
    insight = infer(problem, log)
    rows = np.array([row_of(problem.space, point) for point in points])
    values = insight.mean(rows)
    worth = values - HARM_PRICE * problem.noise_sd * _harm(insight, log, points, rows)
    bearable = insight.felt(rows) <= MOST_RISK_RECOMMENDED
    # else the least felt of what was tested has to do
    if bearable.any():
        worth = np.where(bearable, worth, -np.inf)
    best = first_highest(worth, points)
    chosen = rows[[best]]
    _, error = insight.gain(chosen)
    better = insight.probability_better(chosen)
    return Candidate(
        points[best], float(values[best]), float(error[0]), float(better[0])
    )


def _harm(
    insight: Insight, log: Sequence[Observation], points: Sequence[Point], rows: Rows
) -> FloatArray:
    """Return the chance of each point to gain less than the reference, (n,).

    Nobody is harmed who cannot stay where he is.
    """
    reference = insight.problem.reference
    if not reference_tolerated(insight.problem, log):
        return np.zeros(len(points))
    costs = _costs(log)
    dearer = [costs.get(point, 0.0) - costs.get(reference, 0.0) for point in points]
    safe = insight.probability_better(rows, np.array(dearer) + HARM_PCT)
    return np.where([point == reference for point in points], 0.0, 1.0 - safe)


def _costs(log: Sequence[Observation]) -> dict[Point, float]:
    """Return how much more than its value each point was seen to gain, on average.

    Nothing is known where observations tell no gain apart from their value.
    """
    told: dict[Point, list[float]] = {}
    for seen in log:
        if seen.usable and isfinite(seen.channels.get("benefit", nan)):
            cost = seen.channels["benefit"] - seen.value
            told.setdefault(seen.tested, []).append(cost)
    return {point: fmean(costs) for point, costs in told.items()}


def transfer(
    problem: Problem, log: Sequence[Observation], own: Point | None = None
) -> Candidate | None:
    """Pick the highest expected value given all readings and earlier searches."""
    points = tolerated_points(problem, log)
    if not points:
        return None
    belief = shared_belief(problem, log, points)
    best = first_highest(belief.value, points)
    _, error = belief.gain
    return Candidate(
        points[best],
        float(belief.value[best]),
        float(error[best]),
        float(belief.probability_better[best]),
    )


RECOMMENDERS: Mapping[str, Recommender] = MappingProxyType(
    {
        "posterior_mean": posterior_mean,
        "best_mean": best_mean,
        "best_observed": best_observed,
        "quadratic": quadratic,
        "own": own_choice,
        "population": population,
        "transfer": transfer,
    }
)


def recommender_named(name: str) -> Recommender:
    """Return a recommender; a ValueError names the nearest for an unknown one."""
    if name not in RECOMMENDERS:
        raise ValueError(
            f"unknown recommender {name!r}; nearest is "
            f"{nearest_name(name, RECOMMENDERS)!r}; known: {', '.join(RECOMMENDERS)}"
        )
    return RECOMMENDERS[name]


def parabola_terms(problem: Problem, points: Sequence[Point]) -> FloatArray:
    """Return constant, slope and curvature of each axis that varies, (n, terms)."""
    shape = (len(points), len(problem.space.axes))
    scaled = np.array(points, dtype=np.float64).reshape(shape) * problem.space.steps
    varies = np.array(problem.space.shape) > 1
    curved = np.array(problem.space.shape) > 2  # two values make no parabola
    ones = np.ones((len(points), 1))
    return np.hstack([ones, scaled[:, varies], scaled[:, curved] ** 2])


def first_highest(values: FloatArray, points: Sequence[Point]) -> int:
    """Return the place of the highest value; ties go to the first in lattice order."""
    highest = float(np.max(values))
    near = highest - _DIFFERENT * max(1.0, abs(highest))
    return min(np.flatnonzero(values >= near).tolist(), key=lambda row: points[row])


def _believed(beliefs: Beliefs, row: int) -> Candidate:
    return Candidate(
        beliefs.points[row],
        float(beliefs.value[row]),
        float(beliefs.standard_error[row]),
        float(beliefs.probability_better[row]),
    )


def _compared(
    problem: Problem,
    log: Sequence[Observation],
    point: Point,
    value: float,
    error: float,
) -> Candidate:
    """Compare a mean with the reference's own mean, both normal, unshrunk."""
    reference, reference_error = _reference_reading(problem, log)
    spread = np.hypot(error, reference_error)
    known = isfinite(reference)
    # nan fails every comparison, so that the gate stays shut
    better = probability_positive(value - reference, spread) if known else nan
    return Candidate(point, float(value), float(error), float(better))


def _reference_reading(
    problem: Problem, log: Sequence[Observation]
) -> tuple[float, float]:
    readings = pool(problem, log)
    if problem.reference not in readings.points:
        return nan, inf
    row = readings.points.index(problem.reference)
    return float(readings.mean[row]), float(readings.standard_error[row])


def _ungated(candidate: Candidate, reason: str) -> Recommendation:
    return Recommendation(
        candidate.point,
        candidate.value,
        candidate.standard_error,
        candidate.probability_better,
        gated=False,
        reason=reason,
    )


def _stay(
    problem: Problem, log: Sequence[Observation], better: float, reason: str
) -> Recommendation:
    value, error = _reference_reading(problem, log)
    return Recommendation(
        problem.reference, value, error, better, gated=True, reason=reason
    )
