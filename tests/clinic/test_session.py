"""A visit at the page: what is predicted, who may program, what is shown and hidden."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from harness.clinic.commands import (
    CastVote,
    ChangeValue,
    CloseVote,
    Expect,
    HideAdvice,
    OpenVote,
    Plain,
    Predict,
    SayIt,
    TryScreen,
)
from harness.clinic.lessons.reader import load_lesson
from harness.clinic.roles import MAY
from harness.clinic.session import LiveSession
from harness.play.run import run_scenario
from harness.play.stream.actions import ActionLog
from harness.play.stream.commands import ChooseCandidate, HandOver, Inject
from harness.play.stream.live import LiveVisit
from harness.truth.score import Scorer
from sim.visit.happenings import Happening
from sim.visit.record import VisitRecord

ME = "me"
SLICE_S = 120.0


def until_asked(session: LiveSession) -> LiveSession:
    """Let a session live until it waits for a person, or is over."""
    while not session.waits and not session.over:
        session.to_next_event(session.now_s + SLICE_S)
    return session


def predict_and_test(session: LiveSession, plan: str = "paired") -> None:
    """Raise the amplitude a step, predict a rise and test it."""
    assert session.want(ChangeValue("amplitude_v", 1), ME) == ""
    assert session.want(Predict("rises"), ME) == ""
    assert session.want(TryScreen(plan), ME) == ""


def test_where_the_clock_stops_the_newest_strips_are_there(
    session: LiveSession,
) -> None:
    """Paused at an event, or before a lesson's first step, nobody sees a blank."""
    predict_and_test(session)
    until_asked(session)
    piece = session.strips.unsent(newest_only=True)
    assert piece is not None
    lasts_s = len(piece["ecg"]) / piece["hz"]
    assert lasts_s > 7.0
    assert abs(piece["start_s"] + lasts_s - session.now_s) < 2.5
    with load_lesson("one_beat").begin() as live:
        begun = LiveSession(live)
        piece = begun.strips.unsent(newest_only=True)
    assert piece is not None
    assert len(piece["ecg"]) / piece["hz"] > 7.0


def test_no_test_begins_without_a_prediction(session: LiveSession) -> None:
    session.want(ChangeValue("amplitude_v", 1), ME)
    assert "expect" in session.want(TryScreen("paired"), ME)
    assert session.live.busy == ""
    assert session.board.tests == []


def test_a_prediction_is_for_what_stood_on_the_screen(session: LiveSession) -> None:
    session.want(ChangeValue("amplitude_v", 1), ME)
    session.want(Predict("falls"), ME)
    session.want(ChangeValue("delay_ms", 1), ME)
    assert session.foreseen.now is None
    assert "expect" in session.want(TryScreen("paired"), ME)


def test_a_prediction_stands_beside_its_reading(session: LiveSession) -> None:
    predict_and_test(session)
    until_asked(session)
    (row,) = session.view("alone")["tests"]
    assert row["predicted"] == "rises"
    assert row["says"] in ("rises", "no difference", "falls")


def test_advice_is_given_after_the_prediction_alone(session: LiveSession) -> None:
    assert "expect" in session.want(Plain("advise"), ME)
    session.want(ChangeValue("amplitude_v", 1), ME)
    session.want(Predict("rises"), ME)
    assert session.want(Plain("advise"), ME) == ""
    assert session.view("alone")["advice"]["text"]
    session.want(HideAdvice(True), ME)
    assert session.view("student")["advice"]["text"] == ""
    assert session.view("teacher")["advice"]["text"]


def test_who_has_seen_the_advice_predicts_nothing_but_of_other_values(
    session: LiveSession,
) -> None:
    assert session.want(Expect("rises"), "student") == ""
    assert session.want(Predict("rises"), ME) == ""
    assert session.want(Plain("advise"), ME) == ""
    for wish in (Expect("falls"), Predict("falls")):
        assert "closed" in session.want(wish, "student")
    assert session.mine("student")["now"] == "rises"
    assert session.foreseen.now == "rises"
    assert session.want(ChangeValue("amplitude_v", 1), ME) == ""
    assert session.want(Expect("falls"), "student") == ""


def test_accepted_advice_stands_on_the_screen(session: LiveSession) -> None:
    session.want(Predict("rises"), ME)
    session.want(Plain("advise"), ME)
    advice = session.board.advice
    assert advice is not None
    assert session.want(Plain("accept"), ME) == ""
    shown = session.board.on_screen
    assert {n: shown[n] for n in session.board.axes} == {
        n: advice.settings[n] for n in session.board.axes
    }
    assert "expect" in session.want(TryScreen("paired"), ME)


def test_the_programmer_is_busy_while_a_test_is_read(session: LiveSession) -> None:
    predict_and_test(session)
    session.advance(session.now_s + 5.0)
    assert "busy" in session.want(TryScreen("single"), "another window")
    assert len(session.board.tests) == 0


