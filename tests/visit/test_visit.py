"""The visit goes through its steps in order, and what it says is what happened."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from math import nan

import numpy as np
import pytest

from sim.device.settings import Settings, with_dependents, with_hours_per_day
from sim.patient import Patient, personalize, phenotype
from sim.visit import record as records
from sim.visit.checklist import programming_visit, run_visit
from sim.visit.checklist import record as record_of
from sim.visit.order import VisitOrder
from sim.visit.plan import PHASES, FoundDevice, VisitPlan, site
from sim.visit.record import Choice, Ended, VisitRecord
from sim.visit.safety import COLLAPSE, LATE_TRAIN, Stop, StopCause, at_least_as_strong
from sim.visit.titration import make_safe
from sim.visit.visit import Visit

FOUND = with_dependents(
    Settings(amplitude_v=4.5, delay_ms=20.0, post_ls_refractory_ms=15.0)
)
BETTER = replace(FOUND, amplitude_v=5.0, delay_ms=32.0)
SHORT = VisitPlan(titration_min=6.0, verification_pairs=2, observation_min=2.0)


class Script:
    """An advisor that reads its proposals from a list and chooses the last one."""

    def __init__(self, *proposals: Settings) -> None:
        self._left: Iterator[Settings] = iter(proposals)
        self.last = FOUND
        self.seen: list[records.Tested] = []

    def begin(self, reference: Settings, n_tests: int) -> None:
        self.last = reference

    def propose(self) -> Settings | None:
        return next(self._left, None)

    def learn(self, tested: records.Tested) -> None:
        self.seen.append(tested)
        if tested.completed:
            self.last = tested.settings

    def recommend(self) -> Choice:
        return Choice(self.last, nan, nan, gated=False, reason="last of the script")


@cache
def responder(**override: float) -> Patient:
    values = {"g_two_leads": 0.165, "sensation_threshold_v": 9.0} | override
    return personalize(phenotype("hfref-ischaemic"), values)


def visit(
    *proposals: Settings,
    patient: Patient | None = None,
    plan: VisitPlan = SHORT,
    found: FoundDevice | None = None,
    seed: int = 1,
) -> VisitRecord:
    order = VisitOrder(
        patient or responder(), found or FoundDevice(settings=FOUND), plan, seed
    )
    return run_visit(order, Script(*proposals))


def going_on(*proposals: Settings) -> Visit:
    order = VisitOrder(responder(), FoundDevice(settings=FOUND), SHORT, 1)
    return Visit(order, Script(*proposals))


@pytest.fixture(scope="module")
def usual() -> VisitRecord:
    return visit(BETTER, replace(FOUND, amplitude_v=6.0))


def kinds(record: VisitRecord) -> set[str]:
    return {event.kind for event in record.events}


def test_the_eleven_steps_follow_each_other_without_a_gap(usual: VisitRecord) -> None:
    assert tuple(phase.name for phase in usual.phases) == PHASES
    for before, after in zip(usual.phases, usual.phases[1:], strict=False):
        assert after.start_s == before.end_s


def test_every_step_leaves_its_clinical_content(usual: VisitRecord) -> None:
    assert {"identity", "consent", "external defibrillator", "12-lead ECG"} <= {
        check.name for check in usual.checklist
    }
    assert {
        "vitals",
        "symptoms",
        "interrogation",
        "telemetry",
        "sensing",
        "pair",
        "tested",
        "verdict",
        "programmed",
        "re-interrogation",
        "schedule",
        "battery",
        "observation",
        "report",
    } <= kinds(usual)


def test_the_log_is_in_the_order_of_the_clock(usual: VisitRecord) -> None:
    times = [event.at_s for event in usual.events]
    assert times == sorted(times)


def test_beats_follow_each_other_without_a_gap(usual: VisitRecord) -> None:
    start, rr = usual.beats.column("start_s"), usual.beats.column("rr_s")
    assert start[1:] == pytest.approx(start[:-1] + rr[:-1], abs=1e-9)


def test_what_is_read_back_is_what_was_programmed(usual: VisitRecord) -> None:
    assert usual.as_left.settings == usual.final


def test_the_same_seed_gives_the_same_visit(usual: VisitRecord) -> None:
    again = visit(BETTER, replace(FOUND, amplitude_v=6.0))
    assert again.events == usual.events
    assert repr(again.verdict) == repr(usual.verdict)  # nan is like nan here
    assert again.beats.rows.tobytes() == usual.beats.rows.tobytes()


def test_another_seed_gives_another_visit(usual: VisitRecord) -> None:
    assert visit(BETTER, seed=2).vitals != usual.vitals


def test_another_search_changes_no_beat_before_its_first_test() -> None:
    one, two = visit(BETTER), visit(replace(FOUND, amplitude_v=5.0), seed=1)
    begins = one.tested[0].start_s
    assert begins == two.tested[0].start_s
    # programming takes 5 s: the first beats of the test still are the reference's
    n = int(np.searchsorted(one.beats.column("start_s"), begins + 4.0))
    columns = [i for i, name in enumerate(one.beats.columns) if name != "setting_id"]
    before = [record.beats.rows[:n, columns].tobytes() for record in (one, two)]
    assert before[0] == before[1]


def test_a_test_costs_three_arms_and_the_questions(usual: VisitRecord) -> None:
    tested, plan = usual.tested[0], usual.plan
    rr_s = float(np.mean(usual.beats.column("rr_s")))
    arms_s = 3.0 * (plan.programming_s + (15 + 16) * rr_s)
    # heart rate variability, a repeated window and link losses leave some seconds
    assert tested.minutes * 60.0 == pytest.approx(arms_s + plan.question_s, abs=15.0)


def test_titration_ends_with_its_clock() -> None:
    record = visit(*[BETTER] * 50)
    phase = next(p for p in record.phases if p.name == "titration")
    assert phase.end_s - phase.start_s < SHORT.titration_s + 30.0
    assert len(record.tested) < 50


def test_one_event_a_beat_and_hardly_more() -> None:
    going = going_on()
    process = going.env.process(programming_visit(going))
    steps = 0
    while not process.processed:
        going.env.step()
        steps += 1
    assert steps < 1.2 * going.bedside.n_beats


def test_amplitude_rises_one_step_at_a_time() -> None:
    record = visit(*[replace(FOUND, amplitude_v=7.5)] * 3)
    assert [t.settings.amplitude_v for t in record.tested] == [5.0, 5.5, 6.0]


def test_an_intolerable_sensation_ends_the_test_and_excludes_what_is_stronger() -> None:
    record = visit(
        *[replace(FOUND, amplitude_v=7.5)] * 3,
        patient=responder(sensation_threshold_v=4.6),
    )
    felt = [t for t in record.tested if t.ended is Ended.FELT]
    assert felt
    for later in record.tested[record.tested.index(felt[0]) + 1 :]:
        assert not later.completed or not at_least_as_strong(
            later.settings, felt[0].settings
        )


def wild(patient: Patient, **rhythm: float) -> Patient:
    return replace(patient, rhythm=replace(patient.rhythm, **rhythm))


def setting_ids(record: VisitRecord, start_s: float, end_s: float) -> set[float]:
    at = record.beats.column("start_s")
    chosen = (at > start_s) & (at < end_s)
    return set(record.beats.column("setting_id")[chosen].tolist())


def test_after_a_stop_the_reference_is_programmed_confirmed_and_rested_at() -> None:
    record = visit(
        *[BETTER] * 3, patient=wild(responder(), pvc_per_hour=200.0, run_frac=1.0)
    )
    stops = [e for e in record.adverse_events if "reference programmed" in e.action]
    assert stops
    reference = setting_ids(
        record, record.phases[3].end_s - 10.0, record.phases[3].end_s
    )
    for stop in stops:
        assert setting_ids(record, stop.at_s, stop.at_s + 20.0) == reference
        confirmed = [
            e
            for e in record.events
            if e.kind == "programmer" and abs(e.at_s - stop.at_s) < 1e-9
        ]
        assert confirmed


def test_a_stop_at_the_reference_itself_excludes_nothing() -> None:
    going = going_on()
    fall = Stop(StopCause.PRESSURE_FALL, "systolic pressure fell by 25 mmHg")
    stopping = make_safe(going, fall, FOUND)
    going.env.run(until=going.env.process(stopping))
    assert going.filter.stopped == []
    assert len(going.findings.adverse_events) == 1


def test_a_run_outside_a_test_is_one_adverse_event_at_its_own_time() -> None:
    record = visit(patient=wild(responder(), pvc_per_hour=60.0, run_frac=1.0))
    early = [e for e in record.adverse_events if e.at_s < record.phases[2].end_s]
    assert early
    origin, at = record.beats.column("origin"), record.beats.column("start_s")
    for event in early:
        assert event.kind == "non-sustained ventricular tachycardia"
        assert 3.0 in origin[np.abs(at - event.at_s) < 0.01]
    runs = np.flatnonzero(np.diff((origin == 3.0).astype(int)) == 1).size
    assert len({e.at_s for e in record.adverse_events}) == len(record.adverse_events)
    assert len(record.adverse_events) <= runs


def test_a_collapse_outside_a_test_ends_in_urgent_off() -> None:
    going = going_on()
    process = going.env.process(programming_visit(going))
    going.env.run(until=600.0)
    going.seen_outside_a_test(COLLAPSE)
    going.env.run(until=process)
    done = record_of(going)
    assert done.verdict.kind == "stopped for safety"
    assert done.verdict.reason == "collapse"
    assert done.tested == () == done.verification_pairs
    assert done.final.ccm_mode == "OFF"


def test_a_check_that_fails_at_the_candidate_alone_leaves_the_reference_on() -> None:
    stronger = [replace(BETTER, amplitude_v=7.5)] * 3
    going = going_on(*stronger)
    going.thresholds = replace(going.thresholds, phrenic_v=4.9)
    plan = replace(SHORT, verification_pairs=4, noise_scale=0.1)
    going.plan = plan
    going.env.run(until=going.env.process(programming_visit(going)))
    done = record_of(going)
    assert [c.name for c in done.final_checks if not c.passed] == ["phrenic twitch"]
    assert done.final == done.reference
    assert done.verdict.kind == "stopped for safety"
    # what the pairs showed is kept beside the reason of the stop
    assert done.verdict.pairs_done == len(done.verification_pairs) == 4
    assert done.verdict.gain_pct == done.verdict.gain_pct


def test_an_arm_may_be_read_without_settling() -> None:
    record = visit(BETTER, plan=replace(SHORT, settle_beats=0))
    arm = record.response_pairs[0].arms[0]
    assert arm.end_s - arm.start_s < 5.0 + 17.0 * 1.2 + 8.0


def test_in_atrial_fibrillation_at_least_40_beats_are_read() -> None:
    record = visit(
        plan=replace(SHORT, read_beats=16, titration_min=0.0),
        patient=phenotype("hfref-af"),
    )
    arms = [arm for pair in record.response_pairs for arm in pair.arms]
    assert {arm.reading.n_beats for arm in arms} == {40}


@pytest.mark.parametrize("change", [{"ccm_mode": "OFF"}, {"mode": "OOO"}])
def test_ccm_found_switched_off_is_switched_on_and_said(change: dict[str, str]) -> None:
    record = visit(found=FoundDevice(settings=FOUND.with_values(change)))
    assert record.reference.mode == "OVO-LS-CCM"
    assert record.reference.ccm_mode == "TIMED"
    assert any("found" in text for text in record.sensing_findings)


def test_without_delivery_nothing_is_titrated_and_the_reason_is_told() -> None:
    record = visit(BETTER, found=FoundDevice(settings=FOUND, v2_fault="fracture"))
    assert record.tested == () == record.response_pairs
    assert "could not be delivered" in record.verdict.reason
    assert any("impedance of V2" in alert for alert in record.as_found.alerts)
    assert any("lead check" in advice.text for advice in record.follow_up)


def test_the_smart_model_mends_its_own_local_sensitivity() -> None:
    record = visit(
        found=FoundDevice(settings=replace(FOUND, sens_ls_mv=8.0), model="CCM X10")
    )
    assert record.as_found.delivered_frac < 0.7
    assert record.reference.sens_ls_mv < 8.0
    assert any("delivered 100 %" in text for text in record.sensing_findings)


def test_heavy_use_is_told_to_recharge_more_often() -> None:
    always = with_hours_per_day(FOUND.with_values({"amplitude_v": 7.5}), 24.0)
    record = visit(found=FoundDevice(settings=always))
    advice = [a.text for a in record.follow_up if a.text.startswith("recharge")]
    assert advice[0] != "recharge weekly"


def test_a_train_that_leaves_the_refractory_period_is_a_safety_event() -> None:
    patient = responder()
    fragile = replace(patient, conduction=replace(patient.conduction, erp_ms=170.0))
    late = with_dependents(
        replace(
            FOUND,
            mode="ODO-LS-CCM",
            delay_ms=140.0,
            n_pulses=3,
            phase_duration_ms=6.6,
        )
    )
    order = VisitOrder(fragile, FoundDevice(settings=late), SHORT, 1)
    going = Visit(order, Script())
    going.generator.force_on = True
    going.bedside.guarded = True
    waiting = going.env.process(going.bedside.wait_beats(200))
    going.env.run(until=waiting)
    assert going.bedside.n_late_trains > 0
    assert waiting.value is LATE_TRAIN


def test_a_device_found_off_is_reset_and_switched_on() -> None:
    record = visit(found=FoundDevice(settings=FOUND, state="PERMANENT_OFF"))
    assert record.as_found.ccm_state == "PERMANENT_OFF"
    assert record.as_left.ccm_state == "ACTIVE"
    assert "device state PERMANENT_OFF" in record.as_found.alerts


def test_a_misplaced_alert_window_is_found_and_mended() -> None:
    away = with_dependents(
        replace(FOUND, alert_start_ms=40.0, alert_width_ms=4.0, vrp_ms=309.0)
    )
    assert not away.conflicts()
    record = visit(found=FoundDevice(settings=away))
    assert record.as_found.delivered_frac < 0.05
    assert any("alert window" in text for text in record.sensing_findings)
    window = record.reference.alert_start_ms, record.reference.alert_width_ms
    assert window != (away.alert_start_ms, away.alert_width_ms)
    assert any("delivered 100 %" in text for text in record.sensing_findings)


def test_without_a_candidate_the_reference_stays_and_nothing_is_verified() -> None:
    record = visit()
    assert record.final == record.reference
    assert record.verdict.kind == "inconclusive"
    assert record.verification_pairs == ()


@pytest.mark.parametrize(
    "name", ["device-clinic", "hospital-outpatient", "ambulatory-surgical-center"]
)
def test_sites_differ_in_time_and_staff_and_are_named(name: str) -> None:
    record = visit(plan=replace(SHORT, site=site(name), titration_min=0.0))
    check_in = record.phases[0]
    wanted_s = 60.0 * site(name).check_in_min
    assert check_in.end_s - check_in.start_s == pytest.approx(wanted_s)
    assert check_in.staff == site(name).staff["check-in"]


def test_without_noise_each_pair_reads_the_difference_that_is_there() -> None:
    record = visit(
        BETTER,
        plan=replace(SHORT, noise_scale=0.0, verification_pairs=4),
        patient=responder(pvc_per_hour=0.0, sdnn_ms=0.0),
    )
    gains = _gains(record)
    assert max(gains) - min(gains) < 0.4
    assert min(gains) > 0.3


def _gains(record: VisitRecord) -> Sequence[float]:
    return [p.gains.primary_pct for p in record.verification_pairs if p.gains]
