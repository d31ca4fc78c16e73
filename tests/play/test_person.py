"""A person at the bedside: the patient lives on, and the programmer is one."""

import json
from collections.abc import Iterator
from functools import cache
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.play.scenario import Scenario, ScenarioError, load_scenario
from harness.play.stream.actions import ActionLog, log_from, log_text
from harness.play.stream.commands import (
    AskAdvice,
    CancelEdit,
    ChooseCandidate,
    Command,
    EditScreen,
    FinishTitration,
    HandOver,
    Inject,
    PutWandBack,
    RunTest,
    SwitchOff,
    UndoProgramming,
    WatchSettings,
    WriteNote,
    command_from,
    table_of,
)
from harness.play.stream.live import LiveVisit
from harness.play.stream.messages import (
    AdviceMessage,
    AnsweredMessage,
    Message,
    PromptMessage,
    ResultMessage,
    ScreenMessage,
    TimeLeftMessage,
    as_json,
)
from sim.visit.happenings import WHAT, Happening
from sim.visit.record import Ended, VisitRecord

SHORT = {
    "visit.titration_min": 8.0,
    "visit.verification_pairs": 2,
    "visit.observation_min": 1.0,
    "visit.response_pairs": 1,
    "patient.override": {"g_two_leads": 0.3, "sensation_threshold_v": 9.0},
}
STRONGER = EditScreen({"amplitude_v": 5.0})


@cache
def short() -> Scenario:
    return load_scenario("first_visit").changed(SHORT)


def until_asked(live: LiveVisit) -> None:
    while not live.over and live.busy:
        live.step()


@pytest.fixture
def live() -> Iterator[LiveVisit]:
    """A visit that waits for a person's first test."""
    with LiveVisit.of(short(), person=True, strips=False) as visit:
        until_asked(visit)
        yield visit


def of_kind(live: LiveVisit, kind: type[Message]) -> list[Message]:
    return [message for message in live.messages() if isinstance(message, kind)]


def finished(live: LiveVisit, *, keep: bool = True) -> VisitRecord:
    """End a visit: the reference is kept, or what stands on the screen chosen."""
    live.command(ChooseCandidate("reference" if keep else "screen"))
    live.command(FinishTitration())
    live.advance(inf)
    return live.record


def test_the_patient_lives_on_while_a_person_thinks(live: LiveVisit) -> None:
    beats, left = live.visit.bedside.n_beats, live.visit.titration_end_s - live.now_s
    live.advance(live.now_s + 45.0)
    # 45 s at 60 to 90 beats a minute
    assert 45 <= live.visit.bedside.n_beats - beats <= 68
    assert live.visit.titration_end_s - live.now_s == pytest.approx(left - 45.0)
    assert live.busy == ""


def test_a_person_is_asked_what_next_with_the_minutes_by_plan(live: LiveVisit) -> None:
    (prompt,) = of_kind(live, PromptMessage)
    assert isinstance(prompt, PromptMessage)
    assert prompt.question == "next"
    assert set(prompt.minutes) == {"paired", "single"}
    assert prompt.minutes["single"] < prompt.minutes["paired"]


def test_who_thinks_until_no_time_is_left_has_ended_the_titration(
    live: LiveVisit,
) -> None:
    end_s = live.visit.titration_end_s
    live.advance(end_s + 1.0)
    assert live.visit.phase == "verification"
    assert of_kind(live, PromptMessage)[-1].question == "choose"  # type: ignore[union-attr]
    assert live.visit.findings.tested == ()


def test_a_test_that_does_not_fit_in_is_refused_with_its_minutes(
    live: LiveVisit,
) -> None:
    live.advance(live.visit.titration_end_s - 70.0)
    live.command(STRONGER)
    answer = live.command(RunTest("paired"))
    assert not answer.taken
    assert "min are left" in answer.reason
    assert live.command(RunTest("single")).taken


