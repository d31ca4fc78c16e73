"""The visit as an environment for learning agents: reset, step, the end, all again."""

import threading
from collections.abc import Iterable
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray

from harness.play.environment import NAME, UNREAD_REWARD, VisitEnvironment, _Plain
from harness.play.run import run_scenario
from harness.play.scenario import Scenario, load_scenario
from harness.play.search import SearchAdvisor
from optimizers.handoff import THREAD_NAME
from sim.heart.sensation import Sensation
from sim.patient import phenotype

Action = tuple[int, ...]


def short() -> Scenario:
    return load_scenario("first_visit").changed(
        {
            "visit.titration_min": 8,
            "visit.verification_pairs": 2,
            "visit.response_pairs": 0,
            "visit.observation_min": 1,
            "visit.strips": "none",
        }
    )


def own_patient() -> VisitEnvironment:
    return VisitEnvironment(short(), families={})


def played(seed: int, actions: Iterable[Action]) -> list[NDArray[np.float64]]:
    seen = []
    with own_patient() as visit:
        visit.reset(seed=seed)
        over = False
        for action in actions:
            observation, reward, over, truncated, info = visit.step((*action, 0))
            assert not truncated
            assert ("verdict" in info) == over
            assert reward in (observation[3], UNREAD_REWARD)
            seen.append(observation)
            if over:
                break
        assert over
        assert info["verdict"] == visit.record.verdict.kind
    return seen


def test_an_episode_ends_with_the_visit_and_costs_what_the_tests_cost() -> None:
    seen = played(3, [(step % 2, 0, 15 + step) for step in range(12)])
    assert 2 <= len(seen) <= 6
    minutes = [observation[-1] for observation in seen]
    assert minutes == sorted(minutes)
    assert np.diff([0.0, *minutes]).min() > 1.0  # the last observation is a test too


def test_the_same_seed_and_actions_give_the_same_episode() -> None:
    actions = [(1, 1, 5), (1, 0, 10), (0, 0, 15), (1, 2, 5), (0, 1, 7), (1, 1, 6)]
    np.testing.assert_array_equal(played(5, actions), played(5, actions))


def test_the_agent_stands_where_a_strategy_stands() -> None:
    """Random points asked by an agent are read as if a strategy had asked them."""
    run = run_scenario(short(), strategy="random", seed=9)
    last = run.record.tested[-1]
    with own_patient() as visit:
        visit.reset(options={"seed": 9})
        space = visit.problem.space
        for tested in run.record.tested:
            point = space.nearest([getattr(tested.asked, name) for name in space.names])
            observation, reward, over, _, _ = visit.step((*point, 0))
            assert over == (tested is last)
            if tested.completed:
                grade = tested.sensation_grade
                expected = tested.gain_pct - 0.5 * tested.energy_frac - grade
                assert reward == pytest.approx(expected)
            assert observation[-2] == tested.sensation_grade


def test_an_agent_recommends_what_was_tested_and_the_visit_ends() -> None:
    with own_patient() as visit:
        visit.reset(seed=2)
        first, *_ = visit.step((2, 0, 5, 0))
        last, reward, over, _, info = visit.step((2, 0, 5, 1))
        assert (over, reward, info["cost"]) == (True, 0.0, 0.0)
        np.testing.assert_array_equal(last, first)
        assert len(visit.record.tested) == 1
        with pytest.raises(ValueError, match="call reset"):
            visit.step((2, 0, 5, 0))


def test_each_reset_draws_a_patient_and_a_seed() -> None:
    with VisitEnvironment(short()) as visit:
        first, _ = visit.reset(seed=4)
        second, _ = visit.reset()
        again, _ = visit.reset(seed=4)
    np.testing.assert_array_equal(first, again)
    assert visit.observation_space.contains(second)


def test_the_start_is_found_out_by_asking_the_patient_who_comes() -> None:
    scenario = short().changed({"device": {"start": "factory"}})
    sensitive = replace(
        phenotype("hfref-ischaemic"),
        sensation=Sensation(felt_v=3.0, threshold_v=4.7, reporting_sd=0.0),
    )
    with VisitEnvironment(scenario, families={}) as visit:
        visit.reset(options={"seed": 1})
        assert visit.problem.space.as_dict(visit.problem.reference)["amplitude_v"] > 5
        visit.reset(options={"seed": 1, "patient": sensitive})
        assert visit.problem.space.as_dict(visit.problem.reference)["amplitude_v"] < 5


def test_an_agent_is_told_the_law_of_the_patient_who_comes() -> None:
    told = short().changed(
        {
            "search.population": "told",
            "search.energy_weight": 0.0,
            "search.discomfort_weight": 0.0,
        }
    )
    with VisitEnvironment(told, families={}) as visit:
        visit.reset(options={"seed": 1})
        assert visit.problem.population.values.any()
        # of the null law nobody gains by anything
        visit.reset(options={"seed": 1, "patient": phenotype("hfref-null")})
        assert not visit.problem.population.values.any()


def test_an_action_of_another_length_is_refused_and_the_visit_goes_on() -> None:
    with own_patient() as visit:
        visit.reset(seed=1)
        with pytest.raises(ValueError, match=r"must be 4 integers.* got 3"):
            visit.step((0, 0, 5))
        visit.step((0, 0, 5, 0))
        assert visit.record is None


def test_a_visit_that_broke_off_is_over_and_nobody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("the world ends")

    with own_patient() as visit:
        visit.reset(seed=1)
        monkeypatch.setattr(SearchAdvisor, "learn", fails)
        with pytest.raises(RuntimeError, match="the world ends"):
            visit.step((1, 0, 20, 0))
        with pytest.raises(ValueError, match="call reset"):
            visit.step((1, 0, 20, 0))


def test_gymnasium_finds_no_fault_with_it() -> None:
    made = gymnasium.make(NAME, scenario=short())
    check_env(made.unwrapped)
    made.close()


def test_without_gymnasium_resets_are_seeded_the_same_way() -> None:
    plain = _Plain()
    plain.reset(seed=3)
    first = plain.np_random.random()
    plain.reset()
    assert plain.np_random.random() != first
    plain.reset(seed=3)
    assert plain.np_random.random() == first


def test_an_environment_left_in_the_middle_leaves_no_thread() -> None:
    visit = own_patient()
    visit.reset(seed=1)
    visit.step((0, 0, 5, 0))
    visit.close()
    assert THREAD_NAME not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ValueError, match="call reset"):
        visit.step((0, 0, 5, 0))


def test_a_visit_that_titrates_nothing_says_so_at_reset() -> None:
    none = short().changed({"visit.titration_min": 0})
    with (
        VisitEnvironment(none, families={}) as visit,
        pytest.raises(ValueError, match="titrated"),
    ):
        visit.reset()
