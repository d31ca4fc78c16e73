"""Post-replication: what the chosen settings gain in fresh pairs with fresh errors."""

from collections.abc import Generator
from dataclasses import replace
from math import nan
from statistics import fmean
from typing import Final

import simpy

from sim.device.settings import Settings
from sim.visit.advisor import Nobody
from sim.visit.order import VisitOrder
from sim.visit.pairs import ABBA, BAAB, Comparison, StoppedError, read_pair
from sim.visit.visit import Visit

_REST_BEATS: Final = 60
_LARGEST_SEED: Final = 2**53


def post_gain_pct(order: VisitOrder, candidate: Settings, n_pairs: int) -> float:
    """Return the mean gain of a candidate over the settings as found, percent.

    The pairs are those of a verification, on the same patient at another time: rhythm,
    ectopy, drift and errors come from the stream of the post-replication, the same
    for every strategy. Exactly 0 where candidate and reference are equal; nan where no
    pair could be read.
    """
    if candidate == order.found.settings:
        return 0.0
    seed = int(order.rng("post_replication").integers(_LARGEST_SEED))
    visit = Visit(replace(order, seed=seed, replicate=0), Nobody())
    gains: list[float] = []
    visit.env.run(until=visit.env.process(_pairs(visit, candidate, n_pairs, gains)))
    return fmean(gains) if gains else nan


def _pairs(
    visit: Visit, candidate: Settings, n_pairs: int, gains: list[float]
) -> Generator[simpy.Event, object, None]:
    visit.generator.force_on = True
    yield from visit.bedside.wait_beats(_REST_BEATS)
    for number in range(n_pairs):
        order = ABBA if number % 2 == 0 else BAAB
        comparison = Comparison("verification", candidate, visit.reference, order=order)
        try:
            pair = yield from read_pair(visit, comparison)
        except StoppedError:
            return
        if pair.gains is not None:
            gains.append(pair.gains.primary_pct)
