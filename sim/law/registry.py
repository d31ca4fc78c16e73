"""Laws by name, the one way in: shipped, installed, in a table, or in a file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, cast

import numpy as np

from sim.law.adverse import Adverse
from sim.law.any_delay import AnyDelay
from sim.law.code import installed, is_in_file
from sim.law.field import CELLS
from sim.law.interior import Interior
from sim.law.null import Null
from sim.law.own import check_place, own_kind
from sim.law.response_law import LawKind, ResponseLaw, UnknownLawError
from sim.law.saturating import Plateau, Saturating, Sharp
from sim.law.spread import spreads
from sim.law.tabulated import ENDINGS, read_tabulated
from sim.law.two_humps import TwoHumps
from sim.law.two_leads import TwoLeads
from sim.law.window import Window

_SIZE: Final = "two_lead_gain_frac"


@dataclass(frozen=True, slots=True)
class _Class:
    """A law whose class says all."""

    name: str
    summary: str
    typical: Callable[[], ResponseLaw]
    draw: Callable[[np.random.Generator], ResponseLaw]

    @classmethod
    def of(cls, kind: Any) -> "_Class":
        """Return the row of a class."""
        return cls(kind.name, kind.summary, kind, kind.draw)


_CLASSES: Final = (
    *(Saturating, Plateau, Sharp, Interior, Window, TwoHumps, AnyDelay, TwoLeads),
    *(Null, Adverse),
)
_SHIPPED: Final[tuple[LawKind, ...]] = (*map(_Class.of, _CLASSES), *CELLS)
SHIPPED: Final[Mapping[str, LawKind]] = MappingProxyType(
    {kind.name: kind for kind in _SHIPPED}
)
"""The laws that come with the package, by name."""

ALIASES: Final = MappingProxyType({"nominal": Saturating.name})
"""Names that older scenarios, studies and tables use."""

FIELD: Final = tuple(cell.name for cell in CELLS)
MIXTURE: Final[tuple[tuple[str, ...], ...]] = (
    *((kind.name,) for kind in (Saturating, Interior, Window, TwoHumps, AnyDelay)),
    *((TwoLeads.name,), FIELD, (Null.name,), (Adverse.name,)),
)
"""The laws between which nothing decides, each once: the nine fields are one."""


def known_laws() -> Mapping[str, LawKind]:
    """Return every law by name: shipped ones first, then installed plug-ins.

    This imports the plug-ins, entry points of the group `ccmlab.laws`.
    """
    found = dict(SHIPPED)
    for name in installed():
        found.setdefault(name, own_kind(name))
    return MappingProxyType(found)


def check_law(word: str) -> None:
    """Raise UnknownLawError for a word that names no law; runs nobody's code."""
    if word in SHIPPED or word in ALIASES:
        return
    if is_in_file(word):
        check_place(word)
    elif word.endswith(ENDINGS):
        read_tabulated(word)
    elif word not in installed():
        raise _unknown(word)


def is_ours(word: str) -> bool:
    """Tell whether a word means no code of somebody's: a shipped law, or a table."""
    return word in SHIPPED or word in ALIASES or word.endswith(ENDINGS)


def law_kind(word: str) -> LawKind:
    """Return the law that a word names.

    Parameters
    ----------
    word
        A name, the path of a table, or `file.py:name`.

    Raises
    ------
    UnknownLawError
        With the nearest known name, or what is wrong with the file.
    LawFailedError
        When somebody's own code fails.
    """
    name = ALIASES.get(word, word)
    if name in SHIPPED:
        return SHIPPED[name]
    if word.endswith(ENDINGS):
        return read_tabulated(word)
    if not is_in_file(word) and word not in installed():
        raise _unknown(word)
    return own_kind(word)


def law_named(word: str, like: ResponseLaw | None = None) -> ResponseLaw:
    """Return the law of a ready-made patient.

    Parameters
    ----------
    word
        As `law_kind` takes it.
    like
        The law that a person had so far: the size of the gain stays, and so do the
        constants that both laws draw.
    """
    law: Any = law_kind(word).typical()
    if like is None:
        return cast(ResponseLaw, law)
    size_frac = getattr(like, _SIZE, None)
    if size_frac is not None and hasattr(law, _SIZE):
        law = law.sized(size_frac)
    kept = {
        name: getattr(like, name) for name in spreads_of(law) if hasattr(like, name)
    }
    return cast(ResponseLaw, replace(law, **kept))


def law_word(law: ResponseLaw) -> str:
    """Return the word that finds a law again."""
    return str(getattr(law, "word", law.name))


def law_beside(word: object, folder: Path) -> object:
    """Return a word as a file in a folder means it: its own files lie beside it."""
    if not isinstance(word, str) or word in SHIPPED:
        return word
    is_file = is_in_file(word) or word.endswith(ENDINGS)
    return str(folder / word) if is_file else word


def spreads_of(law: ResponseLaw) -> Mapping[str, Any]:
    """Return the spread of each constant that patients of a law draw, by name."""
    return spreads(type(law))


def constants_of(law: ResponseLaw) -> Mapping[str, Any]:
    """Return the sourced constants of a law by name, those of a file excepted."""
    if hasattr(law, "word"):
        return {}
    shown: Any = law
    return {item.name: getattr(law, item.name) for item in fields(shown)}


def _unknown(word: str) -> UnknownLawError:
    known = (*SHIPPED, *ALIASES, *installed())
    near = get_close_matches(word, known, n=1, cutoff=0.0)[0]
    return UnknownLawError(
        f"must be one of {', '.join(known)}, a table (.csv, .parquet) or file.py:NAME,"
        f" got {word!r} (nearest is {near!r})"
    )
