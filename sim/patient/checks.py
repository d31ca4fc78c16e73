"""What a table of a patient's values may hold; every fault of it, said together.

Tables are named after the parts of `Patient`; that of `response` is `response_law`,
because `response` alone names the law. `[source]` holds, under the same
names, where a value comes from.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import partial
from types import MappingProxyType
from typing import Any, Final, get_args

from sim.carried import Carried
from sim.heart.parameters import Circulation
from sim.law.registry import SHIPPED, check_law
from sim.law.response_law import UnknownLawError
from sim.names import nearest_name
from sim.patient.far import OWN_LIMITS, known_limits
from sim.patient.patient import Aetiology, Patient
from sim.patient.personalize import OVERRIDES
from sim.sources import Standing, references, unit_of

PARTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "circulation": "circulation",
        "contractility": "contractility",
        "reflex": "reflex",
        "response_law": "response",
        "muscle": "muscle",
        "rhythm": "rhythm",
        "conduction": "conduction",
        "sensation": "sensation",
        "profile": "profile",
    }
)
"""Name of each table, and of the part of `Patient` that it describes."""

TEXTS: Final = ("name", "title")
KEYS: Final = (*TEXTS, "phenotype", "override", "response", *PARTS, "source")
"""What the top level of a patient file may hold."""

_STANDINGS: Final[tuple[Standing, ...]] = get_args(Standing)
_WORDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "rhythm.kind": ("sinus", "af"),
        "profile.sex": ("female", "male"),
        "profile.aetiology": get_args(Aetiology),
    }
)
_ANY_SIGN: Final = frozenset(
    {
        "contractility.force_frequency_frac",
        "reflex.rr_gain_ms_per_mmhg",
        "reflex.resistance_per_mmhg",
        "reflex.unstressed_ml_per_mmhg",
        "reflex.elastance_per_mmhg",
        "response_law.g_one_lead_frac",
        "response_law.gain_frac",
        "response_law.loss_one_lead_frac",
        "response_law.floor_frac",
        "response_law.v1_later_ms",
    }
)
_DIVIDES: Final = frozenset(
    {
        "contractility.fast_on_beats",
        "contractility.fast_off_beats",
        "contractility.slow_on_s",
        "contractility.slow_off_s",
        "contractility.rate_memory_s",
        "contractility.reference_rate_bpm",
        "reflex.set_map_mmhg",
        "reflex.follower_s",
        "response_law.two_lead_factor",
        "response_law.nominal_amplitude_v",
        "response_law.reference_impedance_ohm",
        "response_law.k",
        "response_law.width_constant_ms",
        "response_law.nominal_train_ms",
        "response_law.early_width_ms",
        "response_law.late_width_ms",
        "response_law.delay_width_ms",
        "response_law.fall_frac",
        "response_law.best_dose_frac",
        "response_law.width_frac",
        "response_law.length_frac",
        "muscle.baseline_elastance_mmhg_per_ml",
        "muscle.reference_elastance_mmhg_per_ml",
        "rhythm.heart_rate_bpm",
        "rhythm.band_sd_hz",
        "rhythm.vlf_memory_s",
        "rhythm.cluster_shape",
        "rhythm.cluster_min",
        "rhythm.run_cycle_s",
        "rhythm.least_rr_s",
        "rhythm.most_rr_s",
        "conduction.erp_reference_bpm",
        "sensation.least_gap_v",
        "sensation.reference_train_ms",
    }
)
RATES: Final = ("circulation.heart_rate_bpm", "rhythm.heart_rate_bpm")
_OWN_RANGE: Final = {
    f"{row.part}.{row.field}": (row.low, row.high)
    for name, row in OVERRIDES.items()
    if name == row.field
} | dict.fromkeys(
    RATES, (OVERRIDES["heart_rate_bpm"].low, OVERRIDES["heart_rate_bpm"].high)
)
_RANGES: Final = MappingProxyType(
    {
        name.replace("response.", "response_law.", 1): limits
        for name, limits in _OWN_RANGE.items()
    }
)

_MOST_LISTED: Final = 40


@dataclass(frozen=True, slots=True)
class TableFault:
    """One fault: the dotted path inside the table, and what, how much, what is allowed.

    The path is empty when the whole table is meant.
    """

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


class PatientTableError(Carried, ValueError):
    """A patient cannot be made of a table; the message lists every fault found."""

    def __init__(self, origin: str, faults: Iterable[TableFault]) -> None:
        self.origin, self.faults = origin, tuple(faults)
        lines = [f"{origin}: {len(self.faults)} faults"]
        lines += [f"  {fault}" for fault in self.faults]
        one = f"{origin}: {self.faults[0]}" if self.faults else origin
        super().__init__(one if len(self.faults) == 1 else "\n".join(lines))


def part_faults(part: str, values: object) -> list[TableFault]:
    """Return what is wrong with the values of one part; paths are field names."""
    if not isinstance(values, Mapping):
        return [TableFault("", f"must be a table, got {_shown(values)}")]
    known = defaults(part)
    return [
        TableFault(name, text)
        for name, value in values.items()
        if (text := _value_fault(part, name, value, known))
    ]


def source_faults(given: object) -> list[TableFault]:
    """Return what is wrong with the `[source]` table; paths are `part.field`."""
    if not isinstance(given, Mapping):
        return [TableFault("", f"must be a table, got {_shown(given)}")]
    faults: list[TableFault] = []
    for part, rows in given.items():
        if part not in PARTS:
            faults.append(TableFault(str(part), _no_such(part, PARTS)))
        elif not isinstance(rows, Mapping):
            faults.append(TableFault(part, f"must be a table, got {_shown(rows)}"))
        else:
            faults += [
                TableFault(f"{part}.{name}", text)
                for name, row in rows.items()
                if (text := _source_fault(part, name, row))
            ]
    return faults


def override_faults(given: object) -> list[TableFault]:
    """Return what is wrong with an `override` table; paths are its names."""
    if not isinstance(given, Mapping):
        return [TableFault("", f"must be a table, got {_shown(given)}")]
    return [
        TableFault(name, text)
        for name, value in given.items()
        if (text := _override_fault(name, value))
    ]


def joint_faults(table: Mapping[str, Any]) -> list[TableFault]:
    """Return faults between values that are each allowed by themselves."""
    faults = [
        TableFault(f"source.{part}.{name}", f"has no value; state {part}.{name} too")
        for part, rows in table.get("source", {}).items()
        for name in rows
        if name not in table.get(part, {})
    ]
    stated = [
        float(table[part][name])
        for part, name in (rate.split(".") for rate in RATES)
        if name in table.get(part, {})
    ]
    if len(set(stated)) == 2:
        text = f"must equal {RATES[0]}, {stated[0]:g} 1/min, got {stated[1]:g} 1/min"
        faults.append(TableFault(RATES[1], text))
    return faults


def patient_faults(table: Mapping[str, Any], known: Iterable[str]) -> list[TableFault]:
    """Return every fault of a patient's table.

    Parameters
    ----------
    table
        As a file has it, keys of `KEYS`.
    known
        Names of the phenotypes that it may start from.
    """
    faults = [TableFault(key, _no_such(key, KEYS)) for key in table if key not in KEYS]
    faults += _top_faults(table, tuple(known))
    checks = {"override": override_faults, "source": source_faults}
    for key in ("override", *PARTS, "source"):
        if key in table:
            check = checks.get(key) or partial(part_faults, key)
            faults += [_below(key, fault) for fault in check(table[key])]
    return faults or joint_faults(table)


def _top_faults(table: Mapping[str, Any], known: tuple[str, ...]) -> list[TableFault]:
    faults = [
        TableFault(key, f"must be text in quotes, got {_shown(table[key])}")
        for key in TEXTS
        if key in table and not isinstance(table[key], str)
    ]
    if "phenotype" not in table:
        faults.append(TableFault("phenotype", "must be given"))
    elif text := _word_fault(table["phenotype"], known):
        faults.append(TableFault("phenotype", text))
    if "response" in table and (text := _law_fault(table["response"])):
        faults.append(TableFault("response", text))
    return faults


def _law_fault(value: object) -> str:
    """Return what is wrong with the word of a law; runs nobody's code."""
    if not isinstance(value, str):
        return f"must be text in quotes, got {_shown(value)}"
    try:
        check_law(value)
    except UnknownLawError as error:
        return str(error)
    return ""


