"""Tables: the same bytes from the same rows, read back exactly, in little memory."""

import csv
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.common.files import BrokenRunError
from harness.study.ledger import Ledger, columns
from harness.study.outcome import ScoredVisit
from harness.study.tables import MANIFEST_FILE, STUDY_FILE, read_study, write_tables

Rows = Callable[..., ScoredVisit]
NAMES = ("visits.parquet", "visits.csv", "evaluations.parquet", "timings.parquet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with what tells of a study."""
    (tmp_path / STUDY_FILE).write_text('{"title": "t"}', encoding="utf-8")
    (tmp_path / MANIFEST_FILE).write_text('{"schema_version": 1}', encoding="utf-8")
    return tmp_path


def written(
    folder: Path, played: list[ScoredVisit], order: list[str]
) -> dict[str, bytes]:
    with Ledger(folder) as ledger:
        ledger.plan(order, "t")
        for one in played:
            ledger.record([one])
        write_tables(ledger, folder)
    return {name: (folder / name).read_bytes() for name in NAMES}


def test_tables_do_not_hang_on_the_order_in_which_visits_were_done(
    tmp_path: Path, rows: Rows
) -> None:
    keys = [f"k{i:03d}" for i in range(50)]
    played = [rows(key, n=40) for key in keys]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    forwards = written(tmp_path / "a", played, keys)
    backwards = written(tmp_path / "b", played[::-1], keys)
    assert forwards == backwards


def test_a_study_is_read_back_as_it_was_recorded(folder: Path, rows: Rows) -> None:
    played = [rows("b"), rows("a", status="failed", n=0)]
    written(folder, played, ["b", "a", "not done yet"])
    tables = read_study(folder)
    assert tables.study["title"] == "t"
    assert list(tables.visits) == list(columns("visits"))
    assert tables.visits["key"].tolist() == ["b", "a"]
    assert tables.visits["error"].tolist() == ["", 'went wrong, "badly"']
    assert tables.visits["harmed"].dtype == np.bool_
    assert tables.visits["pairs_done"].dtype == np.int64
    assert tables.visits["regret_pct"].tolist() == [12.5, 12.5]
    assert np.isnan(tables.visits["verified_gain_pct"]).all()
    assert tables.evaluations["number"].tolist() == [1, 2, 3]
    assert np.isnan(tables.evaluations["value_pct"][0])
    assert tables.timings["wall_s"].tolist() == [0.5, 0.5]


def test_the_csv_says_the_same(folder: Path, rows: Rows) -> None:
    written(folder, [rows("b"), rows("a", status="failed")], ["b", "a"])
    with (folder / "visits.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["key"] for row in found] == ["b", "a"]
    assert found[1]["error"] == 'went wrong, "badly"'
    assert (found[0]["harmed"], found[0]["regret_pct"]) == ("true", "12.5")
    assert found[0]["verified_gain_pct"] == ""


def test_a_study_with_nothing_done_has_tables_without_rows(folder: Path) -> None:
    written(folder, [], ["a"])
    tables = read_study(folder)
    assert tables.visits["key"].size == tables.evaluations["number"].size == 0


def test_nothing_is_left_beside_the_tables(folder: Path, rows: Rows) -> None:
    left = folder / ".visits.parquet.partial.scratch"  # by a writer that was killed
    left.mkdir()
    (left / "rows.duckdb").write_bytes(b"half a database")
    (left / "rows.duckdb.wal").write_bytes(b"half a log")
    written(folder, [rows("a")], ["a"])
    expected = {*NAMES, STUDY_FILE, MANIFEST_FILE, "ledger.sqlite"}
    assert {path.name for path in folder.iterdir()} == expected


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda f: (f / STUDY_FILE).unlink(), "is no study: it has no study.json"),
        (lambda f: (f / MANIFEST_FILE).write_text("{"), "manifest.json is no JSON"),
        (lambda f: (f / MANIFEST_FILE).write_text("{}"), "schema None"),
        (lambda f: (f / "visits.parquet").unlink(), "has no visits.parquet yet"),
        (lambda f: (f / "visits.parquet").write_bytes(b"no"), "cannot be read"),
    ],
)
def test_a_folder_that_is_no_study_is_refused(
    folder: Path, rows: Rows, spoil: Callable[[Path], object], told: str
) -> None:
    written(folder, [rows("a")], ["a"])
    spoil(folder)
    with pytest.raises(BrokenRunError, match=told):
        read_study(folder)


def peak_bytes(folder: Path, rows: Rows, n: int) -> int:
    """Return the most that Python held while a study was recorded and written."""
    folder.mkdir()
    tracemalloc.start()
    with Ledger(folder) as ledger:
        ledger.plan((f"{i:05d}" for i in range(n)), "t")
        for start in range(0, n, 50):
            ledger.record(rows(f"{i:05d}", n=9) for i in range(start, start + 50))
        write_tables(ledger, folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_visits(
    tmp_path: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.study.ledger._AT_ONCE", 50)
    few = peak_bytes(tmp_path / "few", rows, 100)
    many = peak_bytes(tmp_path / "many", rows, 1000)
    cells = len(columns("visits")) + 9 * len(columns("evaluations"))
    # a quarter of the bare numbers that were added: what the interpreter keeps free
    assert many - few < 0.25 * 900 * cells * 8
