"""Standard settings kept in a file: TOML whose table a scenario can take over."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sim.device.lattice import Value, device_model
from sim.device.settings import ConflictError, Settings


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
        When the file is no such table, or its values are unknown or in conflict.
    OSError
        When there is no such file.
    """
    text = Path(path).read_text(encoding="utf-8-sig")
    try:
        table = tomllib.loads(text)
        device = _table(table, "device")
        model = str(device.get("model", "CCM X11"))
        settings = Settings().with_values(_table(device, "settings"))
        _refuse_conflicts(settings, model)
    except ValueError as fault:  # TOML, names, model and conflicts alike
        raise PresetError(f"{path}: {fault}") from fault
    return Preset(str(table.get("title", "")), model, settings)


def _table(within: Mapping[str, object], name: str) -> Mapping[str, Value]:
    table = within.get(name, {})
    if not isinstance(table, Mapping):
        raise PresetError(f"{name} must be a table, got {table!r}")
    return table


def _refuse_conflicts(settings: Settings, model: str) -> None:
    device_model(model)
    if wrong := settings.off_lattice(model) + settings.conflicts(model):
        raise ConflictError(wrong)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False)
