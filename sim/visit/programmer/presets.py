"""Standard settings kept in a file: TOML whose table a scenario can take over."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sim.device.lattice import Value, device_model
from sim.device.settings import ConflictError, Settings, check_name
from sim.textfiles import read_text, toml_table


@dataclass(frozen=True, slots=True)
class Preset:
    """A named set of settings for one model."""

    title: str
    model: str
    settings: Settings


class PresetError(ValueError):
    """A preset's file cannot be used; the message names it and says why."""


def save_preset(path: str | Path, preset: Preset) -> None:
    """Write every value of a preset; a ConflictError leaves no file.

    The table `[device.settings]` is that of a scenario.
    """
    _refuse_conflicts(preset.settings, preset.model)
    lines = [f"title = {_toml(preset.title)}", "", "[device]"]
    lines += [f"model = {_toml(preset.model)}", "", "[device.settings]"]
    lines += [f"{name} = {_toml(v)}" for name, v in asdict(preset.settings).items()]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def load_preset(path: str | Path) -> Preset:
    """Read a preset; values that it does not give have their default.

    Raises
    ------
    PresetError
        When there is no such file or table, or its values are unknown or in conflict.
    """
    try:
        table = toml_table(read_text(path))
        device = _table(table, "device")
        model = str(device.get("model", "CCM X11"))
        values = _table(device, "settings")
        settings = Settings().with_values(_of_their_kind(values))
        _refuse_conflicts(settings, model)
    except ValueError as fault:  # TOML, names, model and conflicts alike
        raise PresetError(f"{path}: {fault}") from fault
    return Preset(str(table.get("title", "")), model, settings)


def _table(within: Mapping[str, object], name: str) -> Mapping[str, Value]:
    table = within.get(name, {})
    if not isinstance(table, Mapping):
        raise PresetError(f"{name} must be a table, got {table!r}")
    return table


def _of_their_kind(values: Mapping[str, Value]) -> Mapping[str, Value]:
    for name, value in values.items():
        check_name(name)
        kind = type(getattr(Settings(), name))
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number if kind in (int, float) else isinstance(value, kind)):
            wanted = {bool: "true or false", str: "text"}.get(kind, "a number")
            raise PresetError(f"{name} must be {wanted}, got {value!r}")
    return values


def _refuse_conflicts(settings: Settings, model: str) -> None:
    device_model(model)
    # the rules compare values, so each must be one that the device can take
    if wrong := settings.off_lattice(model) or settings.conflicts(model):
        raise ConflictError(wrong)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False)