def _below(key: str, fault: TableFault) -> TableFault:
    return TableFault(f"{key}.{fault.path}" if fault.path else key, fault.text)


def _override_fault(name: str, value: object) -> str:
    if name not in OVERRIDES:
        return _no_such(name, OVERRIDES)
    row = OVERRIDES[name]
    return _range_fault(name, value, (row.low, row.high))


def _value_fault(part: str, name: str, value: Any, known: Mapping[str, Any]) -> str:
    if name not in known:
        return _no_such(name, known)
    path, default = f"{part}.{name}", known[name]
    if path in _WORDS:
        return _word_fault(value, _WORDS[path])
    if isinstance(default, bool):
        ok, wanted = isinstance(value, bool), "true or false"
    elif isinstance(default, str):
        ok, wanted = isinstance(value, str), "text in quotes"
    elif isinstance(default, tuple):
        ok, wanted = _is_texts(value), "a list of texts"
    else:
        return _number_fault(path, value, default)
    return "" if ok else f"must be {wanted}, got {_shown(value)}"


def _number_fault(path: str, value: Any, usual: float) -> str:
    whole = isinstance(usual, int)
    if path in _RANGES:
        text = _range_fault(path, value, _RANGES[path])
        return text or (
            "" if not whole or isinstance(value, int) else _not_whole(value)
        )
    if whole and not isinstance(value, int):
        return _not_whole(value)
    if not _is_number(value):
        return f"must be a finite number, got {_shown(value)}"
    unit, vanishes = unit_of(path), not _must_not_vanish(path)
    any_sign = path in _ANY_SIGN
    if not (any_sign or value > 0 or (value == 0 and vanishes)):
        least = "0 {unit} or more" if vanishes else "above 0 {unit}"
        return f"must be {least}, got {{value!r}} {{unit}}".format(
            unit=unit, value=value
        )
    if path.startswith("circulation.") and path not in OWN_LIMITS:
        return ""
    limits = known_limits(path, usual, any_sign=any_sign, vanishes=vanishes)
    text = _range_fault(path, value, limits)
    return f"{text}; the model's own is {usual:g} {unit}".rstrip() if text else ""


