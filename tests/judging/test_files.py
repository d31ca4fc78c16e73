"""The leaderboard as table, text and Markdown."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from harness.common.parquet import write_parquet
from harness.study.judging.board import Judged, judge
from harness.study.judging.files import (
    BEGIN,
    END,
    fragment,
    leaderboard_csv,
    leaderboard_rows,
    leaderboard_text,
    replace_fragment,
)
from harness.study.judging.metrics import METRICS
from harness.study.judging.reading import StoredStudy
from harness.study.outcome import VisitRow

Visit = Callable[..., VisitRow]
HOSTILE = "<b>|{{ 7 * 7 }}\n_*`[x](y)"


@pytest.fixture
def judged(stored: Callable[..., StoredStudy], visit: Visit) -> Judged:
    rows = [
        visit(patient=p, contender=name, candidate_gain_pct=gain, budget_min=budget)
        for p in range(4)
        for name, gain in (("stay", 0.0), ("good", 4.0), (HOSTILE, 2.0))
        for budget in (20.0, 40.0, 60.0)
    ]
    manifest = {"wall_s": 600.0, "processor": {"name": "<Chip>", "n_cores": 2}}
    return judge(stored(rows, manifest=manifest))


def test_the_csv_has_a_row_a_contender_and_budget(judged: Judged) -> None:
    rows = list(csv.DictReader(io.StringIO(leaderboard_csv([judged]).decode())))
    of_main = [row for row in rows if row["patients"] == "sinus"]
    ranked = [row for row in of_main if row["rank"] != "0"]
    assert len(ranked) == 9
    # off, and the better of staying and off, at each budget: there is a stay already
    assert len(of_main) == 9 + 2 * 3
    (good,) = (
        row
        for row in of_main
        if (row["contender"], row["budget_min"]) == ("good", "40.0")
    )
    assert good["rank"] == "1"
    assert float(good["regret_median_pct"]) == 0.0
    assert float(good["saved_mean_points_low"]) == 4.0
    assert float(good["regret_median_pct_error"]) == 0.0
    assert float(good["harmed_pct_error"]) > 0.0
    assert good["harmed_pct_n"] == "4"
    assert good["null_improved_pct"] == ""
    assert good["n_relevant_gain_no_difference_shown"] == "4"
    assert set(METRICS) <= set(good)


def test_the_parquet_file_holds_the_same_rows(judged: Judged, tmp_path: Path) -> None:
    path = tmp_path / "board.parquet"
    rows = list(leaderboard_rows([judged]))
    write_parquet(rows, path)
    with duckdb.connect() as connection:
        table = connection.read_parquet(str(path))
        assert table.columns == list(rows[0])
        found = table.project("contender, budget_min, regret_mean_pct").fetchall()
    names = ("contender", "budget_min", "regret_mean_pct")
    assert found == [tuple(row[name] for name in names) for row in rows]
    assert not list(tmp_path.glob("*.partial"))


def test_the_terminal_shows_the_middle_budget_best_first(judged: Judged) -> None:
    lines = leaderboard_text([judged]).split("\n\n")[0].splitlines()
    assert "4 patients, plan paired, 40 min, against stay" in lines[0]
    assert len(lines) == 2 + 3 + 2
    assert lines[5].split()[:3] == ["–", "off", "(truth)"]
    assert lines[2].split()[:2] == ["1", "good"]
    assert lines[4].split()[:2] == ["3", "stay"]
    assert "coverage" not in lines[1]  # no interval, no column


def test_the_terminal_says_how_sure_a_rank_is(
    stored: Callable[..., StoredStudy], visit: Visit
) -> None:
    gains = {"good": (3.0, 1.0, 3.0), "level": (2.0, 3.0, 2.0), "poor": (0.0, 0.0, 0.0)}
    rows = [
        visit(key=f"{name}{p}", patient=p, contender=name, candidate_gain_pct=gain)
        for name, each in gains.items()
        for p, gain in enumerate(each)
    ]
    lines = leaderboard_text([judge(stored(rows))]).splitlines()
    assert "rank 95 %" in lines[1]
    # 7 points against 7: one stands first by its median, either may be ahead
    assert all("1 to 2" in line for line in lines[2:4])
    assert lines[4].split()[:3] == ["3", "poor", "3"]


def test_the_terminal_marks_failures_and_ranks_nobody_who_only_failed(
    stored: Callable[..., StoredStudy], visit: Visit
) -> None:
    rows = [
        visit(patient=p, contender=name, candidate_gain_pct=gain, status=status)
        for p in range(4)
        for name, gain, status in (
            ("stay", 0.0, "done"),
            ("crashes", 0.0, "failed"),
            ("falters", 2.0, "failed" if p == 0 else "done"),
        )
    ]
    table = leaderboard_text([judge(stored(rows))]).split("\n\n")[0].splitlines()
    assert table[1].split()[-1] == "failed"
    assert table[2].split()[:2] == ["1", "falters"]
    assert table[2].endswith("1 of 4")
    assert table[3].split()[:2] == ["2", "stay"]
    assert set(table[4].removesuffix("4 of 4").split()) == {"–", "crashes"}


def test_the_markdown_table_has_as_many_cells_in_every_row(judged: Judged) -> None:
    text = fragment([judged])
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 3 + 2
    cells = {row.replace("\\|", "").count("|") for row in rows}
    assert len(cells) == 1
    assert "36 visits of virtual patients, played in 10 minutes on 2 cores" in text
    assert "<" not in text


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    before, after = "# Title\n\nwords\n\n", "\n\nmore words\n"
    text = f"{before}{BEGIN}\nold\n{END}{after}"
    once = replace_fragment(text, "new")
    assert once == f"{before}{BEGIN}\n\nnew\n\n{END}{after}"
    assert replace_fragment(once, "new") == once


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{END}" * 2])
def test_markers_that_do_not_fit_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="leaderboard: begin"):
        replace_fragment(text, "new")


def test_a_name_takes_one_short_line_whatever_it_is(
    stored: Callable[..., StoredStudy], visit: Visit
) -> None:
    rows = [replace(visit(), contender=name) for name in ("two\nlines", "x" * 5000)]
    text = leaderboard_text([judge(stored(rows))])
    assert "two lines" in text
    assert max(map(len, text.splitlines())) < 250


def test_the_text_pools_what_all_visits_say_of_intervals(
    stored: Callable[..., StoredStudy], visit: Visit
) -> None:
    rows = [
        visit(patient=p, contender=name, ci95_low_pct=-1.0, ci95_high_pct=high)
        for p, high in enumerate((1.0, 1.0, 1.0, -0.5))
        for name in ("stay", "other")
    ]
    text = leaderboard_text([judge(stored(rows))])
    assert "hold the truth 75.0 %" in text
    assert "n 8." in text
