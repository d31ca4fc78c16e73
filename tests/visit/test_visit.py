"""The visit goes through its steps in order, and what it says is what happened."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from math import nan

import numpy as np
import pytest

from sim.device.settings import Settings, with_dependents
from sim.patient import Patient, personalize, phenotype
from sim.visit import record as records
from sim.visit.clinic import FoundDevice, Visit
from sim.visit.plan import PHASES, VisitPlan, site
from sim.visit.record import Choice, VisitRecord
from sim.visit.safety import at_least_as_strong
from sim.visit.visit import programming_visit, run_visit

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
        if not tested.aborted:
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
    return run_visit(
        patient or responder(),
        plan,
        found or FoundDevice(settings=FOUND),
        advisor=Script(*proposals),
        seed=seed,
    )


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
    assert again.verdict == usual.verdict or again.verdict.pairs_done == 0
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
    going = Visit(
        responder(), SHORT, FoundDevice(settings=FOUND), advisor=Script(), seed=1
    )
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
    felt = [t for t in record.tested if t.aborted.startswith("sensation")]
    assert felt
    for later in record.tested[record.tested.index(felt[0]) + 1 :]:
        assert later.aborted or not at_least_as_strong(later.settings, felt[0].settings)


def test_after_a_stop_the_reference_is_programmed_and_the_region_left() -> None:
    patient = responder()
    wild = replace(
        patient,
        rhythm=replace(patient.rhythm, pvc_per_hour=200.0, run_frac=1.0),
    )
    record = visit(*[BETTER] * 3, patient=wild)
    kinds_seen = {event.kind for event in record.adverse_events}
    assert "non-sustained ventricular tachycardia" in kinds_seen
    assert all("reference programmed" in e.action for e in record.adverse_events[:1])


def test_trains_that_leave_the_refractory_period_are_caught_as_tied_ectopics() -> None:
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
    going = Visit(fragile, SHORT, FoundDevice(settings=late), advisor=Script(), seed=1)
    going.generator.force_on = True
    going.bedside.guarded = True
    waiting = going.env.process(going.bedside.wait_beats(200))
    going.env.run(until=waiting)
    assert going.bedside.n_late_trains > 0
    assert waiting.value in (
        "ectopic beats tied to consecutive trains",
        "non-sustained ventricular tachycardia",
    )


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
