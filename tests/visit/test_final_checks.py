"""The checks at the permanent values find what a setting does beside the heart."""

from dataclasses import replace

import numpy as np
import pytest

from sim.device.icd import IcdWatch
from sim.device.leads import LeadSite
from sim.device.settings import Settings, with_dependents
from sim.patient import Patient, personalize, phenotype
from sim.visit.advisor import Nobody
from sim.visit.icd_check import ICD, icd_beats, icd_markers, interrogate_icd
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.programming import icd_cross_check
from sim.visit.record import Check
from sim.visit.thresholds import draw_thresholds
from sim.visit.visit import Visit

SITES_OF_LEADS: tuple[LeadSite, ...] = ("mid-septum", "basal")
USUAL = with_dependents(Settings(delay_ms=35.0))
LATE = with_dependents(Settings(mode="ODO-LS-CCM", delay_ms=95.0))


def patient(**override: float) -> Patient:
    return personalize(phenotype("hfref-ischaemic"), override)


def after_beats(who: Patient, settings: Settings, n: int = 70) -> Visit:
    order = VisitOrder(who, FoundDevice(settings=settings), VisitPlan(), 2)
    visit = Visit(order, Nobody())
    visit.env.run(until=visit.env.process(visit.bedside.wait_beats(n)))
    return visit


def checked(distance_cm: float, settings: Settings) -> Check:
    visit = after_beats(patient(icd_distance_cm=distance_cm), settings)
    return icd_cross_check(visit, settings)


def test_the_icd_counts_no_train_that_ends_inside_its_blanking() -> None:
    assert checked(0.5, USUAL).passed


def test_a_late_train_near_the_icd_is_counted_twice_and_found() -> None:
    found = checked(1.0, LATE)
    assert not found.passed
    assert found.text.startswith("double counting in 60 of 60 beats, from 13")
    assert "beats/min on the ICD would shock" in found.text


def test_a_late_train_far_from_the_icd_is_not_counted() -> None:
    assert checked(4.0, LATE).passed


def test_a_lower_amplitude_may_pass_where_a_high_one_does_not() -> None:
    assert not checked(1.9, LATE).passed
    assert checked(1.9, replace(LATE, amplitude_v=4.5)).passed


def test_without_an_icd_there_is_nothing_to_count() -> None:
    visit = after_beats(phenotype("normal"), USUAL, n=5)
    assert icd_cross_check(visit, USUAL).text == "no ICD"


def test_every_beat_of_the_cross_check_has_its_train() -> None:
    visit = after_beats(patient(), LATE)
    beats = list(icd_beats(visit, LATE))
    assert len(beats) == 60
    for beat in beats:
        length_s = beat.train_end_s - beat.train_start_s
        assert length_s == pytest.approx(LATE.train_ms * 0.001)
        assert beat.train_start_s > beat.at_s + 0.095


def test_a_shock_is_told_as_one() -> None:
    told = icd_markers(IcdWatch(60, 60, ICD.blanking_ms, True))
    assert told.endswith("detected as ventricular fibrillation: the ICD would shock")


def test_basal_leads_capture_the_atrium_in_one_patient_of_eight() -> None:
    loud, n = Settings(amplitude_v=7.5), 4000
    captured = {
        site: sum(
            draw_thresholds(np.random.default_rng(k), lead_site=site).captures_atrium(
                loud
            )
            for k in range(n)
        )
        for site in SITES_OF_LEADS
    }
    # logistic shares 0.0048 and 0.119; three standard errors of 4,000 draws
    assert captured["mid-septum"] / n == pytest.approx(0.0048, abs=0.0033)
    assert captured["basal"] / n == pytest.approx(0.119, abs=0.0154)


def test_the_site_of_the_leads_changes_no_other_threshold() -> None:
    usual, basal = (
        draw_thresholds(np.random.default_rng(1), lead_site=site)
        for site in SITES_OF_LEADS
    )
    assert basal.atrial_v == usual.atrial_v - usual.population.basal_lower_v
    assert basal.phrenic_v == usual.phrenic_v


def test_a_visit_knows_where_the_leads_are() -> None:
    found = FoundDevice(settings=USUAL)
    drawn_v = [
        Visit(VisitOrder(patient(), where, VisitPlan(), 2), Nobody()).thresholds
        for where in (found, replace(found, lead_site="basal"))
    ]
    assert drawn_v[1].atrial_v < drawn_v[0].atrial_v


def test_the_memory_of_the_icd_shows_trains_that_it_counted_before_the_visit() -> None:
    told = {}
    for name, changes in (("on", {}), ("off", {"ccm_mode": "OFF"})):
        settings = LATE.with_values(changes)
        visit = after_beats(patient(icd_distance_cm=1.0), settings)
        interrogate_icd(visit)
        told[name] = visit.events[-1].text
    assert "it has counted CCM trains as beats" in told["on"]
    assert told["off"] == "ICD interrogated: no episode since the last visit"
