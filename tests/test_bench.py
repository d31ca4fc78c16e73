"""Speed is told in units of a loop that runs beside it, and compared by pairs."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import against
from bench.__main__ import module_names
from bench.against import lines, ratio_of
from bench.report import Row, loops_in, table, timed_row
from bench.study import hold, most_memory_mb, work
from bench.timing import Loop, Timing, interleaved


def test_half_a_second_is_five_hundred_loops_by_definition() -> None:
    assert 0.5 * loops_in("s") == 500.0
    assert 33.0 * loops_in("us/beat") == pytest.approx(0.033)


def test_a_machine_of_half_the_speed_meets_the_same_budget() -> None:
    as_loaded = timed_row("a visit", Timing(cpu_s=0.8, loops=400.0), "s", 0.45)
    assert as_loaded.figure > 0.45
    assert as_loaded.met
    assert not timed_row("a visit", Timing(cpu_s=0.4, loops=500.0), "s", 0.45).met


def test_the_table_has_figure_and_budget_in_both_units() -> None:
    told = table([timed_row("a visit", Timing(0.8, 400.0), "s", 0.45)])
    for words in ("0.8 s", "<= 0.45 s", "400 of 450 loops", "met"):
        assert words in told
    assert "MISSED" in table([Row("memory", 700.0, "MB", 600.0)])


def test_each_figure_stands_beside_the_loops_before_and_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # the machine gets slower and slower; first each warms up
    loops_s = iter([1.0, 0.001, 0.003, 0.005, 0.007])
    monkeypatch.setattr(Loop, "run", lambda self, n: next(loops_s))
    figures_s = iter([9.0, 0.2, 0.4, 0.6])
    found = interleaved(lambda: next(figures_s), repeats=3)
    assert found.cpu_s == 0.4
    assert found.loops == pytest.approx(100.0)


@pytest.mark.parametrize("loop", Loop)
def test_a_loop_takes_time_in_proportion_to_how_often_it_runs(loop: Loop) -> None:
    assert loop.run(3) > 0.0


def test_the_ratio_is_that_of_pairs_with_its_interval() -> None:
    # logs of the ratios are ln 2 -+ ln 1.1: Student's 97.5 % of one degree is 12.706
    ratio, low, high = ratio_of([(1.0, 2.2), (1.0, 2.0 / 1.1)])
    half = 12.7062 * math.log(1.1)
    assert ratio == pytest.approx(2.0)
    assert low == pytest.approx(2.0 * math.exp(-half), rel=1e-4)
    assert high == pytest.approx(2.0 * math.exp(half), rel=1e-4)


def test_figures_that_one_revision_lacks_are_not_compared() -> None:
    pairs = [({"a": 2.0}, {"a": 1.0, "new": 3.0})] * 2
    [line] = lines(pairs)
    assert line.startswith("a ")
    assert "x 0.500 (0.500 to 0.500)" in line


TREES = {"old": Path("old"), "this checkout": Path("new")}


def with_figures(
    monkeypatch: pytest.MonkeyPatch, told: Callable[[Path], dict[str, float]]
) -> list[Path]:
    """Let each tree say what it is told to; return who was asked, in order."""
    asked: list[Path] = []

    def measured(tree: Path, name: str, **_: object) -> dict[str, float]:
        asked.append(tree)
        return told(tree)

    monkeypatch.setattr(against, "measured", measured)
    return asked


def test_two_trees_are_measured_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = with_figures(monkeypatch, lambda tree: {"a": len(tree.name) * 2.0})
    head, line = against.taken(TREES, "visit", 3, math.inf)
    assert asked == [*TREES.values()] * 3
    assert head == "visit, 3 pairs"
    assert "x 1.000 (1.000 to 1.000)" in line


def test_what_a_revision_cannot_be_asked_for_is_told_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def told(tree: Path) -> dict[str, float]:
        raise against.UnmeasuredError(
            f"{tree} cannot be measured: ImportError: no name"
        )

    asked = with_figures(monkeypatch, told)
    [line] = against.taken(TREES, "visit", 5, math.inf)
    assert line == "visit: not compared, old cannot be measured: ImportError: no name"
    assert asked == [Path("old")]


def test_no_pair_is_begun_for_which_the_time_does_not_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 0.0
    monkeypatch.setattr(against.time, "monotonic", lambda: now_s)

    def told(tree: Path) -> dict[str, float]:
        nonlocal now_s
        now_s += 10.0  # a pair takes 20 s
        return {"a": 1.0}

    assert len(with_figures(monkeypatch, told)) == 0
    head, _ = against.taken(TREES, "visit", 5, 70.0)
    assert head == "visit, 3 pairs"
    now_s = 0.0
    [line] = against.taken(TREES, "visit", 5, 30.0)
    assert line.startswith("visit: not compared, there was time for one pair")


def test_a_tree_without_the_code_that_is_measured_says_which(tmp_path: Path) -> None:
    broken = tmp_path / "harness"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('too old')\n")
    until_s = time.monotonic() + 120.0
    with pytest.raises(against.UnmeasuredError, match=r"HEAD~9 .*ImportError: too old"):
        against.measured(tmp_path, "visit", called="HEAD~9", until_s=until_s)


def test_every_module_with_rows_is_measured_and_no_other() -> None:
    names = module_names()
    assert {"heart", "visit", "study"} <= set(names)
    assert not {"against", "rates", "reliability", "report", "timing"} & set(names)


@pytest.mark.parametrize(("plays", "n"), [(hold, 24), (work, 1)])
def test_who_holds_a_study_or_plays_it_is_measured(
    plays: Callable[[int], None], n: int
) -> None:
    # numpy, scipy and numba alone are more than the least
    assert 100.0 < most_memory_mb(plays, n) < 2000.0
