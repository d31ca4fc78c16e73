"""The told ceiling: what a search reaches that is told from which law patients come.

Idealised. It knows hundreds of people drawn from that very law, the noise of a reading,
and of the patient himself which settings are tolerated and what they cost; every
reading is independent and of the spread that a visit plans with. It weighs the people
by what it reads (Bayes), reads next where mean and spread of the weighted people are
highest together, and chooses the highest mean. What no search that is told less can be
expected to beat.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.truth.landscape import Landscape
from harness.truth.response import Response
from sim.units import PCT_PER_FRAC
from sim.visit.measuring import expected_n_tests, expected_sd_pct
from sim.visit.plan import VisitPlan

FloatArray = NDArray[np.float64]
N_PEOPLE: Final = 400
BOLDNESS: Final = 1.0
"""Spreads of the weighted people that are added to their mean, to read next."""
COARSE_PCT: Final = 0.3
"""How far a person of the law is from the nearest that was drawn, percent of gain."""
_GRID: Final = 9


@dataclass(frozen=True, slots=True)
class PlannedTests:
    """How much a search may read: tests of settings, and the SD of one, percent."""

    n: int
    sd_pct: float

    @classmethod
    def of(cls, plan: VisitPlan) -> "PlannedTests":
        """Return what the titration of a plan has time for."""
        return cls(max(1, expected_n_tests(plan)), expected_sd_pct(plan))


@dataclass(frozen=True, slots=True, eq=False)
class LawPeople:
    """People drawn from one law: what they would show over CCM off at every setting.

    `shown_frac` is `(people, points + 1)`, relative; the last column is CCM off, 0.
    """

    shown_frac: FloatArray

    @classmethod
    def of(
        cls,
        gains: FloatArray,
        responses: list[Response],
        rng: np.random.Generator,
    ) -> "LawPeople":
        """Return people with gains of their own and the hearts of others, at random.

        Parameters
        ----------
        gains : (people, points)
            Gain of elastance of each person at each setting, a fraction.
        responses
            Response curves of patients, none of whom is searched for.
        """
        bends = np.array([_bend(one, gains) for one in responses])
        slope, curve = bends[rng.integers(0, len(responses), gains.shape[0])].T
        shown = slope[:, None] * gains + curve[:, None] * gains**2
        return cls(np.column_stack([shown, np.zeros(gains.shape[0])]))

    def gains_pct(self, reference: int) -> FloatArray:
        """Return what each person would show against one setting, percent."""
        base = 1.0 + self.shown_frac[:, [reference]]
        return PCT_PER_FRAC * ((1.0 + self.shown_frac) / base - 1.0)


def _bend(response: Response, gains: FloatArray) -> FloatArray:
    """Return slope and curvature of what a heart shows over CCM off."""
    at = np.linspace(min(float(gains.min()), 0.0), max(float(gains.max()), 0.0), _GRID)
    off = float(response.window_pct(0.0))
    shown = (PCT_PER_FRAC + response.window_pct(at)) / (PCT_PER_FRAC + off) - 1.0
    found = np.linalg.lstsq(np.column_stack([at, at**2]), shown, rcond=None)[0]
    return np.asarray(found)


def told_loss(
    truth: Landscape,
    people: LawPeople,
    reference: int,
    tests: PlannedTests,
    rng: np.random.Generator,
) -> float:
    """Return the points that the told search loses for one patient.

    `reference` is the row of the settings as found, which gain nothing.
    """
    prior = people.gains_pct(reference)
    gain = np.append(truth.window_gain_pct, truth.off_gain_pct)
    cost = np.append(truth.window_gain_pct - truth.utility_pct, 0.0)
    barred = np.append(~truth.tolerated, False)
    log_weight = np.zeros(prior.shape[0])
    variance = tests.sd_pct**2 + COARSE_PCT**2
    for _ in range(tests.n):
        mean, spread = _believed(prior, log_weight)
        worth = np.where(barred, -np.inf, mean - cost + BOLDNESS * spread)
        tested = int(np.argmax(worth))
        read = gain[tested] + tests.sd_pct * rng.standard_normal()
        log_weight -= 0.5 * (read - prior[:, tested]) ** 2 / variance
    mean, _ = _believed(prior, log_weight)
    chosen = int(np.argmax(np.where(barred, -np.inf, mean - cost)))
    return truth.points_lost(float(gain[chosen] - cost[chosen]))


def _believed(
    prior: FloatArray, log_weight: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return mean and SD of the weighted people at every setting."""
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean = weight @ prior
    square = weight @ prior**2
    return mean, np.sqrt(np.maximum(square - mean**2, 0.0))
