"""What can be said of somebody's strategy from its text: no line of it is run."""

import ast
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 10_000_000
_PLAIN: Final = "strategy"  # our own decorator, which returns what it is given
_Made = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Described:
    """A strategy as its text has it; empty where the text does not say."""

    file: Path
    summary: str = ""
    recommender: str = ""
    history: bool = False


def nearest_name(name: str, known: Mapping[str, object]) -> str:
    """Return the known name that looks most like a misspelt one."""
    return get_close_matches(name, list(known), n=1, cutoff=0.0)[0]


def described(source: str) -> Described:
    """Return what the text says of `file.py:function` or `module:function`.

    Raises ValueError, with file and line where there is one, when the file is not
    there or no Python, or when it plainly has no such generator function. What only
    running it can tell passes.
    """
    place, _, function = source.rpartition(":")
    file = file_of(source)
    if file.suffix != ".py":
        raise ValueError(_no_generator(source, function))
    body = _parsed(place if place.endswith(".py") else str(file), file).body
    names = dict(_bound(body))
    if function not in names and not {"*", "__getattr__"} & names.keys():
        hint = f"; nearest is {nearest_name(function, names)!r}" if names else ""
        raise ValueError(f"strategy {source!r}: {place} has no {function!r}{hint}")
    made = names.get(function)
    if made is not None and _is_no_generator(made):
        raise ValueError(_no_generator(source, function))
    recommender = _declared(made, "recommender")
    return Described(
        file,
        _first_line(made),
        "" if recommender is None else str(recommender),
        _declared(made, "history") is True,
    )


def file_of(source: str) -> Path:
    """Return the file of `file.py:function` or `module:function`; nothing is imported.

    Raises ValueError when there is none.
    """
    place = source.rpartition(":")[0]
    if place.endswith(".py"):
        if "\0" in place or not Path(place).is_file():
            raise ValueError(f"no file {place} to load a strategy from")
        return Path(place)
    if not all(part.isidentifier() for part in place.split(".")):
        raise ValueError(f"{place!r} is no name of a module to load a strategy from")
    spec = _spec(place)
    if spec is None:
        raise ValueError(f"no module {place!r} to load a strategy from")
    return Path(spec.origin or place)


def _spec(module: str) -> ModuleSpec | None:
    """Find a module without importing it, nor the packages that it is in."""
    first, *others = module.split(".")
    try:
        spec = find_spec(first)
    except ValueError:  # of `__main__`, which has none
        return None
    name = first
    for part in others:
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))
    return spec


def _parsed(shown: str, file: Path) -> ast.Module:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ValueError(f"{shown} is larger than {MOST_BYTES / 1e6:g} MB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an odd backslash, say: not our text
            return ast.parse(file.read_bytes(), filename=shown)
    except SyntaxError as error:
        raise ValueError(not_python(shown, error)) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ValueError(f"{shown} cannot be read: {reason}") from None
    except (RecursionError, MemoryError):
        raise ValueError(f"{shown} is nested too deeply to be read") from None


def not_python(shown: str, error: SyntaxError) -> str:
    """Say where a file is no Python."""
    line = f", line {error.lineno}" if error.lineno else ""
    return f"{shown}{line} is no Python: {error.msg}"


def _bound(body: list[ast.stmt]) -> Iterator[tuple[str, _Made | None]]:
    """Yield the names that a module binds, with what is written down of each."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    yield alias.asname or alias.name.partition(".")[0], None
            case _:
                yield from _bound_inside(node)


def _bound_inside(statement: ast.stmt) -> Iterator[tuple[str, _Made | None]]:
    """Yield the names that a statement assigns, also in its branches."""
    for inner in ast.iter_child_nodes(statement):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id, None
        elif isinstance(inner, ast.stmt):
            yield from _bound([inner])
        elif isinstance(inner, ast.ExceptHandler):
            yield from _bound(inner.body)
        elif isinstance(inner, ast.Tuple | ast.List | ast.Starred | ast.withitem):
            for node in ast.walk(inner):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id, None


def _is_no_generator(made: _Made) -> bool:
    """Tell whether something written down is certainly no generator function."""
    if isinstance(made, ast.ClassDef):
        return True
    if any(_decorator(one) != _PLAIN for one in made.decorator_list):
        return False  # only running the decorator can tell
    return isinstance(made, ast.AsyncFunctionDef) or not _yields(made)


def _decorator(node: ast.expr) -> str:
    called = node.func if isinstance(node, ast.Call) else node
    return called.id if isinstance(called, ast.Name) else ""


def _yields(node: ast.AST) -> bool:
    """Tell whether a function has a yield of its own, not of one inside it."""
    inside = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    return any(
        isinstance(child, ast.Yield | ast.YieldFrom)
        or (not isinstance(child, inside) and _yields(child))
        for child in ast.iter_child_nodes(node)
    )


def _no_generator(source: str, function: str) -> str:
    return (
        f"strategy {source!r} must be a generator function: def {function}"
        "(problem, rng) with a yield in it"
    )


def _first_line(made: _Made | None) -> str:
    text = ast.get_docstring(made) if made is not None else None
    return (text or "").strip().partition("\n")[0]


def _declared(made: _Made | None, name: str) -> object:
    """Return what our decorator is given under a name, as a constant; None else."""
    for node in made.decorator_list if made is not None else ():
        if isinstance(node, ast.Call) and _decorator(node) == _PLAIN:
            for word in node.keywords:
                if word.arg == name and isinstance(word.value, ast.Constant):
                    return word.value.value
    return None
