"""The truth of the whole lattice agrees with the schedule played in full."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from harness.task.lattice import Lattice
from harness.truth.answer_key import ees_gain, settled_gain_pct, window_gain_pct
from harness.truth.landscape import Landscape, Sought, landscape, landscapes
from optimizers.space import Point, Space
from sim.device.settings import Settings, with_dependents
from sim.patient import Patient, personalize, phenotype
from sim.visit.plan import VisitPlan

FOUND = with_dependents(Settings(amplitude_v=4.5, delay_ms=20.0))
ALL_AXES = ("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms")


@cache
def space() -> Space:
    return Lattice(ALL_AXES).around(FOUND).space


def settings(point: Point) -> Settings:
    return Lattice(ALL_AXES).around(FOUND).settings_of(point)


@cache
def responder(response: str = "nominal") -> Patient:
    return personalize(
        phenotype("hfref-ischaemic"),
        {"g_two_leads": 0.165, "sensation_threshold_v": 9.0},
        response,
    )


@cache
def truth(response: str = "nominal") -> Landscape:
    return landscape(responder(response), FOUND, space())


def test_every_allowed_setting_has_its_truth() -> None:
    # 7 amplitudes, 4 widths, 3 trains; delays 20 to 45: the rest breaks rule 4 or 5
    assert len(truth().points) == space().size == truth().window_gain_pct.size


@pytest.mark.parametrize(
    "response", ["nominal", pytest.param("sharp", marks=pytest.mark.slow)]
)
def test_random_settings_agree_with_the_schedule_played_in_full(response: str) -> None:
    found, patient = truth(response), responder(response)
    base = ees_gain(patient, FOUND)
    for row in np.random.default_rng(3).choice(len(found.points), 25, replace=False):
        point = tuple(int(i) for i in found.points[row])
        gain = ees_gain(patient, settings(point))
        assert found.ees_gain_pct[row] == pytest.approx(100.0 * gain, abs=1e-9)
        played = window_gain_pct(patient, VisitPlan(), gain, base)
        assert found.window_gain_pct[row] == pytest.approx(played, abs=0.05)


def test_the_reference_gains_nothing() -> None:
    values = [getattr(FOUND, name) for name in ALL_AXES]
    row = truth().row(space().nearest(values))
    assert truth().window_gain_pct[row] == pytest.approx(0.0, abs=0.01)
    assert truth().settled_gain_pct[row] == pytest.approx(0.0, abs=0.01)


def test_the_optimum_is_at_the_patients_best_delay_and_loses_nothing() -> None:
    best = settings(truth().best)
    assert best.delay_ms == responder().response.best_delay_ms
    gains = truth().window_gain_pct
    assert truth().attainable_gain_pct == pytest.approx(float(gains.max()))
    utility = truth().utility_pct[truth().row(truth().best)]
    assert truth().best_utility_pct == utility
    assert truth().share_pct(truth().points_lost(float(utility))) == 0.0
    assert truth().attained_frac(float(gains.max())) == 1.0


def test_off_gives_everything_away_and_a_weakening_setting_more() -> None:
    off = truth().off_gain_pct
    base = ees_gain(responder(), FOUND)
    played = window_gain_pct(responder(), VisitPlan(), 0.0, base)
    assert off == pytest.approx(played, abs=0.05)
    assert off < 0.0
    assert truth().span_points == pytest.approx(truth().best_utility_pct - off)
    shares = [
        truth().share_pct(truth().points_lost(at)) for at in (off, off - 1.0, 0.0)
    ]
    assert shares[0] == pytest.approx(100.0)
    assert shares[1] > 100.0
    assert 0.0 < shares[2] < 100.0


def test_what_is_not_tolerated_counts_as_off_at_best() -> None:
    off, best = truth().off_gain_pct, truth().best_utility_pct
    assert truth().points_lost(best + 1.0, tolerated=False) == truth().span_points
    assert truth().points_lost(off - 2.0, tolerated=False) == pytest.approx(
        truth().span_points + 2.0
    )


def test_what_the_patient_feels_is_not_attainable() -> None:
    felt = personalize(responder(), {"sensation_threshold_v": 5.9})
    found = landscape(felt, FOUND, space())
    assert settings(found.best).amplitude_v < 5.9
    assert found.attainable_gain_pct < truth().attainable_gain_pct


def test_on_a_null_patient_the_cheapest_setting_is_best_and_nothing_is_gained() -> None:
    found = landscape(phenotype("hfref-null"), FOUND, space())
    assert found.attainable_gain_pct == pytest.approx(0.0, abs=1e-9)
    best = settings(found.best)
    assert (best.amplitude_v, best.n_pulses) == (4.5, 1)
    assert np.isnan(found.attained_frac(0.0))


def weakening(patient: Patient) -> Patient:
    """Return a patient whom every setting weakens, the more the stronger it is."""
    law: Any = patient.response
    weak = replace(law, g_one_lead_frac=-0.02, negative_frac=0.0)
    return replace(patient, response=weak)


def test_off_is_the_best_of_a_patient_whom_every_setting_weakens() -> None:
    found = landscape(weakening(responder()), FOUND, space())
    assert found.off_gain_pct > 0.0
    assert found.window_gain_pct.max() <= found.off_gain_pct
    assert found.off_is_best
    assert found.best_utility_pct == found.off_gain_pct
    assert found.span_points == 0.0
    assert np.isnan(found.share_pct(1.0))
    assert found.attainable_gain_pct == found.off_gain_pct


def test_a_cohort_has_the_truth_that_each_has_alone() -> None:
    people = [
        responder(),
        weakening(responder("sharp")),
        phenotype("hfref-af"),
        phenotype("normal"),
        responder("plateau"),
    ]
    other = with_dependents(Settings(amplitude_v=6.0, delay_ms=30.0))
    sought = [Sought(one, FOUND, space()) for one in people]
    sought.append(Sought(people[0], other, Lattice(ALL_AXES).around(other).space))
    together = landscapes(sought)
    for one, found in zip(sought, together, strict=True):
        alone = landscape(one.patient, one.reference, one.space)
        # blocks of four hearts round as one heart does, but for the last digits
        assert found.utility_pct == pytest.approx(alone.utility_pct, abs=1e-7)
        assert found.settled_gain_pct == pytest.approx(alone.settled_gain_pct, abs=1e-7)
        assert found.off_gain_pct == pytest.approx(alone.off_gain_pct, abs=1e-7)


@pytest.mark.parametrize("reference_v", [4.5, 7.5])
def test_fifty_settings_agree_with_the_schedule_played_in_full(
    reference_v: float,
) -> None:
    """As exact as before the curves had three gains a side; settled gains too."""
    patient, plan = responder(), VisitPlan()
    reference = with_dependents(Settings(amplitude_v=reference_v, delay_ms=25.0))
    own = Lattice(ALL_AXES).around(reference)
    found = landscape(patient, reference, own.space)
    base = ees_gain(patient, reference)
    rows = np.random.default_rng(5).choice(len(found.points), 25, replace=False)
    for row in rows:
        gain = found.ees_gain_pct[row] / 100.0
        played = window_gain_pct(patient, plan, gain, base)
        assert found.window_gain_pct[row] == pytest.approx(played, abs=0.05)
        settled = settled_gain_pct(patient, gain, base)
        assert found.settled_gain_pct[row] == pytest.approx(settled, abs=0.05)


def test_a_point_outside_the_lattice_is_refused() -> None:
    with pytest.raises(ValueError, match="not an allowed point"):
        truth().row((99, 0, 0, 0))
