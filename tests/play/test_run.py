"""A run is made by its scenario and seed alone, and its answer key is the truth."""

from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

import numpy as np
import pytest

from harness.play.order import order_of, task_of
from harness.play.played import play
from harness.play.run import Run, run_scenario
from harness.play.scenario import Scenario, load_scenario
from harness.play.search import SearchAdvisor
from harness.task.lattice import Lattice
from harness.task.task import Expectation, Task
from harness.truth.answer_key import ees_gain, truth_of, window_gain_pct
from optimizers.listed import LISTED
from optimizers.problem import Asking, Problem
from optimizers.registry import strategies
from sim.device.settings import Settings, with_dependents
from sim.heart.beating import settled
from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawInputs
from sim.patient import personalize, phenotype
from sim.streams import stream
from sim.visit import record as records
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan

SHORT = {
    "visit.titration_min": 6.0,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.baseline_min": 1.0,
    "visit.observation_min": 1.0,
}


@cache
def short_run(strategy: str = "titration", seed: int = 5) -> Run:
    told = {"search.strategy": strategy, **SHORT}
    if strategy in LISTED:
        told["search.listed"] = [{"amplitude_v": 5.5}, {"amplitude_v": 6.5}]
    return run_scenario(load_scenario("first_visit").changed(told), seed=seed)


def test_the_same_seed_gives_the_same_run() -> None:
    scenario = load_scenario("first_visit").changed(SHORT)
    again = run_scenario(scenario, seed=5).record
    assert again.events == short_run().record.events
    assert again.beats.rows.tobytes() == short_run().record.beats.rows.tobytes()


@pytest.mark.parametrize("strategy", strategies())
def test_every_strategy_gets_through_a_visit(strategy: str) -> None:
    record = short_run(strategy).record
    assert record.phases[-1].name == "report"
    assert len(record.tested) <= 4


@pytest.mark.parametrize("strategy", ["nelder-mead", "random"])
def test_another_strategy_meets_the_same_patient_until_its_first_test(
    strategy: str,
) -> None:
    one, two = short_run().record, short_run(strategy).record
    begins_s = one.tested[0].start_s
    n = int(np.searchsorted(one.beats.column("start_s"), begins_s))
    columns = [i for i, c in enumerate(one.beats.columns) if c != "setting_id"]
    assert (
        one.beats.rows[:n, columns].tobytes() == two.beats.rows[:n, columns].tobytes()
    )
    assert one.response_pairs == two.response_pairs


def test_the_reference_is_answered_without_a_test() -> None:
    assert all(t.settings != short_run().record.reference for t in _tested())
    assert len(short_run().played.log) == len(_tested()) + 1


def _tested() -> list[object]:
    return list(short_run().record.tested)


def test_a_null_patient_has_no_window_gain() -> None:
    patient = phenotype("hfref-null")
    settings = Settings(amplitude_v=4.5), Settings(amplitude_v=7.5)
    gains = [ees_gain(patient, one) for one in settings]
    gain = window_gain_pct(patient, VisitPlan(), *gains)
    assert gain == pytest.approx(0.0, abs=1e-9)


def test_the_window_gain_lies_between_first_beats_and_settled_gain() -> None:
    patient = phenotype("hfref-ischaemic")
    window = window_gain_pct(patient, VisitPlan(), 0.12, 0.02)
    before, after = (settled(patient.heart, g).haemodynamics for g in (0.02, 0.12))
    steady = 100.0 * (after.sbp_mmhg / before.sbp_mmhg - 1.0)
    # the slow 20 % of the effect and the reference's carry-over are still missing
    assert 0.75 * steady < window < steady


def test_the_window_gain_changes_sign_with_the_settings() -> None:
    patient = phenotype("hfref-ischaemic")
    up = window_gain_pct(patient, VisitPlan(), 0.10, 0.05)
    down = window_gain_pct(patient, VisitPlan(), 0.05, 0.10)
    assert up > 0.0 > down


def test_readouts_see_the_same_change_in_their_own_quantity() -> None:
    patient = phenotype("hfref-ischaemic")
    gains = {
        name: window_gain_pct(patient, VisitPlan(readout=name), 0.12, 0.02)
        for name in ("finger-pressure", "echo-vti", "invasive-dpdt")
    }
    # evidence C2: dP/dt max follows Ees, stroke volume about half, systolic less
    assert gains["invasive-dpdt"] > gains["echo-vti"] > gains["finger-pressure"] > 0.0


def test_noise_free_verification_reads_the_window_gain() -> None:
    patient = personalize(
        phenotype("hfref-ischaemic"),
        {"g_two_leads": 0.165, "pvc_per_hour": 0.0, "sdnn_ms": 0.0},
    )
    found = with_dependents(Settings(amplitude_v=4.5, delay_ms=30.0))
    plan = VisitPlan(
        titration_min=9.0, verification_pairs=8, noise_scale=0.0, observation_min=1.0
    )
    order = VisitOrder(patient, FoundDevice(settings=found), plan, 1)
    task = Task(lattice=Lattice(("amplitude_v",)), expected=Expectation.of(plan))
    played = play(order, SearchAdvisor.at(order, task))
    record, key = played.record, truth_of(played)
    assert record.verdict.kind == "improved"
    # what is left: undelivered beats, jitter of programming, carry-over of the search
    assert record.verdict.gain_pct == pytest.approx(key.window_gain_pct, abs=0.15)


