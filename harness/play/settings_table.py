"""The settings of a scenario file: names, lattice and conflicts, all faults at once."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from harness.common.faults import Fault, FaultsError, nearest, shown
from sim.device.lattice import Parameter, Value, parameters
from sim.device.settings import Settings, with_dependents

DEPENDENTS: Final = ("pvarp_ms", "vrp_ms", "post_ls_refractory_ms")
_HUGE: Final = 1e300
_KIND: Final = {item.name: type(item.default) for item in fields(Settings)}


def as_found(given: Mapping[str, Value], model: str, *, solve: bool) -> Settings:
    """Return the settings of a device of which a file gives some.

    Parameters
    ----------
    given
        Values by symbol, checked; the others have their default.
    model
        "CCM X11" or "CCM X10".
    solve
        Whether refractories that the file does not give follow from the other values.
    """
    settings = Settings().with_values(given)
    if not solve:
        return settings
    solved = with_dependents(settings, model)
    return settings.with_values(
        {name: getattr(solved, name) for name in DEPENDENTS if name not in given}
    )


def checked_settings(given: object, model: str, *, solve: bool) -> dict[str, Value]:
    """Return the values as the device keeps them; FaultsError lists what is wrong.

    Conflicts that hang on a value which is wrong by itself are left out.
    """
    if not isinstance(given, Mapping):
        raise ValueError(f"must be a table, got {shown(given)}")
    table = parameters(model)
    faults = [fault for name in given if (fault := _fault(table, name, given[name]))]
    bad = {fault.path for fault in faults}
    values = {name: _kept(name, given[name]) for name in given if name not in bad}
    faults += [
        Fault("", f"{', '.join(conflict.names)} conflict: {conflict.reason}")
        for conflict in as_found(values, model, solve=solve).conflicts(model)
        if not bad.intersection(conflict.names)
    ]
    if faults:
        raise FaultsError(faults)
    return values


def kept_values(given: object, model: str) -> dict[str, Value]:
    """Return values as the device keeps them, conflicts aside.

    FaultsError lists the names and values that the device does not have.
    """
    if not isinstance(given, Mapping):
        raise ValueError(f"must be a table, got {shown(given)}")
    table = parameters(model)
    faults = [fault for name in given if (fault := _fault(table, name, given[name]))]
    if faults:
        raise FaultsError(faults)
    return {name: _kept(name, value) for name, value in given.items()}


def _fault(table: Mapping[str, Parameter], name: str, value: object) -> Fault | None:
    if name not in table:
        return Fault(name, f"no such setting; nearest is {nearest(name, table)!r}")
    row = table[name]
    kind = type(row.values[0])
    if kind is bool:
        text = f"must be true or false, got {shown(value, name)}"
        return None if isinstance(value, bool) else Fault(name, text)
    if _fits(value, kind) and value in row.values:
        return None
    text = f"must be {row.allowed}, got {shown(value, name)}"
    if not _fits(value, kind):
        return Fault(name, text)
    if isinstance(value, str):
        words = [str(word) for word in row.values]
        return Fault(name, f"{text}; nearest is {nearest(value, words)!r}")
    near = row.nearest(value) if isinstance(value, int | float) else None
    return Fault(name, f"{text}; nearest is {near:g}")


def _fits(value: object, kind: type) -> bool:
    if kind is str:
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < _HUGE  # a whole number beyond the floats cannot be compared


def _kept(name: str, value: Any) -> Value:
    """Return 5 as 5.0 where the setting is not a whole number."""
    kind = _KIND[name]
    kept: Value = kind(value) if kind in (int, float) else value
    return kept
