"""How a section tells what was seen: an Observation, its components, their values."""

import re
from collections.abc import Iterable
from typing import Any

from harness.common.words import SettingValue
from harness.report.fhir_terms import (
    ABSENT,
    CATEGORY,
    Json,
    Names,
    amount,
    clean,
    concept,
)
from harness.report.parts import Interval, Quantity


def observation(
    names: Names, key: str, code: Json, words: Iterable[str], **body: Any
) -> Json:
    """Return an Observation of the visit, tied to patient, device and procedure."""
    return names.resource(
        "Observation",
        key,
        words,
        partOf=[names.ref("procedure")],
        status="final",
        category=[{"coding": [CATEGORY]}],
        code=code,
        subject=names.ref("patient"),
        device=names.ref("device"),
        **body,
    )


def measured(quantity: Quantity, why_not: str = "") -> Json:
    """Return a number, or that it is not known and, where it is told, why not."""
    if quantity.value is not None:
        return {"valueQuantity": amount(quantity.value, quantity.unit)}
    reason: Json = {"coding": [{"system": ABSENT, "code": "unknown"}]}
    if clean(why_not):
        reason["text"] = clean(why_not)
    return {"dataAbsentReason": reason}


def component(code: str, display: str, value: Quantity | bool | int | str) -> Json:
    """Return one component of an Observation under a code of our own."""
    own = {"code": concept(code, display)}
    if isinstance(value, Quantity):
        return own | measured(value)
    if isinstance(value, bool):
        return own | {"valueBoolean": value}
    if isinstance(value, int):
        return own | {"valueInteger": value}
    return own | {"valueString": clean(value) or "none"}


def setting(symbol: str, label: str, unit: str, value: SettingValue) -> Json:
    """Return one programmed value as a component."""
    if isinstance(value, float) or (unit and type(value) is int):
        known = {"valueQuantity": amount(value, unit)}
        return {"code": concept(symbol, label), **known}
    return component(symbol, label, value)


def slug(label: str) -> str:
    """Return a code made of a label."""
    return re.sub(r"[^a-z0-9]+", "-", label.casefold()).strip("-")


def limits(interval: Interval, code: str, display: str) -> list[Json]:
    """Return both limits of an interval in percent as components."""
    ends = (
        ("low", "lower limit", interval.low),
        ("high", "upper limit", interval.high),
    )
    return [
        component(
            f"{code}-{end}",
            f"{display}, {words}",
            Quantity(value=v, unit="%", digits=1),
        )
        for end, words, v in ends
    ]
