"""Whom a trial takes: criteria on what is drawn for a patient, before a heart is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from sim.patient.population import Draw

Criterion = tuple[float, float] | bool | str
_KINDS: Final = {f.name: f.type for f in fields(Draw) if f.name != "law_number"}
CRITERIA: Final = tuple(n for n, kind in _KINDS.items() if kind in (float, int))
WORDS: Final[Mapping[str, tuple[Criterion, ...]]] = MappingProxyType(
    {"sex": ("female", "male")}
    | {name: (False, True) for name, kind in _KINDS.items() if kind is bool}
)
_RANGE: Final = re.compile(r"\s*(?P<low>[\d.]+)\s*(?:to|-|–)\s*(?P<high>[\d.]+)\s*")


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Criteria by the name of a drawn trait: limits that belong to it, or a word."""

    criteria: Mapping[str, Criterion]

    def why_not(self, draw: Draw) -> str:
        """Return the first criterion that a draw does not meet; empty for one taken."""
        for name, wanted in self.criteria.items():
            value = getattr(draw, name)
            if isinstance(wanted, tuple):
                if not wanted[0] <= value <= wanted[1]:
                    return f"not taken: {name} outside {wanted[0]:g} to {wanted[1]:g}"
            elif value != wanted:
                return f"not taken: {name} is not {str(wanted).lower()}"
        return ""


EVERYBODY: Final = Inclusion(MappingProxyType({}))


def inclusion(**criteria: object) -> Inclusion:
    """Return criteria that were checked: `inclusion(nyha_class=(3, 4), sex="female")`.

    Limits are a pair, or a text such as "25 to 35". Raises ValueError with every fault.
    """
    faults = dict(inclusion_faults(criteria))
    if faults:
        raise ValueError("; ".join(f"{name}: {text}" for name, text in faults.items()))
    return Inclusion(MappingProxyType({n: _read(n, v) for n, v in criteria.items()}))


def inclusion_faults(criteria: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the name of each wrong criterion, and what is wrong with it."""
    for name, wanted in criteria.items():
        known = (*CRITERIA, *WORDS)
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.0)[0]
            text = f"no such criterion; nearest is {near!r}; known: {', '.join(known)}"
            yield name, text
        elif name in WORDS and not any(
            type(wanted) is type(word) and wanted == word for word in WORDS[name]
        ):
            words = " or ".join(str(word).lower() for word in WORDS[name])
            yield name, f"must be {words}, got {wanted!r}"
        elif name in CRITERIA and _limits(wanted) is None:
            yield name, f"must be two limits such as [25, 35], got {wanted!r}"


def _read(name: str, wanted: object) -> Criterion:
    limits = _limits(wanted)
    if limits is not None:
        return limits
    return next(word for word in WORDS[name] if word == wanted)


def _limits(wanted: object) -> tuple[float, float] | None:
    if isinstance(wanted, str):
        match = _RANGE.fullmatch(wanted)
        wanted = (match["low"], match["high"]) if match else ()
    if not isinstance(wanted, list | tuple) or len(wanted) != 2:
        return None
    try:
        low, high = (float(v) for v in wanted if not isinstance(v, bool))
    except (TypeError, ValueError):
        return None
    return (low, high) if low <= high else None