def _range_fault(path: str, value: Any, limits: tuple[float, float]) -> str:
    low, high = limits
    if _is_number(value) and low <= value <= high:
        return ""
    unit = unit_of(path)
    allowed = f"{low:g} to {high:g} {unit}".rstrip()
    got = f"{_shown(value)} {unit if _is_number(value) else ''}".rstrip()
    return f"must be {allowed}, got {got}"


def _not_whole(value: object) -> str:
    return f"must be a whole number, got {_shown(value)}"


def _is_number(value: object) -> bool:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    return fits and math.isfinite(value)  # type: ignore[arg-type]


def _must_not_vanish(path: str) -> bool:
    may_be_zero = path.endswith(("_v0_ml", ".rv_share_of_contractility_frac"))
    return path in _DIVIDES or (path.startswith("circulation.") and not may_be_zero)


def _word_fault(value: object, words: tuple[str, ...]) -> str:
    if value in words:
        return ""
    text = f"must be one of {', '.join(words)}, got {_shown(value)}"
    return f"{text} (nearest is {_near(value, words)!r})"


def _source_fault(part: str, name: str, row: object) -> str:
    known = defaults(part)
    if name not in known:
        return _no_such(name, known)
    if isinstance(row, str):
        return "" if row.strip() else "must tell where the value comes from, got ''"
    if not isinstance(row, Mapping):
        return f"must be text or a table, got {_shown(row)}"
    wanted = ("reference", "place", "standing")
    if set(row) != set(wanted):
        return f"must have {', '.join(wanted)}; got {', '.join(map(str, row)) or '-'}"
    if not isinstance(row["place"], str):
        return f"place must be text in quotes, got {_shown(row['place'])}"
    known_references = tuple(references())
    if row["reference"] not in known_references:
        return (
            f"reference must be a known key, got {_shown(row['reference'])} (nearest "
            f"is {_near(row['reference'], known_references)!r}); give a work of your "
            "own as plain text instead of a table"
        )
    text = _word_fault(row["standing"], _STANDINGS)
    return f"standing {text}" if text else ""


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)


def _no_such(name: object, known: Iterable[str]) -> str:
    names = list(known)
    text = f"no such name; nearest is {_near(name, names)!r}"
    return text if len(names) > _MOST_LISTED else f"{text}; known: {', '.join(names)}"


def _near(name: object, known: Iterable[str]) -> str:
    return nearest_name(str(name), known)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list | tuple) else repr(value)


def declared(part: str) -> tuple[Field[Any], ...]:
    """Return the fields of a part of `Patient`, named as there.

    Of the response those of every shipped law, the first that has a name.
    """
    if part == "response":
        laws = [kind.typical() for kind in SHIPPED.values()]
        every = {item.name: item for law in reversed(laws) for item in _fields(law)}
        return tuple(every.values())
    own = next(item for item in fields(Patient) if item.name == part)
    kind: Any = own.default_factory
    return fields(Circulation if kind is MISSING else kind)


def _fields(value: Any) -> tuple[Field[Any], ...]:
    return fields(value)


def defaults(part: str) -> dict[str, Any]:
    """Return the declared value of each field of a part, named as in a table."""
    return {item.name: item.default for item in declared(PARTS[part])}
