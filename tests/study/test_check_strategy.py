"""Somebody's own strategy is checked, and stood beside the yardsticks."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import invoke
from harness.study.check_strategy import CACHE, MINE, check, mini_study
from harness.study.ledger import Ledger
from harness.study.play_study import Where
from harness.study.tables import read_study

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-strategy.md"
README = HOW_TO.parents[2] / "README.md"
BROKEN = '''
def mine(problem, rng):
    """Ask for a point far outside."""
    while True:
        yield tuple(1000 for _ in problem.reference)
'''


def blocks(page: Path = HOW_TO) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def example(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(blocks()[0], encoding="utf-8")
    return f"{tmp_path / 'mine.py'}:mine"


@pytest.fixture
def readme_example(tmp_path: Path) -> str:
    [block] = [one for one in blocks(README) if "def sweep" in one]
    (tmp_path / "sweep.py").write_text(block, encoding="utf-8")
    return f"{tmp_path / 'sweep.py'}:sweep"


@pytest.mark.parametrize("whose", ["example", "readme_example"])
def test_the_examples_of_readme_and_how_to_pass_the_kit(
    whose: str, request: pytest.FixtureRequest
) -> None:
    found = check(request.getfixturevalue(whose), n_patients=0)
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


NAMED = """
def mine(problem, rng):
    while True:
        yield problem.point(n_pulses=3)

mine.axes = {axes}
"""


def test_a_strategy_for_named_axes_is_checked_on_spaces_that_have_them(
    tmp_path: Path,
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(NAMED.format(axes='("amplitude_v", "n_pulses")'), encoding="utf-8")
    assert check(f"{file}:mine", n_patients=0).passed
    file.write_text(NAMED.format(axes="()"), encoding="utf-8")
    problem = check(f"{file}:mine", n_patients=0).findings[0].problem
    assert "the space has no axis n_pulses" in problem
    file.write_text(NAMED.format(axes='("mood",)'), encoding="utf-8")
    problem = check(f"{file}:mine", n_patients=0).findings[0].problem
    assert problem.startswith("no problem has the axes mood; known: amplitude_v, ")


def test_a_strategy_that_hangs_is_ended_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.study.check_strategy.CHECK_S", 2.0)
    file = tmp_path / "mine.py"
    file.write_text("def mine(p, r):\n    yield p.reference\n    while True: pass\n")
    [found] = check(f"{file}:mine", n_patients=0).findings
    assert (found.check, found.problem) == (
        "budget",
        "killed after 2 s without an answer",
    )


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


def test_the_mini_study_is_played_by_the_engine_that_is_asked_for(
    example: str,
) -> None:
    assert mini_study(example, 7).engine == "table"
    assert mini_study(example, 7, "beats").engine == "beats"


@pytest.mark.slow
def test_a_strategy_is_stood_beside_the_yardsticks_whose_visits_are_kept(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path / "kept"))
    found = check(example, n_patients=1, where=Where(2), out=tmp_path / "out")
    standing = {one.contender: one for one in found.standings}
    assert {one.start for one in found.standings} == {"factory", "turned-down"}
    assert {MINE, "stay", "titration", "nelder-mead", "cohort-bayes"} == set(standing)
    assert standing[MINE].n_failed == 0
    assert found.passed
    for start in ("factory", "turned-down"):
        of_start = [one for one in found.standings if one.start == start]
        lost = [one.points_lost for one in of_start]
        assert lost == sorted(lost)
    assert MINE in found.text
    assert "played by table" in found.text
    visits = read_study(tmp_path / "out").visits
    assert set(visits["contender"]) == set(standing)

    again = check(example, n_patients=1, where=Where(1))
    assert [replace(one, ask_ms=0.0) for one in again.standings] == [
        replace(one, ask_ms=0.0) for one in found.standings
    ]
    [ledger] = (tmp_path / "kept").glob("*/ledger.sqlite")
    with Ledger(ledger.parent) as kept:
        assert len(kept.of_contender("titration")) == len(kept.of_contender(MINE))
