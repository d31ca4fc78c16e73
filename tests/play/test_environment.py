"""The visit as an environment for learning agents: reset, step, the end, all again."""

import threading

import numpy as np
import pytest

from harness.play.environment import UNREAD_REWARD, VisitEnvironment
from harness.play.run import run_scenario
from harness.play.scenario import Scenario, load_scenario
from optimizers.handoff import THREAD_NAME


def short() -> Scenario:
    return load_scenario("first_visit").changed(
        {
            "visit.titration_min": 8,
            "visit.verification_pairs": 2,
            "visit.response_pairs": 0,
            "visit.observation_min": 1,
        }
    )


def played(seed: int, actions: list[tuple[int, int, int]]) -> list[np.ndarray]:
    seen = []
    with VisitEnvironment(short()) as visit:
        visit.reset(seed=seed)
        over = False
        for action in actions:
            observation, reward, over, truncated, info = visit.step(action)
            assert not truncated
            if over:
                break
            assert reward == observation[3] or reward == UNREAD_REWARD
            seen.append(observation)
        assert over
        assert info["record"] is visit.record
    return seen


def test_an_episode_ends_with_the_visit_and_costs_what_the_tests_cost() -> None:
    seen = played(3, [(step % 2, 0, 15 + step) for step in range(12)])
    assert 2 <= len(seen) <= 6
    minutes = [observation[-1] for observation in seen]
    assert minutes == sorted(minutes)
    assert minutes[0] > 1.0


def test_the_same_seed_and_actions_give_the_same_episode() -> None:
    actions = [(1, 1, 20), (1, 0, 25), (0, 0, 30), (1, 2, 20), (0, 1, 22), (1, 1, 21)]
    np.testing.assert_array_equal(played(5, actions), played(5, actions))


def test_the_agent_stands_where_a_strategy_stands() -> None:
    """Random points asked by an agent are read as if a strategy had asked them."""
    run = run_scenario(short(), strategy="random", seed=9)
    with VisitEnvironment(short()) as visit:
        _, info = visit.reset(seed=9)
        space = info["problem"].space
        for tested in run.record.tested:
            names = space.names
            point = space.nearest([getattr(tested.asked, name) for name in names])
            observation, reward, over, _, _ = visit.step(point)
            assert not over
            if not tested.aborted:
                grade = tested.sensation_grade
                expected = tested.gain_pct - 0.5 * tested.energy_frac - grade
                assert reward == pytest.approx(expected)
            assert observation[-2] == tested.sensation_grade


def test_an_environment_left_in_the_middle_leaves_no_thread() -> None:
    visit = VisitEnvironment(short())
    visit.reset(seed=1)
    visit.step((0, 0, 20))
    visit.close()
    assert THREAD_NAME not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ValueError, match="call reset"):
        visit.step((0, 0, 20))


def test_a_visit_that_titrates_nothing_says_so_at_reset() -> None:
    none = short().changed({"visit.titration_min": 0})
    with VisitEnvironment(none) as visit, pytest.raises(ValueError, match="titrated"):
        visit.reset()
