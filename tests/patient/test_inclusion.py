"""Criteria of inclusion: who is taken, who is refused, and what stays as it was."""

import numpy as np
import pytest

from sim.patient import sample_cohort
from sim.patient.inclusion import CRITERIA, WORDS, inclusion

TRIAL = inclusion(
    ejection_fraction_pct="25 to 32", nyha_class=[3, 3], sex="female", fibrillates=False
)


def test_everybody_of_a_cohort_meets_the_criteria() -> None:
    cohort = sample_cohort(12, np.random.default_rng(3), inclusion=TRIAL)
    ef = cohort.column("ejection_fraction_pct")
    assert ((ef >= 25.0) & (ef <= 32.0)).all()
    assert set(cohort.column("sex")) == {"female"}
    assert set(cohort.column("nyha_class")) == {3}
    assert not cohort.column("fibrillates").any()


def test_those_not_taken_are_counted_by_reason() -> None:
    cohort = sample_cohort(12, np.random.default_rng(3), inclusion=TRIAL)
    assert cohort.redrawn["not taken: sex is not female"] > 0


def test_who_was_taken_anyway_is_the_same_person() -> None:
    free = sample_cohort(12, np.random.default_rng(3))
    asked = sample_cohort(
        12, np.random.default_rng(3), inclusion=inclusion(sex="female")
    )
    women = [m for m in free.members if m.draw.sex == "female"]
    assert women
    for member in women:
        same = next(m for m in asked.members if m.patient.name == member.patient.name)
        assert same.draw.age_years == pytest.approx(member.draw.age_years)


def test_criteria_that_nobody_meets_are_told() -> None:
    nobody = inclusion(ejection_fraction_pct=(70, 75))
    with pytest.raises(ValueError, match=r"met no criteria .* outside 70 to 75"):
        sample_cohort(1, np.random.default_rng(3), inclusion=nobody)


@pytest.mark.parametrize(
    ("name", "wanted", "told"),
    [
        ("ejection_fracton_pct", (25, 35), "nearest is 'ejection_fraction_pct'"),
        ("nyha_class", 3, "must be two limits"),
        ("nyha_class", (4, 3), "must be two limits"),
        ("sex", "woman", "must be female or male, got 'woman'"),
        ("fibrillates", 1, "must be false or true, got 1"),
    ],
)
def test_a_wrong_criterion_is_told(name: str, wanted: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        inclusion(**{name: wanted})


def test_every_drawn_trait_can_be_a_criterion_but_the_law() -> None:
    assert {"age_years", "qrs_ms", "peak_vo2_ml_per_kg_min"} < set(CRITERIA)
    assert set(WORDS) == {"sex", "ischaemic", "fibrillates", "beta_blocker"}
