"""Sobol' indices: which share of the spread of each answer each number explains."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, qmc, sobol_indices

from harness.evidence.sensitivity.what_if import (
    OUTPUTS,
    Doses,
    HeartCurves,
    Output,
    Progress,
    StudiedCase,
    coordinates,
    decides_dose,
    doses,
    draws,
    fit_hearts,
    question,
)
from harness.play.scenario import Scenario
from sim.heart.parameters import FloatArray
from sim.streams import stream

N_SAMPLES: Final = 1024
N_HEARTS: Final = 256
N_RESAMPLES: Final = 500
FEWEST_SAMPLES: Final = 64
MOST_SAMPLES: Final = 16384
SURE: Final = 0.95
_MEDIAN_AND_90: Final = (0.5, 0.05, 0.95)


@dataclass(frozen=True, slots=True)
class Index:
    """One Sobol' index with the limits of its bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Share:
    """What one varied number explains: alone, and with all its interactions."""

    parameter: str
    title: str
    first_order: Index
    total_order: Index


@dataclass(frozen=True, slots=True)
class OutputSpread:
    """One answer: its spread over the draws, and what the spread comes from.

    `shares` is empty when the answer does not vary.
    """

    output: Output
    median: float
    low_5: float
    high_95: float
    shares: tuple[Share, ...]

    @property
    def varies(self) -> bool:
        """Whether there is a spread to explain."""
        return bool(self.shares)

    @property
    def ranked(self) -> tuple[Share, ...]:
        """The shares, largest total first."""
        return tuple(sorted(self.shares, key=lambda row: -row.total_order.value))


@dataclass(frozen=True, slots=True, eq=False)
class Sensitivity:
    """A finished study: answers, and how they were reached."""

    scenario_name: str
    scenario: Scenario
    asked: StudiedCase
    hearts: HeartCurves
    answers: tuple[OutputSpread, ...]
    n_samples: int
    seed: int


def sensitivity(
    scenario: Scenario,
    *,
    scenario_name: str = "",
    n_samples: int = N_SAMPLES,
    n_hearts: int = N_HEARTS,
    progress: Progress = lambda text: None,
) -> Sensitivity:
    """Return which numbers drive gain, optimum and verdict of a scenario.

    Parameters
    ----------
    scenario
        Its patient is the centre of the ranges; its plan, device as found and lattice
        of the search are kept. Its seed draws the samples.
    scenario_name
        Under which name the tables show it.
    n_samples
        Draws of each of the two base samples, a power of 2.
    n_hearts
        Hearts that are simulated for the response curve, a power of 2.
    progress
        Told what is done, in words.
    """
    check_samples(n_samples)
    asked = question(scenario)
    rng = stream(scenario.seed, name="sensitivity")
    d = len(asked.ranges)
    hearts = fit_hearts(asked, qmc.Sobol(d, rng=rng).random(n_hearts), progress)
    progress(f"drawing {n_samples * (d + 2)} patients")
    both = qmc.Sobol(2 * d, rng=rng).random(n_samples)
    table = _table(asked, hearts, both[:, :d], both[:, d:])
    progress("resampling the indices")
    return Sensitivity(
        scenario_name,
        scenario,
        asked,
        hearts,
        _answers(asked, table, rng),
        n_samples,
        scenario.seed,
    )


def check_samples(n_samples: int) -> None:
    """Raise ValueError, offering the nearest, for a number that is no power of 2."""
    near = 2 ** round(np.log2(min(max(n_samples, FEWEST_SAMPLES), MOST_SAMPLES)))
    if n_samples != near:
        raise ValueError(
            f"n_samples must be a power of 2 from {FEWEST_SAMPLES} to {MOST_SAMPLES}, "
            f"got {n_samples} (nearest is {near})"
        )


@dataclass(frozen=True, slots=True, eq=False)
class SobolTable:
    """Outputs at two independent samples, and at the first with one column exchanged.

    `a` and `b` are `(s, n)`, `ab` is `(d, s, n)`, as `scipy.stats.sobol_indices` reads.
    """

    a: FloatArray
    b: FloatArray
    ab: FloatArray

    def at(
        self, rows: NDArray[np.intp], outputs: NDArray[np.intp]
    ) -> dict[str, FloatArray]:
        """Return the table of some draws and some outputs."""
        return {
            "f_A": self.a[outputs][:, rows],
            "f_B": self.b[outputs][:, rows],
            "f_AB": self.ab[:, outputs][:, :, rows],
        }


def _table(
    asked: StudiedCase, hearts: HeartCurves, a: FloatArray, b: FloatArray
) -> SobolTable:
    def outputs(u: FloatArray, given: Doses) -> FloatArray:
        return hearts.outputs(asked, coordinates(asked, u), given)

    def dose(u: FloatArray) -> Doses:
        return doses(asked, draws(asked, u))

    first = dose(a)
    exchanged = []
    for i, row in enumerate(asked.ranges):
        mixed = a.copy()
        mixed[:, i] = b[:, i]
        # the dose law is the slow part; most numbers of the heart leave it alone
        given = dose(mixed) if decides_dose(row) else first
        exchanged.append(outputs(mixed, given))
    return SobolTable(outputs(a, first), outputs(b, dose(b)), np.stack(exchanged))


def _answers(
    asked: StudiedCase, table: SobolTable, rng: np.random.Generator
) -> tuple[OutputSpread, ...]:
    both = np.concatenate((table.a, table.b), axis=1)
    varying = np.flatnonzero(np.ptp(both, axis=1) > 0.0)
    found = _indices(table, varying, rng) if varying.size else np.empty((3, 2, 0, 0))
    rows = {int(output): found[:, :, k] for k, output in enumerate(varying)}
    middle, low, high = np.quantile(both, _MEDIAN_AND_90, axis=1)
    return tuple(
        OutputSpread(
            output,
            float(middle[k]),
            float(low[k]),
            float(high[k]),
            _shares(asked, rows[k]) if k in rows else (),
        )
        for k, output in enumerate(OUTPUTS)
    )


def _indices(
    table: SobolTable, outputs: NDArray[np.intp], rng: np.random.Generator
) -> FloatArray:
    """Return value, low and high of first and total order, `(3, 2, s, d)`."""
    n, d = table.a.shape[1], len(table.ab)

    def statistic(rows: NDArray[np.intp]) -> FloatArray:
        found = sobol_indices(func=table.at(rows, outputs), n=n)
        both = np.stack((found.first_order, found.total_order))
        return both.reshape(2, len(outputs), d)

    everything = np.arange(n)
    resampled = bootstrap(
        (everything,),
        statistic,
        n_resamples=N_RESAMPLES,
        confidence_level=SURE,
        method="percentile",
        vectorized=False,
        rng=rng,
    ).confidence_interval
    return np.stack((statistic(everything), resampled.low, resampled.high))


def _shares(asked: StudiedCase, found: FloatArray) -> tuple[Share, ...]:
    """Return the shares from value, low and high of both orders, `(3, 2, d)`."""
    return tuple(
        Share(
            row.name,
            row.title,
            Index(*found[:, 0, i].tolist()),
            Index(*found[:, 1, i].tolist()),
        )
        for i, row in enumerate(asked.ranges)
    )
