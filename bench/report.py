"""One row of a speed measurement, and the table of many."""

from collections.abc import Iterable
from dataclasses import dataclass

from bench.timing import LOOPS_PER_S, Timing

PER_S = {"min": 1.0 / 60.0, "s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


@dataclass(frozen=True, slots=True)
class Row:
    """A figure beside its budget; `at_most` tells which side of the budget is good.

    `budget` is None for a figure that is told only for information. Where the figure
    is a time, `loops` and `budget_loops` are both in units of the calibration loop,
    and decide: the figure itself depends on the machine and its load.
    """

    name: str
    figure: float
    unit: str
    budget: float | None = None
    at_most: bool = True
    loops: float | None = None

    @property
    def budget_loops(self) -> float | None:
        """The budget in units of the calibration loop, None without one."""
        if self.loops is None or self.budget is None:
            return None
        return self.budget * loops_in(self.unit)

    @property
    def met(self) -> bool:
        """Tell whether the figure lies on the good side of its budget."""
        if self.budget is None:
            return True
        figure, budget = self.figure, self.budget
        if self.loops is not None and self.budget_loops is not None:
            figure, budget = self.loops, self.budget_loops
        return figure <= budget if self.at_most else figure >= budget


def loops_in(unit: str) -> float:
    """Return how many loops a unit of time is, such as ms, or us of us/beat."""
    return LOOPS_PER_S / PER_S[unit.partition("/")[0]]


def timed_row(name: str, timing: Timing, unit: str, budget: float | None = None) -> Row:
    """Return the row of a time, in a unit of `PER_S` or a rate of one (us/beat)."""
    figure = timing.cpu_s * PER_S[unit.partition("/")[0]]
    return Row(name, figure, unit, budget, loops=timing.loops)


def table(rows: Iterable[Row]) -> str:
    """Return the rows as aligned text: name, figure, budget, both in loops, verdict."""
    return "\n".join(_line(row).rstrip() for row in rows)


def _line(row: Row) -> str:
    cells = [
        f"{row.name:<56}",
        f"{f'{row.figure:.3g} {row.unit}':>20}",
        f"{_budget(row):>20}",
        f"{_in_loops(row):>26}",
        "" if row.budget is None else "met" if row.met else "MISSED",
    ]
    return "  ".join(cells)


def _budget(row: Row) -> str:
    if row.budget is None:
        return ""
    return f"{'<=' if row.at_most else '>='} {row.budget:g} {row.unit}"


def _in_loops(row: Row) -> str:
    if row.loops is None:
        return ""
    beside = "" if row.budget_loops is None else f" of {row.budget_loops:.4g}"
    return f"{row.loops:.4g}{beside} loops"
