"""The delivering leads as an axis of a search."""

from dataclasses import replace

import numpy as np
import pytest

from harness.play.order import order_of, task_of
from harness.play.run import run_scenario
from harness.play.scenario import load_scenario
from harness.report.build import report_of
from harness.task.lattice import Lattice, lattice_train
from harness.task.objective import Objective
from harness.task.people import Laws
from harness.task.population import population_of
from harness.truth.answer_key import truth_of
from harness.truth.landscape import landscape
from sim.device.energy import energy_frac
from sim.device.leads import LeadOhms
from sim.device.settings import Settings
from sim.law.two_leads import TwoLeads
from sim.patient import phenotype

AXES = ("amplitude_v", "delay_ms", "ccm_channels")
LEADS = ("V1", "V2", "V1+V2")


def test_a_point_of_the_lattice_says_which_leads_deliver():
    therapy = Lattice(AXES).around(Settings())
    assert therapy.space.axes[2].values == (0.0, 1.0, 2.0)
    for place, leads in enumerate(LEADS):
        settings = therapy.settings_of((0, 20, place))
        assert settings.ccm_channels == leads
        assert therapy.point_of(settings) == (0, 20, place)


def test_the_train_of_a_lattice_follows_the_leads():
    space = Lattice(AXES).around(Settings()).space
    train = lattice_train(Settings(), space)
    place = space.indices[:, 2]
    assert (train.n_leads == np.where(place == 2, 2.0, 1.0)).all()
    assert (train.v1_delivers == (place != 1)).all()


def test_the_energy_of_a_lattice_is_that_of_the_leads_that_deliver():
    therapy, ohms = Lattice(AXES).around(Settings()), LeadOhms(400.0, 700.0)
    train = lattice_train(Settings(), therapy.space)
    each = [
        energy_frac(therapy.settings_of(point), ohms)
        for point in therapy.space.points()
    ]
    assert energy_frac(Settings(), ohms, train) == pytest.approx(each)


def test_the_truth_finds_one_lead_where_that_is_better_than_both():
    law = TwoLeads(v1_height_frac=0.3, negative_frac=0.0)
    patient = replace(phenotype("hfref-ischaemic"), response=law)
    therapy = Lattice(AXES).around(Settings())
    truth = landscape(
        patient, Settings(), therapy.space, objective=Objective(energy_weight=0.0)
    )
    # 1.35 / 2 (1 + 0.3) = 0.88 of what V2 does alone
    assert therapy.settings_of(truth.best).ccm_channels == "V2"


def test_people_are_known_where_leads_and_pulses_are_searched():
    reference = Settings()
    space = Lattice((*AXES, "n_pulses")).around(reference).space
    known = population_of(
        reference,
        space,
        readout="finger-pressure",
        objective=Objective(),
        laws=Laws.told("two-leads"),
    )
    assert known is not None
    assert known.values.shape[1] == space.size
    best = space.indices[known.values.argmax(axis=1), 2]
    # now and then one lead is worth more than both, and not only for its energy
    assert 0.02 < np.mean(best != 2) < 0.8


def test_a_visit_may_search_over_the_leads():
    scenario = load_scenario("first_visit").changed(
        {
            "search.axes": list(AXES),
            "search.strategy": "sobol",
            "visit.titration_min": 25,
            "visit.verification_pairs": 2,
        }
    )
    order = order_of(scenario)
    assert task_of(scenario.search, scenario.device, order).lattice.axes == AXES
    run = run_scenario(scenario, scenario_name="leads")
    tested = {test.settings.ccm_channels for test in run.record.tested}
    assert tested > {"V1+V2"}
    told = report_of(run, truth_of(run.played))
    rows = [row.values for row in told.tests.rows]
    symbols = [column.symbol for column in told.tests.columns]
    at = symbols.index("ccm_channels")
    assert {values[at] for values in rows} == tested
    assert {curve.symbol for curve in told.analysis.surface.curves} <= {
        "amplitude_v",
        "delay_ms",
    }
