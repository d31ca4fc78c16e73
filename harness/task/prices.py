"""What tests cost the patient, in points of utility: when a search is worth no more."""

from dataclasses import dataclass

from sim.sources import sourced
from sim.units import PCT_PER_FRAC
from sim.visit.plan import PROTOCOL

BEATS_PRICED = 1000.0
"""Beats have a price by the thousand."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of what a test takes, each 0 unless stated; while all are 0 none is asked.

    A point is a point of utility, which is a percent of gain: who states 0.01 a minute
    gives up to one percent of gain to save 100 minutes. Events are tests that are felt
    too much or stopped; `felt_before_pct` is their chance as reckoned with before the
    first test, which counts like one test.
    """

    points_per_minute: float = sourced(
        0.0, PROTOCOL, "1, prices", "assumed", allowed=(0.0, 10.0)
    )
    points_per_event: float = sourced(
        0.0, PROTOCOL, "1, prices", "assumed", allowed=(0.0, 100.0)
    )
    points_per_1000_beats: float = sourced(
        0.0, PROTOCOL, "1, prices", "assumed", allowed=(0.0, 10.0)
    )
    felt_before_pct: float = sourced(
        5.0, PROTOCOL, "1, prices", "assumed", allowed=(0.0, 100.0)
    )

    @property
    def stated(self) -> bool:
        """Whether anything has a price."""
        named = (
            self.points_per_minute,
            self.points_per_event,
            self.points_per_1000_beats,
        )
        return any(named)

    def of_test(self, *, minutes: float, beats: float, n_events: int, n: int) -> float:
        """Return the price of the next test, in points.

        Parameters
        ----------
        minutes, beats
            What a test takes.
        n_events, n
            Unpleasant ones among the tests so far.
        """
        felt = (n_events + self.felt_before_pct / PCT_PER_FRAC) / (n + 1)
        return (
            self.points_per_minute * minutes
            + self.points_per_event * felt
            + self.points_per_1000_beats * beats / BEATS_PRICED
        )


FREE = Prices()