def test_a_pair_now_and_a_single_reading_next(live: LiveVisit) -> None:
    for plan, n_arms in (("paired", 3), ("single", 1)):
        live.command(STRONGER)
        n_before = live.visit.n_arms
        assert live.command(command_from({"do": "test", "plan": plan})).taken
        until_asked(live)
        assert live.visit.n_arms - n_before == n_arms
    pair, single = (test.pair for test in live.visit.findings.tested)
    assert pair is not None
    assert single is not None
    # the reference readings of the pair are what the single one is held against
    references = [arm for arm in pair.arms if arm.role == "reference"]
    assert [arm for arm in single.arms if arm.role == "reference"] == references
    told = [m for m in live.messages() if isinstance(m, ResultMessage)]
    assert [m.plan for m in told] == ["paired", "single"]


def test_nothing_is_programmed_in_the_middle_of_an_arm(live: LiveVisit) -> None:
    live.command(STRONGER)
    live.command(RunTest())
    live.advance(live.now_s + 40.0)  # the first arm takes about 30 s
    programmed = live.visit.programmer.programmed
    live.command(EditScreen({"amplitude_v": 6.0}))
    for command in (RunTest(), WatchSettings(), UndoProgramming(), AskAdvice()):
        answer = live.command(command)
        assert not answer.taken
        assert "busy: test 1 is being read" in answer.reason
    assert live.visit.programmer.programmed == programmed
    until_asked(live)
    (tested,) = live.visit.findings.tested
    assert tested.settings.amplitude_v == 5.0
    assert tested.completed


def test_every_beat_of_an_arm_has_the_settings_that_the_arm_records(
    live: LiveVisit,
) -> None:
    for volts in (5.0, 5.5):
        live.command(EditScreen({"amplitude_v": volts}))
        live.command(RunTest())
        for _ in range(200):
            live.step()
            live.command(WatchSettings())
        until_asked(live)
    table = live.visit.bedside.log.table()
    arm_id, setting_id = table.column("arm_id"), table.column("setting_id")
    for arm in range(1, live.visit.n_arms + 1):
        assert len(set(setting_id[arm_id == arm])) == 1


def test_off_works_at_once_and_breaks_off_the_pair(live: LiveVisit) -> None:
    live.command(STRONGER)
    live.command(RunTest())
    live.advance(live.now_s + 50.0)
    at_s = live.now_s
    assert live.command(SwitchOff()).taken
    assert live.visit.programmer.programmed.mode == "OOO"
    until_asked(live)
    (tested,) = live.visit.findings.tested
    assert tested.ended is Ended.STOPPED
    assert "by hand" in tested.aborted
    table = live.visit.bedside.log.table()
    after = table.column("start_s") >= at_s
    assert not table.column("delivered")[after].any()


def test_off_in_the_middle_of_a_programming_stays_off(live: LiveVisit) -> None:
    live.command(STRONGER)
    live.command(RunTest())
    live.advance(live.now_s + 2.0)  # the command takes 5 s
    live.command(SwitchOff())
    until_asked(live)
    assert live.visit.programmer.programmed.mode == "OOO"


def test_off_in_the_middle_of_an_undo_stays_off(live: LiveVisit) -> None:
    live.command(STRONGER)
    live.command(WatchSettings())
    until_asked(live)
    live.command(UndoProgramming())
    live.advance(live.now_s + 2.0)  # the command takes 5 s
    live.command(SwitchOff())
    until_asked(live)
    assert live.visit.programmer.programmed.mode == "OOO"


def test_off_in_the_verification_stops_it_for_safety(live: LiveVisit) -> None:
    live.command(STRONGER)
    live.command(RunTest())
    until_asked(live)
    live.command(STRONGER)
    live.command(ChooseCandidate("screen"))
    live.command(FinishTitration())
    while not live.visit.bedside.guarded:
        live.step()
    live.command(SwitchOff())
    live.advance(inf)
    assert live.record.verdict.kind == "stopped for safety"
    assert not live.record.final.delivers


