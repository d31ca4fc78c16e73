"""A teacher's link: the same visit goes on from it, and nothing else is opened."""

import base64
import json
import zlib
from typing import Any

import pytest

from harness.clinic.commands import ChangeValue, GoOn, Predict, TryScreen
from harness.clinic.links import LinkError, link_of, session_of
from harness.clinic.rooms import lesson_session
from harness.clinic.session import LiveSession
from harness.clinic.start import log_of

SLICE_S = 120.0


def until_asked(session: LiveSession) -> LiveSession:
    while not session.waits and not session.over:
        session.to_next_event(session.now_s + SLICE_S)
    return session


def packed(told: Any) -> str:
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(told).encode())).decode()


def test_a_visit_goes_on_from_its_link_where_it_was() -> None:
    session = until_asked(LiveSession.of(log_of("first_visit", 3)))
    session.want(ChangeValue("amplitude_v", 1), "me")
    session.want(Predict("rises"), "me")
    session.want(TryScreen("paired"), "me")
    again = session_of(link_of(session))
    assert again.now_s == session.now_s
    assert again.live.order.seed == 3
    assert again.view("teacher")["screen"] == session.view("teacher")["screen"]
    until_asked(session)
    until_asked(again)
    (row,) = again.view("teacher")["tests"]
    assert row["predicted"] == "rises"
    assert [row] == session.view("teacher")["tests"]
    session.close()
    again.close()


def test_a_lesson_goes_on_at_its_step() -> None:
    session = lesson_session("a_stronger_beat")
    session.want(GoOn(True), "me")
    session.advance(session.now_s + 60.0)
    again = session_of(link_of(session))
    assert again.run is not None
    assert again.run.progress.step == 1
    # a sample more or less was told on the way: what happens next counts all the same
    told: list[int] = []
    again.live.listen(lambda message: told.append(message.number))
    again.advance(again.now_s + 2.0)
    assert again.run.progress.last_message == told[-1]
    session.close()
    again.close()


@pytest.mark.parametrize(
    "link",
    [
        "",
        "!!",
        "AAAA",
        packed([1]),
        packed({}),
        packed({"scenario": "/etc/passwd", "seed": 1, "actions": [], "at_s": 1}),
        packed({"scenario": "first_visit", "seed": -1, "actions": [], "at_s": 1}),
        packed(
            {"scenario": "first_visit", "seed": 1, "actions": [{"do": "x"}], "at_s": 1}
        ),
        packed({"scenario": ["first_visit"], "seed": 1, "actions": [], "at_s": 1}),
        packed({"lesson": "one_beat", "seed": 1, "actions": [], "progress": {}}),
        packed({"lesson": "../one_beat", "seed": 1, "actions": [], "progress": {}}),
        packed("x" * 2_000_000),
        packed({"scenario": "first_visit", "seed": 1, "actions": [], "at_s": 1e9}),
        packed({"scenario": "first_visit", "seed": 1, "actions": []}),
    ],
)
def test_a_link_that_holds_no_visit_is_refused(link: str) -> None:
    with pytest.raises(LinkError):
        session_of(link)
