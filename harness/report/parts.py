"""What the sections of a report are made of: numbers, intervals, facts, common rows.

Numbers are rounded to the digits that are shown, so that a reader of the JSON and a
reader of the page see the same figures. Missing numbers are `null`. A part that only
one section has stands with that section.
"""

from collections.abc import Iterable
from typing import Final

from pydantic import BaseModel, ConfigDict

from harness.common.words import (
    NOT_AVAILABLE,
    SettingValue,
    between,
    decimal,
    with_unit,
)


class Unprinted:
    """Marks a field that the PDF leaves out: figures or a table beside it hold it."""


UNPRINTED: Final = Unprinted()


class Part(BaseModel):
    """Frozen; refuses unknown fields, infinities and not-a-numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Quantity(Part):
    """A number with its unit and the digits worth showing; None is not available."""

    value: float | None
    unit: str = ""
    digits: int = 0
    signed: bool = False

    @property
    def number(self) -> str:
        """The number without its unit."""
        if self.value is None:
            return NOT_AVAILABLE
        return decimal(self.value, self.digits, signed=self.signed)

    @property
    def text(self) -> str:
        """The number with its unit."""
        if self.value is None:
            return NOT_AVAILABLE
        return with_unit(self.number, self.unit)


class Interval(Part):
    """Lower and upper limit."""

    low: float | None
    high: float | None
    unit: str = ""
    digits: int = 0

    @property
    def number(self) -> str:
        """Both limits without their unit."""
        if self.low is None or self.high is None:
            return NOT_AVAILABLE
        return between(self.low, self.high, self.digits)

    @property
    def text(self) -> str:
        """Both limits with their unit."""
        if self.number == NOT_AVAILABLE:
            return NOT_AVAILABLE
        return with_unit(self.number, self.unit)


class Fact(Part):
    """A label and what was found."""

    label: str
    value: Quantity | Interval | str

    @property
    def text(self) -> str:
        """The value as shown."""
        return self.value if isinstance(self.value, str) else self.value.text


def fact_text(facts: Iterable[Fact], label: str) -> str:
    """Return the fact that stands under a label, as shown.

    Parameters
    ----------
    facts
        Facts of one list; a report written before a fact was told does not have it.
    label
        A constant of the section that writes the list, never its text again.
    """
    return next((fact.text for fact in facts if fact.label == label), NOT_AVAILABLE)


class BeforeAfter(Part):
    """One finding at the start and at the end of the visit."""

    label: str
    before: Quantity
    after: Quantity


class CheckRow(Part):
    """One thing that was checked."""

    name: str
    passed: bool
    text: str


class Count(Part):
    """A counter of the device, with its share of the beats."""

    name: str
    count: int
    share: Quantity

    @property
    def text(self) -> str:
        """The count as shown."""
        return decimal(self.count, 0)


class SettingRow(Part):
    """One programmable value as found, as the tests' reference, and as left."""

    symbol: str
    label: str
    unit: str
    digits: int
    as_found: SettingValue
    reference: SettingValue
    permanent: SettingValue
    changed: bool


class PairRow(Part):
    """One pair: means of its arms and the relative changes."""

    number: int
    start: Quantity
    order: str
    reference: Quantity
    tested: Quantity
    primary: Quantity
    systolic: Quantity
    pulse: Quantity
    mean: Quantity
    diastolic: Quantity
    heart_rate: Quantity
    void: str
