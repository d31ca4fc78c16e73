"""The sizes of the laws: what patients gain at the factory settings."""

from dataclasses import replace

import numpy as np
import pytest

from harness.evidence import law_sizes
from harness.evidence.law_sizes import A16, curves, fitted_size, gains_of, rises_pct
from sim.law.registry import SHIPPED
from sim.law.saturating import Saturating

FOLLOWS = sorted(set(SHIPPED) - {"adverse", "plateau", "sharp"})
WIDE = {"field-20-20": 5.7, "field-20-50": 4.6}
"""Fields whose surface alone spreads more than A16; their own docstring says so."""


@pytest.fixture(scope="module", autouse=True)
def few_hearts():
    """Use few hearts: what is tested is known to a tenth of its size."""
    few = replace(A16, n_hearts=30, n_laws=600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(law_sizes, "A16", few)
        yield few
    curves.cache_clear()
    law_sizes._hearts.cache_clear()


@pytest.mark.parametrize("name", FOLLOWS)
def test_over_patients_of_a_law_the_factory_gain_follows_a16(name):
    rises = rises_pct(gains_of(SHIPPED[name], 600))
    # LAWS: within 2 points of 9.1; 30 hearts know the mean to 0.3, the SD to a tenth
    assert rises.mean() == pytest.approx(A16.mean_pct, abs=0.9)
    assert rises.std() == pytest.approx(WIDE.get(name, A16.sd_pct), rel=0.15)


def test_what_is_fitted_has_the_mean_and_the_spread_it_is_fitted_to():
    fitted = fitted_size(SHIPPED["any-delay"])
    assert fitted.mean_pct == pytest.approx(A16.mean_pct, abs=1e-3)
    assert fitted.sd_pct == pytest.approx(A16.sd_pct, abs=1e-3)


def test_where_shapes_alone_spread_more_the_size_is_the_same_for_all():
    fitted = fitted_size(SHIPPED["field-20-20"])
    assert fitted.size.cv_frac == 0.0
    assert fitted.mean_pct == pytest.approx(A16.mean_pct, abs=1e-3)
    assert fitted.sd_pct > A16.sd_pct


def test_a_patient_whom_the_factory_settings_give_little_is_not_drawn_again():
    gains = gains_of(SHIPPED["two-humps"], 600)
    typical = np.median(gains)
    assert (gains < 0.5 * typical).any()


def test_shapes_of_size_one_are_gains_over_the_size():
    shapes = gains_of(SHIPPED["saturating"], 5, of_size_one=True)
    sizes = [
        Saturating.draw(np.random.default_rng([A16.seed, n])).g_one_lead_frac
        for n in range(5)
    ]
    assert gains_of(SHIPPED["saturating"], 5) == pytest.approx(shapes * sizes)
