"""What simulated people would make of every setting."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from harness.common.faults import ScenarioError
from harness.evidence.population_table import DRAWN, people_rows
from harness.play.order import order_of, task_of
from harness.play.scenario import load_scenario
from harness.play.search import SearchAdvisor
from harness.play.tables import SearchTable
from harness.task.lattice import Lattice
from harness.task.objective import Objective
from harness.task.people import (
    EVERY_LAW,
    TABLE,
    Laws,
    drawn_laws,
    people,
    people_of,
)
from harness.task.population import population_of
from harness.task.task import Task
from harness.truth.landscape import landscape
from optimizers.problem import INTOLERABLE_GRADE
from sim.device.settings import Settings
from sim.law.registry import FIELD, MIXTURE, law_named
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
    rng = stream(DRAWN.seed, name="patient")
    hearts = sample_cohort(N_DERIVED, rng).patients
    laws = drawn_laws(N_DERIVED)
    return [replace(h, response=law) for h, law in zip(hearts, laws, strict=True)]


def test_the_first_rows_of_the_table_are_derived_again_exactly():
    with TABLE.open(newline="", encoding="utf-8") as file:
        shipped = list(csv.DictReader(file))
    assert len(shipped) == DRAWN.n
    assert shipped[:N_DERIVED] == list(people_rows(N_DERIVED))


def test_the_people_come_from_a_seed_that_no_study_reports_on():
    assert DRAWN.seed < 1000


def test_the_usual_people_are_of_all_laws_alike():
    names = [law.name for law in people().laws]
    for group in MIXTURE:
        n = sum(name in group for name in names)
        assert abs(n - DRAWN.n / len(MIXTURE)) < 1.0


def test_who_was_told_the_law_knows_people_of_that_law_alone():
    names = {law.name for law in people(Laws.told("window")).laws}
    assert names == {"window"}


def test_a_law_is_left_out_with_the_group_it_stands_in():
    without = {
        law.name for law in drawn_laws(90, EVERY_LAW.without("window", FIELD[0]))
    }
    assert without == {n for g in MIXTURE for n in g} - {"window", *FIELD}
    with pytest.raises(ValueError, match="the people know no law 'flat'"):
        EVERY_LAW.without("flat")
    with pytest.raises(ValueError, match="without null no law is left"):
        Laws.told("null").without("null")


def test_a_person_has_the_same_law_however_many_there_are():
    assert drawn_laws(5) == drawn_laws(40)[:5]


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
    assert (
        np.abs(population.values[[law.name == "null" for law in people().laws]]).max()
        < 1e-5
    )


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
    read, shipped = people_of(list(people_rows(2))), people()
    assert read.laws == shipped.laws[:2]
    assert read.inputs == shipped.inputs[:2]
    assert read.sensation_felt_v.tolist() == shipped.sensation_felt_v[:2].tolist()


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


@pytest.mark.parametrize(
    ("knows", "law", "groups"),
    [
        (True, "window", MIXTURE),
        ("told", "window", (("window",),)),
        ("told", "plateau", (("plateau",),)),
        ("left-out", "window", tuple(g for g in MIXTURE if g != ("window",))),
        ("left-out", "plateau", MIXTURE[1:]),
        ("left-out", "field-10-50", tuple(g for g in MIXTURE if g != FIELD)),
    ],
)
def test_what_is_known_beforehand_hangs_on_the_law_of_the_patient(knows, law, groups):
    assert Laws.known_of(knows, law_named(law)).groups == groups


def test_a_search_may_be_told_the_law_or_be_left_without_it():
    scenario = load_scenario("first_visit")
    order = order_of(scenario)
    for knows, n_laws in ((True, 9), ("told", 1), ("left-out", 8)):
        search = scenario.changed({"search.population": knows}).search
        task = task_of(search, scenario.device, order)
        assert len(task.people_laws.groups) == n_laws
        assert task.knows_population
    with pytest.raises(
        ScenarioError, match="must be true, false, 'told' or 'left-out'"
    ):
        scenario.changed({"search.population": "some"})


@pytest.mark.parametrize("knows", [True, "told", "left-out"])
def test_the_population_rule_goes_where_the_people_it_knows_do_best(knows):
    scenario = load_scenario("turned_down").changed(
        {"search.strategy": "population-rule", "search.population": knows}
    )
    order = order_of(scenario)
    task = task_of(scenario.search, scenario.device, order)
    laws = Laws.known_of(knows, order.patient.response)
    reference = replace(REFERENCE, amplitude_v=7.5)
    with SearchAdvisor(task, np.random.default_rng(1)) as advisor:
        advisor.begin(reference, 20)
        first = advisor.propose()
    crowd = known(
        reference, task.lattice.axes, readout=task.expected.readout, laws=laws
    )
    worth = crowd.values.astype(np.float64).mean(axis=0)
    worth[(crowd.sensation >= 1.5).mean(axis=0) > 0.35] = -np.inf
    best = advisor.space.space.indices[int(np.argmax(np.round(worth, 9)))]
    assert first == advisor.space.settings_of(tuple(best.tolist()))
    assert task.knows == laws.as_known


def test_who_asks_from_another_reference_shares_what_people_feel_and_gain():
    here, there = known(), known(replace(REFERENCE, amplitude_v=6.0))
    assert here.sensation is there.sensation
    assert not np.array_equal(here.values, there.values)