def test_switching_off_works_in_the_middle_of_a_pair(session: LiveSession) -> None:
    predict_and_test(session)
    session.advance(session.now_s + 20.0)
    assert session.want(Plain("off"), ME) == ""
    at_s = session.now_s
    assert not session.live.visit.bedside.settings.delivers
    session.advance(at_s + 2.0)
    assert session.view("alone")["screen"]["state"] in ("CCM is off", "busy")


def test_an_injected_run_stops_the_test_and_the_log_says_why(
    session: LiveSession,
) -> None:
    predict_and_test(session)
    session.advance(session.now_s + 20.0)
    assert session.want(Inject(Happening("ectopics", n_beats=6)), ME) == ""
    until_asked(session)
    (row,) = session.view("alone")["tests"]
    assert row["ended"] == "stopped"
    assert "tachycardia" in row["reason"]
    assert any("tachycardia" in line["text"] for line in session.view("alone")["log"])


def test_the_wand_goes_away_and_comes_back(session: LiveSession) -> None:
    session.want(Inject(Happening("wand away", for_s=600.0)), ME)
    session.advance(session.now_s + 1.0)
    assert session.view("alone")["screen"]["state"] == "no link"
    assert session.want(Plain("link"), ME) == ""
    session.advance(session.now_s + 20.0)
    assert session.view("alone")["screen"]["state"] == "ready"


def test_a_verification_shows_counts_only(session: LiveSession) -> None:
    finish(session, "screen")
    shown = []
    while session.board.verdict is None and not session.over:
        session.advance(session.now_s + 10.0)
        if session.board.verifies:
            shown.append(session.view("alone"))
    assert shown
    for page in shown:
        assert page["band"]["effect"] == "closed"
        assert page["band"]["change"] in ("0 of 2", "1 of 2", "2 of 2")


def finish(session: LiveSession, what: Any) -> None:
    """End the titration and choose what is verified."""
    predict_and_test(session)
    until_asked(session)
    session.want(ChangeValue("amplitude_v", 1), ME)
    assert session.want(Plain("finish"), ME) == ""
    until_asked(session)
    assert session.board.prompt is not None
    assert session.board.prompt.question == "choose"
    assert session.want(ChooseCandidate(what), ME) == ""


def pages_before_reveal(session: LiveSession) -> Iterator[dict[str, Any]]:
    """Play a whole visit and yield what the page gets all along."""
    yield session.view("teacher")
    finish(session, "advised")
    while not session.over:
        session.advance(session.now_s + 30.0)
        yield session.view("teacher")
        piece = session.strips.unsent(newest_only=False)
        yield {"piece": piece, "numbers": session.board.numbers()}


def test_nothing_true_is_in_any_page_before_the_reveal(session: LiveSession) -> None:
    log = session.live.actions
    told = [json.dumps(page) for page in pages_before_reveal(session)]
    scorer = Scorer.of(session.live.played())
    patient = session.live.order.patient
    hidden = (
        patient.phenotype,
        patient.response.name,
        log.scenario_name,
        log.scenario.description.strip()[:30],
        f"{scorer.truth.attainable_gain_pct:.4f}",
    )
    # from its beginning on: the seconds of a beat may end in the digits of the best
    whole = [re.compile(rf"(?<![\w.]){re.escape(w)}") for w in hidden if w]
    for text in told:
        assert [word.pattern for word in whole if word.search(text)] == []


@pytest.mark.slow
def test_what_was_played_replays_to_the_same_visit(session: LiveSession) -> None:
    finish(session, "screen")
    session.hurry(float("inf"))
    with LiveVisit.replayed(session.live.actions, strips=False) as again:
        first, second = session.live.record, again.record
    assert second.events == first.events
    assert second.final == first.final
    assert second.beats.rows.tobytes() == first.beats.rows.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_strategy_left_to_run_gives_the_visit_of_a_run(
    seed: int, short: Callable[..., ActionLog]
) -> None:
    """So that nothing is called improved more often at the page than by `run`."""
    assert_the_page_agrees_with_a_run(short("null_responder", seed))


@pytest.mark.soak
def test_the_null_lesson_is_called_improved_as_often_as_by_run() -> None:
    """Forty whole visits of the null lesson: each the visit that `run` plays."""
    lesson = load_lesson("nothing_helps")
    for seed in range(1000, 1040):
        world = lesson.world.changed({"seed": seed})
        assert_the_page_agrees_with_a_run(
            replace(lesson.log, scenario=world, seed=seed)
        )


@pytest.mark.slow
def test_a_strategy_that_was_handed_the_visit_begins_no_test_beyond_the_clock() -> None:
    lesson = load_lesson("nothing_helps")
    assert_the_page_agrees_with_a_run(lesson.log)


