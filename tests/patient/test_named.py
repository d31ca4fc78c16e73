"""Named cohorts have the numbers of their trial, and draw them."""

import numpy as np
import pytest

from sim.patient.named import NAMED, named_population
from sim.patient.population import SCORES, Draw, draws_of
from sim.sources import unsourced
from sim.streams import stream

N = 4000


def draws(name: str) -> list[Draw]:
    scores = stream(11, name="patient").standard_normal((N, len(SCORES)))
    return draws_of(named_population(name), scores, {"nominal": 1.0})


@pytest.mark.parametrize("name", NAMED)
def test_every_number_of_a_named_cohort_has_a_source(name: str) -> None:
    assert unsourced(named_population(name)) == []


def test_nobody_in_fix_hf_5_has_an_ejection_fraction_above_35() -> None:
    ef = np.array([draw.ejection_fraction_pct for draw in draws("fix-hf-5")])
    assert ef.max() == 35.0
    # C11: 26, less the tenth of normal (26, 7) above 35 that is cut to it
    assert ef.mean() == pytest.approx(25.7, abs=0.5)


def test_fibrillation_of_the_russian_cohort_goes_by_cause() -> None:
    made = draws("russian")
    shares = [
        np.mean([draw.fibrillates for draw in made if draw.ischaemic == cause])
        for cause in (True, False)
    ]
    # C09: 58 and 74 %; standard error of the smaller group 1.1 %
    assert shares == pytest.approx([0.58, 0.74], abs=0.04)


def test_a_number_of_a_named_cohort_can_be_changed() -> None:
    changed = named_population("fix-hf-5", {"ef_mean_pct": 20.0})
    assert (changed.ef_mean_pct, changed.age_mean_years) == (20.0, 58.35)


def test_an_unknown_cohort_offers_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'ccm-reg'"):
        named_population("ccm-regs")
