"""The shipped laws, found by name; a person keeps the constants two laws share."""

from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, Final

from sim.law.null import Null
from sim.law.response_law import ResponseLaw
from sim.law.saturating import Plateau, Saturating, Sharp

_SHIPPED: Final = (Saturating, Plateau, Sharp, Null)
_BY_NAME: Final[Mapping[str, type[Saturating]]] = MappingProxyType(
    {law.name: law for law in _SHIPPED}
)
ALIASES: Final = MappingProxyType({"nominal": Saturating.name})
"""Names that older scenarios, studies and tables use."""

LAWS: Final = tuple(_BY_NAME)
LAW_WORDS: Final = (*LAWS, *ALIASES)
"""What a scenario may write."""


def law_named(name: str, like: ResponseLaw | None = None) -> ResponseLaw:
    """Return a shipped law; an error lists their names.

    Parameters
    ----------
    name
        One of `LAWS` or of `ALIASES`.
    like
        The law that a person had so far: constants of the same name stay, but for
        those by which a named corner is one.
    """
    kind = _BY_NAME.get(ALIASES.get(name, name))
    if kind is None:
        known = ", ".join(LAW_WORDS)
        raise ValueError(f"response must be one of {known}, got {name!r}")
    own = vars(kind).get("__annotations__", {}) if kind is not Saturating else {}
    kept = {
        item.name: getattr(like, item.name)
        for item in fields(kind)
        if hasattr(like, item.name) and item.name not in own
    }
    return kind(**kept)


def law_of(name: str, constants: Mapping[str, Any]) -> ResponseLaw:
    """Return a shipped law with some constants drawn; a named corner keeps its own."""
    return law_named(name, Saturating(**constants))


def two_lead_gain(law: Any, gain_frac: float) -> Any:
    """Return a law whose two-lead gain at the nominal train is exactly `gain_frac`.

    Of a muscle that leaves it as it is (`sim.law.muscle.unscaled`).
    """
    return replace(law, g_one_lead_frac=gain_frac / law.two_lead_factor)
