"""What a search can still win: the worth of its choice now, and after more tests.

The life of a question. The readings so far leave a belief about some points, a mean and
a covariance of what each is worth beyond the reference. What is chosen now is worth its
expected value behind the do-no-harm gate and the proof that follows: where the proof
shows no gain the reference is kept, so that a setting counts by the chance to show it.
Further tests move the mean before they are made by a known law, and the worth of the
best choice then, averaged over that, exceeds the worth now by what they can win. Tests
are laid where a single one would win most, again and again, so that what is told is
what a good search could win, whatever the strategy will do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import ndtr

from optimizers.population import infer, row_of
from optimizers.posterior import LENGTHS, SIGNAL_OVER_NOISE, Readings, matern, pool
from optimizers.problem import Observation, Problem
from optimizers.recommend import tolerated_points
from optimizers.space import FloatArray, Point

BY_PEOPLE: Final = "population"
"""The recommender whose belief knows how people differ; all others have the smooth
one of `posterior`."""

POOL: Final = 96
"""Untested points that are thought of: evenly through the space."""

PEOPLE: Final = 200
"""People who stand for a crowd in a covariance."""

DRAWS: Final = 256
"""Outcomes of further tests over which is averaged, always the same ones."""

_SEED: Final = 20_260_101
_TINY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Proof:
    """What comes after the choice: the gate, then a verification.

    `error` is the standard error of its mean and `least` the gain that it has to show,
    in the unit of the observations' value; `gate_probability` what the gate asks.
    """

    gate_probability: float
    error: float
    least: float


@dataclass(frozen=True, slots=True, eq=False)
class JointBelief:
    """What is believed of k points: their excess over the reference.

    The first `n_tested` may be chosen now, the reference among them or not; the others
    have to be tested first.
    """

    points: tuple[Point, ...]
    n_tested: int
    mean: FloatArray
    covariance: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Prospect:
    """What further tests can be expected to win, in the unit of the value.

    `n_tests` are numbers of tests, rising, `win` the points that so many can win over
    choosing now, which is worth `worth_now`.
    """

    worth_now: float
    n_tests: tuple[int, ...]
    win: tuple[float, ...]


def prospect(
    problem: Problem,
    log: Sequence[Observation],
    *,
    recommender: str,
    proof: Proof,
    n_left: int,
    cost: FloatArray | None = None,
) -> Prospect | None:
    """Return what up to `n_left` further tests can be expected to win.

    Parameters
    ----------
    log
        Every observation so far; None is returned without one that can be used.
    recommender
        By whose belief; a name of `recommend.RECOMMENDERS`.
    cost : (size,)
        What each allowed point costs beyond the reference and the proof does not see,
        in the order of `Space.indices`; nothing by default.
    """
    if not any(seen.usable for seen in log) or n_left < 1:
        return None
    belief = belief_of(problem, log, recommender=recommender)
    shift = np.zeros(len(belief.points))
    if cost is not None:
        rows = [row_of(problem.space, point) for point in belief.points]
        shift = cost[rows] - cost[row_of(problem.space, problem.reference)]
    sizes = _sizes(n_left)
    noise = max(problem.noise_sd, _TINY)
    now = worth(belief.mean, _sd(belief.covariance), shift, proof)
    worth_now = max(0.0, float(now[: belief.n_tested].max(initial=0.0)))
    wins = _wins(belief, shift, proof, noise=noise, sizes=sizes, worth_now=worth_now)
    return Prospect(worth_now, sizes, tuple(wins))


def worth(
    mean: FloatArray, sd: FloatArray, cost: FloatArray, proof: Proof
) -> FloatArray:
    """Return what choosing points is worth: expected value where the proof shows it.

    For a value u, normal by `mean` and `sd`, and a proof whose mean errs by `e` and has
    to reach c: E[u P(shown | u)] = mean Phi(a) + sd^2 / h phi(a), h^2 = e^2 + sd^2, a =
    (mean + cost - c) / h. Nothing behind a closed gate. Arrays of one shape.
    """
    spread = np.sqrt(proof.error**2 + sd**2) + _TINY
    at = (mean + cost - proof.least) / spread
    density = np.exp(-0.5 * at**2) / np.sqrt(2.0 * np.pi)
    expected = mean * ndtr(at) + sd**2 / spread * density
    passed = ndtr(mean / (sd + _TINY)) > proof.gate_probability
    return np.asarray(np.where(passed, expected, 0.0))


def belief_of(
    problem: Problem, log: Sequence[Observation], *, recommender: str
) -> JointBelief:
    """Return what the readings say of the tested points and of some untested ones."""
    tested = tolerated_points(problem, log)
    refused = {seen.tested for seen in log if not seen.tolerated}
    others = [
        point
        for point in _pool_points(problem)
        if point not in refused and point not in tested
    ]
    points = (*tested, *others)
    joint = _by_people if recommender == BY_PEOPLE else _by_smoothness
    mean, covariance = joint(problem, log, points)
    return JointBelief(points, len(tested), mean, covariance)


def _pool_points(problem: Problem) -> list[Point]:
    """Return allowed points evenly through the order of the lattice."""
    indices = problem.space.indices
    places = np.unique(np.linspace(0, len(indices) - 1, POOL).round().astype(np.intp))
    return [tuple(int(i) for i in indices[place]) for place in places]


def _sizes(n_left: int) -> tuple[int, ...]:
    """Return 1, 2, 4, ... and the number that is left."""
    return tuple(sorted({1 << k for k in range(n_left.bit_length())} | {n_left}))


def _wins(
    belief: JointBelief,
    cost: FloatArray,
    proof: Proof,
    *,
    noise: float,
    sizes: Sequence[int],
    worth_now: float,
) -> list[float]:
    """Return what each number of tests wins, tests laid one after the other."""
    left = belief.covariance.copy()
    may_choose = np.arange(len(belief.points)) < belief.n_tested
    wins: list[float] = []
    for n in range(1, sizes[-1] + 1):
        place = _best_place(belief.mean, left, cost, proof, noise, worth_now)
        column = left[:, place].copy()
        left = left - np.outer(column, column) / (column[place] + noise**2)
        may_choose[place] = True
        if n in sizes:
            gained = belief.covariance - left
            found = _worth_after(belief.mean, gained, left, cost, proof, may_choose)
            wins.append(max(0.0, found - worth_now))
    return wins


def _best_place(
    mean: FloatArray,
    left: FloatArray,
    cost: FloatArray,
    proof: Proof,
    noise: float,
    worth_now: float,
) -> int:
    """Return the point at which one test alone is worth most; of ties the first."""
    variance = np.maximum(np.diag(left), 0.0)
    moves = variance / np.sqrt(variance + noise**2 + _TINY)
    after = np.sqrt(np.maximum(variance - moves**2, 0.0))
    nodes, weights = _normal_nodes()
    means = mean + moves * nodes[:, None]
    found = worth(means, np.broadcast_to(after, means.shape), cost, proof)
    return int(np.argmax(weights @ np.maximum(found, worth_now)))


def _worth_after(
    mean: FloatArray,
    gained: FloatArray,
    left: FloatArray,
    cost: FloatArray,
    proof: Proof,
    may_choose: np.typing.NDArray[np.bool_],
) -> float:
    """Return the mean worth of the best choice when the mean has moved by `gained`."""
    own = np.flatnonzero(may_choose)
    spectrum, vectors = np.linalg.eigh(gained[np.ix_(own, own)])
    root = vectors * np.sqrt(np.maximum(spectrum, 0.0))
    # columns behind the last that moves anything draw nothing
    drawn = _draws(max(own.size, 4 * POOL))[:, : own.size] @ root.T
    sd = np.broadcast_to(_sd(left)[own], drawn.shape)
    found = worth(mean[own] + drawn, sd, cost[own], proof)
    return float(np.maximum(found.max(axis=1), 0.0).mean())


def _sd(covariance: FloatArray) -> FloatArray:
    return np.sqrt(np.maximum(np.diag(covariance), 0.0))


@cache
def _normal_nodes() -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    return nodes, weights / weights.sum()


@cache
def _draws(n: int) -> FloatArray:
    """Return standard normal draws and their opposites, (DRAWS, n)."""
    half = np.random.default_rng(_SEED).standard_normal((DRAWS // 2, n))
    drawn = np.vstack([half, -half])
    drawn.flags.writeable = False
    return drawn


def _by_people(
    problem: Problem, log: Sequence[Observation], points: Sequence[Point]
) -> tuple[FloatArray, FloatArray]:
    """Return the belief of the recommender that knows how people differ."""
    insight = infer(problem, log)
    asked = (*points, problem.reference)
    rows = np.array([row_of(problem.space, point) for point in asked])
    mean, _ = insight.gain(rows)
    return mean[:-1], _excess(insight.covariance(rows, rows, PEOPLE))


def _excess(covariance: FloatArray) -> FloatArray:
    """Return the covariance of excesses over the last point, from that of values."""
    of_last = covariance[:-1, -1]
    apart = covariance[:-1, :-1] - of_last[:, None] - of_last + covariance[-1, -1]
    return np.asarray(0.5 * (apart + apart.T))


def _by_smoothness(
    problem: Problem, log: Sequence[Observation], points: Sequence[Point]
) -> tuple[FloatArray, FloatArray]:
    """Return the belief of `posterior`, as one mean and covariance of its mixture.

    Rasmussen and Williams 2006, eq. 2.41 to 2.45, for each size and length.
    """
    readings = pool(problem, log)
    asked = (*points, problem.reference)
    unit = problem.noise_sd or float(np.std(readings.mean)) or 1.0
    places = np.array(asked) * problem.space.steps
    read = np.array(readings.points) * problem.space.steps
    fits = [
        _fit(size * unit, length, read, places, readings)
        for length in LENGTHS
        for size in SIGNAL_OVER_NOISE
    ]
    evidence = np.array([fit[0] for fit in fits])
    weight = np.exp(evidence - evidence.max())
    weight /= weight.sum()
    means = np.array([fit[1][:-1] - fit[1][-1] for fit in fits])
    mean = weight @ means
    away = means - mean
    total = np.einsum("h,hi,hj->ij", weight, away, away)
    for share, fit in zip(weight, fits, strict=True):
        total += share * _excess(fit[2])
    return mean, total


def _fit(
    sd: float, length: float, read: FloatArray, asked: FloatArray, readings: Readings
) -> tuple[float, FloatArray, FloatArray]:
    """Return log evidence, mean and covariance of values for one size and length."""
    among, across, between = (
        sd**2 * matern(_far(one, other) / length)
        for one, other in ((read, read), (read, asked), (asked, asked))
    )
    centre = readings.mean.mean()
    inverse = np.linalg.inv(among + np.diag(readings.standard_error**2))
    ones = inverse.sum(axis=0)
    level = ones @ (readings.mean - centre) / ones.sum()
    apart = readings.mean - centre - level
    told = inverse @ apart
    unknown = 1.0 - across.T @ ones  # what the constant's own uncertainty adds
    covariance = between - across.T @ inverse @ across
    covariance += np.outer(unknown, unknown) / ones.sum()
    evidence = np.linalg.slogdet(inverse)[1] - np.log(ones.sum()) - apart @ told
    return float(0.5 * evidence), centre + level + across.T @ told, covariance


def _far(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray(cdist(one, other))
