"""How the page says values, phases and times: short, and with hard spaces."""

from collections.abc import Iterable, Mapping
from typing import Final

from harness.common.words import (
    HARD_SPACE,
    SettingValue,
    digits_of,
    setting_text,
    unit_of_setting,
)
from sim.device.settings import Settings

NAMES: Final[Mapping[str, str]] = {
    "amplitude_v": "Amplitude",
    "phase_duration_ms": "Width",
    "n_pulses": "Pulses",
    "delay_ms": "Delay",
}
PHASE_TITLES: Final[Mapping[str, str]] = {
    "check-in": "Check-in",
    "exam": "Exam",
    "interrogation": "Interrogate",
    "sensing": "Sensing",
    "response test": "Response",
    "titration": "Titrate",
    "verification": "Verify",
    "permanent programming": "Program",
    "re-interrogation": "Read back",
    "observation": "Observe",
    "report": "Report",
}
QUANTITIES: Final[Mapping[str, str]] = {
    "velocity": "velocity-time integral",
    "dP/dt": "dP/dt max",
    "systolic": "systolic pressure",
}
"""A short name of what is read, by a word of the readout's title."""
OFF: Final = "CCM off"
ARROW: Final = "\N{RIGHTWARDS ARROW}"
DOT: Final = " \N{MIDDLE DOT} "


def name_of(symbol: str) -> str:
    """Return what the programmer's screen calls a value."""
    return NAMES.get(symbol, symbol.rpartition("_")[0].replace("_", " ").capitalize())


def value_text(symbol: str, value: SettingValue) -> str:
    """Return one value with its unit, which no line break separates."""
    return setting_text(value, unit_of_setting(symbol), digits_of(symbol))


def values_text(values: Mapping[str, SettingValue], names: Iterable[str]) -> str:
    """Return the values of some settings, in one line."""
    return DOT.join(value_text(name, values[name]) for name in names if name in values)


def change_text(
    values: Mapping[str, SettingValue],
    reference: Mapping[str, SettingValue],
    names: Iterable[str],
) -> str:
    """Return what differs from the reference: one change in full, several as values."""
    if is_off(values):
        return OFF
    changed = [n for n in names if values.get(n) != reference.get(n)]
    if not changed:
        return "as the reference"
    if len(changed) > 1 or changed[0] not in reference:
        return values_text(values, changed)
    (symbol,) = changed
    before = setting_text(reference[symbol], "", digits_of(symbol))
    after = value_text(symbol, values[symbol])
    return f"{before} {ARROW} {after}"


def is_off(values: Mapping[str, SettingValue]) -> bool:
    """Tell whether no train is given with some values, as the programmer shows them."""
    told = {name: values[name] for name in ("mode", "ccm_mode") if name in values}
    return not Settings().with_values(told).delivers


def says(low_pct: float, high_pct: float) -> str:
    """Return what an interval shows, in the words of a prediction."""
    if low_pct > 0.0:
        return "rises"
    return "falls" if high_pct < 0.0 else "no difference"


def minutes_text(seconds: float) -> str:
    """Return whole minutes, not more than there are."""
    return f"{max(0, int(seconds // 60))}{HARD_SPACE}min"


def quantity_of(readout: str) -> str:
    """Return what a readout tells, in two words where its title has more."""
    found = (short for word, short in QUANTITIES.items() if word in readout)
    return next(found, readout)


ROMAN: Final = {1: "I", 2: "II", 3: "III", 4: "IV"}


def chart_rows(card: Mapping[str, SettingValue]) -> list[tuple[str, str]]:
    """Return what a chart says, as rows of a name and what it says."""
    return [(_row_name(name), _row_text(name, value)) for name, value in card.items()]


def chart_lines(card: Mapping[str, SettingValue]) -> list[str]:
    """Return what a chart says in a few short lines."""
    rows = {name: _row_text(name, value) for name, value in card.items()}
    lines = (
        ", ".join(rows[name] for name in ("age_years", "sex") if name in rows),
        f"NYHA {rows['nyha_class']}" if "nyha_class" in rows else "",
        rows.get("aetiology", ""),
        rows.get("rhythm", ""),
    )
    return [line for line in lines if line]


def _row_name(name: str) -> str:
    if name == "nyha_class":
        return "NYHA class"
    plain = name.removesuffix("_years").removeprefix("has_").replace("_", " ")
    return "ICD" if plain == "icd" else plain.capitalize()


def _row_text(name: str, value: SettingValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "nyha_class":
        return ROMAN.get(int(value), str(value))
    if name == "age_years":
        return f"{float(value):.0f}{HARD_SPACE}years"
    return str(value)
