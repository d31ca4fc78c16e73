"""What a train does besides its work: excite, reach the atrium, disturb the ICD."""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest

from sim.device.leads import Leads, LeadSite
from sim.device.settings import Settings, with_dependents
from sim.heart.beating import BEAT_COLUMNS
from sim.heart.contractility import PVC, SINUS, VT
from sim.heart.parameters import FloatArray
from sim.heart.sensation import sensation_level
from sim.heart.train import Train
from sim.law.response_law import LawInputs
from sim.law.saturating import Saturating
from sim.patient import Patient, personalize, phenotype
from sim.sources import unsourced
from sim.streams import stream
from sim.visit.advisor import Nobody
from sim.visit.bedside import AtrialCapture, LateTrains
from sim.visit.checklist import programming_visit, record
from sim.visit.interrogation import ICD_COUNTS
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.programming import icd_cross_check
from sim.visit.record import VisitRecord
from sim.visit.safety import ATRIAL_CAPTURE, ICD_SHOCK
from sim.visit.thresholds import draw_thresholds
from sim.visit.trains import felt_level, gain_of, train_of
from sim.visit.visit import Visit

USUAL = with_dependents(Settings(amplitude_v=5.0))
LOUD = with_dependents(Settings(amplitude_v=7.5, delay_ms=45.0))
LATE = with_dependents(Settings(mode="ODO-LS-CCM", delay_ms=140.0, n_pulses=3))
QUIET = personalize(phenotype("hfref-ischaemic"), {"pvc_per_hour": 0.0})
# the train ends 181 ms after local sense; V1 is reached after 15 and V2 after 25 ms
FRAGILE = replace(QUIET, conduction=replace(QUIET.conduction, erp_ms=150.0))


def arrive(patient: Patient, found: FoundDevice, seed: int = 2, **plan: float) -> Visit:
    order = VisitOrder(patient, found, replace(VisitPlan(), **plan), seed)
    visit = Visit(order, Nobody())
    visit.generator.force_on = True
    return visit


def beats(visit: Visit, n: int) -> np.ndarray:
    """Let the heart beat; return the origins of all beats so far."""
    visit.env.run(until=visit.env.process(visit.bedside.wait_beats(n)))
    return column(visit, "origin")


def column(visit: Visit, name: str) -> np.ndarray:
    table = visit.bedside.log.table()
    return np.asarray(table.rows[:, table.columns.index(name)])


# trains that leave the absolute refractory period


def test_three_of_ten_late_trains_excite_the_ventricle_and_rarely_start_a_run() -> None:
    visit = arrive(FRAGILE, FoundDevice(settings=LATE))
    origin = beats(visit, 6000)
    n_late = visit.bedside.n_late_trains
    follows = origin[1:][column(visit, "delivered")[:-1] > 0.0]
    n_pvc, n_runs = (follows == PVC).sum(), (follows == VT).sum()
    rules = LateTrains()
    assert n_late > 2000
    # binomial shares: three standard deviations of the count
    share = rules.capture_frac
    spread = 3.0 * np.sqrt(share * (1.0 - share) / n_late)
    assert (n_pvc + n_runs) / n_late == pytest.approx(share, abs=spread)
    expected = n_late * share * rules.run_frac
    assert 0 < n_runs <= expected + 4.0 * np.sqrt(expected)


def test_the_ectopic_beat_follows_the_late_train_at_once() -> None:
    visit = arrive(FRAGILE, FoundDevice(settings=LATE))
    origin = beats(visit, 300)
    start_s, end_s = column(visit, "start_s"), column(visit, "train_end_s")
    after_s = (start_s[1:] - end_s[:-1])[origin[1:] == PVC]
    assert after_s.size > 5
    np.testing.assert_allclose(after_s, LateTrains().latency_ms * 0.001, atol=1e-6)


