"""Search strategies: they know a space, points and observations, and no hearts.

The life of a search. A caller states a `Problem`: a lattice of points, the reference,
a budget, how noisy a reading is, perhaps what simulated people would make of each
point. `Search` begins a strategy, a generator function, and asks: the first point is
always the reference. The caller tests the point somewhere else, for minutes of a
patient's time, and tells what was seen, which may be another point (a safety filter
stepped in), a broken-off test, or a reading with an error. `dialogue` hands that to the
strategy, answers what the log already knows, checks what is asked, and begins a
strategy again that ended early. When the budget is spent, `BudgetSpent` is thrown at
the strategy's `yield`; what it returns is noted as its own choice.

Only then is anything chosen: a recommender (`recommend`) looks at the whole log, and
behind it a gate keeps the reference unless something else is probably better. Choosing
is kept apart from searching, because the luckiest reading is not the best setting.

`posterior` and `population` are the two ways to believe readings; `registry` finds
strategies by name; `conformance` is the kit of tests that each of them has to pass.

What the author of a strategy needs is importable from here and loaded when it is first
asked for. Modules inside import each other, never this face.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizers.problem import Asking as Asking
    from optimizers.problem import Budget as Budget
    from optimizers.problem import BudgetSpent as BudgetSpent
    from optimizers.problem import Observation as Observation
    from optimizers.problem import Problem as Problem
    from optimizers.problem import Strategy as Strategy
    from optimizers.registry import load_strategy as load_strategy
    from optimizers.registry import strategies as strategies
    from optimizers.registry import strategy as strategy
    from optimizers.space import Axis as Axis
    from optimizers.space import Point as Point
    from optimizers.space import Space as Space

# Each name with the module it is in, and the name that it has there if another.
HOMES = {
    "Asking": "optimizers.problem",
    "Axis": "optimizers.space",
    "Budget": "optimizers.problem",
    "BudgetSpent": "optimizers.problem",
    "Observation": "optimizers.problem",
    "Point": "optimizers.space",
    "Problem": "optimizers.problem",
    "Space": "optimizers.space",
    "Strategy": "optimizers.problem",
    "load_strategy": "optimizers.registry",
    "strategies": "optimizers.registry",
    "strategy": "optimizers.registry",
}
__all__ = list(HOMES)


if not TYPE_CHECKING:  # else every name would pass the type checker

    def __getattr__(name: str) -> object:
        if name not in HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, attribute = HOMES[name].partition(":")
        found = getattr(import_module(module), attribute or name)
        globals()[name] = found  # asked for once
        return found


def __dir__() -> list[str]:
    return sorted(globals().keys() | HOMES.keys())
