"""Contenders meet the same patients with the same noise, and leave no trace."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.study.child import Play, obeyed
from harness.study.jobs import plan_of
from harness.study.outcome import ScoredVisit
from harness.study.plan import Study

Maker = Callable[..., Study]
LONG_MIN = 14.0  # for five tests or so


def played(study: Study) -> list[ScoredVisit]:
    """Play all visits of a study in this process, one after the other."""
    found = list(obeyed(Play(tuple(plan_of(study).jobs()))))
    assert all(isinstance(one, ScoredVisit) for one in found)
    return found  # type: ignore[return-value]


@pytest.mark.slow
def test_another_contender_changes_nobodys_rows(
    odd_file: Path, tiny_study: Maker
) -> None:
    """Not even one that draws numbers, spoils what it is given, and raises."""
    few = played(tiny_study(["sweep", "cohort-bayes"], budgets=(LONG_MIN,)))
    others = [f"{odd_file}:spoils", "random"]
    many = played(tiny_study([*others, "cohort-bayes", "sweep"], budgets=(LONG_MIN, 4)))
    assert [one.visit.status for one in many].count("failed") == 2
    found = {one.visit.key: one for one in many}
    for one in few:
        assert one.visit.n_tests > 2
        same = found[one.visit.key]
        # repr, since a nan is not equal to itself
        assert repr(same.visit) == repr(one.visit)
        assert repr(same.evaluations) == repr(one.evaluations)


def test_contenders_that_test_the_same_read_the_same(tiny_study: Maker) -> None:
    one, other = (
        f'{{ label = "{name}", strategy = "sweep", recommender = "{name}" }}'
        for name in ("posterior_mean", "best_mean")
    )
    first, second = played(tiny_study([one, other], budgets=(LONG_MIN,)))
    assert first.visit.key != second.visit.key
    read = [
        [(row.value_pct, row.minutes, row.beats) for row in each.evaluations]
        for each in (first, second)
    ]
    assert len(read[0]) > 2
    assert read[0] == read[1]


def test_replicates_and_patients_read_with_errors_of_their_own(
    tiny_study: Maker,
) -> None:
    twins = ("hfref-ischaemic", "hfref-ischaemic")
    study = tiny_study(["sweep"], budgets=(8,), replicates=2, patients=twins)
    visits = played(study)
    read = [one.evaluations[1].value_pct for one in visits]
    assert len(set(read)) == len(visits) == 4
