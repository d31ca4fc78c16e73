"""The list of settings that a search is given, checked as a file is."""

from collections.abc import Iterator

from harness.common.faults import Fault, no_such, shown
from harness.play.tables import SearchTable
from optimizers.listed import LISTED
from sim.device.lattice import Value, parameters


def list_missing(search: SearchTable, strategy: str = "") -> Fault | None:
    """Return the fault of a strategy that needs a list and has none.

    `strategy` replaces what the table says.
    """
    asked = strategy or search.strategy
    if asked not in LISTED or search.listed:
        return None
    text = (
        f"must be given for strategy {asked!r}: the settings to test, "
        "such as [{ amplitude_v = 5.5 }, { amplitude_v = 6.5 }]"
    )
    return Fault("listed", text)


def list_faults(search: SearchTable, model: str) -> Iterator[Fault]:
    """Yield what is wrong with the list of a search, by its path below the search."""
    if fault := list_missing(search):
        yield fault
    if search.listed and search.strategy not in LISTED:
        names = " and ".join(LISTED)
        yield Fault("listed", f"is used by {names} alone, not by {search.strategy!r}")
    for number, given in enumerate(search.listed):
        for name, value in given.items():
            text = _value_fault(name, value, search, model)
            if text:
                yield Fault(f"listed.{number}.{name}", text)


def _value_fault(name: str, value: Value, search: SearchTable, model: str) -> str:
    if name not in search.axes:
        return no_such(name, search.axes)
    row = parameters(model)[name]
    if isinstance(value, bool) or value not in row.values:
        return f"must be {row.allowed}, got {shown(value, name)}"
    if isinstance(value, str) or name not in search.limits:
        return ""
    low, high = search.limits[name]
    if low <= value <= high:
        return ""
    return f"must be within limits, {low:g} to {high:g}, got {shown(value, name)}"
