"""Where each model number comes from: reference, place inside it, and standing."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeVar

Standing = Literal["measured", "derived", "fitted", "recalled", "assumed", "overridden"]
T = TypeVar("T")
_DOI = re.compile(r"doi:(10\.[^\s,]+)")
_PMID = re.compile(r"PMID (\d+)")

_UNIT_OF_SUFFIX: Mapping[str, str] = {
    "_pg_per_ml": "pg/mL",
    "_mg_per_dl": "mg/dL",
    "_kg_per_m2": "kg/m2",
    "_mmhg_per_ml": "mmHg/mL",
    "_mmhg_per_s": "mmHg/s",
    "_mmhg_s_per_ml": "mmHg s/mL",
    "_ml_per_mmhg": "mL/mmHg",
    "_ms_per_mmhg": "ms/mmHg",
    "mmhg_per_cm": "mmHg/cm",
    "_per_mmhg": "1/mmHg",
    "_per_ml": "1/mL",
    "_per_hour": "1/h",
    "_per_s": "1/s",
    "_mv_per_v": "mV/V",
    "_mah_per_day": "mAh/day",
    "_hours_per_day": "h",
    "_per_day": "1/day",
    "days_since_charge": "days",
    "_per_pct": "1/%",
    "_beats": "beats",
    "_hz": "Hz",
    "_bpm": "1/min",
    "_mmhg": "mmHg",
    "_ml": "mL",
    "_ms": "ms",
    "_min": "min",
    "_s": "s",
    "_h": "h",
    "_days": "days",
    "_weeks": "weeks",
    "_months": "months",
    "_decades": "decades",
    "_mv": "mV",
    "_v": "V",
    "_ma": "mA",
    "_mah": "mAh",
    "_mm": "mm",
    "_cm": "cm",
    "_cm2": "cm2",
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
    """One entry of `references.toml`; `kind` is the entry type that BibTeX knows.

    `identifier` is how a reader finds the work: a DOI, a PMID, a document number, or
    where in this project it lies.
    """

    key: str
    title: str
    authors: str
    year: int | None
    identifier: str
    kind: str = "misc"
    journal: str = ""
    volume: str = ""
    pages: str = ""
    note: str = ""

    @property
    def doi(self) -> str:
        """The DOI, empty for a work without one."""
        return next(iter(_DOI.findall(self.identifier)), "")

    @property
    def pmid(self) -> str:
        """The PubMed number, empty for a work without one."""
        return next(iter(_PMID.findall(self.identifier)), "")


@dataclass(frozen=True, slots=True)
class SourcedNumber:
    """One row of the provenance table."""

    name: str
    value: object
    unit: str
    source: Source


def sourced(
    value: T,
    reference: str,
    place: str,
    standing: Standing,
    *,
    allowed: tuple[float, float] | None = None,
) -> T:
    """Return a dataclass field default that remembers where its number comes from.

    `allowed` is the range that a scenario file may give; code may go beyond it.
    """
    metadata: dict[str, object] = {"source": Source(reference, place, standing)}
    if allowed is not None:
        metadata["allowed"] = allowed
    default: T = field(default=value, metadata=metadata)
    return default


def allowed_range(model: type, name: str) -> tuple[float, float]:
    """Return the lowest and highest value that a scenario file may give to a field.

    Raises ValueError for a field that is none of a file's business, or no field.
    """
    for item in fields(model):
        if item.name == name and "allowed" in item.metadata:
            low, high = item.metadata["allowed"]
            return low, high
    raise ValueError(f"{model.__name__} declares no range of {name!r}")


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

    A part that holds numbers of its own choice may say where they come from in a field
    `sources`: source by the field's name, dotted inside. What is not set (None) is no
    number and is left out.

    Parameters
    ----------
    model
        A dataclass instance whose fields were declared with `sourced`.
    overrides
        Source by dotted field name, for values that do not come from the default.
    prefix
        Put before each name.
    """
    return list(_walk(model, overrides or {}, prefix))


def _walk(
    model: Any, overrides: Mapping[str, Source], prefix: str
) -> Iterator[SourcedNumber]:
    stated = {**getattr(model, "sources", {}), **overrides}
    for item in fields(model):
        value, inside = getattr(model, item.name), item.name + "."
        if is_dataclass(value) and not isinstance(value, type):
            own = {
                name.removeprefix(inside): source
                for name, source in stated.items()
                if name.startswith(inside)
            }
            yield from _walk(value, own, prefix + inside)
            continue
        source = stated.get(item.name) or item.metadata.get("source")
        if source is not None and value is not None:
            name = prefix + item.name
            yield SourcedNumber(name, value, unit_of(item.name), source)


def differing(model: Any, base: Any, prefix: str = "") -> list[str]:
    """List the dotted names of the sourced fields that differ between two instances.

    What the base does not have at all differs.
    """
    found: list[str] = []
    for item in fields(model):
        here, there = getattr(model, item.name), getattr(base, item.name, None)
        if is_dataclass(here) and not isinstance(here, type):
            found += differing(here, there, prefix + item.name + ".")
        elif "source" in item.metadata and here != there:
            found.append(prefix + item.name)
    return found


def unsourced(model: Any, prefix: str = "") -> list[str]:
    """List the numeric fields of a dataclass instance that carry no source."""
    missing: list[str] = []
    for item in fields(model):
        name, value = prefix + item.name, getattr(model, item.name)
        if is_dataclass(value) and not isinstance(value, type):
            missing += unsourced(value, name + ".")
        elif _is_number(value) and "source" not in item.metadata:
            missing.append(name)
    return missing


def _is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool)


@cache
def references() -> Mapping[str, Reference]:
    """Return every entry of `references.toml` by its key."""
    text = files("sim").joinpath("references.toml").read_text(encoding="utf-8")
    return {
        key: Reference(key=key, **{"year": None, **row})
        for key, row in tomllib.loads(text).items()
    }
