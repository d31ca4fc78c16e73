"""A visit written by hand, so that the report is tested without a simulation."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.play.order import task_of
from harness.play.played import Played
from harness.play.run import Run, RunFacts
from harness.play.scenario import Scenario
from harness.report import build
from harness.report.contents import Report
from harness.truth.answer_key import AnswerKey, Loop
from optimizers.problem import Observation
from sim.device.events import Cause
from sim.device.settings import Settings
from sim.heart.contractility import PVC, SINUS
from sim.instruments import Reading
from sim.patient import phenotype
from sim.visit.order import VisitOrder
from sim.visit.plan import PHASES, FoundDevice, VisitPlan
from sim.visit.record import (
    AdverseEvent,
    Arm,
    BeatTable,
    Check,
    Choice,
    Ended,
    Event,
    FollowUp,
    Gains,
    Interrogation,
    Pair,
    PhaseTime,
    SymptomReport,
    Tested,
    Verdict,
    VisitRecord,
    Vitals,
)

NAN = float("nan")
FOUND = Settings(amplitude_v=4.5, delay_ms=20.0)
BETTER = replace(FOUND, amplitude_v=7.5, phase_duration_ms=5.63, delay_ms=33.0)
OFF = replace(FOUND, ccm_mode="OFF")
MINUTES = (8.0, 8.0, 6.0, 4.0, 14.0, 40.0, 25.0, 8.0, 2.0, 15.0, 6.0)
START_S = dict(zip(PHASES, 60.0 * np.cumsum((0.0, *MINUTES[:-1])), strict=True))
RR_S = 0.81
COLUMNS = (
    *("start_s", "rr_s", "origin", "delivered", "cause", "train_start_s"),
    *("train_end_s", "ls_s", "v_s", "atrial_s", "setting_id", "arm_id"),
    "a_sensed_s",
)


def _reading(number: int, start_s: float, sbp_mmhg: float) -> Reading:
    return Reading(
        number=number,
        start_s=start_s + 12.0,
        end_s=start_s + 26.0,
        n_beats=16,
        n_used=15,
        delivered_frac=1.0,
        void="",
        primary=sbp_mmhg,
        sbp_mmhg=sbp_mmhg,
        dbp_mmhg=0.62 * sbp_mmhg,
        map_mmhg=0.76 * sbp_mmhg,
        pulse_pressure_mmhg=0.38 * sbp_mmhg,
        heart_rate_bpm=74.0,
    )


def make_pair(
    number: int,
    purpose: Any,
    start_s: float,
    *,
    tested: Settings,
    gain_pct: float,
    order: str = "RXR",
    void: str = "",
) -> Pair:
    """Make a pair whose arms and gains agree: 108 mmHg at the reference."""
    readings = {"R": 108.0 + 0.3 * number, "X": 0.0}
    readings["X"] = readings["R"] * (1.0 + gain_pct / 100.0)
    arms = tuple(
        Arm(
            role="reference" if letter == "R" else "tested",
            settings=FOUND if letter == "R" else tested,
            start_s=start_s + 30.0 * k,
            end_s=start_s + 30.0 * (k + 1),
            reading=_reading(4 * number + k, start_s + 30.0 * k, readings[letter]),
            n_attempts=1,
        )
        for k, letter in enumerate(order)
    )
    gains = Gains(
        primary_pct=gain_pct,
        systolic_pct=gain_pct,
        pulse_pct=1.6 * gain_pct,
        mean_pct=0.8 * gain_pct,
        diastolic_pct=0.5 * gain_pct,
        heart_rate_pct=-0.2 * gain_pct,
    )
    return Pair(number, purpose, arms, None if void else gains, void)


def _tested() -> tuple[Tested, ...]:
    asked = [
        replace(FOUND, amplitude_v=v, delay_ms=d, phase_duration_ms=w)
        for v, d, w in (
            (5.5, 20.0, 5.14),
            (5.0, 20.0, 5.14),
            (5.5, 33.0, 5.14),
            (6.0, 33.0, 5.63),
            (6.5, 33.0, 5.63),
            (7.0, 33.0, 5.63),
            (7.5, 33.0, 5.63),
            (7.5, 33.0, 6.60),
            (7.5, 41.0, 5.63),
            (7.5, 33.0, 5.63),
        )
    ]
    read_pct = (1.1, 0.4, 2.2, 2.9, 3.1, 5.9, 4.4, NAN, NAN, 6.8)
    rows = []
    for k, (settings, gain_pct) in enumerate(zip(asked, read_pct, strict=True)):
        start_s = START_S["titration"] + 130.0 * k
        void = "only 71 % of beats with CCM" if k == 8 else ""
        pair = make_pair(
            k + 5,
            "titration",
            start_s,
            tested=settings,
            gain_pct=0.0 if k in (7, 8) else gain_pct,
            void=void,
        )
        rows.append(
            Tested(
                number=k + 1,
                asked=settings,
                settings=replace(settings, amplitude_v=5.0) if k == 0 else settings,
                filter_note="amplitude held to 5 V" if k == 0 else "",
                pair=None if k == 7 else pair,
                standard_error_pct=2.0,
                sensation_grade=2 if k == 7 else int(k > 5),
                n_ectopics=k % 3,
                n_train_ectopics=int(k == 8),
                delivered_frac=0.71 if k == 8 else 0.993,
                energy_frac=0.44 + 0.083 * k,
                start_s=start_s,
                end_s=start_s + 118.0,
                n_beats=145 + k,
                ended=Ended.FELT if k == 7 else Ended.DONE,
                aborted="sensation grade 2" if k == 7 else "",
            )
        )
    return tuple(rows)


def _beats() -> BeatTable:
    """Make 101 minutes of sinus rhythm: PVCs now and then, CCM from minute 19 on."""
    end_s = START_S["report"] + 360.0
    start_s = np.arange(0.0, end_s, RR_S)
    origin = np.where(np.arange(start_s.size) % 83 == 40, PVC, SINUS)
    sinus = origin == SINUS
    delivered = sinus & (start_s > START_S["interrogation"] + 180.0)
    train_s = np.where(delivered, start_s + 0.060, NAN)
    off = list(Cause).index(Cause.SCHEDULE_OFF)
    cause = np.where(sinus, off, list(Cause).index(Cause.PVC))
    columns = (
        start_s,
        np.full_like(start_s, RR_S),
        origin,
        delivered,
        np.where(delivered, list(Cause).index(Cause.DELIVERED), cause),
        train_s,
        train_s + BETTER.train_ms * 1e-3,
        np.where(sinus, start_s + 0.025, start_s + 0.010),
        np.where(sinus, start_s + 0.015, start_s + 0.055),
        np.where(sinus, start_s - 0.175, NAN),
        np.zeros_like(start_s),
        np.full_like(start_s, -1.0),
        np.full_like(start_s, NAN),
    )
    return BeatTable(COLUMNS, np.column_stack(columns).astype(np.float64))


def _interrogation(settings: Settings, at_s: float, share: float) -> Interrogation:
    return Interrogation(
        at_s=at_s,
        settings=settings,
        ccm_state="ACTIVE",
        battery_pct=64.2,
        battery_v=3.84,
        days_since_charge=4.3,
        impedance_v1_ohm=548.0,
        impedance_v2_ohm=561.0,
        r_wave_v1_mv=9.2,
        r_wave_v2_mv=7.9,
        p_wave_mv=2.4,
        delivered_frac=share,
        counters={
            "BEATS": 621_487,
            "DELIVERED": 590_112,
            "PVC": 8_213,
            "NO_LS": 23_162,
        },
        lead_alerts=(),
        device_alerts=("not recharged for 12 days",) if settings is FOUND else (),
    )


def make_record(**changes: Any) -> VisitRecord:
    """Make the record of a visit that ended improved; `changes` replace its fields."""
    gains = (5.1, 3.2, 4.9, 2.2, 6.3, 4.0, 3.7, 5.4, 1.9, 4.3)
    pairs = [
        make_pair(
            20 + k,
            "verification",
            START_S["verification"] + 300.0 + 120.0 * k,
            tested=BETTER,
            gain_pct=gain_pct,
            order="RXXR" if k % 2 else "XRRX",
        )
        for k, gain_pct in enumerate(gains)
    ]
    response_s = START_S["response test"]
    record = VisitRecord(
        order=VisitOrder(phenotype("hfref-ischaemic"), FoundDevice(), VisitPlan(), 7),
        pseudonym="SIM-000007-000",
        reference=FOUND,
        final=BETTER,
        choice=Choice(BETTER, 4.6, 0.987, False, "highest posterior mean of utility"),
        verdict=Verdict(
            kind="improved",
            reason="lower 95 % limit above 0 and gain at least 1 %",
            gain_pct=4.1,
            standard_error_pct=0.44,
            ci95_pct=(3.1, 5.1),
            ci90_pct=(3.29, 4.91),
            pairs_planned=10,
            pairs_done=10,
            pairs_void=0,
            pair_sd_pct=1.39,
            least_detectable_gain_pct=1.42,
            best_single_reading_pct=6.8,
        ),
        phases=tuple(
            PhaseTime(name, START_S[name], START_S[name] + 60.0 * length, "nurse")
            for name, length in zip(PHASES, MINUTES, strict=True)
        ),
        events=(
            Event(
                700.0, "exam", "check", "device pocket: dry, not tender, no swelling"
            ),
            Event(900.0, "exam", "symptoms", "dyspnoea 5/10, fatigue 5/10"),
            Event(1000.0, "interrogation", "device", "found active"),
            Event(5900.0, "re-interrogation", "battery", "4.9 mJ a train, 110 J a day"),
        ),
        vitals=(
            Vitals(480.0, 108.0, 66.0, 74.0, 15.0, 96.0),
            Vitals(7000.0, 114.0, 68.0, 73.0, 15.0, 97.0),
        ),
        symptoms=(
            SymptomReport(900.0, 3, 5.0, 6.0, "breathless on one flight of stairs"),
            SymptomReport(7000.0, 3, 4.0, 5.0, "feels about the same"),
        ),
        checklist=(
            Check("identity", True, "pseudonym matches the device"),
            Check("consent", True, "purpose, sensations and risks explained"),
            Check("external defibrillator", True, "at hand, self-test passed"),
            Check("device pocket", True, "dry, not tender, no swelling"),
        ),
        as_found=_interrogation(FOUND, START_S["interrogation"] + 180.0, 0.95),
        as_left=_interrogation(BETTER, START_S["re-interrogation"] + 120.0, 0.97),
        sensing_findings=("CCM delivered 98 % of 60 beats after the sensing tests",),
        response_pairs=tuple(
            make_pair(
                k + 1,
                "response",
                response_s + 120.0 * k,
                tested=OFF,
                gain_pct=gain_pct,
            )
            for k, gain_pct in enumerate((-2.6, -1.2, -3.3))
        ),
        sham_pair=make_pair(4, "sham", response_s + 400.0, tested=FOUND, gain_pct=0.7),
        tested=_tested(),
        verification_pairs=tuple(pairs),
        final_checks=(
            Check("atrial capture", True, "no atrial capture at 7.5 V, delay 45 ms"),
            Check("ICD cross-check", True, "one ventricular marker a beat"),
        ),
        adverse_events=(),
        observation_text="no arrhythmia and no adverse effect seen in 15 min",
        follow_up=(
            FollowUp(
                "next programming visit in 3 months",
                "values were changed",
                is_next_visit=True,
            ),
            FollowUp("recharge weekly", "charging plan of the permanent settings"),
        ),
        beats=_beats(),
    )
    return replace(record, **changes)


def _loop(stroke_ml: float, peak_mmhg: float) -> Loop:
    angle = np.linspace(0.0, 2.0 * np.pi, 60)
    return Loop(
        volume_ml=tuple((160.0 + stroke_ml / 2.0 * np.cos(angle)).tolist()),
        pressure_mmhg=tuple((peak_mmhg / 2.0 * (1.0 + np.sin(angle))).tolist()),
    )


def make_run(
    record: VisitRecord | None = None, scenario: Mapping[str, Any] | None = None
) -> Run:
    """Make a run around a record; `scenario` changes top-level values of its file."""
    table = {
        "title": "First programming visit after implantation",
        "description": "Turned down as a precaution after implantation.",
        "seed": 7,
        "patient": {"phenotype": "hfref-ischaemic"},
        "metadata": {"Payer": "none"},
    }
    facts = RunFacts(
        scenario=Scenario.checked({**table, **(scenario or {})}, origin="test"),
        scenario_name="first_visit",
        versions={"ccmlab": "0.1.0", "numpy": "2.1.0"},
        git_revision="",
    )
    record = record or make_record()
    task = task_of(facts.scenario.search, facts.scenario.device, record.order)
    space = task.lattice.around(record.reference)
    seen = Observation(space.reference_point, space.reference_point, 0.0)
    played = Played(task, record, space, log=(seen,) * 10)
    return Run(facts, played, {"visit_s": 0.4})


TRUTH = AnswerKey(
    window_gain_pct=4.31,
    settled_systolic_gain_pct=3.87,
    settled_dpdt_gain_pct=6.92,
    reference_ees_gain_pct=5.04,
    final_ees_gain_pct=14.46,
    reference_loop=_loop(60.0, 108.0),
    final_loop=_loop(64.0, 113.0),
)


def harmed() -> VisitRecord:
    """Make the record of a visit stopped for safety before anything was verified."""
    none = (NAN, NAN)
    record = make_record()
    verdict = replace(
        record.verdict,
        kind="stopped for safety",
        reason="ventricular tachycardia over 30 s",
        gain_pct=NAN,
        standard_error_pct=NAN,
        ci95_pct=none,
        ci90_pct=none,
        pairs_done=0,
        pair_sd_pct=NAN,
        best_single_reading_pct=NAN,
    )
    event = AdverseEvent(2900.0, "ventricular tachycardia", "at 6 V", "urgent off")
    return replace(
        record,
        verdict=verdict,
        final=replace(FOUND, mode="OOO"),
        choice=None,
        tested=record.tested[7:8],
        verification_pairs=(),
        final_checks=(),
        sham_pair=None,
        response_pairs=(),
        adverse_events=(event,),
    )


@pytest.fixture(scope="session")
def record() -> VisitRecord:
    return make_record()


@pytest.fixture(scope="session")
def truth() -> AnswerKey:
    return TRUTH


@pytest.fixture(scope="session")
def run() -> Run:
    return make_run()


@pytest.fixture(scope="session")
def report(run: Run) -> Report:
    return build.report_of(run, TRUTH)


@pytest.fixture(scope="session")
def harmed_report() -> Report:
    return build.report_of(make_run(harmed()), TRUTH)


@pytest.fixture(scope="session")
def report_of() -> Callable[..., Report]:
    """Build the report of a changed record or scenario."""

    def built(scenario: Mapping[str, Any] | None = None, **changes: Any) -> Report:
        return build.report_of(make_run(make_record(**changes), scenario), TRUTH)

    return built
