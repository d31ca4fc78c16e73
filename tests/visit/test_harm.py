"""Harmful as found: shown by fresh pairs alone, then CCM is left off and it is said."""

from dataclasses import replace
from functools import cache

import pytest

from sim.device.settings import Settings
from sim.patient import personalize, phenotype
from sim.visit.advisor import Nobody
from sim.visit.checklist import run_visit
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.record import VisitRecord
from sim.visit.verdict import RULES

PLAN = VisitPlan(titration_min=4.0, verification_pairs=2, observation_min=1.0)


@cache
def visit(gain_frac: float, noise_scale: float = 0.3, seed: int = 1) -> VisitRecord:
    values = {"g_two_leads": gain_frac, "sensation_threshold_v": 9.0}
    patient = personalize(phenotype("hfref-ischaemic"), values)
    order = VisitOrder(
        patient=patient,
        found=FoundDevice(Settings()),
        plan=replace(PLAN, noise_scale=noise_scale),
        seed=seed,
    )
    return run_visit(order, Nobody())


def test_ccm_that_weakens_the_heart_is_found_harmful_and_left_off() -> None:
    record = visit(-0.12)
    assert record.verdict.kind == "harmful as found"
    assert record.verdict.ci95_pct[0] > 0.0
    assert record.final.ccm_mode == "OFF"
    assert record.as_left.settings.ccm_mode == "OFF"
    assert record.tested == () == record.verification_pairs


def test_the_verdict_rests_on_seven_fresh_pairs_alone() -> None:
    record = visit(-0.12)
    gains = [pair.gains.primary_pct for pair in record.harm_pairs if pair.gains]
    assert len(record.harm_pairs) == RULES.harm_pairs == 7
    assert record.verdict.gain_pct == pytest.approx(sum(gains) / len(gains))
    assert record.verdict.pairs_planned == 7
    first = record.response_pairs[-1].end_s
    assert all(pair.start_s >= first for pair in record.harm_pairs)


def test_the_follow_up_says_why_ccm_stays_off() -> None:
    record = visit(-0.12)
    said = [row for row in record.follow_up if "stays off" in row.text]
    assert len(said) == 1
    assert said[0].because.startswith("harmful as found: CCM off reads")


def test_the_choice_of_such_a_visit_is_ccm_off() -> None:
    choice = visit(-0.12).choice
    assert choice is not None
    assert choice.settings.ccm_mode == "OFF"


def test_who_responds_is_not_read_again() -> None:
    record = visit(0.12)
    assert record.harm_pairs == ()
    assert record.final.ccm_mode == "TIMED"


def test_a_mean_below_zero_that_fresh_pairs_do_not_confirm_harms_nobody() -> None:
    records = [visit(0.0, noise_scale=1.0, seed=seed) for seed in range(6, 12)]
    read_again = [record for record in records if record.harm_pairs]
    # without response either sign is as likely: one of six in all but 1 of 32 seeds
    assert 0 < len(read_again) < 6
    for record in records:
        off = [pair.gains.primary_pct for pair in record.response_pairs if pair.gains]
        assert bool(record.harm_pairs) == (sum(off) > 0.0)
    kept = [
        record for record in read_again if record.verdict.kind != "harmful as found"
    ]
    assert kept
    assert {record.final.ccm_mode for record in kept} == {"TIMED"}
