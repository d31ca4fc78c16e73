"""When a simulated value agrees with a published one: the rules, stated in words.

A finding has one or more parts; it is inside when every part is. A number agrees when
the simulated value itself lies in the published limits and its Monte-Carlo interval is
narrow beside them: a small virtual group proves nothing. Where the source gives a
standard deviation and a number of patients, the limits are those of the published mean
(95 %), not the spread between patients, and those of a group below `LEAST_N` are no
wider than of one of that size: who published little is not agreed with more easily.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import chi2
from scipy.stats import t as student_t

from sim.heart.parameters import FloatArray
from sim.units import PCT_PER_FRAC

Z: Final = 1.959964
LEVEL: Final = (0.025, 0.975)
PAIRING: Final = 0.8
NARROW: Final = 0.5
"""How wide an interval may be, as a share of the published limits."""
LEAST_N: Final = 16
"""Limits of a smaller published group count as of this one: half an SD for a mean."""
TOO_WIDE: Final = ", interval too wide to tell"
_SD_OF_IQR: Final = 1.349
_SE_OF_MEDIAN: Final = 1.2533


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a value may lie, and the words for why there."""

    low: float
    high: float
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """A simulated value with its 95 % Monte-Carlo interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FindingPart:
    """One comparison of a finding. Limits are nan where the rule is in words only."""

    label: str
    published: str
    simulated: str
    rule: str
    inside: bool
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    least: float = math.nan
    most: float = math.nan


@dataclass(frozen=True, slots=True)
class Finding:
    """What one virtual experiment found.

    `how` tells population, condition, number and readout; `note` what a reader must
    know to weigh the row, above all why it is outside.
    """

    how: str
    parts: tuple[FindingPart, ...]
    note: str = ""

    @property
    def inside(self) -> bool:
        """Whether every part agrees."""
        return all(part.inside for part in self.parts)


def compared(
    label: str, published: str, limits: Limits, found: Found, *, unit: str = ""
) -> FindingPart:
    """Return a part that is inside when the value is, with a narrow interval.

    It says so where the value lies in the limits but its interval is too wide.
    """
    lies_in = limits.low <= found.value <= limits.high
    narrow = found.high - found.low <= NARROW * (limits.high - limits.low)
    allowed = f"{number(limits.low)} to {number(limits.high)} {unit}".rstrip()
    return FindingPart(
        label,
        published,
        shown(found, unit) + (TOO_WIDE if lies_in and not narrow else ""),
        f"{allowed}: {limits.why}",
        bool(lies_in and narrow),
        *(found.value, found.low, found.high, limits.low, limits.high),
    )


def foreseen(
    label: str, published: tuple[float, str], trials: FloatArray, *, unit: str = ""
) -> FindingPart:
    """Return a part that is inside when 95 % of like trials surround the published.

    Parameters
    ----------
    label, published
        What is compared; the published value and its text.
    trials : (n,)
        Results of simulated trials of the published size, each with an effect of its
        own.
    """
    value, text = published
    low, high = (float(q) for q in np.quantile(trials, LEVEL))
    middle = float(np.mean(trials))
    return FindingPart(
        label,
        text,
        f"{number(middle)}, trials {number(low)} to {number(high)} {unit}".rstrip(),
        f"{text} within the predictive interval of {trials.size} trials of that size",
        low <= value <= high,
        *(middle, low, high, value, value),
    )


def held(label: str, asked: str, seen: str, is_so: bool) -> FindingPart:
    """Return a part that is inside when a statement in words holds."""
    return FindingPart(label, asked, seen, f"holds: {asked}", bool(is_so))


def number(value: float) -> str:
    """Return a number with three digits, a tenth more below 1000; never 1e+03."""
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g}"
    digits = 2 - math.floor(math.log10(abs(value)))
    digits = max(int(abs(value) < 1000.0), digits)
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown(found: Found, unit: str = "") -> str:
    """Return a value with its interval, without one where it is exact."""
    text = number(found.value)
    if found.low != found.high:
        text += f" ({number(found.low)} to {number(found.high)})"
    return f"{text} {unit}".rstrip()


def exact(value: float) -> Found:
    """Return a value that has no Monte-Carlo error."""
    return Found(value, value, value)


def mean_of(samples: Sequence[float] | FloatArray) -> Found:
    """Return the mean of independent samples with its interval."""
    values = np.asarray(samples, dtype=np.float64)
    mean = float(values.mean())
    error = Z * float(values.std(ddof=1)) / math.sqrt(values.size)
    return Found(mean, mean - error, mean + error)


def median_of(samples: Sequence[float] | FloatArray) -> Found:
    """Return the median of independent samples with its interval, from the ranks."""
    values = np.sort(np.asarray(samples, dtype=np.float64))
    reach = Z * math.sqrt(values.size) / 2.0
    middle = (values.size - 1) / 2.0
    low, high = math.floor(middle - reach), math.ceil(middle + reach)
    return Found(
        float(np.median(values)),
        float(values[max(0, low)]),
        float(values[min(values.size - 1, high)]),
    )


def spread_of(samples: Sequence[float] | FloatArray) -> Found:
    """Return the standard deviation of normal samples with its interval."""
    values = np.asarray(samples, dtype=np.float64)
    sd, n = float(values.std(ddof=1)), values.size
    low, high = _spread_factors(n)
    return Found(sd, sd * low, sd * high)


def share_of(n_hit: int, n: int) -> Found:
    """Return a share in percent with its Wilson interval."""
    low, high = _wilson(n_hit, n)
    return Found(PCT_PER_FRAC * n_hit / n, low, high)


def difference(found: Found, base: Found) -> Found:
    """Return the difference of two independent estimates."""
    up = math.hypot(found.high - found.value, base.value - base.low)
    down = math.hypot(found.value - found.low, base.high - base.value)
    value = found.value - base.value
    return Found(value, value - down, value + up)


def limits_of_mean(mean: float, sd: float, n: int) -> Limits:
    """Return the 95 % limits of a published mean."""
    reach = Z * sd / math.sqrt(_counted(n))
    why = f"95 % limits of the published mean, SD {number(sd)}, n {_shown(n)}"
    return Limits(mean - reach, mean + reach, why)


def limits_of_change(
    before: tuple[float, float], after: tuple[float, float], n: int
) -> Limits:
    """Return 95 % limits of a change of which only the two conditions are published.

    Parameters
    ----------
    before, after
        Mean and standard deviation of each condition.
    n
        Patients or preparations, each in both conditions; `PAIRING` is assumed.
    """
    variance = before[1] ** 2 + after[1] ** 2 - 2.0 * PAIRING * before[1] * after[1]
    reach = Z * math.sqrt(variance / _counted(n))
    change = after[0] - before[0]
    why = (
        f"95 % limits of the published change, n {_shown(n)}, correlation"
        f" {PAIRING:g} assumed"
    )
    return Limits(change - reach, change + reach, why)


def limits_from_p(change: float, p_value: float, n: int) -> Limits:
    """Return the 95 % limits of a paired change from its p value."""
    error = abs(change) / float(student_t.isf(p_value / 2.0, n - 1))
    reach = error * float(student_t.isf(LEVEL[0], n - 1))
    why = f"95 % limits of the published change from its p {p_value:g}, n {n}"
    return Limits(change - reach, change + reach, why)


def limits_of_spread(sd: float, n: int) -> Limits:
    """Return the 95 % limits of a published spread or size of error from `n`."""
    low, high = _spread_factors(_counted(n))
    return Limits(sd * low, sd * high, f"95 % limits of a spread from n {_shown(n)}")


def limits_of_ratio(one: float, other: float, n: int) -> Limits:
    """Return the 95 % limits of the ratio of two spreads from `n` patients each."""
    reach = math.exp(Z * math.sqrt(1.0 / (_counted(n) - 1)))
    why = f"95 % limits of a ratio of spreads, n {_shown(n)} each"
    return Limits(one / other / reach, one / other * reach, why)


def limits_of_share(n_hit: int, n: int) -> Limits:
    """Return the 95 % Wilson limits of a published share, percent."""
    low, high = _wilson(n_hit, n)
    return Limits(low, high, f"95 % Wilson limits of {n_hit} of {n}")


def limits_of_median(median: float, quartiles: tuple[float, float], n: int) -> Limits:
    """Return about 95 % limits of a published median with its quartiles."""
    sd = (quartiles[1] - quartiles[0]) / _SD_OF_IQR
    reach = Z * _SE_OF_MEDIAN * sd / math.sqrt(n)
    why = f"95 % limits of the published median, from its quartiles, n {n}"
    return Limits(median - reach, median + reach, why)


def near(value: float, tolerance_frac: float) -> Limits:
    """Return limits around a value published without spread, by a share of it."""
    reach = abs(value) * tolerance_frac
    why = f"published without spread: within {PCT_PER_FRAC * tolerance_frac:g} %"
    return Limits(value - reach, value + reach, why)


def printed(value: float, half_unit: float) -> Limits:
    """Return the limits of a number printed with so much rounding."""
    why = "the printed number, to its rounding or 0.5 %"
    reach = max(half_unit, 0.005 * abs(value)) * (1.0 + 1e-9)
    return Limits(value - reach, value + reach, why)


def interval(low: float, high: float, why: str) -> Limits:
    """Return limits that the source prints itself."""
    return Limits(low, high, why)


def _counted(n: int) -> int:
    return max(n, LEAST_N)


def _shown(n: int) -> str:
    return f"{n}" if n >= LEAST_N else f"{n}, counted as {LEAST_N}"


def _spread_factors(n: int) -> tuple[float, float]:
    degrees = n - 1
    low, high = (math.sqrt(degrees / chi2.ppf(p, degrees)) for p in LEVEL[::-1])
    return low, high


def _wilson(n_hit: int, n: int) -> tuple[float, float]:
    share, z2 = n_hit / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low, high = max(0.0, middle - reach), min(1.0, middle + reach)
    return PCT_PER_FRAC * low, PCT_PER_FRAC * high