def test_watching_programs_without_a_reading_and_undo_goes_back(
    live: LiveVisit,
) -> None:
    before, n_arms = live.visit.programmer.programmed, live.visit.n_arms
    live.command(STRONGER)
    assert live.command(WatchSettings()).taken
    until_asked(live)
    assert live.visit.programmer.programmed.amplitude_v == 5.0
    assert live.command(UndoProgramming()).taken
    until_asked(live)
    assert live.visit.programmer.programmed == before
    assert live.visit.n_arms == n_arms


def test_the_safety_filter_stands_before_watching_and_choosing(live: LiveVisit) -> None:
    live.command(EditScreen({"amplitude_v": 7.5}))
    for command in (WatchSettings(), ChooseCandidate("screen")):
        answer = live.command(command)
        assert not answer.taken
        assert "one step above the highest yet" in answer.reason


def test_a_conflict_is_on_the_screen_with_its_reason(live: LiveVisit) -> None:
    live.command(EditScreen({"delay_ms": 60.0}))
    shown = of_kind(live, ScreenMessage)[-1]
    assert isinstance(shown, ScreenMessage)
    assert shown.button == "disabled"
    assert shown.wrong
    assert "conflict" in live.command(RunTest()).reason
    live.command(CancelEdit())
    assert live.visit.programmer.button == "idle"


def test_a_misspelt_value_is_refused_with_the_nearest(live: LiveVisit) -> None:
    answer = live.command(EditScreen({"amplitud_v": 5.0}))
    assert not answer.taken
    assert "'amplitude_v'" in answer.reason


def test_advice_is_what_the_strategy_tests_when_it_takes_over(live: LiveVisit) -> None:
    live.command(AskAdvice())
    live.command(AskAdvice())
    first, again = of_kind(live, AdviceMessage)
    assert isinstance(first, AdviceMessage)
    assert isinstance(again, AdviceMessage)
    assert first.settings == again.settings
    live.command(HandOver())
    while not live.visit.findings.tested:
        live.step()
    (result,) = of_kind(live, ResultMessage)
    assert isinstance(result, ResultMessage)
    assert result.asked == first.settings
    assert result.by == "titration"


def test_the_strategy_is_told_what_a_person_tested(live: LiveVisit) -> None:
    n_before = len(live.advisor.search.log)
    live.command(EditScreen({"amplitude_v": 5.0, "delay_ms": 20.0}))
    live.command(RunTest())
    until_asked(live)
    seen = live.advisor.search.log[-1]
    space = live.advisor.search.space
    assert len(live.advisor.search.log) > n_before
    assert space.settings_of(seen.tested).delay_ms == 20.0


def test_a_visit_left_to_the_strategy_ends_as_the_strategy_alone(
    live: LiveVisit,
) -> None:
    live.command(HandOver())
    live.command(ChooseCandidate("advised"))
    live.advance(inf)
    alone = LiveVisit.of(short(), strips=False)
    alone.advance(inf)
    assert len(live.record.tested) >= len(alone.record.tested) > 0
    assert live.record.tested[0].asked == alone.record.tested[0].asked


def test_two_windows_agree_with_the_device(live: LiveVisit) -> None:
    live.command(EditScreen({"amplitude_v": 5.0}))
    live.command(EditScreen({"delay_ms": 20.0}))
    assert live.command(RunTest()).taken
    assert not live.command(RunTest()).taken
    until_asked(live)
    (tested,) = live.visit.findings.tested
    assert (tested.asked.amplitude_v, tested.asked.delay_ms) == (5.0, 20.0)


def test_the_time_left_is_told_anew_with_every_question(live: LiveVisit) -> None:
    live.command(STRONGER)
    live.command(RunTest())
    until_asked(live)
    told = [m for m in of_kind(live, TimeLeftMessage) if isinstance(m, TimeLeftMessage)]
    left = [m.titration_s for m in told if m.titration_s is not None]
    assert left[0] == pytest.approx(8 * 60.0)
    assert left == sorted(left, reverse=True)


def test_a_visit_that_is_over_refuses_every_command(live: LiveVisit) -> None:
    finished(live)
    answer = live.command(SwitchOff())
    assert (answer.taken, answer.reason) == (False, "the visit is over")


