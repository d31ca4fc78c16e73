"""Tables of a scenario file that fill a dataclass, made from its declaration.

What a file may say stands once, beside the number: name, default and source in the
dataclass that the simulation uses, its range in `sourced(..., allowed=(low, high))`. A
number without a range is none of a file's business. The decorator `filling` gives a
table these fields, after its own; a subclass has what comes behind them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import AfterValidator, BaseModel, ValidationInfo, create_model

from harness.common.faults import shown
from sim.sources import unit_of

M = TypeVar("M", bound=BaseModel)


def within(low: float, high: float) -> AfterValidator:
    """Return a validator that holds a number to a range and names its unit."""

    def check(value: float, info: ValidationInfo) -> float:
        name = info.field_name or ""
        if not low <= value <= high:
            allowed = f"{low:.17g} to {high:.17g} {unit_of(name)}".rstrip()
            given = int(value) if value == int(value) else value
            raise ValueError(f"must be {allowed}, got {shown(given, name)}")
        return value

    return AfterValidator(check)


def filling(filled: type, **spelled: Any) -> Callable[[type[M]], type[M]]:
    """Give a table the fields of a dataclass that a file may give, in their order.

    Those are the numbers with a range and what is one of several words.

    Parameters
    ----------
    filled
        The dataclass; each of these fields has a default.
    spelled
        `(annotation, default)` of a field that a file spells otherwise.
    """

    def with_fields(table: type[M]) -> type[M]:
        return create_model(
            table.__name__,
            __base__=table,
            __module__=table.__module__,
            __doc__=table.__doc__,
            **dict(_entries(filled, spelled)),
        )

    return with_fields


def values_of(table: BaseModel, filled: type) -> dict[str, Any]:
    """Return the values of a table that fill a dataclass, by name."""
    names = {item.name for item in fields(filled)}
    return {name: value for name, value in dict(table).items() if name in names}


def _entries(filled: type, spelled: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(filled)
    for item in fields(filled):
        hint, allowed = hints[item.name], item.metadata.get("allowed")
        if item.name in spelled:
            yield item.name, spelled[item.name]
        elif allowed is not None:
            yield item.name, (_ranged(hint, *allowed), _default(item))
        elif get_origin(hint) is Literal:
            yield item.name, (hint, _default(item))


def _ranged(hint: Any, low: float, high: float) -> Any:
    """Return the type of a number held to a range, also where it may be left out."""
    if get_origin(hint) in (Union, UnionType):
        (number,) = (part for part in get_args(hint) if part is not type(None))
        return Annotated[number, within(low, high)] | None
    return Annotated[hint, within(low, high)]


def _default(item: Field[Any]) -> Any:
    if item.default is MISSING:
        raise ValueError(f"{item.name} has a range but no default")
    return item.default
