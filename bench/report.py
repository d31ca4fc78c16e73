"""One row of a speed measurement, and the table of many."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A figure beside its budget; `at_most` tells which side of the budget is good.

    `budget` is None for a figure that is told only for information.
    """

    name: str
    figure: float
    unit: str
    budget: float | None = None
    at_most: bool = True

    @property
    def met(self) -> bool:
        """Tell whether the figure lies on the good side of its budget."""
        if self.budget is None:
            return True
        return (
            self.figure <= self.budget if self.at_most else self.figure >= self.budget
        )


def best_cpu_s(work: Callable[[], object], *, repeats: int = 5) -> float:
    """Return the least CPU seconds that `work` took, after one call to warm it up."""
    work()
    spent: list[float] = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return min(spent)


def table(rows: Iterable[Row]) -> str:
    """Return the rows as aligned text: name, figure, budget, verdict."""
    lines = [_line(row) for row in rows]
    return "\n".join(lines)


def _line(row: Row) -> str:
    figure = f"{row.figure:.3g} {row.unit}"
    if row.budget is None:
        return f"{row.name:<56} {figure:>18}"
    sign = "<=" if row.at_most else ">="
    budget = f"{sign} {row.budget:g} {row.unit}"
    return f"{row.name:<56} {figure:>18}  {budget:>20}  {_verdict(row)}"


def _verdict(row: Row) -> str:
    return "met" if row.met else "MISSED"
