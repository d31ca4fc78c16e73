"""Progress in a lesson: predictions first, nothing twice, the same after a reload."""

import json
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.clinic.commands import GoOn, PredictStep
from harness.clinic.lessons.lesson import Lesson
from harness.clinic.lessons.reader import load_lesson
from harness.clinic.lessons.state import (
    Answered,
    LessonEvent,
    LessonState,
    Predicted,
    WentOn,
)
from harness.clinic.rooms import lesson_session
from harness.play.stream.messages import BeatMessage, MarkerMessage


@cache
def lesson() -> Lesson:
    return load_lesson("one_beat")


def beat(number: int) -> BeatMessage:
    return BeatMessage(
        number=number,
        at_s=float(number),
        beat=number,
        rr_s=0.8,
        heart_rate_bpm=75.0,
        ectopic=False,
        delivered=True,
        sbp_mmhg=118.0,
        dbp_mmhg=72.0,
        map_mmhg=87.0,
    )


def sensed(number: int) -> MarkerMessage:
    return MarkerMessage(
        number=number,
        at_s=float(number),
        marker="local sense",
        code="LS",
        from_s=float(number),
        to_s=float(number),
        beat=number,
    )


def after(state: LessonState, *events: LessonEvent) -> LessonState:
    for event in events:
        state = state.advance(lesson(), event)
    return state


def at_the_marks() -> LessonState:
    start = LessonState.begun(lesson())
    return after(start, *(beat(n) for n in range(1, 6)), WentOn())


def test_a_check_is_met_by_as_many_messages_as_it_asks_for() -> None:
    state = LessonState.begun(lesson())
    for number in range(1, 5):
        state = after(state, beat(number))
        assert not state.met
    assert after(state, beat(5)).met


def test_nobody_goes_on_before_the_check_is_met_but_anyway() -> None:
    state = after(LessonState.begun(lesson()), beat(1))
    assert after(state, WentOn()).step == 0
    moved = after(state, WentOn(anyway=True))
    assert (moved.step, moved.n_matched, moved.met) == (1, 0, False)


def test_nothing_counts_before_the_prediction() -> None:
    state = at_the_marks()
    assert state.waits_for_prediction(lesson())
    early = after(state, *(sensed(n) for n in range(6, 20)))
    assert early.n_matched == 0
    told = after(early, Predicted("LS"), *(sensed(n) for n in range(20, 23)))
    assert told.met
    assert told.predictions[1] == "LS"


def test_no_message_counts_twice() -> None:
    state = after(LessonState.begun(lesson()), *([beat(1)] * 50))
    assert state.n_matched == 1


def test_messages_from_before_the_lesson_do_not_count() -> None:
    state = LessonState.begun(lesson(), last_message=100)
    assert after(state, *(beat(n) for n in range(90, 101))) == state


def test_a_choice_that_is_none_is_refused_with_those_allowed() -> None:
    with pytest.raises(ValueError, match="must be one of VS, LS, CCM, got 'PS'"):
        after(at_the_marks(), Predicted("PS"))
    with pytest.raises(ValueError, match="asks for no prediction"):
        after(LessonState.begun(lesson()), Predicted("VS"))
    with pytest.raises(ValueError, match="there are 3 questions"):
        after(at_the_marks(), Answered(3, "x"))


def test_questions_are_answered_at_any_time() -> None:
    question = lesson().questions[1]
    state = after(at_the_marks(), Answered(1, question.answer))
    assert state.answers == ("", question.answer, "")


def test_a_step_with_a_prediction_and_no_check_is_done_when_it_is_predicted() -> None:
    read = load_lesson("nothing_helps")
    state = LessonState.begun(read)
    assert state.advance(read, WentOn()).step == 0
    told = state.advance(read, Predicted("improved"))
    assert told.met
    assert told.advance(read, WentOn()).step == 1


def test_after_the_last_step_nothing_moves() -> None:
    state = replace(at_the_marks(), step=len(lesson().steps))
    assert state.step_of(lesson()) is None
    assert after(state, WentOn(), WentOn(anyway=True)).step == state.step


events = st.lists(
    st.one_of(
        st.integers(1, 60).map(beat),
        st.integers(1, 60).map(sensed),
        st.sampled_from([WentOn(), WentOn(anyway=True)]),
    ),
    max_size=60,
)


@given(events, st.integers(0, 60))
def test_a_lesson_reloaded_anywhere_goes_on_as_if_it_had_not_been(
    happened: list[LessonEvent], place: int
) -> None:
    straight = after(LessonState.begun(lesson()), *happened)
    first = after(LessonState.begun(lesson()), *happened[:place])
    again = LessonState.from_table(lesson(), json.loads(json.dumps(first.table())))
    assert again == first
    assert after(again, *happened[place:]) == straight


def test_told_again_from_the_beginning_after_a_reload_nothing_changes() -> None:
    told = [beat(n) for n in range(1, 4)]
    state = after(LessonState.begun(lesson()), *told)
    again = LessonState.from_table(lesson(), state.table())
    assert after(again, *told) == state


def test_the_state_of_another_lesson_is_refused() -> None:
    table = LessonState.begun(load_lesson("nothing_helps")).table()
    with pytest.raises(ValueError, match="no state of the lesson 'one_beat'"):
        LessonState.from_table(lesson(), table)
    shorter = LessonState.begun(lesson()).table() | {"answers": ["", ""]}
    with pytest.raises(ValueError, match="was changed since"):
        LessonState.from_table(lesson(), shorter)


def test_who_predicts_late_is_not_kept_waiting_for_a_phase_that_has_begun() -> None:
    session = lesson_session("six_beats_of_ten")
    run, choice = session.run, session.want
    assert run is not None
    choice(GoOn(True), "me")
    session.advance(session.now_s + 600.0)
    assert session.board.phase_name != "interrogation"
    step = run.progress.step_of(run.lesson)
    assert step is not None
    assert step.predict is not None
    assert not run.progress.met
    choice(PredictStep(step.predict.choices[1]), "me")
    assert run.progress.met
    session.close()


def test_what_was_told_while_the_class_still_thought_is_known_when_it_predicts() -> (
    None
):
    session = lesson_session("six_beats_of_ten")
    run = session.run
    assert run is not None
    while session.board.phase_name == "interrogation":
        session.advance(session.now_s + 20.0)
    step = run.progress.step_of(run.lesson)
    assert step is not None
    assert step.predict is not None
    session.want(PredictStep(step.predict.choices[1]), "me")
    assert run.progress.met
    session.close()


def test_the_read_out_of_an_earlier_step_does_not_count_for_a_later_one() -> None:
    session = lesson_session("delivered_is_not_effective")
    run = session.run
    assert run is not None
    for _ in run.lesson.steps[:-1]:
        session.want(GoOn(True), "me")
    step = run.progress.step_of(run.lesson)
    assert step is not None
    assert step.predict is not None
    session.want(PredictStep(step.predict.choices[0]), "me")
    assert not run.progress.met
    session.close()
