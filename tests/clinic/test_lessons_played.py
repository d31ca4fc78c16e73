"""The ten lessons, played by a script: for their seed, what they say is seen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from statistics import fmean
from typing import TypeVar

import pytest

from harness.clinic.lessons.lesson import Lesson
from harness.clinic.lessons.reader import ORDER, load_lesson
from harness.clinic.lessons.state import LessonState, Predicted, WentOn
from harness.play.stream.commands import (
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
    WatchSettings,
)
from harness.play.stream.messages import (
    AlertMessage,
    BeatMessage,
    InterrogationMessage,
    LogMessage,
    MarkerMessage,
    Message,
    ResultMessage,
    ScreenMessage,
    VerdictMessage,
)
from harness.truth.answer_key import ees_gain, window_gain_pct
from sim.device.settings import Settings

M = TypeVar("M", bound=Message)
PAIR_SD_PCT = 2.0  # protocol section 2
LONGEST_S = 3 * 3600.0
"""No step of a lesson waits longer than this for what it asks for."""
LATER_S = 40.0
"""After which something is done in the middle of a test."""

Deed = Command | str
"""A command; "inject" lets the step's injection happen, "later" waits a while."""


def edit(**values: float | str) -> EditScreen:
    return EditScreen(values)


PAIR, SINGLE, WATCH = RunTest("paired"), RunTest("single"), WatchSettings()
DELAY = edit(delay_ms=25.0)

SCRIPTS: Mapping[str, Sequence[Sequence[Deed]]] = {
    "one_beat": (
        (),
        (),
        (),
        (edit(delay_ms=40.0),),
        (WATCH,),
        (edit(delay_ms=60.0), CancelEdit()),
    ),
    "a_stronger_beat": (
        (),
        [
            deed
            for volts in (5.0, 5.5, 6.0, 6.5, 7.0, 7.5)
            for deed in (edit(amplitude_v=volts), WATCH)
        ],
        (edit(amplitude_v=4.5), WATCH),
        (edit(amplitude_v=7.5), PAIR),
    ),
    "six_beats_of_ten": ((), (), (), ()),
    "delay_and_refractory_period": (
        (edit(delay_ms=35.0), PAIR),
        (edit(delay_ms=100.0), PAIR),
        (edit(delay_ms=35.0, post_ls_refractory_ms=60.0), CancelEdit()),
        (edit(n_pulses=3, phase_duration_ms=6.6, delay_ms=140.0), PAIR),
    ),
    "what_the_patient_feels": (
        [
            deed
            for volts in (5.0, 5.5, 6.0)
            for deed in (edit(amplitude_v=volts), SINGLE)
        ],
        (edit(amplitude_v=6.5), SINGLE),
        (edit(amplitude_v=7.0), SINGLE),
        (edit(amplitude_v=6.0, delay_ms=30.0), PAIR),
    ),
    "one_reading_lies": (
        (DELAY, SINGLE),
        (DELAY, SINGLE, DELAY, SINGLE, DELAY, SINGLE),
        (DELAY, PAIR, DELAY, PAIR),
        (),
    ),
    "nothing_helps": ((), (HandOver(),), (), ()),
    "irregular_pulse": ((), (), (), (edit(delay_ms=30.0), PAIR)),
    "something_happens": (
        ("inject",),
        (PutWandBack(),),
        ("inject",),
        (edit(amplitude_v=5.0), PAIR, "later", "inject"),
        (SwitchOff(),),
    ),
    "delivered_is_not_effective": (
        (edit(mode="OOO"), PAIR),
        ("inject",),
        ("inject",),
        (edit(mode="OOO"), PAIR),
        (FinishTitration(), ChooseCandidate("reference")),
    ),
}


