"""What earlier searches teach, and what is left of it where they mislead."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optimizers.problem import Budget, Observation, PastSearch, Problem
from optimizers.recommend import recommend
from optimizers.registry import strategies, uses_history
from optimizers.shared import (
    LENGTHS,
    OFFSET,
    OWN,
    SHARED,
    pooled_readings,
    shared_belief,
)
from optimizers.space import Axis, Point, Space

DELAYS = tuple(float(ms) for ms in range(15, 46, 3))
SPACE = Space(
    (Axis("amplitude_v", "V", (5.0, 6.0, 7.0)), Axis("delay_ms", "ms", DELAYS))
)
REFERENCE = (1, 0)
PROBLEM = Problem(SPACE, REFERENCE, Budget(), noise_sd=1.0, planned_evaluations=12)
Truth = Callable[[float], float]


def hill(at_ms: float) -> Truth:
    """Return a patient whose best delay is this one, 6 points above the far ones."""
    return lambda ms: 6.0 * float(np.exp(-(((ms - at_ms) / 7.0) ** 2)))


def read(truth: Truth, points: list[Point], *, error: float = 1.0) -> list[Observation]:
    base = truth(DELAYS[REFERENCE[1]])
    known = Observation(REFERENCE, REFERENCE, 0.0, standard_error=0.0)
    return [known] + [
        Observation(p, p, truth(DELAYS[p[1]]) - base, standard_error=error)
        for p in points
    ]


def everywhere(truth: Truth, *, same_patient: bool = False) -> PastSearch:
    points: list[Point] = [(1, k) for k in range(len(DELAYS))]
    return PastSearch(SPACE, REFERENCE, tuple(read(truth, points)), same_patient)


def expected_best(problem: Problem, log: list[Observation]) -> int:
    points: list[Point] = [(1, k) for k in range(len(DELAYS))]
    return int(np.argmax(shared_belief(problem, log, points).value))


def test_others_who_are_alike_tell_where_to_look() -> None:
    told = replace(PROBLEM, history=tuple(everywhere(hill(30.0)) for _ in range(4)))
    log = read(hill(30.0), [(1, 2)])
    assert DELAYS[expected_best(told, log)] == 30.0
    gain, sd = shared_belief(told, log, [(1, 5)]).gain
    alone, alone_sd = shared_belief(PROBLEM, log, [(1, 5)]).gain
    assert gain[0] > alone[0] + 1.0
    assert sd[0] < alone_sd[0]


def test_others_who_have_nothing_in_common_are_not_believed() -> None:
    alike = tuple(everywhere(hill(30.0)) for _ in range(4))
    unlike = tuple(everywhere(hill(ms)) for ms in (15.0, 24.0, 36.0, 45.0))
    log = read(hill(30.0), [(1, 3), (1, 8)])
    shares = [
        shared_belief(replace(PROBLEM, history=past), log, [(1, 5)]).shared_share()
        for past in (alike, unlike)
    ]
    assert shares[0] > 0.9
    assert shares[1] < shares[0]


def test_what_is_read_now_overrules_what_others_showed() -> None:
    told = replace(PROBLEM, history=tuple(everywhere(hill(18.0)) for _ in range(4)))
    points: list[Point] = [(1, k) for k in range(len(DELAYS))] * 2
    log = read(hill(39.0), points)
    assert DELAYS[expected_best(told, log)] == 39.0


def test_an_earlier_visit_of_the_same_patient_tells_more_than_another_patient() -> None:
    log = read(hill(30.0), [])
    sds = [
        shared_belief(
            replace(PROBLEM, history=(everywhere(hill(30.0), same_patient=same),)),
            log,
            [(1, 5)],
        ).gain[1][0]
        for same in (True, False)
    ]
    assert sds[0] < sds[1]


def test_without_a_history_it_is_a_gaussian_process_of_its_own() -> None:
    # one reading of known error beside the reference, one combination at a time
    log = read(hill(30.0), [(1, 5)])
    belief = shared_belief(PROBLEM, log, [(1, 5)])
    far = (5 - 0) * SPACE.steps[1]
    value = log[1].value
    row = 0
    for length in LENGTHS:
        near = np.sqrt(5.0) * far / length
        alike = (1.0 + near + near**2 / 3.0) * np.exp(-near)
        for shared in SHARED:
            for own in OWN:
                size = shared**2 + own**2
                drawn = 2.0 * size * (1.0 - alike)
                # the constant is as good as unknown: the gain is read against the
                # reference, which is known to a thousandth
                exact = value * drawn / (drawn + 1.0)
                assert belief.gain_mean[row, 0] == pytest.approx(
                    exact, rel=2.0 / OFFSET
                )
                row += 1


def test_readings_are_told_by_their_values_not_by_their_places() -> None:
    finer = tuple(float(ms) for ms in range(15, 46))
    other = Space((Axis("amplitude_v", "V", (6.0,)), Axis("delay_ms", "ms", finer)))
    seen = Observation((0, 15), (0, 15), 3.0, standard_error=1.0)  # 6 V, 30 ms
    past = PastSearch(other, (0, 0), (seen,))
    found = pooled_readings(
        replace(PROBLEM, history=(past,)), read(hill(30.0), []), unit=1.0
    )
    assert found.places[-1] == pytest.approx(np.array([1, 5]) * SPACE.steps)
    assert found.search.tolist() == [0, 1]


def test_a_search_without_an_axis_of_now_tells_nothing() -> None:
    other = Space((Axis("delay_ms", "ms", DELAYS),))
    seen = Observation((5,), (5,), 3.0, standard_error=1.0)
    told = replace(PROBLEM, history=(PastSearch(other, (0,), (seen,)),))
    found = pooled_readings(told, read(hill(30.0), []), unit=1.0)
    assert found.search.tolist() == [0]


def test_its_recommender_makes_use_of_what_others_showed() -> None:
    told = replace(PROBLEM, history=tuple(everywhere(hill(30.0)) for _ in range(4)))
    log = read(hill(30.0), [(1, 5)], error=3.0)
    with_others, alone = (
        recommend(problem, log, recommender="transfer") for problem in (told, PROBLEM)
    )
    assert with_others.point == (1, 5)
    assert with_others.probability_better > alone.probability_better


def test_nobody_but_who_declares_it_uses_a_history() -> None:
    declared = [name for name, one in strategies().items() if one.history]
    assert declared == ["transfer"]
    assert uses_history("transfer")
    assert not uses_history("gp")


def test_a_file_declares_it_in_its_text(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from optimizers.registry import strategy\n\n\n"
        '@strategy("mine", summary="", history=True)\n'
        "def mine(problem, rng):\n    yield problem.reference\n\n\n"
        "def other(problem, rng):\n    yield problem.reference\n"
    )
    assert uses_history(f"{file}:mine")
    assert not uses_history(f"{file}:other")
