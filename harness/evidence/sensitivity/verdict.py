"""How often a verification calls a true gain improved, without playing visits."""

from typing import Final

import numpy as np
from scipy.special import ndtr, stdtrit
from scipy.stats import chi2

from sim.heart.parameters import FloatArray

_NODES: Final = 64


def improved_probability(
    gain_pct: FloatArray, pair_sd_pct: float, n_pairs: int, least_gain_pct: float
) -> FloatArray:
    """Return the probability of the verdict "improved".

    Pairs are taken as independent and normal. Improved means: the lower limit of the
    95 % t-interval is above 0 and the mean at least the least relevant gain
    (protocol, 5). Given the spread that the pairs show, the mean has to pass the
    larger of two bounds; the average over that spread is a quadrature.

    Parameters
    ----------
    gain_pct : (n,)
        True window gain.
    pair_sd_pct
        Standard deviation of one pair, above 0.
    n_pairs
        Pairs of the verification, at least 2.
    least_gain_pct
        Least relevant gain.

    Returns
    -------
    (n,)
        Fractions, 0 to 1.
    """
    if not pair_sd_pct > 0.0:
        raise ValueError(f"pair_sd_pct must be above 0 %, got {pair_sd_pct:g} %")
    if n_pairs < 2:
        raise ValueError(f"n_pairs must be at least 2, got {n_pairs}")
    at, weights = np.polynomial.legendre.leggauss(_NODES)
    share, weights = 0.5 * (at + 1.0), 0.5 * weights
    degrees = n_pairs - 1
    seen_sd = pair_sd_pct * np.sqrt(chi2.ppf(share, degrees) / degrees)
    error = pair_sd_pct / np.sqrt(n_pairs)
    reach = float(stdtrit(degrees, 0.975)) * seen_sd / np.sqrt(n_pairs)
    bound = np.maximum(reach, least_gain_pct)
    passed = ndtr((np.asarray(gain_pct)[:, None] - bound) / error)
    probability: FloatArray = passed @ weights
    return probability
