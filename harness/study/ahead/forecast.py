"""What is expected of a visit: tidy tables, a figure, and both in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from harness.common.tidy import TidyTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NO_DIFFERENCE: Final = "no difference shown"
"""What equivalent and inconclusive are together."""

VERDICTS: Final = (
    *("improved", NO_DIFFERENCE, "equivalent", "inconclusive"),
    *("harmful as found", "stopped for safety"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What a visit takes and can show, by readout and measuring plan.

    Nothing in it is true of a patient that a visit could not find out. Where a table
    has `apart`, `apart_low`, `apart_high` and `apart_n`, they are how far visits by
    table were measured to lie from visits by beats, nan and 0 where they were not.

    Attributes
    ----------
    title, whom, strategy, engine, n_visits
        Of which scenario, who comes, what searches, what played, how many visits of
        each readout and plan.
    own
        Readout and plan of the scenario itself.
    phases
        Minutes of each phase: `readout`, `plan`, `phase`, `minutes` (mean),
        `low_minutes`, `high_minutes` (5 % and 95 % of visits).
    tests
        What the titration has time for: `expected` of a patient of usual rate,
        `tests` (mean), `low_tests`, `high_tests`, `unpleasant_events` and
        `visit_minutes` (means).
    verdicts
        `chance` of each `verdict` with the Monte Carlo limits `low` and `high` (95 %,
        Wilson), fractions.
    power
        By readout, whatever the plan: chance `power` that the verification of `n_pairs`
        pairs ends improved at a true `gain_pct`, at the spread that planners expect
        (`pair_sd_pct`), and `power_seen` at the one that the visits had
        (`seen_pair_sd_pct`, root mean square); `least_gain_pct` has 80 %.
    visits
        Every visit that was played.
    """

    title: str
    whom: str
    strategy: str
    engine: str
    n_visits: int
    own: tuple[str, str]
    phases: TidyTable
    tests: TidyTable
    verdicts: TidyTable
    power: TidyTable
    visits: TidyTable

    def plot(self, *, width: str = "double") -> "Figure":
        """Return the figure: minutes by phase, and the chances of the verdicts.

        Parameters
        ----------
        width
            "double" or "single" column of a journal.
        """
        drawn = import_module("harness.study.ahead.figure")  # loads matplotlib
        figure: Figure = drawn.forecast_figure(self, width=width)
        return figure

    def __repr__(self) -> str:
        told: str = import_module("harness.study.ahead.text").forecast_text(self)
        return told

    def _repr_html_(self) -> str:
        return self.verdicts._repr_html_()

    def for_json(self) -> dict[str, Any]:
        """Return everything as plain values; what is not known is left empty."""
        return {
            "title": self.title,
            "who_comes": self.whom,
            "strategy": self.strategy,
            "engine": self.engine,
            "n_visits": self.n_visits,
            "readout": self.own[0],
            "plan": self.own[1],
            **{name: list(_plain(getattr(self, name))) for name in TABLES},
        }


TABLES: Final = ("phases", "tests", "verdicts", "power")


def _plain(table: TidyTable) -> Iterator[dict[str, Any]]:
    for row in table.rows():
        # a nan is no number in JSON
        yield {name: None if value != value else value for name, value in row.items()}