def test_trains_inside_the_refractory_period_excite_nothing() -> None:
    visit = arrive(QUIET, FoundDevice(settings=LATE))
    origin = beats(visit, 1000)
    assert visit.bedside.n_late_trains == 0
    assert set(origin) == {SINUS}


def test_trains_that_reach_no_muscle_excite_nothing() -> None:
    on_v1 = replace(LATE, ccm_channels="V1")
    visit = arrive(FRAGILE, FoundDevice(settings=on_v1, v1_fault="dislodged"))
    origin = beats(visit, 500)
    assert column(visit, "delivered").mean() > 0.9
    assert set(origin) == {SINUS}


# the atrium


def with_atrium_at(visit: Visit, atrial_v: float) -> Visit:
    visit.thresholds = replace(visit.thresholds, atrial_v=atrial_v)
    visit.bedside.settings_changed()
    return visit


def test_a_captured_atrium_makes_pairs_of_beats_of_which_the_second_gets_no_train() -> (
    None
):
    visit = with_atrium_at(arrive(QUIET, FoundDevice(settings=LOUD)), 6.0)
    origin = beats(visit, 200)
    rr_s, delivered = column(visit, "rr_s"), column(visit, "delivered") > 0.0
    assert set(origin) == {SINUS}
    # a train ends 90 ms after activation; 20 ms, PR and 100 ms more come after it
    end_s = column(visit, "train_end_s") - column(visit, "start_s")
    pr_s = QUIET.conduction.pr_ms * 0.001
    np.testing.assert_allclose(rr_s[delivered], end_s[delivered] + 0.12 + pr_s)
    assert (rr_s[~delivered] > 0.6).all()
    assert delivered.mean() == pytest.approx(0.5, abs=0.02)
    assert visit.bedside.n_atrial_captures == delivered.sum()


def test_odo_takes_the_second_beat_of_such_a_pair_for_a_pvc() -> None:
    odo = with_dependents(replace(LOUD, mode="ODO-LS-CCM"))
    visit = with_atrium_at(arrive(QUIET, FoundDevice(settings=odo)), 6.0)
    beats(visit, 100)
    causes = visit.generator.counters.beats_by_cause
    assert causes["PVC"] >= 0.9 * visit.bedside.n_atrial_captures > 0


@pytest.mark.parametrize(
    ("changes", "captures"),
    [
        ({}, True),
        ({"amplitude_v": 7.0}, False),
        ({"delay_ms": 35.0}, False),  # 10 ms earlier need 0.2 V more
    ],
)
def test_the_atrium_is_captured_by_a_high_amplitude_and_a_long_delay(
    changes: dict[str, float], captures: bool
) -> None:
    settings = with_dependents(LOUD.with_values(changes))
    visit = with_atrium_at(arrive(QUIET, FoundDevice(settings=settings)), 7.65)
    beats(visit, 20)
    assert (visit.bedside.n_atrial_captures > 0) == captures


def test_a_basal_lead_captures_where_one_of_the_septum_does_not() -> None:
    sites: tuple[LeadSite, ...] = ("mid-septum", "basal")
    seed = seed_of_an_atrium_between(8.0, 10.0)
    for site in sites:
        found = FoundDevice(settings=LOUD, lead_site=site)
        visit = arrive(QUIET, found, seed=seed)
        beats(visit, 20)
        assert (visit.bedside.n_atrial_captures > 0) == (site == "basal")


def seed_of_an_atrium_between(low_v: float, high_v: float) -> int:
    """Return a seed whose patient has such an atrial threshold from the septum."""
    drawn = ((k, draw_thresholds(stream(k, name="site", key=(1,)))) for k in range(500))
    return next(k for k, drawn_v in drawn if low_v < drawn_v.atrial_v < high_v)