def is_same(one: LiveVisit, other: LiveVisit) -> bool:
    return (
        one.record.beats.rows.tobytes() == other.record.beats.rows.tobytes()
        and one.record.events == other.record.events
        and one.record.happened == other.record.happened
        and repr(one.record.tested) == repr(other.record.tested)
        and [as_json(m) for m in one.messages()]
        == [as_json(m) for m in other.messages()]
    )


def through_a_file(log: ActionLog) -> ActionLog:
    return log_from(json.loads(log_text(log)), "actions.json")


def test_the_log_of_actions_plays_the_visit_again_to_the_byte(live: LiveVisit) -> None:
    live.command(STRONGER)
    live.command(RunTest("paired", "rises"))
    live.advance(live.now_s + 61.3)
    live.command(Inject(Happening("ectopics", n_beats=4)))
    live.command(WriteNote("a run"))
    until_asked(live)
    live.advance(live.now_s + 12.345)
    live.command(WatchSettings())
    finished(live)
    assert is_same(LiveVisit.replayed(through_a_file(live.actions), strips=False), live)


def test_a_visit_is_brought_back_to_any_moment(live: LiveVisit) -> None:
    live.command(STRONGER)
    live.command(RunTest())
    live.advance(live.now_s + 33.3)
    live.command(EditScreen({"delay_ms": 20.0}))
    again = LiveVisit.replayed(through_a_file(live.actions), live.now_s, strips=False)
    assert again.now_s == live.now_s
    assert again.visit.programmer.pending_settings.delay_ms == 20.0
    assert again.visit.bedside.n_beats == live.visit.bedside.n_beats
    for both in (again, live):
        finished(both)
    assert is_same(again, live)


commands = st.sampled_from(
    (
        EditScreen({"amplitude_v": 5.0}),
        EditScreen({"amplitude_v": 7.5, "delay_ms": 20.0}),
        CancelEdit(),
        RunTest("single"),
        RunTest("paired"),
        WatchSettings(),
        UndoProgramming(),
        SwitchOff(),
        PutWandBack(),
        AskAdvice(),
        HandOver(),
        HandOver(to_strategy=False),
        ChooseCandidate("advised"),
        *(Inject(Happening(what, for_s=20.0)) for what in WHAT),
    )
)


@pytest.mark.slow
@settings(max_examples=3)
@given(st.lists(st.tuples(st.floats(0.0, 90.0), commands), max_size=12))
def test_whatever_is_commanded_whenever_the_visit_ends_and_plays_again(
    given_commands: list[tuple[float, Command]],
) -> None:
    with LiveVisit.of(short(), person=True, strips=False) as live:
        live.advance(1600.0)
        for after_s, command in given_commands:
            live.advance(live.now_s + after_s)
            live.command(command)
        live.command(HandOver())
        live.command(ChooseCandidate("reference"))
        live.advance(3 * 3600.0)
        assert live.over
        assert is_same(LiveVisit.replayed(live.actions, strips=False), live)


def test_a_command_is_a_table_and_back() -> None:
    for what in WHAT:
        command = Inject(Happening(what, for_s=12.0))
        assert command_from(table_of(command)) == command


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"at_s": 1.0, "do": "fly"}, "actions.0"),
        ({"do": "off"}, "actions.0"),
        ({"at_s": -1.0, "do": "off"}, "must not fall"),
        ({"at_s": 1.0, "do": "off", "more": 1}, "actions.0"),
    ],
)
def test_a_faulty_action_is_told_with_its_place(
    live: LiveVisit, row: dict[str, object], named: str
) -> None:
    told = json.loads(log_text(live.actions)) | {"actions": [row]}
    with pytest.raises(ScenarioError, match=named):
        log_from(told, "actions.json")


def test_every_command_is_answered(live: LiveVisit) -> None:
    for command in (STRONGER, RunTest(), RunTest()):
        live.command(command)
    told = [m for m in of_kind(live, AnsweredMessage) if isinstance(m, AnsweredMessage)]
    assert [(m.command, m.do, m.taken) for m in told] == [
        (1, "edit", True),
        (2, "test", True),
        (3, "test", False),
    ]
