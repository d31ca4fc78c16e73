"""Each law at settings where its equation can be done by hand."""

from dataclasses import replace
from math import erf, exp, pi, sqrt

import numpy as np
import pytest

from sim.heart.conduction import ConductionParameters
from sim.heart.rhythm import RhythmParameters
from sim.heart.train import Train
from sim.law.adverse import Adverse
from sim.law.any_delay import AnyDelay
from sim.law.conformance import law_faults
from sim.law.field import CELLS, Field
from sim.law.interior import Interior
from sim.law.null import Null
from sim.law.registry import SHIPPED
from sim.law.response_law import LawInputs
from sim.law.spread import Even, EvenLog, LogNormal, Normal
from sim.law.two_humps import TwoHumps
from sim.law.two_leads import TwoLeads
from sim.law.window import Window

ANYBODY = LawInputs()
NOMINAL = Train(7.5, delay_ms=32.0)
V1_ALONE, V2_ALONE = {"v2_delivers": 0.0}, {"v1_delivers": 0.0}
DELAYS_MS = np.arange(15.0, 46.0)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("number", range(3))
def test_every_shipped_law_conforms_whoever_draws_it(name, number):
    assert law_faults(SHIPPED[name].draw(np.random.default_rng(number))) == ()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_law_is_drawn_from_the_stream_it_is_given_and_from_nothing_else(name):
    one, same, other = (
        SHIPPED[name].draw(np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert one == same != other


def test_the_interior_law_is_best_at_its_best_dose_and_falls_on_both_sides():
    law = Interior(best_dose_frac=0.8, threshold_frac=0.3, fall_frac=0.5)
    volts = 7.5 * np.array([0.3, 0.55, 0.8, 0.9, 1.0])
    # y = 0, 1/2, 1: y (2 - y) = 0, 3/4, 1; then 1 - (0.1 / 0.5)^2, 1 - (0.2 / 0.5)^2
    expected = [0.0, 0.75, 1.0, 0.96, 0.84]
    # the impulse is 20.56 ms to two decimals, so that w is 1 but for 1e-4
    assert law.dose_factor(Train(volts)) == pytest.approx(expected, abs=1e-3)
    best = law.gain(Train(6.0, delay_ms=32.0), ANYBODY)
    assert best == pytest.approx(0.067 * 1.35, rel=1e-3)


def test_the_interior_law_may_turn_negative_and_ends_at_its_floor():
    law = Interior(best_dose_frac=0.6, fall_frac=0.25)
    # 1 - (0.4 / 0.25)^2 = -1.56 is cut at the floor
    assert law.dose_factor(NOMINAL) == law.floor_frac == -0.5
    assert law.gain(NOMINAL, ANYBODY) < 0.0


def test_the_any_delay_law_has_equal_flanks_around_a_delay_of_its_own():
    law = AnyDelay(best_delay_ms=20.0, delay_width_ms=10.0, negative_frac=0.0)
    gains = law.gain(Train(7.5, delay_ms=np.array([10.0, 20.0, 30.0])), ANYBODY)
    # one width off, a Gaussian is down to exp(-1/2)
    assert gains / gains[1] == pytest.approx([exp(-0.5), 1.0, exp(-0.5)])


def test_the_two_humps_law_adds_its_humps():
    law = TwoHumps(early_delay_ms=20.0, late_delay_ms=40.0, late_height_frac=0.5)
    humps = law.humps(Train(7.5, delay_ms=np.array([20.0, 40.0])))
    far = exp(-0.5 * (20.0 / law.late_width_ms) ** 2)
    near = exp(-0.5 * (20.0 / law.early_width_ms) ** 2)
    assert humps == pytest.approx([1.0 + 0.5 * far, 0.5 + near])


@pytest.mark.parametrize(("height", "best_ms"), [(0.5, 20.0), (2.0, 40.0)])
def test_either_hump_may_be_the_higher(height, best_ms):
    law = TwoHumps(early_delay_ms=20.0, late_delay_ms=40.0, late_height_frac=height)
    gains = law.gain(Train(7.5, delay_ms=DELAYS_MS), ANYBODY)
    assert DELAYS_MS[np.argmax(gains)] == pytest.approx(best_ms, abs=1.0)


def test_the_window_counts_the_share_of_the_train_inside_it():
    # one lead, at 74 beats a minute, where the refractory period is its reference
    slow = LawInputs(
        rhythm=RhythmParameters(heart_rate_bpm=74.0),
        conduction=ConductionParameters(erp_ms=250.0),
    )
    law = Window(centre_frac=0.2, width_frac=0.04, negative_frac=0.0)
    # the window is at 50 ms, 10 ms wide; the train runs from 40 to 60.56 ms
    inside = 10.0 * sqrt(pi / 2) * (erf(1.056 / sqrt(2)) + erf(1.0 / sqrt(2)))
    gain = law.gain(Train(7.5, delay_ms=40.0, **V2_ALONE), slow)
    assert gain == pytest.approx(0.067 * inside / 20.56)


def test_more_pulses_move_the_best_delay_of_the_window_forward():
    law = Window()
    few, many = (
        DELAYS_MS[
            np.argmax(law.gain(Train(7.5, n_pulses=n, delay_ms=DELAYS_MS), ANYBODY))
        ]
        for n in (1, 3)
    )
    # the middle of a train of three pulses is 10.28 ms later than that of one
    assert few - many == pytest.approx(10.28, abs=1.0)


def test_the_window_shifts_with_the_refractory_period_and_so_with_rate():
    def best(bpm):
        who = LawInputs(rhythm=RhythmParameters(heart_rate_bpm=bpm))
        delays = np.arange(15.0, 46.0, 0.1)
        return delays[np.argmax(Window().gain(Train(7.5, delay_ms=delays), who))]

    # 50 against 100 beats a minute: 600 ms longer, of which a tenth and of that 0.19
    assert best(50.0) - best(100.0) == pytest.approx(0.19 * 0.1 * 600.0, abs=0.3)


def test_a_lead_that_is_activated_later_has_a_later_best_delay():
    delays = np.arange(3.0, 80.0)

    def best(**leads):
        gains = Window().gain(Train(7.5, delay_ms=delays, **leads), ANYBODY)
        return delays[np.argmax(gains)]

    lag = ConductionParameters()
    # the delay counts from V2's sense, V1's muscle is activated before it
    assert best(**V1_ALONE) - best(**V2_ALONE) == lag.v1_lag_ms - lag.v2_lag_ms


def test_two_leads_each_have_their_own_best_delay():
    law = TwoLeads(v1_delay_ms=20.0, v2_delay_ms=40.0, early_width_ms=6.0)
    for leads, best_ms in ((V1_ALONE, 20.0), (V2_ALONE, 40.0)):
        gains = law.gain(Train(7.5, delay_ms=DELAYS_MS, **leads), ANYBODY)
        assert DELAYS_MS[np.argmax(gains)] == best_ms


def test_equal_leads_gain_the_factor_of_two_over_one():
    law = TwoLeads(v1_height_frac=1.0)
    both, alone = (
        law.gain(NOMINAL, ANYBODY),
        law.gain(replace(NOMINAL, **V2_ALONE), ANYBODY),
    )
    assert both / alone == pytest.approx(1.35)


def test_one_lead_may_be_better_than_both():
    law = TwoLeads(v1_height_frac=0.3)
    both = law.gain(NOMINAL, ANYBODY)
    # 1.35 / 2 (1 + 0.3) = 0.88 of V2 alone
    alone = law.gain(replace(NOMINAL, **V2_ALONE), ANYBODY)
    assert both / alone == pytest.approx(0.675 * 1.3)


def test_a_field_has_the_full_gain_at_the_best_setting_of_its_lattice_and_no_more():
    volts, widths, pulses, delays = np.meshgrid(
        np.linspace(4.5, 7.5, 7),
        np.linspace(5.14, 6.60, 4),
        np.arange(1.0, 4.0),
        DELAYS_MS,
        indexing="ij",
    )
    trains = Train(volts.ravel(), widths.ravel(), pulses.ravel(), delays.ravel())
    for pattern in range(3):
        law = Field(g_one_lead_frac=0.1, tau_frac=0.2, pattern=pattern)
        assert law.gain(trains, ANYBODY).max() == pytest.approx(0.1 * 1.35)


def test_a_field_ends_where_the_box_does():
    law = Field(pattern=4)
    inside, beyond = (law.gain(Train(7.5, delay_ms=d), ANYBODY) for d in (45.0, 140.0))
    assert inside == beyond


def test_the_heights_of_fields_have_unit_variance():
    # 400 fields at one place: the SD of a variance is sqrt(2 / 400) = 0.07
    def height(pattern):
        law = Field(g_one_lead_frac=1.0, tau_frac=1.0, pattern=pattern)
        shape = law.gain(Train(6.0, 5.63, 2.0, 30.0), ANYBODY) / 1.35
        return float(shape) - 1.0 + law.highest

    heights = [height(pattern) for pattern in range(400)]
    assert np.mean(heights) == pytest.approx(0.0, abs=0.15)
    assert np.var(heights) == pytest.approx(1.0, abs=0.21)


def test_the_nine_fields_are_nine_named_laws():
    names = [cell.name for cell in CELLS]
    assert names[0] == "field-05-20"
    assert names[-1] == "field-20-100"
    assert len(set(names)) == 9
    assert [cell.typical().name for cell in CELLS] == names


def test_the_null_law_gives_one_lead_as_much_as_two():
    trains = Train(np.array([4.5, 7.5]), delay_ms=20.0, v1_delivers=np.array([0, 1]))
    assert Null(0.1).gain(trains, ANYBODY) == pytest.approx([0.1, 0.1])


def test_the_adverse_law_loses_in_proportion_to_the_charge():
    law = Adverse(loss_one_lead_frac=0.02)
    assert law.gain(Train(7.5), ANYBODY) == pytest.approx(-0.02 * 1.35, rel=1e-3)
    half = law.gain(Train(3.75), ANYBODY) / law.gain(Train(7.5), ANYBODY)
    assert half == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("spread", "median"),
    [
        (Even(2.0, 6.0), 4.0),
        (EvenLog(1.0, 4.0), 2.0),
        (Normal(3.0, 1.0, 0.0, 9.0), 3.0),
        (LogNormal(3.0, 0.75), 2.4),  # the mean over sqrt(1 + cv^2)
    ],
)
def test_a_normal_score_of_zero_is_the_median_of_a_spread(spread, median):
    assert spread.of(0.0) == pytest.approx(median)


def test_spreads_stay_within_their_limits():
    assert Even(2.0, 6.0).of(np.array([-9.0, 9.0])) == pytest.approx([2.0, 6.0])
    assert Normal(3.0, 1.0, 2.0, 4.0).of(np.array([-9.0, 9.0])).tolist() == [2.0, 4.0]
