"""A study's visit is played and scored: the same again, and true to the landscape."""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import isnan

import numpy as np
import pytest

from harness.play.order import order_for, task_of
from harness.play.tables import DeviceTable, SearchTable, VisitTable
from harness.study.outcome import ScoredVisit
from harness.study.visit import Job, kept_row, scored
from harness.truth.score import Scorer
from sim.device.settings import Settings, with_dependents
from sim.patient import Patient, personalize, phenotype
from sim.visit.order import VisitOrder
from sim.visit.post_replication import post_gain_pct

DEVICE = DeviceTable.model_validate({"settings": {"amplitude_v": 5.0, "delay_ms": 20}})
SHORT = VisitTable.model_validate(
    {"titration_min": 14, "verification_pairs": 2, "response_pairs": 0}
)


def responder() -> Patient:
    return personalize(
        phenotype("hfref-ischaemic"),
        {"g_two_leads": 0.165, "sensation_threshold_v": 9.0},
    )


def job(strategy: str, *, patient: Patient | None = None, post_pairs: int = 0) -> Job:
    order = replace(
        order_for(patient or responder(), DEVICE, SHORT, seed=11), patient_index=3
    )
    task = task_of(SearchTable(strategy=strategy), DEVICE, order)
    return Job("k", strategy, order, task, post_pairs)


def fifth() -> VisitOrder:
    return order_for(responder(), DEVICE, SHORT, seed=5)


@cache
def swept() -> ScoredVisit:
    return scored(job("sweep"))


def scorer() -> Scorer:
    one = job("sweep")
    order = one.order
    return Scorer(order.patient, order.found.settings, order.plan, one.task)


def test_a_visit_played_again_gives_the_same_rows() -> None:
    again = scored(job("sweep"))
    # repr, since a nan is not equal to itself
    assert repr(again.visit) == repr(swept().visit)
    assert repr(again.evaluations) == repr(swept().evaluations)


def test_staying_keeps_the_reference_and_gives_away_all_that_it_lacks() -> None:
    row = scored(job("stay")).visit
    truth = scorer().truth
    assert row.candidate_gain_pct == row.final_gain_pct == 0.0
    assert row.attained_frac == 0.0
    at = truth.row(scorer().task.lattice.around(DEVICE.as_found).reference_point)
    lost = truth.best_utility_pct - truth.utility_pct[at]
    assert row.points_lost == pytest.approx(lost, abs=0.01)
    assert row.points_lost == row.final_points_lost == row.reference_points_lost
    assert row.regret_pct == pytest.approx(100.0 * row.points_lost / row.span_points)
    assert 0.0 < row.regret_pct < 100.0
    assert not row.harmed


def test_the_last_incumbent_is_the_candidate() -> None:
    played = swept()
    last = played.evaluations[-1]
    assert last.incumbent_gain_pct == played.visit.candidate_gain_pct
    assert last.incumbent_points_lost == played.visit.points_lost
    assert last.incumbent_regret_pct == played.visit.regret_pct
    assert last.minutes == played.visit.minutes


def test_each_observation_says_how_it_ended_and_what_its_setting_is_worth() -> None:
    rows = swept().evaluations
    assert rows[0].ended == "known"  # the reference needs no test
    assert {row.ended for row in rows[1:]} <= {"done", "felt", "stopped", "refused"}
    objective = scorer().task.objective
    for row in rows:
        worth = objective.utility_pct(
            row.true_gain_pct, row.energy_frac, row.true_sensation
        )
        assert row.true_utility_pct == pytest.approx(worth, abs=1e-12)


def test_what_a_strategy_returned_is_marked_where_it_was_tested() -> None:
    rows = scored(job("textbook")).evaluations
    marked = {(row.phase_duration_ms, row.delay_ms) for row in rows if row.returned}
    assert marked == {(6.60, 35.0)}
    assert not any(row.returned for row in swept().evaluations)  # it returns nothing


def test_the_best_is_sought_at_other_weights_of_energy_too() -> None:
    row = scored(job("stay")).visit
    truth, spent = scorer().truth, row.reference_energy_frac
    # without a price the best is the highest gain of a setting that nobody feels
    free = truth.window_gain_pct - np.maximum(truth.sensation, 0.0)
    assert row.best_utility_energy_0_pct == max(
        truth.off_gain_pct, free[truth.tolerated].max()
    )
    assert row.best_utility_energy_1_pct < row.best_utility_energy_0_pct
    assert row.candidate_energy_frac == spent > 0.0
    assert row.candidate_sensation == row.reference_sensation == 0.0
    assert row.knows == "nothing"


