"""Where each model number comes from: reference, place inside it, and standing."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeVar, cast

Standing = Literal["measured", "derived", "fitted", "recalled", "assumed", "overridden"]
T = TypeVar("T")

_UNIT_OF_SUFFIX: Mapping[str, str] = {
    "_mmhg_per_ml": "mmHg/mL",
    "_mmhg_per_s": "mmHg/s",
    "_mmhg_s_per_ml": "mmHg s/mL",
    "_ml_per_mmhg": "mL/mmHg",
    "_ms_per_mmhg": "ms/mmHg",
    "_per_mmhg": "1/mmHg",
    "_per_ml": "1/mL",
    "_per_hour": "1/h",
    "_per_s": "1/s",
    "_beats": "beats",
    "_hz": "Hz",
    "_bpm": "1/min",
    "_mmhg": "mmHg",
    "_ml": "mL",
    "_ms": "ms",
    "_min": "min",
    "_s": "s",
    "_mv": "mV",
    "_v": "V",
    "_ma": "mA",
    "_mah": "mAh",
    "_mm": "mm",
    "_cm": "cm",
    "_kg": "kg",
    "_ohm": "ohm",
    "_pct": "%",
    "_frac": "1",
    "_years": "years",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Origin of one number: a key of `references.toml`, the place, the standing."""

    reference: str
    place: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of `references.toml`."""

    key: str
    title: str
    authors: str
    year: int | None
    identifier: str


@dataclass(frozen=True, slots=True)
class SourcedNumber:
    """One row of the provenance table."""

    name: str
    value: object
    unit: str
    source: Source


def sourced(value: T, reference: str, place: str, standing: Standing) -> T:
    """Return a dataclass field default that remembers where its number comes from."""
    source = Source(reference, place, standing)
    default: T = field(default=value, metadata={"source": source})
    return default


def unit_of(name: str) -> str:
    """Return the unit that a name ends in, or an empty string when it has none."""
    for suffix, unit in _UNIT_OF_SUFFIX.items():
        if name.endswith(suffix):
            return unit
    return ""


def provenance(
    model: Any, overrides: Mapping[str, Source] | None = None, prefix: str = ""
) -> list[SourcedNumber]:
    """List every sourced number of a dataclass instance, nested ones included.

    Parameters
    ----------
    model
        A dataclass instance whose fields were declared with `sourced`.
    overrides
        Source by dotted field name, for values that do not come from the default.
    prefix
        Put before each name; used by the recursion.
    """
    return list(_walk(model, overrides or {}, prefix))


def _walk(
    model: Any, overrides: Mapping[str, Source], prefix: str
) -> Iterator[SourcedNumber]:
    for item in fields(model):
        name, value = prefix + item.name, getattr(model, item.name)
        if is_dataclass(value):
            yield from _walk(value, overrides, name + ".")
            continue
        source = overrides.get(name) or item.metadata.get("source")
        if source is not None:
            yield SourcedNumber(name, value, unit_of(name), source)


def unsourced(model: Any, prefix: str = "") -> list[str]:
    """List the numeric fields of a dataclass instance that carry no source."""
    missing: list[str] = []
    for item in fields(model):
        name, value = prefix + item.name, getattr(model, item.name)
        if is_dataclass(value):
            missing += unsourced(value, name + ".")
        elif _is_number(value) and "source" not in item.metadata:
            missing.append(name)
    return missing


def _is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool)


def default_of(model: Any, name: str) -> object:
    """Return the declared default of a field, or None where it has none."""
    for item in fields(model):
        if item.name == name and item.default is not MISSING:
            return cast(object, item.default)
    return None


@cache
def references() -> Mapping[str, Reference]:
    """Return every entry of `references.toml` by its key."""
    text = files("sim").joinpath("references.toml").read_text(encoding="utf-8")
    return {
        key: Reference(
            key, row["title"], row["authors"], row.get("year"), row["identifier"]
        )
        for key, row in tomllib.loads(text).items()
    }
