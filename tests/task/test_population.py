"""What simulated people would make of every setting."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from harness.evidence.population_table import DRAWN, people_rows
from harness.play.search import SearchAdvisor
from harness.play.tables import SearchTable
from harness.task.lattice import Lattice
from harness.task.objective import Objective
from harness.task.people import TABLE, people, people_of
from harness.task.population import population_of
from harness.task.task import Task
from harness.truth.landscape import landscape
from optimizers.problem import INTOLERABLE_GRADE
from sim.device.settings import Settings
from sim.patient.cohort import sample_cohort
from sim.streams import stream

REFERENCE = Settings(
    mode="OVO-LS-CCM",
    amplitude_v=4.5,
    phase_duration_ms=5.14,
    delay_ms=15,
    post_ls_refractory_ms=15,
)
AXES = ("amplitude_v", "phase_duration_ms", "delay_ms")
N_DERIVED = 3


def space_of(reference=REFERENCE, axes=AXES):
    return Lattice(axes).around(reference).space


def known(reference=REFERENCE, axes=AXES, **changed):
    options = {"readout": "finger-pressure", "objective": Objective()} | changed
    return population_of(reference, space_of(reference, axes), **options)


@pytest.fixture(scope="module")
def first_patients():
    """Return the patients of the table's first rows, drawn again."""
    families = {"nominal": 1.0 - DRAWN.null_frac, "null": DRAWN.null_frac}
    rng = stream(DRAWN.seed, name="patient")
    return sample_cohort(N_DERIVED, rng, families=families).patients


def test_the_first_rows_of_the_table_are_derived_again_exactly():
    with TABLE.open(newline="", encoding="utf-8") as file:
        shipped = list(csv.DictReader(file))
    assert len(shipped) == DRAWN.n
    assert shipped[:N_DERIVED] == list(people_rows(N_DERIVED))


def test_the_people_come_from_a_seed_that_no_study_reports_on():
    assert DRAWN.seed < 1000


def test_a_share_of_the_people_does_not_respond():
    crowd = people()
    n_null = np.count_nonzero(crowd.law_names == "null")
    # within three SDs of a binomial count
    spread = (DRAWN.n * DRAWN.null_frac * (1.0 - DRAWN.null_frac)) ** 0.5
    assert abs(n_null - DRAWN.n * DRAWN.null_frac) < 3.0 * spread


@pytest.mark.parametrize(
    ("reference", "axes"),
    [
        (REFERENCE, AXES),
        (replace(REFERENCE, amplitude_v=6.0), ("amplitude_v", "n_pulses", "delay_ms")),
    ],
)
def test_values_are_those_of_the_answer_key_of_each_person(
    first_patients, reference, axes
):
    population, space = known(reference, axes), space_of(reference, axes)
    base = (space.indices == space.nearest([getattr(reference, a) for a in axes])).all(
        axis=1
    )
    for row, patient in enumerate(first_patients):
        truth = landscape(patient, reference, space)
        utility = truth.utility_pct - truth.utility_pct[base]
        # the parabola of two nodes stands for the played beats: within 0.1 of a point
        assert population.values[row] == pytest.approx(utility, abs=0.1)
        untolerated = population.sensation[row] >= INTOLERABLE_GRADE
        assert (untolerated == ~truth.tolerated).all()


def test_the_reference_is_worth_nothing_to_everybody():
    population, space = known(), space_of()
    found = space.nearest([getattr(REFERENCE, name) for name in AXES])
    base = (space.indices == found).all(axis=1)
    assert not population.values[:, base].any()


def test_who_does_not_respond_gains_nothing_but_saves_energy():
    population = known(objective=Objective(energy_weight=0.0, discomfort_weight=0.0))
    assert np.abs(population.values[people().law_names == "null"]).max() < 1e-5


def test_nothing_is_known_of_other_axes_and_of_a_device_that_is_off():
    assert known(axes=("amplitude_v", "ccm_hours_per_day")) is None
    assert known(replace(REFERENCE, ccm_mode="OFF")) is None


def test_equal_questions_share_one_answer():
    assert known() is known()


def test_no_search_can_change_what_the_next_one_is_told():
    for shared in (known().values, known().sensation, space_of().indices):
        with pytest.raises(ValueError, match="read-only"):
            shared[0, 0] = 1


def test_people_survive_a_round_trip_through_their_rows():
    rows = list(people_rows(2))
    again, shipped = people_of(rows), people()
    for read, whole in ((again.law, shipped.law), (again.muscle, shipped.muscle)):
        for name, column in read.items():
            assert column.tolist() == whole[name][:2].tolist()


@pytest.mark.parametrize("knows", [True, False])
def test_the_search_is_told_of_the_population_unless_it_may_not_know(knows):
    asked = {}

    def curious(problem, rng):
        asked["population"] = problem.population
        asked["gradual"] = problem.gradual
        yield problem.reference

    task = Task(strategy=curious, knows_population=knows)
    with SearchAdvisor(task, np.random.default_rng(1)) as advisor:
        advisor.begin(REFERENCE, 5)
        advisor.propose()
    assert (asked["population"] is not None) == knows
    assert asked["gradual"] == ("amplitude_v",)


def test_a_strategy_brings_its_recommender_unless_another_is_written_down():
    assert SearchTable(strategy="cohort-bayes").recommender_for() == "population"
    assert SearchTable(strategy="titration").recommender_for() == "posterior_mean"
    assert SearchTable().recommender_for("cohort-bayes") == "population"
    written = SearchTable(strategy="cohort-bayes", recommender="posterior_mean")
    assert written.recommender_for() == "posterior_mean"