def assert_the_page_agrees_with_a_run(log: ActionLog) -> None:
    """Verdict and tests of a strategy left to run at the page are those of `run`."""
    played = left_to_run(log)
    run = run_scenario(log.scenario, seed=log.seed)
    assert played.verdict.kind == run.record.verdict.kind
    assert [t.settings for t in played.tested] == [
        t.settings for t in run.record.tested
    ]


def left_to_run(log: ActionLog) -> VisitRecord:
    """Return a visit at the page in which the strategy proposes and chooses."""
    session = until_asked(LiveSession.of(log))
    assert session.want(HandOver(), ME) == ""
    while not session.over:
        until_asked(session)
        if not session.over:  # the search has no more to try
            session.want(ChooseCandidate("advised"), ME)
            session.want(Plain("finish"), ME)
    record = session.live.record
    session.close()
    return record


def test_a_vote_is_hidden_until_it_is_closed(session: LiveSession) -> None:
    session.want(OpenVote(("again", "go on")), "teacher")
    assert session.want(CastVote(1), "a") == ""
    assert session.want(CastVote(0), "a") == ""
    assert session.want(CastVote(1), "b") == ""
    assert session.view("student")["vote"]["counts"] is None
    assert session.want(CastVote(3), "b") != ""
    session.want(CloseVote((0, 20)), "teacher")
    assert session.view("student")["vote"]["counts"] == (1, 21)
    assert session.want(CastVote(1), "c") == "the vote is closed"


def test_own_words_are_for_after_the_visit(session: LiveSession) -> None:
    assert session.want(SayIt("I would wait"), ME) == "this is for after the visit"


def test_an_observer_may_do_nothing_and_a_student_program_nothing() -> None:
    assert MAY["observer"] == frozenset()
    assert MAY["student"] == {"vote", "say", "expect"}
    assert "off" in MAY["programmer"]


def test_students_predict_for_themselves_and_are_told_their_own(
    session: LiveSession,
) -> None:
    session.want(ChangeValue("amplitude_v", 1), ME)
    for student, answer in (("a", "rises"), ("b", "falls"), ("b", "no difference")):
        assert session.want(Expect(answer), student) == ""
    assert session.view("teacher")["expected"] == 2
    assert session.view("teacher")["predicted"] == ""
    session.want(Predict("falls"), ME)
    assert session.want(TryScreen("paired"), ME) == ""
    assert "nothing to predict" in session.want(Expect("rises"), "c")
    until_asked(session)
    (row,) = session.view("student")["tests"]
    assert (row["predicted"], row["class"]) == ("falls", (1, 1, 0))
    assert session.mine("a")["tests"] == {1: "rises"}
    assert session.mine("b")["tests"] == {1: "no difference"}
    assert session.mine("c")["tests"] == {}


def test_another_value_on_the_screen_forgets_what_was_expected_of_the_last(
    session: LiveSession,
) -> None:
    session.want(Expect("rises"), "a")
    session.want(ChangeValue("delay_ms", 1), ME)
    assert session.mine("a")["now"] == ""


def test_a_window_is_told_its_own_vote(session: LiveSession) -> None:
    session.want(OpenVote(("again", "go on")), ME)
    session.want(CastVote(1), "a")
    assert (session.mine("a")["vote"], session.mine("b")["vote"]) == (1, None)
    session.want(OpenVote(("5 V", "6 V")), ME)
    assert session.mine("a")["vote"] is None


def test_ccm_that_was_switched_off_is_said_to_be_off_and_can_be_undone(
    session: LiveSession,
) -> None:
    session.want(Plain("off"), ME)
    session.advance(session.now_s + 30.0)
    assert session.view("alone")["screen"]["state"] == "CCM is off"
    session.want(Predict("falls"), ME)
    assert session.want(TryScreen("single"), ME) == ""
    until_asked(session)
    (row,) = session.view("alone")["tests"]
    assert row["values"][0] == "CCM off"
    assert session.view("alone")["band"]["change"] == "CCM off"
    assert session.want(Plain("undo"), ME) == ""
    session.advance(session.now_s + 30.0)
    assert session.view("alone")["screen"]["state"] == "ready"


def test_values_that_are_not_searched_are_moved_by_who_programs(
    session: LiveSession,
) -> None:
    others = {row["name"]: row for row in session.view("alone")["screen"]["others"]}
    assert {"mode", "post_ls_refractory_ms", "n_pulses"} <= set(others)
    assert not set(session.board.axes) & set(others)
    assert session.view("student")["screen"]["others"] == []
    assert session.want(ChangeValue("post_ls_refractory_ms", 100), ME) == ""
    told = session.view("alone")["screen"]
    assert "conflict" in " ".join(told["wrong"]).lower()
    (row,) = (r for r in told["others"] if r["name"] == "post_ls_refractory_ms")
    assert row["clash"]
    assert row["highest"]