def test_atrial_capture_ends_a_guarded_test_and_is_told_once_outside_one() -> None:
    guarded = with_atrium_at(arrive(QUIET, FoundDevice(settings=LOUD)), 6.0)
    guarded.bedside.guarded = True
    beats(guarded, 50)
    assert guarded.bedside.stop == ATRIAL_CAPTURE
    watched = with_atrium_at(arrive(QUIET, FoundDevice(settings=LOUD)), 6.0)
    beats(watched, 50)
    assert [e.kind for e in watched.findings.adverse_events] == [ATRIAL_CAPTURE.text]


def test_a_fibrillating_atrium_cannot_be_captured() -> None:
    visit = with_atrium_at(arrive(phenotype("hfref-af"), FoundDevice(settings=LOUD)), 6)
    beats(visit, 50)
    assert visit.generator.counters.delivered > 0
    assert visit.bedside.n_atrial_captures == 0


def test_looking_for_atrial_capture_is_no_adverse_event() -> None:
    visit = with_atrium_at(
        arrive(QUIET, FoundDevice(settings=USUAL), titration_min=2.0), 5.2
    )
    visit.filter.highest_tolerated_v = 5.0
    done = play(visit)
    failed = [check.name for check in done.final_checks if not check.passed]
    assert "atrial capture (reference)" in failed
    assert [e.kind for e in done.adverse_events if e.kind == ATRIAL_CAPTURE.text] == []


def play(visit: Visit) -> VisitRecord:
    visit.env.run(until=visit.env.process(programming_visit(visit)))
    return record(visit)


# the ICD beside


@cache
def fast_patient(icd_distance_cm: float) -> Patient:
    """Return a heart at 141 /min with short conduction and an ICD beside."""
    own = {"heart_rate_bpm": 141.0, "edv_ml": 150.0, "sdnn_ms": 1.0, "pr_ms": 130.0}
    other = {"icd_distance_cm": icd_distance_cm, "pvc_per_hour": 0.0}
    return personalize(phenotype("hfref-ischaemic"), own | other)


FAST = with_dependents(
    Settings(
        mode="ODO-LS-CCM",
        at_rate_bpm=146.0,
        delay_ms=90.0,
        n_pulses=1,
        alert_start_ms=4.0,
        alert_width_ms=12.0,
    )
)


def test_double_counting_that_nobody_noticed_ends_in_a_shock_and_urgent_off() -> None:
    visit = arrive(fast_patient(1.0), FoundDevice(settings=FAST))
    beats(visit, 60)
    assert visit.generator.counters.delivered > 0
    events = [(e.kind, e.action) for e in visit.findings.adverse_events]
    assert events == [(ICD_SHOCK.text, "urgent off")]
    assert visit.programmer.programmed.mode == "OOO"
    assert visit.ended_for_safety == ICD_SHOCK.text
    # the beat whose train led to the shock belongs to the settings that gave it
    last = np.flatnonzero(column(visit, "delivered"))[-1]
    assert visit.bedside.programmed[int(column(visit, "setting_id")[last])] == FAST


def test_the_cross_check_finds_it_before() -> None:
    visit = arrive(
        fast_patient(1.0), FoundDevice(settings=replace(FAST, ccm_mode="OFF"))
    )
    beats(visit, 70)
    assert visit.findings.adverse_events == ()
    found = icd_cross_check(visit, FAST)
    assert not found.passed
    assert "the ICD would shock" in found.text


@pytest.mark.parametrize(
    ("patient", "settings"),
    [
        (fast_patient(4.0), FAST),  # far away
        (personalize(QUIET, {"icd_distance_cm": 1.0}), FAST),  # at rest
        (fast_patient(1.0), replace(FAST, ccm_mode="OFF")),
    ],
)
def test_there_is_no_shock_without_near_late_and_fast_trains(
    patient: Patient, settings: Settings
) -> None:
    visit = arrive(patient, FoundDevice(settings=settings))
    beats(visit, 60)
    assert visit.findings.adverse_events == ()


