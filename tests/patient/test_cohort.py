"""Cohorts: every heart is the drawn one, refused draws are counted."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.heart.beating import settled
from sim.law.registry import law_kind, spreads_of
from sim.patient import Cohort, patient_from_toml, patient_to_toml, sample_cohort
from sim.patient.population import TraitSpread
from sim.patient.solve_batch import (
    LEAST_COMPLIANCE_ML_PER_MMHG,
    MOST_COMPLIANCE_ML_PER_MMHG,
    BedsideValues,
    _solutions,
    solve_batch,
)
from sim.sources import references, unsourced
from sim.streams import stream

FAMILIES = {"nominal": 0.4, "plateau": 0.2, "sharp": 0.2, "null": 0.2}


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return sample_cohort(150, np.random.default_rng(5), families=FAMILIES)


def values(n: int, **changes: float) -> BedsideValues:
    rows = {
        "ejection_fraction_pct": 30.0,
        "edv_ml": 230.0,
        "sbp_mmhg": 117.0,
        "dbp_mmhg": 72.0,
        "heart_rate_bpm": 74.0,
    }
    columns = {name: np.full(n, value) for name, value in (rows | changes).items()}
    return BedsideValues(**columns, fibrillates=np.zeros(n, dtype=np.bool_))


def test_every_heart_settles_where_it_was_drawn(cohort: Cohort) -> None:
    for member in cohort.members[:25]:
        beat = settled(member.patient.heart).haemodynamics
        draw = member.draw
        # Newton stops below 1e-9 relative; the scalar kernel agrees to rounding.
        assert 100.0 * beat.ef_frac == pytest.approx(
            draw.ejection_fraction_pct, rel=1e-7
        )
        assert beat.edv_ml == pytest.approx(draw.edv_ml, rel=1e-7)
        assert beat.sbp_mmhg == pytest.approx(draw.sbp_mmhg, rel=1e-7)
        assert member.patient.rhythm.heart_rate_bpm == draw.heart_rate_bpm
        if member.dbp_met:
            assert beat.dbp_mmhg == pytest.approx(draw.dbp_mmhg, rel=1e-7)
        assert beat.map_mmhg == pytest.approx(
            member.patient.reflex.set_map_mmhg, rel=1e-7
        )


def test_most_diastolic_pressures_are_met_and_the_others_have_a_limiting_compliance(
    cohort: Cohort,
) -> None:
    limits = (LEAST_COMPLIANCE_ML_PER_MMHG, MOST_COMPLIANCE_ML_PER_MMHG)
    missed = [member for member in cohort.members if not member.dbp_met]
    assert len(missed) < 0.15 * len(cohort)
    for member in missed:
        compliance = member.heart.systemic_arterial_compliance_ml_per_mmhg
        assert min(abs(compliance / limit - 1.0) for limit in limits) < 1e-6


def test_refused_draws_are_counted_with_their_reasons(cohort: Cohort) -> None:
    reasons = Counter(why for member in cohort.members for why in member.refused)
    assert cohort.redrawn == dict(reasons)
    assert cohort.n_redrawn == sum(reasons.values()) > 0
    assert any(" outside " in why or " below " in why for why in reasons)


def test_redrawing_hardly_moves_what_was_asked_for(cohort: Cohort) -> None:
    # A mean of 150 errs by SD / 12; three of those, so that only a real shift fails.
    for name, mean, sd in (
        ("ejection_fraction_pct", 31.0, 6.5),
        ("sbp_mmhg", 118.0, 17.0),
        ("heart_rate_bpm", 73.0, 11.0),
    ):
        assert cohort.column(name).mean() == pytest.approx(mean, abs=3 * sd / 12)


def test_a_patient_is_the_same_in_a_cohort_of_any_size(cohort: Cohort) -> None:
    few = sample_cohort(4, np.random.default_rng(5), families=FAMILIES)
    assert [m.draw for m in few.members] == [m.draw for m in cohort.members[:4]]
    for one, other in zip(few.members, cohort.members, strict=False):
        # solved beside other patients, hence equal to the solver's tolerance only
        assert one.heart.stressed_volume_ml == pytest.approx(
            other.heart.stressed_volume_ml, rel=1e-6
        )


def test_progress_tells_how_many_hearts_are_solved() -> None:
    told: list[tuple[int, int]] = []

    def tell(n_solved: int, n: int) -> None:
        told.append((n_solved, n))

    drawn = sample_cohort(2, np.random.default_rng(5), progress=tell)
    assert told[-1] == (2, 2)
    assert all(n_solved <= n == 2 for n_solved, n in told)
    assert drawn.patients == sample_cohort(2, np.random.default_rng(5)).patients


def test_rhythm_chart_and_law_are_the_drawn_ones(cohort: Cohort) -> None:
    for member in cohort.members:
        patient, draw = member.patient, member.draw
        assert patient.in_atrial_fibrillation == draw.fibrillates
        assert ("beta-blocker" in patient.profile.medication) == draw.beta_blocker
        assert patient.profile.nyha_class == draw.nyha_class
        assert patient.response.name == draw.family
        if draw.family == "null":
            own = law_kind("null").draw(np.random.default_rng(draw.law_number))
            assert patient.response == own
            continue
        assert patient.response.g_one_lead_frac == draw.g_one_lead_frac
        assert patient.response.threshold_frac == draw.threshold_frac
        if draw.family == "sharp":
            assert (patient.response.k, patient.response.late_width_ms) == (4.0, 10.0)


def test_every_number_of_a_drawn_patient_has_a_source(cohort: Cohort) -> None:
    known = set(references())
    for member in cohort.members[:20]:
        assert unsourced(member.patient) == []
        rows = {row.name: row.source for row in member.patient.provenance()}
        assert {source.reference for source in rows.values()} <= known
        qrs = rows["conduction.qrs_ms"]
        assert (qrs.place, qrs.standing) == ("B virtual cohort, drawn", "recalled")
        assert rows["rhythm.pvc_per_hour"].standing == "fitted"
        drawn = [
            rows[f"response.{name}"] for name in spreads_of(member.patient.response)
        ]
        assert all(source.place.endswith(", drawn") for source in drawn)
    assert unsourced(TraitSpread()) == []


def test_drawn_patients_can_be_written_to_files(cohort: Cohort) -> None:
    for patient in cohort.patients[:20]:
        assert patient_from_toml(patient_to_toml(patient)) == patient


def test_no_two_patients_are_alike(cohort: Cohort) -> None:
    assert len(set(cohort.patients)) == len(cohort)


def test_an_empty_cohort_is_a_cohort() -> None:
    assert len(sample_cohort(0, np.random.default_rng(1))) == 0


def test_a_population_that_no_heart_can_meet_is_refused_with_the_reasons() -> None:
    dead = replace(TraitSpread(), sbp_mean_mmhg=20.0, sbp_sd_mmhg=1.0)
    with pytest.raises(ValueError, match=r"2 of 2 .* sbp_mmhg outside 60 to 220"):
        sample_cohort(2, np.random.default_rng(1), population=dead)


def test_a_singular_heart_does_not_stop_the_newton_steps_of_the_others() -> None:
    sound = 2.0 * np.eye(11) + 0.1
    goal = np.arange(11.0)
    steps = _solutions(np.stack([sound, -1e-14 * np.eye(11)]), np.stack([goal, goal]))
    np.testing.assert_allclose(sound @ steps[0], -goal, atol=1e-12)
    assert np.isfinite(steps[1]).all()


def test_hearts_that_cannot_be_are_not_found_and_spoil_no_other() -> None:
    asked = values(3)
    asked.ejection_fraction_pct[1] = 79.0
    asked.edv_ml[1] = 61.0
    asked.sbp_mmhg[1] = 219.0
    asked.dbp_mmhg[1] = 31.0
    hearts = solve_batch(asked)
    assert hearts.found[0]
    assert hearts.found[2]
    assert hearts.circulations[0] == hearts.circulations[2]
    if hearts.found[1]:
        assert hearts.haemodynamics[1].edv_ml == pytest.approx(61.0, rel=1e-6)


def test_the_ventricles_keep_their_filling_pressures_at_any_size() -> None:
    # A larger ventricle has a proportionally flatter filling curve (evidence C2).
    hearts = solve_batch(values(2, edv_ml=230.0))
    large = solve_batch(values(2, edv_ml=330.0))
    assert large.haemodynamics[0].lvedp_mmhg == pytest.approx(
        hearts.haemodynamics[0].lvedp_mmhg, abs=1.0
    )


def test_the_same_people_under_another_law_are_those_drawn_with_it_alone() -> None:
    mixed = sample_cohort(
        6, stream(3, name="patient"), families={"nominal": 1, "sharp": 1}
    )
    alone = sample_cohort(6, stream(3, name="patient"), families={"interior": 1.0})
    under = mixed.under("interior")
    assert [one.response for one in under.patients] == [
        one.response for one in alone.patients
    ]
    assert [one.circulation for one in under.patients] == [
        one.circulation for one in alone.patients
    ]
    assert under.column("family").tolist() == ["interior"] * 6


@pytest.mark.parametrize("n", [2.5, -1, "3"])
def test_a_number_of_patients_that_counts_nobody_is_told(n: Any) -> None:
    with pytest.raises(ValueError, match="n must be a whole number, 0 or more, got"):
        sample_cohort(n, np.random.default_rng(7))


def test_a_seed_in_place_of_a_generator_is_told() -> None:
    with pytest.raises(TypeError, match=r"such as np\.random\.default_rng\(7\), got 7"):
        sample_cohort(2, 7)  # type: ignore[arg-type]
