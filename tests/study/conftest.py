"""What the tests of studies share: strategies gone wrong, tiny studies, rows."""

from collections.abc import Callable
from math import nan
from pathlib import Path

import pytest

from harness.study.outcome import EvaluationRow, ScoredVisit, TimingRow, VisitRow
from harness.study.plan import Study, parse_study

ODD = """
import os, time

def fine(problem, rng):
    yield problem.reference

def prints(problem, rng):
    print("hello " * 20, flush=True)
    yield problem.reference

def raises(problem, rng):
    yield problem.reference
    raise ZeroDivisionError("no such luck")

def leaves(problem, rng):
    yield problem.reference
    raise SystemExit(3)

def rubbish(problem, rng):
    yield (10**6, -1)

def hangs(problem, rng):
    yield problem.reference
    while True:
        time.sleep(0.01)

def dies(problem, rng):
    yield problem.reference
    os._exit(7)

def spoils(problem, rng):
    for shared in (problem.population.values, problem.space.indices):
        try:
            shared[:] = shared[:1].copy()
        except ValueError:
            pass
    rng.random(1000)
    yield problem.reference
    raise RuntimeError("after all was spoilt")
"""

TINY = """
title = "A tiny study"
seed = 5
contenders = {contenders}
budgets_min = {budgets}
replicates = {replicates}
visit_limit_s = {limit}
post_replication_pairs = 0
patients = {patients}
[visit]
verification_pairs = 2
response_pairs = 0
baseline_min = 1
observation_min = 0
"""


def tiny_text(
    contenders: list[str] | None = None,
    *,
    budgets: tuple[float, ...] = (4,),
    replicates: int = 1,
    patients: tuple[str, ...] = ("hfref-ischaemic",),
    limit: float = 60,
) -> str:
    listed = ", ".join(
        one if one.startswith("{") else f'"{one}"' for one in contenders or ["stay"]
    )
    return TINY.format(
        contenders=f"[{listed}]",
        budgets=list(budgets),
        replicates=replicates,
        patients=str(list(patients)).replace("'", '"'),
        limit=limit,
    )


def tiny(*args: object, **kwargs: object) -> Study:
    return parse_study(tiny_text(*args, **kwargs), "tiny.toml")  # type: ignore


def made_up(
    key: str, *, n: int = 3, status: str = "done", patient: int = 0
) -> ScoredVisit:
    """Return rows that look like those of a visit."""
    visit = VisitRow(
        key=key,
        patient=patient,
        family="nominal",
        in_af=False,
        contender="stay",
        strategy="stay",
        recommender="posterior_mean",
        plan="paired",
        budget_min=40.0,
        replicate=0,
        status=status,
        error="" if status == "done" else 'went wrong, "badly"',
        regret_pct=12.5,
        harmed=True,
        n_evaluations=n,
    )
    evaluations = tuple(
        EvaluationRow(
            key=key,
            number=i + 1,
            amplitude_v=5.0,
            phase_duration_ms=5.14,
            n_pulses=2,
            delay_ms=20.0,
            value_pct=nan if i == 0 else 0.1 * i,
            standard_error_pct=2.0,
            sensation_grade=0.0,
            aborted="",
            minutes=2.0 * i,
            beats=100 * i,
            unpleasant_events=0,
            true_gain_pct=1.0,
            true_utility_pct=0.5,
            incumbent_gain_pct=0.0,
            incumbent_points_lost=4.0,
            incumbent_regret_pct=100.0,
        )
        for i in range(n)
    )
    timing = TimingRow(key=key, wall_s=0.5, cpu_s=0.4, ask_ms=1.0, slowest_ask_ms=2.0)
    return ScoredVisit(visit, evaluations, timing)


@pytest.fixture
def odd_file(tmp_path: Path) -> Path:
    """Write the file of strategies gone wrong."""
    path = tmp_path / "odd.py"
    path.write_text(ODD, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def rows() -> Callable[..., ScoredVisit]:
    """Return the maker of rows."""
    return made_up


@pytest.fixture(scope="session")
def tiny_study() -> Callable[..., Study]:
    """Return the maker of tiny studies."""
    return tiny


@pytest.fixture(scope="session")
def study_text() -> Callable[..., str]:
    """Return the maker of the text of tiny studies."""
    return tiny_text