def test_a_shock_at_check_in_ends_the_visit_for_safety() -> None:
    # the schedule has CCM on when the patient arrives
    done = play(arrive(fast_patient(1.0), FoundDevice(settings=FAST)))
    assert done.verdict.kind == "stopped for safety"
    assert done.verdict.reason == ICD_SHOCK.text
    told = [e.text for e in done.events if e.text.startswith("ICD interrogated")]
    assert told == [
        "ICD interrogated: shocks today: 1, CCM trains were counted as beats"
    ]
    assert done.final.mode == "OOO" or done.final.ccm_mode == "OFF"


def test_an_icd_that_would_shock_is_found_at_interrogation_and_ccm_kept_off() -> None:
    visit = arrive(fast_patient(1.0), FoundDevice(settings=FAST, arrival_h=8.45))
    visit.generator.force_on = False  # no CCM before the schedule is suspended
    done = play(visit)
    assert [e.kind for e in done.adverse_events] == [ICD_COUNTS]
    assert done.verdict.kind == "stopped for safety"
    assert done.final.mode == "OOO" or done.final.ccm_mode == "OFF"
    assert done.reference == FAST
    assert not done.beats.column("delivered").any()


# faulty leads


@pytest.mark.parametrize("fault", ["dislodged", "insulation_breach", "fracture"])
def test_a_fault_never_helps_the_muscle(fault: str) -> None:
    leads = Leads(rng=np.random.default_rng(3))
    gain = partial(Saturating().gain, patient=LawInputs())
    whole = gain(train_of(Settings(), leads))
    leads.set_fault("V1", fault)
    assert gain(train_of(Settings(), leads)) < whole
    leads.set_fault("V2", fault)
    lost_both = train_of(Settings(), leads).n_leads == 0
    assert lost_both == (fault != "insulation_breach")


def test_a_lead_that_fails_in_the_middle_of_a_visit_loses_its_effect_at_once() -> None:
    visit = arrive(QUIET, FoundDevice(settings=USUAL))
    n = len(beats(visit, 20))
    visit.generator.leads.set_fault("V1", "insulation_breach")
    beats(visit, 20)
    given = column(visit, "delivered") > 0.0
    gain = visit.bedside.heart.beats[:, BEAT_COLUMNS.index("gain")]
    assert gain[:n][given[:n]].min() > gain[n:][given[n:]].max() > 0.0


def test_every_number_of_an_atrial_capture_has_a_source() -> None:
    assert unsourced(AtrialCapture()) == unsourced(LateTrains()) == []


# what is worked out once


class Counted(Saturating):
    """A law that counts how often it is asked."""

    n_asked = 0

    def gain(self, train: Train, patient: LawInputs) -> FloatArray:
        type(self).n_asked += 1
        return super().gain(train, patient)


def test_a_law_is_asked_once_for_each_train_of_a_patient() -> None:
    leads, Counted.n_asked = Leads(rng=np.random.default_rng(0)), 0
    somebody, other = (replace(QUIET, response=Counted()) for _ in range(2))
    gains = [gain_of(somebody, settings, leads) for settings in (USUAL, LOUD, USUAL)]
    assert (Counted.n_asked, gains[0]) == (2, gains[2])
    law = Saturating().gain(train_of(USUAL, leads), QUIET.law_inputs)
    assert gains[0] == float(law)
    # a lead that breaks lets another train through; another patient answers anew
    leads.set_fault("V1", "fracture")
    assert gain_of(somebody, USUAL, leads) < gains[0]
    assert gain_of(other, USUAL, leads) == gain_of(somebody, USUAL, leads)
    assert Counted.n_asked == 4


def test_how_a_train_is_felt_is_that_of_the_sensation() -> None:
    leads = Leads(rng=np.random.default_rng(0))
    for settings in (USUAL, LOUD, USUAL):
        level = sensation_level(QUIET.sensation, train_of(settings, leads))
        assert felt_level(QUIET, settings, leads) == level
