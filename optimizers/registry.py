"""Strategies by name: built in, installed by somebody else, or in a file.

A strategy of somebody else's is code that nobody here has read. Nothing of it runs
when it is listed, named or checked; `load_strategy` runs it, in the process that calls.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from inspect import isgeneratorfunction
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Literal, TypeVar, cast
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np

from optimizers.problem import (
    Asking,
    Problem,
    Strategy,
    StrategyFailedError,
    code_of,
)
from optimizers.sources import described, file_of, nearest_name, not_python

ENTRY_POINT_GROUP = "ccmlab.strategies"
DEFAULT_RECOMMENDER = "posterior_mean"
_BUILT_IN = (
    "optimizers.baselines",
    "optimizers.cohort_bayes",
    "optimizers.compass",
    "optimizers.gp",
    "optimizers.grid_replicate",
    "optimizers.listed",
    "optimizers.peers",
    "optimizers.population_rule",
    "optimizers.quadratic",
    "optimizers.rules",
    "optimizers.scipy_global",
    "optimizers.scipy_local",
    "optimizers.scipy_methods",
    "optimizers.sobol",
    "optimizers.spsa",
    "optimizers.sweep",
    "optimizers.titration",
    "optimizers.transfer",
)
_OURS = frozenset(_BUILT_IN) - {"optimizers.peers"}  # all of it other people's code
_registered: dict[str, "NamedStrategy"] = {}
Knows = Literal["nothing", "noise", "people"]
"""What a strategy makes use of beforehand: only the space, how readings err, people."""
S = TypeVar("S", bound=Strategy)


@dataclass(frozen=True, slots=True)
class NamedStrategy:
    """A strategy under the name that scenarios use.

    `entry` is `module:function` of one that another distribution brings; of such a one
    nobody here can say what it `knows`, which is then empty.
    """

    name: str
    summary: str
    run: Strategy
    recommender: str = DEFAULT_RECOMMENDER
    needs: str = ""
    extra: str = ""
    entry: str = ""
    knows: Knows | Literal[""] = "nothing"
    history: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether all of it comes with ccmlab."""
        return not self.needs and not self.entry

    @property
    def installed(self) -> bool:
        """Whether the package it needs is there, if it needs one."""
        return not self.needs or find_spec(self.needs) is not None


def strategy(
    name: str,
    *,
    summary: str,
    recommender: str = DEFAULT_RECOMMENDER,
    needs: str = "",
    extra: str = "",
    knows: Knows = "nothing",
    history: bool = False,
) -> Callable[[S], S]:
    """Register a generator function under a name.

    Parameters
    ----------
    name
        Lower case, words joined by hyphens. Raises ValueError when it is taken.
    summary
        One line for `ccmlab list strategies`.
    recommender
        Which recommender goes with it, where nobody says otherwise.
    needs, extra
        Package that must be installed for it, and the extra of ours that brings it.
    knows
        What it makes use of beforehand, beside the space.
    history
        Whether it makes use of `Problem.history`, which nobody else is given.
    """

    def register(run: S) -> S:
        taken = _registered.get(name)
        if taken is not None and _origin(taken.run) != _origin(run):
            raise ValueError(
                f"strategy name {name} is taken by {'.'.join(_origin(taken.run))}"
            )
        _registered[name] = NamedStrategy(
            name,
            summary,
            run,
            recommender,
            needs=needs,
            extra=extra,
            knows=knows,
            history=history,
        )
        return run

    return register


def strategies() -> Mapping[str, NamedStrategy]:
    """Return every registered strategy by name, sorted.

    Those of other distributions are described from their text; none of them is run.
    """
    for module in _BUILT_IN:
        import_module(module)
    installed = {
        entry.name: _installed(entry)
        for entry in _entries(tuple(sys.path))
        if entry.name not in _registered
    }
    return MappingProxyType(dict(sorted((_registered | installed).items())))


