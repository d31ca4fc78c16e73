"""The best that could have been chosen, where it can be said without a simulation."""

from dataclasses import replace

import pytest

from harness.task.lattice import Lattice
from harness.task.objective import Objective
from harness.task.task import Task
from harness.truth.score import Scorer
from sim.device.energy import energy_frac
from sim.device.settings import Settings, with_dependents
from sim.patient import personalize, phenotype
from sim.visit.plan import VisitPlan

FOUND = with_dependents(Settings(amplitude_v=6.0, delay_ms=20.0))
AXES = ("amplitude_v", "phase_duration_ms", "delay_ms")


def scorer(response: str, felt_from_v: float, energy_weight: float = 0.5) -> Scorer:
    made = personalize(
        phenotype("hfref-ischaemic"), {"sensation_threshold_v": felt_from_v}, response
    )
    weights = Objective(energy_weight=energy_weight)
    return Scorer(made, FOUND, VisitPlan(), Task(Lattice(AXES), weights))


def test_where_nothing_works_the_best_setting_is_the_one_of_least_energy() -> None:
    best = scorer("null", felt_from_v=9.0).best
    # energy rises with amplitude and phase duration: the lowest of both
    assert (best.amplitude_v, best.phase_duration_ms) == (4.5, 5.14)


def test_where_energy_is_free_the_best_setting_has_the_attainable_gain() -> None:
    known = scorer("nominal", felt_from_v=9.0, energy_weight=0.0)
    assert known.gain_pct(known.best) == known.truth.attainable_gain_pct
    assert known.points_lost(known.best) == pytest.approx(0.0, abs=1e-9)


def test_where_no_setting_is_tolerated_the_best_is_off_and_off_loses_nothing() -> None:
    sore = scorer("nominal", felt_from_v=1.0)
    assert not sore.best.delivers
    assert sore.points_lost(sore.best) == 0.0
    # kept for good it would hurt: as bad as off at best, whatever it gains
    assert sore.points_lost(FOUND) >= 0.0
    assert sore.utility_pct(sore.best) == sore.truth.off_gain_pct


def test_what_is_not_borne_loses_no_less_than_off_with_another_gain_too() -> None:
    sore = scorer("nominal", felt_from_v=1.0)
    assert not sore.tolerated(FOUND)
    much = sore.gain_pct(FOUND) + 100.0
    assert sore.points_lost_at(FOUND, sore.gain_pct(FOUND)) == sore.points_lost(FOUND)
    assert sore.points_lost_at(FOUND, much) == 0.0


def test_through_leads_that_reach_no_muscle_nothing_is_gained_and_energy_is_lost() -> (
    None
):
    sound = scorer("nominal", felt_from_v=9.0)
    loose = replace(sound, faults=("dislodged", "dislodged"))
    assert sound.gain_pct(sound.best) > 1.0
    assert loose.gain_pct(sound.best) == pytest.approx(0.0, abs=1e-9)
    assert not loose.best.delivers
    # protocol 1: utility is gain less energy weight times energy over nominal
    assert loose.points_lost(FOUND) == pytest.approx(0.5 * energy_frac(FOUND))


def test_a_lead_that_came_loose_on_the_way_is_loose_for_the_best_as_for_the_rest() -> (
    None
):
    sound = scorer("nominal", felt_from_v=9.0)
    loose = replace(sound, faults=("dislodged", "none"))
    assert loose.truth.attainable_gain_pct < sound.truth.attainable_gain_pct
    for settings in (FOUND, sound.best, loose.best):
        assert loose.points_lost(settings) >= -1e-9
