"""What is wrong with a scenario file, said so that it can be mended."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sim.carried import Carried
from sim.device.lattice import AXES
from sim.names import meant_by, nearest_name
from sim.patient.personalize import OVERRIDES
from sim.sources import unit_of

_LIKE: Final = 0.75  # two letters of three alike mean another thing: BNP is no SBP

_WANTED: Final[Mapping[str, str]] = {
    "float_type": "a number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "tuple_type": "a list",
    "list_type": "a list",
}


_FREE: Final[Mapping[str, Iterable[str]]] = {
    "patient.override": OVERRIDES,
    "device.settings": AXES,
}
"""Tables whose names stand elsewhere: those of a patient and of a device."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the dotted path inside the file, and what, how much, what is allowed.

    The path is empty when the whole file is meant.
    """

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


class FaultsError(Carried, ValueError):
    """Raised by a validator that found several faults below its own path."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))


class ScenarioError(Carried, ValueError):
    """A scenario cannot be used; the message lists every fault that was found."""

    def __init__(self, origin: str, faults: Iterable[Fault]) -> None:
        self.origin = origin
        self.faults = tuple(faults)
        super().__init__(self._message())

    def _message(self) -> str:
        if len(self.faults) == 1:
            return f"{self.origin}: {self.faults[0]}"
        lines = [f"{self.origin}: {len(self.faults)} faults"]
        return "\n".join(lines + [f"  {fault}" for fault in self.faults])


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that was most likely meant, as `sim.names` tells."""
    return nearest_name(name, known)


def hint_of(name: str, known: Iterable[str]) -> str:
    """Return which known name is meant in brackets, empty where none is like it."""
    near = nearest(name, names := list(known))
    lower = name.lower()
    is_like = bool(lower) and near.lower().startswith(lower)
    is_like = is_like or near == meant_by(name)
    if not is_like:
        is_like = bool(get_close_matches(lower, [n.lower() for n in names], 1, _LIKE))
    return f" (nearest is {shown(near)})" if is_like else ""


def no_such(name: str, known: Iterable[str]) -> str:
    """Say that a name is not known, and which known one is nearest."""
    names = list(known)
    return f"no such name; nearest is {nearest(name, names)!r}; " + (
        f"known: {', '.join(names)}"
    )


def not_among(value: object, known: Iterable[str]) -> str:
    """Say that a word is not one of the allowed ones, and which of them is nearest."""
    words = list(known)
    text = f"must be one of {', '.join(words)}, got {shown(value)}"
    if isinstance(value, str):
        text += f" (nearest is {nearest(value, words)!r})"
    return text


def shown(value: object, name: str = "") -> str:
    """Return a value as a file spells it, with the unit that its name ends in."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, int | float):
        return f"{value!r} {unit_of(name)}".rstrip()
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list | tuple) else repr(value)


def faults_of(error: ValidationError, model: type[BaseModel]) -> tuple[Fault, ...]:
    """Translate what pydantic found, one or more faults for each of its errors."""
    return tuple(
        fault
        for details in error.errors(include_url=False)
        for fault in _translated(details, model)
    )


def _translated(details: ErrorDetails, model: type[BaseModel]) -> Iterable[Fault]:
    path = ".".join(str(step) for step in details["loc"])
    raised = details.get("ctx", {}).get("error")
    if isinstance(raised, FaultsError):
        return [Fault(_joined(path, f.path), f.text) for f in raised.faults]
    if isinstance(raised, ValueError):
        return [Fault(path, str(raised))]
    return [Fault(path, _text(details, model))]


def _text(details: ErrorDetails, model: type[BaseModel]) -> str:
    kind, value = details["type"], details["input"]
    name = str(details["loc"][-1]) if details["loc"] else ""
    if kind == "extra_forbidden":
        return _unknown(name, _names_at(model, details["loc"][:-1]), model)
    if kind == "missing":
        return "must be given"
    if kind == "literal_error":
        return not_among(value, _words_at(model, details["loc"]))
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, got {shown(value, name)}"
    return f"{details['msg'][0].lower()}{details['msg'][1:]}, got {shown(value, name)}"


def _unknown(name: str, known: list[str], root: type[BaseModel]) -> str:
    """Say that a name is not known, and where what was meant is to be said."""
    meant = meant_by(name)
    if meant not in known and (place := dict(_places(root)).get(meant)):
        return f"no such name here; it is {place!r}; known here: {', '.join(known)}"
    return no_such(name, known)


def _places(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each name of nested tables with its path, those further in first."""
    for name, field in model.model_fields.items():
        here = _joined(path, name)
        for table in _tables_of(field.annotation):
            yield from _places(table, here)
        yield from ((inner, f"{here}.{inner}") for inner in _FREE.get(here, ()))
        yield name, here


def _joined(*steps: str) -> str:
    return ".".join(step for step in steps if step)


def _names_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    return list(_model_at(model, path).model_fields)


def _words_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    *outer, name = _named(path)
    annotation = _model_at(model, tuple(outer)).model_fields[name].annotation
    return list(_words_of(annotation))


def _words_of(annotation: object) -> Iterator[str]:
    """Yield the words of a Literal, also where it is one of several alternatives."""
    for part in get_args(annotation):
        if isinstance(part, str):
            yield part
        else:
            yield from _words_of(part)


def _model_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel]:
    for step in _named(path):
        model = next(_tables_of(model.model_fields[step].annotation))
    return model


def _named(path: tuple[int | str, ...]) -> list[str]:
    """Return the steps of a path that are names; places in a list have none."""
    return [step for step in path if isinstance(step, str)]


def _tables_of(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the table of an annotation, also where it may be left out."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _tables_of(part)
