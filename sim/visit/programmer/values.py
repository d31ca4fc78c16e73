"""Pending and programmed values, and why some cannot be programmed."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from sim.device.lattice import Value, axis_values
from sim.device.settings import Conflict, Settings, check_name
from sim.units import PCT_PER_FRAC

ValueState = Literal["programmed", "changed", "conflict"]
ButtonState = Literal["idle", "ready", "disabled"]
COLOURS: Final[Mapping[str, str]] = MappingProxyType(
    {"programmed": "black", "changed": "blue", "conflict": "red"}
)


@dataclass(frozen=True, slots=True)
class PendingValue:
    """One value as the programmer shows it.

    `state` is "programmed" (as in the device), "changed" (legal, not yet programmed)
    or "conflict"; `reasons` says why, one sentence for each rule that it breaks.
    """

    name: str
    programmed: Value
    pending: Value
    state: ValueState
    reasons: tuple[str, ...] = ()

    @property
    def colour(self) -> str:
        """Black, blue or red, as on the screen."""
        return COLOURS[self.state]


@dataclass(frozen=True, slots=True)
class ListChoice:
    """One line of a choice list; without `reasons` it may be programmed."""

    value: Value
    reasons: tuple[str, ...]


def reasons_against(settings: Settings, model: str) -> tuple[Conflict, ...]:
    """Return why a device of this model would refuse settings."""
    return settings.off_lattice(model) + settings.conflicts(model)


def shown_values(
    programmed: Settings, pending: Settings, model: str
) -> tuple[PendingValue, ...]:
    """Return every value in the order of the screen, with its state."""
    wrong = reasons_against(pending, model)
    names = Settings.__dataclass_fields__
    return tuple(_shown(name, programmed, pending, wrong) for name in names)


def _shown(
    name: str, programmed: Settings, pending: Settings, wrong: tuple[Conflict, ...]
) -> PendingValue:
    old, new = getattr(programmed, name), getattr(pending, name)
    reasons = tuple(c.reason for c in wrong if name in c.names)
    state: ValueState = "programmed" if old == new else "changed"
    return PendingValue(name, old, new, "conflict" if reasons else state, reasons)


def list_choices(pending: Settings, name: str, model: str) -> tuple[ListChoice, ...]:
    """Return the choice list of one parameter, each value with what it would break.

    A ValueError offers the nearest name for one that no setting has.
    """
    check_name(name)
    rows = []
    for value in axis_values(name, model=model):
        wrong = pending.with_values({name: value}).conflicts(model)
        reasons = tuple(c.reason for c in wrong if name in c.names)
        rows.append(ListChoice(value, reasons))
    return tuple(rows)


def share_text(frac: float) -> str:
    """Return a share as a whole percentage with its sign."""
    return f"{PCT_PER_FRAC * frac:.0f} %"


def settings_text(settings: Settings) -> str:
    """Return the pulse of some settings in a clinician's shorthand."""
    return (
        f"{settings.amplitude_v:g} V, {settings.phase_duration_ms:g} ms,"
        f" delay {settings.delay_ms:g} ms, {settings.n_pulses} pulses"
    )