class Class:
    """One lesson, played; `told` has the messages of each step that it took."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson, self.live = lesson, lesson.begin(strips=False)
        self.told: list[list[Message]] = []
        kept = self.live.messages()
        self.state = LessonState.begun(lesson, last_message=kept[-1].number)
        self.live.listen(self._hear)

    def play(self, script: Sequence[Sequence[Deed]]) -> None:
        """Follow every step of the lesson, one list of deeds a step."""
        with self.live:
            for deeds in script:
                self.follow(deeds)

    def follow(self, deeds: Sequence[Deed]) -> None:
        """Predict, do, wait until the check of the step is met, and go on."""
        step = self.state.step_of(self.lesson)
        assert step is not None
        self.told.append([])
        if step.predict is not None:
            choice = Predicted(step.predict.choices[0])
            self.state = self.state.advance(self.lesson, choice)
        for deed in deeds:
            self._do(deed)
        until_s = self.live.now_s + LONGEST_S
        while step.check is not None and not self.state.met:
            assert self.live.now_s < until_s, f"{step.name} is not met"
            assert not self.live.over, f"{step.name} is not met, and the visit is over"
            self.live.step()
        self.state = self.state.advance(self.lesson, WentOn())

    def results(self, step: int) -> list[ResultMessage]:
        """Return the tests that ended in a step."""
        return [m for m in self.told[step] if isinstance(m, ResultMessage)]

    def _do(self, deed: Deed) -> None:
        if deed == "later":
            self.live.advance(self.live.now_s + LATER_S)
            return
        command = self._injected() if deed == "inject" else deed
        assert not isinstance(command, str)
        if not isinstance(command, Inject | SwitchOff | PutWandBack):
            self._wait_to_be_asked()
        answer = self.live.command(command)
        assert answer.taken, f"{command}: {answer.reason}"

    def _injected(self) -> Inject:
        step = self.state.step_of(self.lesson)
        assert step is not None
        assert step.inject is not None
        return Inject(step.inject.happening)

    def _wait_to_be_asked(self) -> None:
        while self.live.busy and not self.live.over:
            self.live.step()

    def _hear(self, message: Message) -> None:
        if self.told:
            self.told[-1].append(message)
        self.state = self.state.advance(self.lesson, message)


@cache
def played(name: str) -> Class:
    """Return a shipped lesson, played by its script; once for all tests."""
    found = Class(load_lesson(name))
    found.play(SCRIPTS[name])
    return found


def of(kind: type[M], told: list[Message]) -> list[M]:
    return [message for message in told if isinstance(message, kind)]


def true_gain_pct(played: Class, settings: Settings) -> float:
    visit = played.live.visit
    gains = (ees_gain(visit.patient, s) for s in (settings, visit.reference))
    return window_gain_pct(visit.patient, visit.plan, *gains)


def pressures(told: list[Message]) -> list[float]:
    return [beat.sbp_mmhg for beat in of(BeatMessage, told) if beat.sbp_mmhg]


@pytest.mark.parametrize("name", ORDER)
def test_every_step_of_a_lesson_can_be_done(name: str) -> None:
    done = played(name)
    assert len(SCRIPTS[name]) == len(done.lesson.steps)
    assert done.state.step == len(done.lesson.steps)
    assert done.state.step_of(done.lesson) is None


@pytest.mark.parametrize("name", ORDER)
def test_a_lesson_begins_where_it_says(name: str) -> None:
    lesson = load_lesson(name)
    with lesson.begin(strips=False) as live:
        assert live.visit.phase == lesson.start


def test_one_beat_the_train_comes_15_ms_after_local_sense_and_lasts_20_6_ms() -> None:
    marks = of(MarkerMessage, played("one_beat").told[2])
    at_s = {(mark.marker, mark.beat): mark for mark in marks}
    trains = [mark for mark in marks if mark.marker == "ccm"]
    for train in trains[:-1]:
        sensed = at_s["local sense", train.beat]
        first = at_s["ventricular", train.beat]
        assert train.from_s - sensed.from_s == pytest.approx(0.015, abs=1e-4)
        assert train.to_s - train.from_s == pytest.approx(0.02056, abs=1e-4)
        assert 0.004 <= sensed.from_s - first.from_s <= 0.016


def test_one_beat_ovo_refuses_a_delay_above_45_ms() -> None:
    screens = of(ScreenMessage, played("one_beat").told[5])
    assert any("at most 45 ms" in w.reason for s in screens for w in s.wrong)


def test_a_stronger_beat_pair_lies_near_a_gain_that_is_worth_seeing() -> None:
    done = played("a_stronger_beat")
    louder = replace(done.live.visit.reference, amplitude_v=7.5)
    true = true_gain_pct(done, louder)
    (read,) = done.results(3)
    assert read.gain_pct is not None
    assert true > 1.0
    assert abs(read.gain_pct - true) < PAIR_SD_PCT


def test_six_beats_of_ten_are_mended_by_window_and_sensitivity() -> None:
    done = played("six_beats_of_ten")
    (read_out,) = of(InterrogationMessage, done.told[0])
    assert read_out.delivered_frac == pytest.approx(0.62, abs=0.01)
    log = " ".join(line.text for told in done.told for line in of(LogMessage, told))
    assert "no local sense: 26 % of beats" in log
    assert "local sense outside it: 13 % of beats" in log
    assert "set to 3 mV" in log
    assert "local sense 5 to 14 ms after the reference lead" in log
    assert "moved to 0 to 18 ms" in log
    assert "CCM delivered 100 % of 60 beats" in log


def test_delay_the_filter_keeps_the_train_inside_the_refractory_period() -> None:
    (late,) = played("delay_and_refractory_period").results(3)
    assert "inside the refractory period" in late.filter_note
    assert 100.0 < float(late.settings["delay_ms"]) < 140.0


def test_what_the_patient_feels_ends_the_test_and_stays_excluded() -> None:
    done = played("what_the_patient_feels")
    climbed, felt, asked, other = (done.results(step) for step in range(4))
    assert [test.sensation_grade for test in climbed] == [0, 0, 0]
    assert felt[-1].ended == "felt"
    assert felt[-1].sensation_grade >= 2
    assert float(asked[-1].settings["amplitude_v"]) < 6.5
    assert other[-1].ended == "done"


def test_one_reading_lies_by_more_than_three_points_where_nothing_is() -> None:
    done = played("one_reading_lies")
    single = [t.gain_pct for s in (0, 1) for t in done.results(s)]
    paired = [t.gain_pct for t in done.results(2)]
    alone = [gain for gain in single if gain is not None]
    both = [gain for gain in paired if gain is not None]
    assert len(alone) == 4
    assert len(both) == 2
    tested = replace(done.live.visit.reference, delay_ms=25.0)
    assert true_gain_pct(done, tested) == pytest.approx(0.0, abs=1e-6)
    assert max(alone) - min(alone) > 3.0
    assert max(both) - min(both) < max(alone) - min(alone)
    assert max(alone) > 2.0 * fmean(alone)


def test_nothing_helps_the_best_pair_is_not_confirmed_by_fresh_ones() -> None:
    done = played("nothing_helps")
    best = max(test.gain_pct or 0.0 for test in done.results(1))
    (verdict,) = (v for told in done.told for v in of(VerdictMessage, told))
    assert best > 2.5
    assert verdict.verdict in ("inconclusive", "equivalent")
    assert verdict.pairs_done == 10
    assert verdict.gain_pct is not None
    assert verdict.low_pct is not None
    assert verdict.high_pct is not None
    assert verdict.low_pct < 0.0 < verdict.high_pct
    assert verdict.gain_pct < best


def test_irregular_pulse_has_no_atrial_mark_and_takes_longer() -> None:
    done = played("irregular_pulse")
    marks = {m.marker for told in done.told for m in of(MarkerMessage, told)}
    assert "atrial" not in marks
    (pair,) = done.results(3)
    assert pair.minutes > 1.5 * 1.9  # a pair in sinus rhythm, see PromptMessage
    beats = of(BeatMessage, done.told[0])
    intervals = [beat.rr_s for beat in beats if beat.rr_s]
    assert max(intervals) > 1.3 * min(intervals)


def test_something_happens_the_pressure_falls_on_standing() -> None:
    stood = pressures(played("something_happens").told[2])
    assert fmean(stood[-15:]) < fmean(stood[:5]) - 5.0


def test_something_happens_the_monitor_stops_the_test_for_a_run() -> None:
    done = played("something_happens")
    (alert,) = of(AlertMessage, done.told[3])
    assert alert.alert == "non-sustained ventricular tachycardia"
    assert "reference programmed" in alert.action
    (test,) = done.results(3)
    assert test.ended == "stopped"


def test_something_happens_off_is_off_in_the_device() -> None:
    last = of(ScreenMessage, played("something_happens").told[4])[-1]
    assert last.programmed["mode"] == "OOO"


def test_delivered_is_not_effective_counters_deny_what_pressure_tells() -> None:
    done = played("delivered_is_not_effective")
    (before,), (after,) = done.results(0), done.results(3)
    assert before.gain_pct is not None
    assert after.gain_pct is not None
    assert before.gain_pct < -2.0
    assert abs(after.gain_pct) < 1.0
    slipped = of(BeatMessage, done.told[2])
    assert all(beat.delivered for beat in slipped if not beat.ectopic)
    kept = done.live.messages()
    first, last = (m for m in kept if isinstance(m, InterrogationMessage))
    for name in ("r_wave_v1_mv", "r_wave_v2_mv"):
        assert getattr(last, name) < 0.4 * getattr(first, name)
    for name in ("impedance_v1_ohm", "impedance_v2_ohm"):
        assert 0.7 < getattr(last, name) / getattr(first, name) < 0.8
    assert last.delivered_frac > 0.95


def test_a_whole_lesson_reloaded_after_every_step_ends_alike() -> None:
    done = played("one_beat")
    first = next(m.number for m in done.told[0])
    state = LessonState.begun(done.lesson, last_message=first - 1)
    for step, told in zip(done.lesson.steps, done.told, strict=True):
        if step.predict is not None:
            state = state.advance(done.lesson, Predicted(step.predict.choices[0]))
        for message in told:
            state = state.advance(done.lesson, message)
        state = state.advance(done.lesson, WentOn())
        state = LessonState.from_table(done.lesson, state.table())
    assert state.step == len(done.lesson.steps)