@cache
def _entries(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return what distributions on this path bring; a look takes longer than an ask."""
    return tuple(entry_points(group=ENTRY_POINT_GROUP))


def _installed(entry: EntryPoint) -> NamedStrategy:
    source = entry.value.replace(" ", "")

    def run(problem: Problem, rng: "np.random.Generator") -> Asking:
        return _from_module(source)(problem, rng)

    try:
        told = described(source)
    except ValueError as error:
        return NamedStrategy(
            entry.name, f"faulty: {error}", run, entry=source, knows=""
        )
    summary, recommender = told.summary, told.recommender or DEFAULT_RECOMMENDER
    return NamedStrategy(
        entry.name,
        summary,
        run,
        recommender,
        entry=source,
        knows="",
        history=told.history,
    )


def load_strategy(source: str) -> Strategy:
    """Return a strategy by its name, as `module:function`, or as `file.py:function`.

    Its module is imported, its file run, in this process and with all its rights.
    Raises ValueError that names the nearest registered name, or what the module has.
    """
    if ":" in source:
        return _from_module(source)
    named = _named(source)
    return _from_module(named.entry) if named.entry else named.run


def check_source(source: str) -> None:
    """Raise ValueError, as `load_strategy` does, for what is plainly no strategy.

    Nothing is imported or run but what comes with ccmlab; a fault that only shows when
    the strategy is run is not found.
    """
    place = source if ":" in source else _named(source).entry
    if place:
        described(place)


def is_ours(source: str) -> bool:
    """Tell whether a strategy comes with ccmlab, and all that it is made of.

    Raises ValueError for a name that is not known.
    """
    if ":" not in source:
        return _named(source).is_ours
    return source.rpartition(":")[0] in _OURS


def written_at(source: str) -> str | None:
    """Return a strategy as `file.py:function` or `module:function`; None for ours.

    Raises ValueError for a name that is not known.
    """
    if ":" in source:
        return None if is_ours(source) else source
    return _named(source).entry or None


def source_of(source: str) -> Path | None:
    """Return the file of a strategy that is somebody else's; None for one of ours.

    Raises ValueError as `check_source` does.
    """
    place = written_at(source)
    return None if place is None else file_of(place)


def _named(source: str) -> NamedStrategy:
    known = strategies()
    if source.endswith(".py"):
        raise ValueError(
            f"a strategy in a file is named {source}:FUNCTION, got {source!r} alone"
        )
    if source not in known:
        raise ValueError(
            f"unknown strategy {source!r}; nearest is "
            f"{nearest_name(source, known)!r}; known: {', '.join(known)}"
        )
    named = known[source]
    if not named.installed:
        raise ValueError(
            f"strategy {source!r} needs the package {named.needs}: install it with the "
            f"extra {named.extra!r}, python -m pip install -e '.[{named.extra}]'"
        )
    return named


def preferred_recommender(source: str) -> str:
    """Return the recommender that goes with a strategy, where nobody says otherwise."""
    known = strategies().get(source)
    return known.recommender if known else DEFAULT_RECOMMENDER


def uses_history(source: str) -> bool:
    """Return whether a strategy declares that it makes use of earlier searches.

    Of `file.py:function` and `module:function` their text says so. Raises ValueError
    as `check_source` does.
    """
    if ":" in source:
        return described(source).history
    return _named(source).history


def knowledge(source: str) -> Knows | Literal[""]:
    """Return what a strategy makes use of beforehand; empty of one that is not ours."""
    known = strategies().get(source)
    return known.knows if known else ""


def _from_module(source: str) -> Strategy:
    place, _, function = source.rpartition(":")
    module = _file_module(place) if place.endswith(".py") else _named_module(place)
    run = getattr(module, function, None)
    if not callable(run):
        has = {name: None for name, item in vars(module).items() if callable(item)}
        hint = f"; nearest is {nearest_name(function, has)!r}" if has else ""
        raise ValueError(f"strategy {source!r}: {place} has no {function!r}{hint}")
    if not isgeneratorfunction(run):
        raise ValueError(
            f"strategy {source!r} must be a generator function: def {function}"
            "(problem, rng) with a yield in it"
        )
    return cast(Strategy, run)


def _named_module(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise ValueError(f"{name!r} is no name of a module to load a strategy from")
    with code_of(name):
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise
    raise ValueError(f"no module {name!r} to load a strategy from")


def _file_module(place: str) -> ModuleType:
    path = Path(place).resolve() if "\0" not in place else Path()
    if not path.is_file():
        raise ValueError(f"no file {place} to load a strategy from")
    name = f"ccmlab_strategy_{path.stem}_{crc32(str(path).encode()):08x}"
    spec = spec_from_file_location(name, path)
    if spec is None:
        raise ValueError(f"cannot read {place} as a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses in the file look their module up
    try:
        with code_of(place):
            # a loader would run old bytecode, and leave it in somebody's folder
            exec(compile(path.read_bytes(), path, "exec"), vars(module))
    except StrategyFailedError as failed:
        if isinstance(failed.error, SyntaxError):
            raise ValueError(not_python(place, failed.error)) from failed
        raise
    return module


def _origin(run: Strategy) -> tuple[str, str]:
    return getattr(run, "__module__", "?"), getattr(run, "__qualname__", repr(run))
