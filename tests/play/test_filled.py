"""A table takes its fields from the dataclass it fills."""

from dataclasses import dataclass, field
from typing import Literal

import pytest
from pydantic import ValidationError

from harness.play.filled import filling, values_of
from harness.play.tables import Table
from sim.sources import allowed_range, sourced


@dataclass(frozen=True, slots=True)
class Toy:
    """Four kinds of field, and two that no file may give."""

    width_mm: float = sourced(2.0, "x", "y", "assumed", allowed=(1.0, 5.0))
    n_wheels: int | None = sourced(None, "x", "y", "assumed", allowed=(2, 4))
    colour: Literal["red", "blue"] = "red"
    maker: str = "nobody"
    model_number: float = sourced(7.0, "x", "y", "assumed")
    parts: tuple[str, ...] = field(default_factory=tuple)


@filling(Toy, maker=(str, "a file's own word"))
class ToyTable(Table):
    """What a file may say of a toy."""

    first: bool = True


def test_the_fields_of_a_table_come_behind_its_own_in_their_order() -> None:
    names = ["first", "width_mm", "n_wheels", "colour", "maker"]
    assert list(ToyTable.model_fields) == names


def test_defaults_are_those_of_the_dataclass() -> None:
    filled = values_of(ToyTable(), Toy)
    assert filled == {
        "width_mm": 2.0,
        "n_wheels": None,
        "colour": "red",
        "maker": "a file's own word",
    }
    assert Toy(**filled).model_number == 7.0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"width_mm": 5.5}, "must be 1 to 5 mm, got 5.5 mm"),
        ({"n_wheels": 5}, "must be 2 to 4, got 5"),
        ({"colour": "green"}, "'red' or 'blue'"),
        ({"model_number": 8.0}, "Extra inputs"),
        ({"n_wheels": 2.5}, "integer"),
    ],
)
def test_a_value_out_of_its_range_is_refused(
    given: dict[str, object], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        ToyTable.model_validate(given)


def test_a_number_with_a_range_needs_a_default() -> None:
    @dataclass
    class Unfinished:
        width_mm: float = field(metadata={"allowed": (1.0, 5.0)})

    with pytest.raises(ValueError, match="width_mm has a range but no default"):
        filling(Unfinished)(Table)


def test_another_table_takes_the_range_of_a_field_from_where_it_is_declared() -> None:
    assert allowed_range(Toy, "width_mm") == (1.0, 5.0)
    for name in ("model_number", "wheels"):
        with pytest.raises(ValueError, match=f"Toy declares no range of '{name}'"):
            allowed_range(Toy, name)
