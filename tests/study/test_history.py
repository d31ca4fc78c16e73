"""A search is told of the patients before its own, always of the same ones."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from harness.common.faults import ScenarioError
from harness.play.host.values import problem_of, problem_told
from harness.play.scenario import load_scenario
from harness.play.search import SearchAdvisor
from harness.study import visit as module
from harness.study.jobs import StudyPlan, plan_of
from harness.study.plan import Study, parse_study
from harness.study.visit import Job, scored
from harness.task.task import Task
from optimizers.problem import Observation, PastSearch
from sim.visit.measuring import expected_n_tests

FILE = """
title = "history"
seed = 5
engine = "table"
contenders = [{contenders}]
budgets_min = [8]
post_replication_pairs = 0

[cohort]
n = 4

[visit]
observation_min = 1
verification_pairs = 2
"""
ALONE = {"strategy": "transfer"}
TOLD = {"label": "told", "strategy": "transfer", "history": 2, "history_by": "sobol"}


def study(*contenders: Mapping[str, object]) -> Study:
    told = (
        ", ".join(f"{name} = {json.dumps(value)}" for name, value in one.items())
        for one in contenders
    )
    listed = ", ".join(f"{{ {one} }}" for one in told)
    return parse_study(FILE.replace("{contenders}", listed), "history")


@cache
def planned() -> StudyPlan:
    return plan_of(study(ALONE, TOLD))


@cache
def jobs() -> tuple[Job, ...]:
    return tuple(planned().jobs())


def told_jobs() -> list[Job]:
    return [job for job in jobs() if job.contender == "told"]


def test_the_earlier_patients_are_those_before_by_number() -> None:
    numbers = [[order.patient_index for order, _ in job.earlier] for job in told_jobs()]
    assert numbers == [[], [0], [0, 1], [1, 2]]
    assert {task.strategy_name for job in told_jobs() for _, task in job.earlier} == {
        "sobol"
    }


def test_who_is_told_of_nobody_has_the_key_of_before() -> None:
    alone = plan_of(study(ALONE))
    keys = {job.key for job in alone.jobs()}
    assert {job.key for job in jobs() if job.contender == "transfer"} == keys


def test_other_earlier_patients_are_another_visit() -> None:
    fewer = plan_of(study(ALONE, TOLD | {"history": 1}))
    other = [job.key for job in fewer.jobs() if job.contender == "told"]
    assert not {job.key for job in told_jobs()} & set(other)


def test_the_order_of_play_changes_nothing() -> None:
    last = told_jobs()[-1]
    module._past.cache_clear()
    alone = scored(last)
    module._past.cache_clear()
    for job in told_jobs()[:-1]:
        scored(job)
    again = scored(last)
    # as text: what was not read is nan, which equals nothing
    assert repr(again.visit) == repr(alone.visit)
    assert repr(again.evaluations) == repr(alone.evaluations)


def test_only_what_was_observed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[PastSearch, ...]] = []
    begin = SearchAdvisor.begin

    def watched(self: SearchAdvisor, *given: Any) -> None:
        begin(self, *given)
        seen.append(self.problem.history)

    monkeypatch.setattr(SearchAdvisor, "begin", watched)
    scored(told_jobs()[2])
    history = seen[-1]
    assert len(history) == 2
    for past in history:
        assert not past.same_patient
        assert all(isinstance(one, Observation) for one in past.log)
        assert len(past.log) > 1


def test_who_declares_nothing_is_told_nothing() -> None:
    scenario = load_scenario("first_visit")
    past = PastSearch(*_any_space(), log=())
    for name, n in (("transfer", 1), ("gp", 0)):
        task = Task(strategy=name, history=(past,))
        advisor = SearchAdvisor(task, np.random.default_rng(0))
        settings = scenario.found_device.settings
        advisor.begin(settings, expected_n_tests(scenario.visit.visit_plan))
        assert len(advisor.problem.history) == n
        advisor.close()


def _any_space() -> tuple[Any, Any]:
    found = load_scenario("first_visit").found_device.settings
    around = Task().lattice.around(found)
    return around.space, around.reference_point


def test_a_history_crosses_to_a_host_and_back() -> None:
    space, reference = _any_space()
    seen = Observation(
        reference, reference, 1.5, standard_error=2.0, channels={"sensation": 1.0}
    )
    advisor = SearchAdvisor(Task(strategy="transfer"), np.random.default_rng(0))
    advisor.begin(load_scenario("first_visit").found_device.settings, 10)
    past = PastSearch(space, reference, (seen,), same_patient=True)
    told, arrays = problem_told(replace(advisor.problem, history=(past,)))
    advisor.close()
    (found,) = problem_of(told, arrays).history
    assert found.log == (seen,)
    assert found.same_patient
    assert found.space.names == space.names
    assert np.array_equal(found.space.mask, space.mask)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"strategy": "gp", "history": 3}, "makes no use of earlier searches"),
        ({"strategy": "transfer", "history": 51}, "must be 0 to 50"),
        ({"strategy": "transfer", "history": 1, "history_by": "sobul"}, "sobol"),
    ],
)
def test_a_wrong_history_is_a_fault_of_the_file(wrong: Any, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        study(wrong)
