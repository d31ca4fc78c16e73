"""A teacher's link: a visit as text, from which it goes on where it was, anywhere.

It holds the name of a shipped scenario or lesson, the seed and the log of actions; no
scenario of anybody's own, for that could name files of this machine.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from harness.clinic.lessons.reader import load_lesson, shipped_lessons
from harness.clinic.lessons.state import LessonState
from harness.clinic.session import LiveSession
from harness.clinic.start import brought_to, log_of
from harness.common.faults import ScenarioError
from harness.play.scenario import LARGEST_SEED, shipped_scenarios
from harness.play.stream.actions import ActionLog, log_from, log_text
from sim.visit.visit import HORIZON_S

MOST_BYTES: Final = 1_000_000
"""What a link may unpack to; a visit of a hundred tests has 20,000."""
CARRIED: Final = ("seed", "actions")
NO_LINK: Final = "this link holds no visit that can be gone on with"


class LinkError(ValueError):
    """A link that holds no visit, with the reason."""


def link_of(session: LiveSession) -> str:
    """Return the visit of a session as text that fits into an address."""
    log = session.live.actions
    whole: dict[str, Any] = json.loads(log_text(log))
    told = {name: whole[name] for name in CARRIED}
    told["scenario"], told["at_s"] = log.scenario_name, session.now_s
    if session.run is not None:
        told["lesson"] = session.run.lesson.name
        told["progress"] = session.run.progress.table()
    packed = zlib.compress(json.dumps(told, separators=(",", ":")).encode(), 9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def session_of(link: str) -> LiveSession:
    """Return the visit of a link, gone on to where it was; LinkError for another."""
    told = _unpacked(link)
    try:
        return _lesson(told) if "lesson" in told else _visit(told)
    except (ScenarioError, KeyError, TypeError) as error:
        raise LinkError(f"{NO_LINK}: {error}"[:300]) from None


def _visit(told: Mapping[str, Any]) -> LiveSession:
    if told["scenario"] not in shipped_scenarios():
        raise LinkError(NO_LINK)
    log = _log(told, log_of(told["scenario"]))
    return LiveSession(brought_to(log, _at_s(told)))


def _lesson(told: Mapping[str, Any]) -> LiveSession:
    if told["lesson"] not in shipped_lessons():
        raise LinkError(NO_LINK)
    lesson = load_lesson(told["lesson"])
    with lesson.begin() as begun:
        log = _log(told, begun.actions)
    try:
        progress = LessonState.from_table(lesson, told["progress"])
    except ValueError as error:
        raise LinkError(f"{NO_LINK}: {error}") from None
    session = LiveSession(brought_to(log, _at_s(told)), lesson)
    if session.run is not None:
        # strips were not told on the way here, so that messages number otherwise
        last = session.run.progress.last_message
        session.run.progress = replace(progress, last_message=last)
    return session


def _log(told: Mapping[str, Any], base: ActionLog) -> ActionLog:
    """Return the log of a shipped visit with the seed and the actions of a link."""
    seed = told["seed"]
    if not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise TypeError(f"seed must be 0 to {LARGEST_SEED}")
    plain: dict[str, Any] = json.loads(log_text(base))
    read = log_from({**plain, **{name: told[name] for name in CARRIED}}, "link")
    return replace(read, person=True)


def _at_s(told: Mapping[str, Any]) -> float:
    """Return the simulated time at which a link was made."""
    at_s = told["at_s"]
    if not isinstance(at_s, int | float) or not 0.0 <= at_s <= HORIZON_S:
        raise TypeError(f"at_s must be 0 to {HORIZON_S:g} s")
    return float(at_s)


def _unpacked(link: str) -> dict[str, Any]:
    try:
        packed = base64.urlsafe_b64decode(link + "=" * (-len(link) % 4))
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(packed, MOST_BYTES)
        told = json.loads(text)
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        raise LinkError(NO_LINK) from None
    if not unpacking.eof or not isinstance(told, dict):
        raise LinkError(NO_LINK)
    return told
