"""Strategies by name: built in, installed by somebody else, or in a file."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from inspect import isgeneratorfunction
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TypeVar, cast
from zlib import crc32

from optimizers.problem import Strategy, StrategyFailedError, code_of

ENTRY_POINT_GROUP = "ccmlab.strategies"
DEFAULT_RECOMMENDER = "posterior_mean"
_BUILT_IN = (
    "optimizers.baselines",
    "optimizers.cohort_bayes",
    "optimizers.compass",
    "optimizers.gp",
    "optimizers.grid_replicate",
    "optimizers.peers",
    "optimizers.quadratic",
    "optimizers.scipy_global",
    "optimizers.scipy_local",
    "optimizers.scipy_methods",
    "optimizers.sobol",
    "optimizers.spsa",
    "optimizers.sweep",
    "optimizers.titration",
)
_registered: dict[str, "NamedStrategy"] = {}
S = TypeVar("S", bound=Strategy)


@dataclass(frozen=True, slots=True)
class NamedStrategy:
    """A strategy under the name that scenarios use."""

    name: str
    summary: str
    run: Strategy
    recommender: str = DEFAULT_RECOMMENDER
    needs: str = ""
    extra: str = ""

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
    """

    def register(run: S) -> S:
        taken = _registered.get(name)
        if taken is not None and _origin(taken.run) != _origin(run):
            raise ValueError(
                f"strategy name {name} is taken by {'.'.join(_origin(taken.run))}"
            )
        _registered[name] = NamedStrategy(
            name, summary, run, recommender, needs=needs, extra=extra
        )
        return run

    return register


def strategies() -> Mapping[str, NamedStrategy]:
    """Return every registered strategy by name, sorted; entry points are loaded too."""
    for module in _BUILT_IN:
        import_module(module)
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        with code_of(entry.value):
            loaded = entry.load()
        if entry.name not in _registered:
            strategy(entry.name, summary=_first_line(loaded))(loaded)
    return MappingProxyType(dict(sorted(_registered.items())))


def load_strategy(source: str) -> Strategy:
    """Return a strategy by its name, as `module:function`, or as `file.py:function`.

    Raises ValueError that names the nearest registered name, or what the module has.
    """
    if ":" in source:
        return _from_module(source)
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
    return named.run


def source_of(source: str) -> Path | None:
    """Return the file of a strategy that is somebody else's; None for one of ours.

    Raises ValueError as `load_strategy` does.
    """
    place = source.rpartition(":")[0]
    if place.endswith(".py"):
        return Path(place)
    module, _ = _origin(load_strategy(source))
    file = getattr(sys.modules.get(module), "__file__", None)
    return None if file is None or module in _BUILT_IN else Path(file)


def preferred_recommender(source: str) -> str:
    """Return the recommender that goes with a strategy, where nobody says otherwise."""
    known = strategies().get(source)
    return known.recommender if known else DEFAULT_RECOMMENDER


def nearest_name(name: str, known: Mapping[str, object]) -> str:
    """Return the known name that looks most like a misspelt one."""
    return get_close_matches(name, list(known), n=1, cutoff=0.0)[0]


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
    if spec is None or spec.loader is None:
        raise ValueError(f"cannot read {place} as a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses in the file look their module up
    try:
        with code_of(place):
            spec.loader.exec_module(module)
    except StrategyFailedError as failed:
        if isinstance(failed.error, SyntaxError):
            raise ValueError(_not_python(place, failed.error)) from failed
        raise
    return module


def _not_python(place: str, error: SyntaxError) -> str:
    line = f", line {error.lineno}" if error.lineno else ""
    return f"{place}{line} is no Python: {error.msg}"


def _origin(run: Strategy) -> tuple[str, str]:
    return getattr(run, "__module__", "?"), getattr(run, "__qualname__", repr(run))


def _first_line(run: object) -> str:
    return (getattr(run, "__doc__", None) or "").strip().partition("\n")[0]