def test_the_observations_are_numbered_and_their_cost_only_grows() -> None:
    rows = swept().evaluations
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert rows[0].true_gain_pct == rows[0].minutes == 0.0  # the reference is free
    for before, after in pairwise(rows):
        assert after.minutes > before.minutes
        assert after.beats > before.beats
    assert len(rows) == swept().visit.n_evaluations == swept().visit.n_tests + 1


def test_the_true_gain_of_a_test_is_that_of_the_landscape() -> None:
    truth = scorer().truth
    for row in swept().evaluations[1:]:
        near = truth.window_gain_pct[
            abs(truth.window_gain_pct - row.true_gain_pct).argmin()
        ]
        assert row.true_gain_pct == pytest.approx(near, abs=0.02)


def test_the_optimum_has_no_regret_and_off_gives_all_away() -> None:
    one = scorer()
    best = max(
        (with_dependents(Settings(amplitude_v=7.5, delay_ms=d)) for d in range(20, 46)),
        key=one.utility_pct,
    )
    off = with_dependents(Settings(ccm_mode="OFF"))
    assert 0.0 <= one.share_pct(one.points_lost(best)) < 20.0
    assert one.share_pct(one.points_lost(off)) == pytest.approx(100.0, abs=0.1)
    read = one.points_lost_at(best, one.gain_pct(best) - 0.5)
    assert read == pytest.approx(one.points_lost(best) + 0.5)
    assert one.utility_pct(best) < one.gain_pct(best)


def test_settings_below_the_reference_or_felt_are_harm() -> None:
    one = scorer()
    weaker = with_dependents(Settings(amplitude_v=4.5, delay_ms=20.0))
    assert one.columns(DEVICE.as_found, weaker)["harmed"]
    assert not one.columns(weaker, DEVICE.as_found)["harmed"]
    felt = personalize(responder(), {"sensation_threshold_v": 5.5})
    sore = Scorer(felt, DEVICE.as_found, one.plan, one.task)
    stronger = with_dependents(Settings(amplitude_v=7.5, delay_ms=20.0))
    assert not sore.tolerated(stronger)
    assert sore.columns(stronger, stronger)["harmed"]


def test_whoever_leaves_things_as_they_are_harms_nobody() -> None:
    """Also where the patient came with settings that hurt."""
    one = scorer()
    found = DEVICE.as_found
    sore = Scorer(
        personalize(responder(), {"sensation_threshold_v": 4.0}),
        found,
        one.plan,
        one.task,
    )
    assert not sore.tolerated(found)
    assert not sore.columns(found, found)["harmed"]
    off = replace(found, ccm_mode="OFF")
    assert sore.tolerated(off)
    assert not sore.columns(found, off)["harmed"]
    assert one.columns(found, off)["harmed"]  # what helped and was borne is gone


def test_a_null_patient_has_only_energy_to_save() -> None:
    row = scored(job("stay", patient=phenotype("hfref-null"))).visit
    assert row.attainable_gain_pct == pytest.approx(0.0, abs=1e-9)
    assert 0.0 < row.points_lost < 0.5
    assert isnan(row.attained_frac)


def test_a_post_replication_reads_the_true_gain_within_its_error() -> None:
    strong = with_dependents(Settings(amplitude_v=7.0, delay_ms=30.0))
    read = post_gain_pct(fifth(), strong, 8)
    # four-arm pairs spread by 1.6 %: four standard errors of eight of them
    assert read == pytest.approx(scorer().gain_pct(strong), abs=4 * 1.6 / 8**0.5)


def test_each_replicate_is_read_again_with_errors_of_its_own() -> None:
    strong = with_dependents(Settings(amplitude_v=7.0, delay_ms=30.0))
    read = [
        post_gain_pct(replace(fifth(), replicate=replicate), strong, 1)
        for replicate in (0, 1, 1)
    ]
    assert read[0] != read[1] == read[2]


def test_a_post_replication_of_the_reference_gains_exactly_nothing() -> None:
    gain = post_gain_pct(fifth(), DEVICE.as_found, 2)
    assert gain == 0.0


def test_a_visit_that_came_to_nothing_counts_as_the_reference_kept() -> None:
    row = kept_row(job("stay"), status="failed", error="first line\nsecond line")
    assert (row.status, row.error) == ("failed", "first line second line")
    assert row.regret_pct == scored(job("stay")).visit.regret_pct
    assert not row.harmed
    assert row.verdict == ""


def test_readings_bring_information_and_a_visit_without_tests_brings_none() -> None:
    assert swept().visit.information_bits > 0.0
    sweep = job("sweep")
    plan = replace(sweep.order.plan, titration_min=0.0)
    nothing = replace(sweep, order=replace(sweep.order, plan=plan))
    row = scored(nothing).visit
    assert (row.information_bits, row.n_tests) == (0.0, 0)