def test_a_dislodged_lead_lowers_the_true_gain_as_it_does_the_visits() -> None:
    scenario = load_scenario("first_visit").changed(
        SHORT | {"device.found.v1_fault": "dislodged"}
    )
    faulty = run_scenario(scenario, seed=5)
    assert faulty.record.found.v1_fault == "dislodged"
    settings = faulty.record.reference
    patient = faulty.record.patient
    with_fault = truth_of(faulty.played).reference_ees_gain_pct
    assert 0.0 < with_fault < 100.0 * ees_gain(patient, settings)


def test_a_refused_setting_is_no_unpleasant_event() -> None:
    found = with_dependents(Settings(amplitude_v=4.5, delay_ms=30.0))
    with SearchAdvisor(Task(), stream(1, name="strategy")) as advisor:
        advisor.begin(found, 5)
        asked = advisor.propose()
        assert asked is not None
        refused = records.Tested(
            number=1,
            asked=asked,
            settings=found,
            filter_note="no safe setting near",
            pair=None,
            standard_error_pct=2.0,
            sensation_grade=0,
            n_ectopics=0,
            n_train_ectopics=0,
            delivered_frac=0.0,
            energy_frac=0.5,
            start_s=0.0,
            end_s=10.0,
            n_beats=12,
            ended=records.Ended.REFUSED,
            aborted="no safe setting near",
        )
        advisor.learn(refused)
        seen = advisor.log[-1]
    assert (seen.events, seen.aborted) == (0, "no safe setting near")
    assert seen.tested == seen.asked


def test_visit_and_search_agree_on_the_energy_of_a_leaking_lead() -> None:
    """5 V on V1 alone: 0.444 of nominal, and 2.5 of 3.5 parts of the current."""

    def asks_for_the_reference(problem: Problem, rng: np.random.Generator) -> Asking:
        yield problem.reference

    scenario = load_scenario("first_visit").changed(
        {
            "device.settings.amplitude_v": 5.0,
            "device.settings.ccm_channels": "V1",
            "device.found.v1_fault": "insulation_breach",
            "visit.plan": "single",
            "visit.titration_min": 3.0,
            "visit.verification_pairs": 2,
        }
    )
    order = order_of(scenario, seed=1)
    task = task_of(scenario.search, scenario.device, order)
    task = replace(task, strategy=asks_for_the_reference)
    record = play(order, SearchAdvisor.at(order, task)).record
    tested = record.tested[0]
    assert tested.settings == record.reference
    known = replace(task, expected=replace(task.expected, knows_reference=True))
    with SearchAdvisor.at(order, known) as advisor:
        advisor.begin(record.reference, 5)
        advisor.propose()
        told = advisor.log[0].channels["energy"]
    assert told == tested.energy_frac == pytest.approx((5.0 / 7.5) ** 2 * 2.5 / 3.5)


def test_the_lattice_has_the_settings_without_conflict() -> None:
    space = Lattice().around(with_dependents(Settings(delay_ms=30.0))).space
    assert space.shape == (7, 4, 138)
    # post-LS refractory is at least 15 ms, OVO ends at 45 ms: 31 delays are left
    assert space.size == 7 * 4 * 31


def improved(scenario: Scenario, seeds: range) -> int:
    kinds = [run_scenario(scenario, seed=s).record.verdict.kind for s in seeds]
    return kinds.count("improved")


@pytest.mark.slow
def test_a_good_responder_is_called_improved_and_a_null_patient_is_not() -> None:
    # 16 visits at 85 % or more: fewer than 10 has a chance below 2 in 1,000
    assert improved(load_scenario("first_visit"), range(100, 116)) >= 10
    null = load_scenario("null_responder").changed({"search.gate_probability": 0.0})
    # 16 visits at 4 % or less: more than 3 has a chance below 4 in 1,000
    assert improved(null, range(100, 116)) <= 3


def test_a_scenario_is_personal_before_its_device_is_found() -> None:
    patient = load_scenario("turned_down").patient.patient
    assert patient == replace(
        load_scenario("first_visit").patient.patient,
        sensation=patient.sensation,
        sources=patient.sources,
    )


def test_a_function_handed_over_in_python_is_said_to_run_unprotected() -> None:
    said: list[str] = []

    def mine(problem: Problem, rng: np.random.Generator) -> Asking:
        yield problem.reference

    scenario = load_scenario("first_visit").changed({"visit.titration_min": 0})
    order = order_of(scenario)
    task = replace(task_of(scenario.search, scenario.device, order), strategy=mine)
    advisor = SearchAdvisor.at(order, task)
    play(order, advisor, progress=lambda at_s, phase, text: said.append(text))
    assert said[0].endswith("mine is code of this process and runs in it unprotected")


def test_a_law_handed_over_in_python_is_said_to_run_unprotected() -> None:
    said: list[str] = []

    @dataclass(frozen=True)
    class Flat:
        name: ClassVar[str] = "flat"

        def gain(self, train: Train, patient: LawInputs) -> FloatArray:
            return 0.04 * np.asarray(train.n_leads)

    scenario = load_scenario("first_visit").changed({"visit.titration_min": 0})
    order = order_of(scenario)
    order = replace(order, patient=replace(order.patient, response=Flat()))
    advisor = SearchAdvisor.at(order, task_of(scenario.search, scenario.device, order))
    play(order, advisor, progress=lambda at_s, phase, text: said.append(text))
    told = "response law flat is code of this process and runs in it unprotected"
    assert said[0].endswith(told)
