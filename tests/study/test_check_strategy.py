"""Somebody's own strategy is checked, and stood beside the yardsticks."""

import re
from pathlib import Path

import pytest

from harness.cli import invoke
from harness.study.check_strategy import MINE, check, mini_study

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-strategy.md"
BROKEN = '''
def mine(problem, rng):
    """Ask for a point far outside."""
    while True:
        yield tuple(1000 for _ in problem.reference)
'''


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def example(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(blocks()[0], encoding="utf-8")
    return f"{tmp_path / 'mine.py'}:mine"


def test_the_example_of_the_how_to_passes_the_kit(example: str) -> None:
    found = check(example, n_patients=0)
    assert [one.problem for one in found.findings] == [""] * len(found.findings)
    assert found.passed
    assert len(found.findings) >= 8


def test_the_agent_of_the_how_to_plays_a_visit_to_its_verdict(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exec(compile(blocks()[-1], str(HOW_TO), "exec"), {})
    assert capsys.readouterr().out.strip() in (
        "improved",
        "equivalent",
        "inconclusive",
        "stopped for safety",
    )


def test_a_strategy_that_breaks_a_rule_is_told_which_and_plays_no_patient(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(BROKEN, encoding="utf-8")
    code = invoke(["check-strategy", f"{tmp_path / 'mine.py'}:mine", "--quiet"])
    out = capsys.readouterr().out
    assert code == 1
    assert "FAILED  budget" in out
    assert "outside the space" in out
    assert "patients" not in out


def test_a_strategy_that_cannot_be_loaded_takes_one_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert invoke(["check-strategy", "titratoin"]) == 2
    assert "nearest is 'titration'" in capsys.readouterr().err


def test_the_mini_study_has_the_strategy_once_and_as_many_patients_as_asked(
    example: str,
) -> None:
    study = mini_study(example, 7)
    assert study.n_patients == 7
    names = [one.name for one in study.contenders]
    assert names[0] == MINE
    assert "stay" in names
    assert [one.name for one in mini_study("titration", 7).contenders].count(
        "titration"
    ) == 0


@pytest.mark.slow
def test_a_strategy_is_stood_beside_the_yardsticks(example: str) -> None:
    found = check(example, n_patients=2, jobs=2)
    standing = {one.contender: one for one in found.standings}
    assert {MINE, "stay", "titration", "nelder-mead", "cohort-bayes"} == set(standing)
    assert standing[MINE].n_failed == 0
    assert found.passed
    regrets = [one.median_regret_pct for one in found.standings]
    assert regrets == sorted(regrets)
    assert MINE in found.text
