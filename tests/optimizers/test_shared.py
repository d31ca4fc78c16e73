"""What earlier searches teach, and what is left of it where they mislead."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from optimizers.earlier import OFFSET, readings_before
from optimizers.posterior import matern
from optimizers.problem import Budget, Observation, PastSearch, Problem
from optimizers.recommend import recommend
from optimizers.registry import strategies, uses_history
from optimizers.shared import LEAST_WEIGHT, LENGTHS, OWN, SHARED, shared_belief
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
    assert {one.length for one in belief.combinations} == set(LENGTHS)
    for row, one in enumerate(belief.combinations):
        near = np.sqrt(5.0) * far / one.length
        alike = (1.0 + near + near**2 / 3.0) * np.exp(-near)
        drawn = 2.0 * (one.shared**2 + one.own**2) * (1.0 - alike)
        # the constant is as good as unknown: the gain is read against the reference,
        # which is known to a thousandth
        exact = value * drawn / (drawn + 1.0)
        assert belief.gain_mean[row, 0] == pytest.approx(exact, rel=2.0 / OFFSET)


def test_readings_are_told_by_their_values_not_by_their_places() -> None:
    finer = tuple(float(ms) for ms in range(15, 46))
    other = Space((Axis("amplitude_v", "V", (6.0,)), Axis("delay_ms", "ms", finer)))
    seen = Observation((0, 15), (0, 15), 3.0, standard_error=1.0)  # 6 V, 30 ms
    past = PastSearch(other, (0, 0), (seen,))
    found = readings_before(replace(PROBLEM, history=(past,)), unit=1.0)
    assert found.places[-1] == pytest.approx(np.array([1, 5]) * SPACE.steps)
    assert found.search.tolist() == [1]


def test_a_search_without_an_axis_of_now_tells_nothing() -> None:
    other = Space((Axis("delay_ms", "ms", DELAYS),))
    seen = Observation((5,), (5,), 3.0, standard_error=1.0)
    told = replace(PROBLEM, history=(PastSearch(other, (0,), (seen,)),))
    assert readings_before(told, unit=1.0).search.tolist() == []


def by_hand(
    told: Problem, log: list[Observation], at: Point, sizes: tuple[float, float, float]
) -> tuple[float, float, float, float]:
    """Return log evidence, value and gain with its SD of one dense joint normal."""
    length, shared, own = sizes
    rows = [(seen, 0, 0) for seen in log]
    for n, past in enumerate(told.history, start=1):
        rows += [(seen, n, 0 if past.same_patient else n) for seen in past.log]
    asked = [(at, 0, 0), (told.reference, 0, 0)]
    places = np.array([seen.tested for seen, _, _ in rows] + [p for p, _, _ in asked])
    search = np.array([s for _, s, _ in rows] + [s for _, s, _ in asked])
    patient = np.array([p for _, _, p in rows] + [p for _, _, p in asked])
    apart = (places[:, None] - places) * SPACE.steps
    far = np.sqrt((apart**2).sum(axis=2)) / length
    alike = shared**2 + own**2 * (patient[:, None] == patient)
    joint = matern(far) * alike
    n = len(rows)
    errors = np.maximum([seen.standard_error for seen, _, _ in rows], 1e-3)
    constant = OFFSET**2 * (search[:, None] == search)
    within = (joint + constant)[:n, :n] + np.diag(errors**2)
    values = np.array([seen.value for seen, _, _ in rows])
    weights = np.linalg.solve(within, values)
    evidence = -0.5 * values @ weights - 0.5 * np.linalg.slogdet(within)[1]
    value = (joint + constant)[n, :n] @ weights
    across = joint[n, :n] - joint[n + 1, :n]
    drawn = joint[n, n] + joint[n + 1, n + 1] - 2.0 * joint[n, n + 1]
    left = drawn - across @ np.linalg.solve(within, across)
    return evidence, value, across @ weights, float(np.sqrt(left))


def test_what_is_worked_out_once_agrees_with_one_joint_normal() -> None:
    history = (
        everywhere(hill(30.0)),
        everywhere(hill(27.0), same_patient=True),
        everywhere(hill(33.0)),
    )
    told = replace(PROBLEM, history=history)
    log = read(hill(30.0), [(1, 3), (0, 5), (1, 8), (1, 3)])
    for n_read in (2, 4, 5):  # each call finds what the one before has kept
        belief = shared_belief(told, log[:n_read], [(1, 6), (2, 2)])
        every = [
            by_hand(told, log[:n_read], (1, 6), sizes)
            for sizes in product(LENGTHS, SHARED, OWN)
        ]
        evidence = np.array([one[0] for one in every])
        weight = np.exp(evidence - evidence.max())
        weight /= weight.sum()
        kept = weight > LEAST_WEIGHT
        assert belief.weight == pytest.approx(weight[kept] / weight[kept].sum())
        found = np.array(every)[kept]
        assert belief.mean[:, 0] == pytest.approx(found[:, 1], abs=1e-6)
        assert belief.gain_mean[:, 0] == pytest.approx(found[:, 2], abs=1e-6)
        assert belief.gain_sd[:, 0] == pytest.approx(found[:, 3], abs=1e-6)


def test_the_reference_gains_nothing_over_itself_for_sure() -> None:
    told = replace(PROBLEM, history=(everywhere(hill(30.0)),))
    belief = shared_belief(told, read(hill(30.0), [(1, 5)]), [(1, 4), REFERENCE])
    assert belief.gain[0][1] == belief.gain[1][1] == belief.probability_better[1] == 0.0


def test_combinations_that_explain_nothing_are_left_out() -> None:
    alike = tuple(everywhere(hill(30.0)) for _ in range(12))
    told = replace(PROBLEM, history=alike)
    belief = shared_belief(told, read(hill(30.0), [(1, 5)]), [(1, 4)])
    assert len(belief.weight) < len(LENGTHS) * len(SHARED) * len(OWN)
    assert (belief.weight > LEAST_WEIGHT).all()
    assert belief.weight.sum() == pytest.approx(1.0)
    assert len(belief.combinations) == len(belief.mean) == len(belief.weight)


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
