"""When a gain is believed: one candidate, one verification, a t-interval over pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaincinv, nctdtr, ndtr, stdtrit

from sim.sources import sourced
from sim.units import FRAC_PER_PCT
from sim.visit.plan import PROTOCOL, VisitPlan
from sim.visit.record import Pair, Verdict, VerdictKind

NOT_READ: Final = float("nan")
FloatArray = NDArray[np.float64]
_N_NODES: Final = 256


@dataclass(frozen=True, slots=True)
class VerdictRules:
    """How sure a verdict is."""

    confidence_pct: float = sourced(95.0, PROTOCOL, "5", "assumed")
    equivalence_pct: float = sourced(90.0, PROTOCOL, "5", "assumed")
    power_pct: float = sourced(80.0, PROTOCOL, "5", "assumed")
    harm_pairs: int = sourced(7, PROTOCOL, "5, harmful as found", "assumed")


RULES: Final = VerdictRules()


@dataclass(frozen=True, slots=True)
class GainEstimate:
    """Mean gain of fresh pairs with its intervals, all in percent."""

    n: int
    gain_pct: float
    pair_sd_pct: float
    standard_error_pct: float
    ci95_pct: tuple[float, float]
    ci90_pct: tuple[float, float]


def estimate(gains_pct: Sequence[float]) -> GainEstimate:
    """Estimate the gain from the spread between pairs.

    Parameters
    ----------
    gains_pct
        Gain of each fresh pair; with fewer than two pairs no interval exists (nan).
    """
    n = len(gains_pct)
    gain = float(np.mean(gains_pct)) if n else NOT_READ
    if n < 2:
        none = (NOT_READ, NOT_READ)
        return GainEstimate(n, gain, NOT_READ, NOT_READ, none, none)
    spread = float(np.std(gains_pct, ddof=1))
    error = spread / np.sqrt(n)
    return GainEstimate(
        n,
        gain,
        spread,
        float(error),
        _interval(gain, error, n, RULES.confidence_pct),
        _interval(gain, error, n, RULES.equivalence_pct),
    )


def _interval(
    gain: float, error: float, n: int, level_pct: float
) -> tuple[float, float]:
    reach = float(stdtrit(n - 1, _two_sided(level_pct))) * error
    return (float(gain - reach), float(gain + reach))


def _two_sided(level_pct: float) -> float:
    return 0.5 + 0.5 * level_pct * FRAC_PER_PCT


def least_detectable_gain_pct(pair_sd_pct: float, n_pairs: int) -> float:
    """Return the gain that a two-sided 5 % t-test shows with 80 % power."""
    if n_pairs < 2 or not pair_sd_pct > 0.0:
        return NOT_READ
    degrees = n_pairs - 1
    bound = float(stdtrit(degrees, _two_sided(RULES.confidence_pct)))
    power = RULES.power_pct * FRAC_PER_PCT

    def shortfall(noncentrality: float) -> float:
        missed = float(nctdtr(degrees, noncentrality, bound))
        # scipy 1.15 loses a chance below 1e-180 now and then: nan
        return 1.0 - (0.0 if isnan(missed) else missed) - power

    shift = float(brentq(shortfall, 0.0, 60.0))
    return shift * pair_sd_pct / float(np.sqrt(n_pairs))


def shown_from_pct(pair_sd_pct: float, n_pairs: int, *, least_gain_pct: float) -> float:
    """Return the mean from which pairs of a usual spread end in "improved"."""
    bound = float(stdtrit(n_pairs - 1, _two_sided(RULES.confidence_pct)))
    return max(least_gain_pct, bound * pair_sd_pct / float(np.sqrt(n_pairs)))


def power_to_show(
    gain_pct: float, pair_sd_pct: float, n_pairs: int, *, least_gain_pct: float = 0.0
) -> float:
    """Return the chance that normal pairs of a true gain end in "improved".

    Both conditions count: the lower limit of the interval above 0, and a mean of at
    least `least_gain_pct`, which with 0 is the power of a two-sided t-test, its upper
    half. The spread seen is that of a chi-square variable; the chance is averaged over
    its quantiles, with an error below 1e-4. Nan with fewer than two pairs.
    """
    if n_pairs < 2:
        return NOT_READ
    if not pair_sd_pct > 0.0:
        return float(gain_pct > 0.0 and gain_pct >= least_gain_pct)
    degrees, error = n_pairs - 1, pair_sd_pct / np.sqrt(n_pairs)
    nodes, weights = _legendre()
    quantile = 0.5 + 0.5 * nodes
    chi2 = 2.0 * gammaincinv(0.5 * degrees, quantile)
    bound = float(stdtrit(degrees, _two_sided(RULES.confidence_pct)))
    least = np.maximum(least_gain_pct, bound * error * np.sqrt(chi2 / degrees))
    return float(0.5 * weights @ ndtr((gain_pct - least) / error))


@cache
def _legendre() -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights from -1 to 1; few visits need them."""
    nodes, weights = np.polynomial.legendre.leggauss(_N_NODES)
    return nodes, weights


def judge(
    pairs: Sequence[Pair],
    plan: VisitPlan,
    *,
    best_single_reading_pct: float,
    expected_pair_sd_pct: float,
) -> Verdict:
    """Judge the verification pairs by the rules fixed before the visit."""
    gains = [pair.gains.primary_pct for pair in pairs if pair.gains is not None]
    found = estimate(gains)
    kind, reason = _decide(found, plan)
    spread = found.pair_sd_pct if found.n >= 2 else expected_pair_sd_pct
    return Verdict(
        kind=kind,
        reason=reason,
        gain_pct=found.gain_pct,
        standard_error_pct=found.standard_error_pct,
        ci95_pct=found.ci95_pct,
        ci90_pct=found.ci90_pct,
        pairs_planned=plan.verification_pairs,
        pairs_done=found.n,
        pairs_void=len(pairs) - found.n,
        pair_sd_pct=found.pair_sd_pct,
        least_detectable_gain_pct=least_detectable_gain_pct(
            spread, found.n if found.n >= 2 else plan.verification_pairs
        ),
        best_single_reading_pct=best_single_reading_pct,
    )


def _decide(found: GainEstimate, plan: VisitPlan) -> tuple[VerdictKind, str]:
    if found.n < 2:
        return "inconclusive", "fewer than two valid verification pairs"
    low, high = found.ci90_pct
    if found.ci95_pct[0] > 0.0 and found.gain_pct >= plan.least_relevant_gain_pct:
        return "improved", (
            "lower 95 % limit above 0 and gain at least"
            f" {plan.least_relevant_gain_pct:g} %"
        )
    margin = plan.equivalence_margin_pct
    if -margin < low and high < margin:
        return "equivalent", f"90 % interval inside +-{margin:g} %"
    if found.ci95_pct[0] > 0.0:
        least = plan.least_relevant_gain_pct
        return "inconclusive", f"gain below the least relevant gain of {least:g} %"
    return "inconclusive", "95 % interval includes no gain"
