"""Who sits at a window, and what the role may do."""

from collections.abc import Mapping
from typing import Final, Literal

Role = Literal["alone", "teacher", "programmer", "student", "observer"]

PROGRAMS: Final = frozenset(
    {
        "pace",
        "step",
        "change",
        "cancel",
        "predict",
        "test",
        "watch",
        "undo",
        "off",
        "link",
        "finish",
        "choose",
        "advise",
        "accept",
        "overrule",
        "hand over",
    }
)
TEACHES: Final = frozenset(
    {
        "freeze",
        "inject",
        "note",
        "hide advice",
        "open vote",
        "close vote",
        "release",
        "ask link",
        "again",
    }
)
LESSON: Final = frozenset(
    {"lesson predict", "lesson on", "lesson answer", "lesson inject"}
)
SPEAKS: Final = frozenset({"vote", "say"})

MAY: Final[Mapping[Role, frozenset[str]]] = {
    "alone": PROGRAMS | LESSON | {"inject", "note", "release", "again", "say"},
    "teacher": PROGRAMS | TEACHES | LESSON | SPEAKS,
    "programmer": PROGRAMS | SPEAKS - {"vote"},
    "student": SPEAKS | {"expect"},
    "observer": frozenset(),
}
"""What each role may ask for; an observer only looks."""


def refusal(role: Role, do: str) -> str:
    """Return why a role may not do something, empty when it may."""
    if do in MAY[role]:
        return ""
    return f"as {role} you look on: this is not yours to do"
