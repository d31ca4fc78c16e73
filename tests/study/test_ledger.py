"""The ledger: all or nothing, one writer, never another study's."""

import resource
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import isnan
from pathlib import Path

import numpy as np
import pytest

from harness.common.files import OutputError
from harness.study import play_study
from harness.study.ledger import LEDGER_FILE, LOCK_FILE, Ledger
from harness.study.outcome import ScoredVisit
from harness.study.plan import parse_study

Rows = Callable[..., ScoredVisit]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_what_is_recorded_is_there_when_the_file_is_opened_again(
    tmp_path: Path, rows: Rows
) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.plan(["a", "b"], "t")
        ledger.record([rows("a")])
    with Ledger(tmp_path) as ledger:
        assert ledger.has("a")
        assert not ledger.has("b")
        assert ledger.counts() == {"done": 1}
        assert ledger.n_planned() == 2


def test_rows_come_back_as_they_were_stored(ledger: Ledger, rows: Rows) -> None:
    played = rows("a", status="failed")
    odd = replace(played.visit, harmed=np.True_, beats=np.int64(7))
    ledger.plan(["a"], "t")
    ledger.record([replace(played, visit=odd)])
    [[visit]] = ledger.batches("visits")
    stored = dict(zip(type(odd).__dataclass_fields__, visit, strict=True))
    assert (stored["harmed"], stored["beats"]) == (True, 7)
    assert stored["error"] == 'went wrong, "badly"'
    assert isnan(stored["verified_gain_pct"])
    [evaluations] = ledger.batches("evaluations")
    assert [row[1] for row in evaluations] == [1, 2, 3]


def test_results_are_stored_all_or_none(ledger: Ledger, rows: Rows) -> None:
    ledger.plan(["a", "b"], "t")
    spoilt = rows("b")
    spoilt = replace(spoilt, timing=replace(spoilt.timing, wall_s="no number"))  # type: ignore
    with pytest.raises(ValueError, match="no number"):
        ledger.record([rows("a"), spoilt])
    assert not ledger.has("a")
    ledger.record([rows("a")])
    assert ledger.has("a")


def test_a_visit_recorded_again_replaces_the_first(ledger: Ledger, rows: Rows) -> None:
    ledger.plan(["a"], "t")
    ledger.record([rows("a", status="failed")])
    ledger.record([rows("a")])
    assert ledger.counts() == {"done": 1}


def test_rows_come_in_the_order_of_the_plan_whenever_they_were_recorded(
    ledger: Ledger, rows: Rows
) -> None:
    ledger.plan(["c", "a", "b"], "t")
    for key in "abc":
        ledger.record([rows(key, n=2)])
    [visits] = ledger.batches("visits")
    assert [row[0] for row in visits] == ["c", "a", "b"]
    [evaluations] = ledger.batches("evaluations")
    assert [row[:2] for row in evaluations] == [(k, i) for k in "cab" for i in (1, 2)]


def test_an_extended_study_keeps_what_is_done_and_a_smaller_one_shows_its_part(
    ledger: Ledger, rows: Rows
) -> None:
    ledger.plan(["a"], "t")
    ledger.record([rows("a")])
    ledger.plan(["b", "a", "c"], "t, longer")
    assert ledger.counts() == {"done": 1}
    ledger.record([rows("b"), rows("c")])
    ledger.plan(["b"], "t, shorter")
    assert ledger.counts() == {"done": 1}


def test_another_studys_ledger_is_refused(ledger: Ledger, rows: Rows) -> None:
    ledger.plan(["a"], "the first")
    ledger.record([rows("a")])
    with pytest.raises(OutputError, match="1 visits of 'the first', none of which"):
        ledger.plan(["x", "y"], "the second")
    ledger.plan(["a", "x"], "the first")
    assert ledger.counts() == {"done": 1}


def test_a_folder_has_one_writer(tmp_path: Path) -> None:
    held = pytest.raises(OutputError, match="written by another ccmlab study")
    with Ledger(tmp_path), held:
        Ledger(tmp_path)
    Ledger(tmp_path).close()


def test_a_lock_goes_with_its_writer_and_one_that_was_left_is_no_harm(
    tmp_path: Path,
) -> None:
    lock = tmp_path / LOCK_FILE
    lock.touch()  # as who was killed leaves it
    for _ in range(2):
        with Ledger(tmp_path):
            assert lock.exists()
            with pytest.raises(OutputError, match="another ccmlab study"):
                Ledger(tmp_path)
            assert lock.exists()
        assert not lock.exists()


def test_who_waits_for_a_lock_that_is_taken_away_holds_the_new_one(
    tmp_path: Path,
) -> None:
    def hold() -> None:
        with Ledger(tmp_path), pytest.raises(OutputError, match="another ccmlab study"):
            Ledger(tmp_path)

    first = Ledger(tmp_path)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(hold)
        time.sleep(0.3)  # it waits for a second; what comes first is right too
        first.close()
        waiting.result()


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / LEDGER_FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(OutputError, match="is no ledger of a study"):
        Ledger(tmp_path)


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / LEDGER_FILE) as other:
        other.execute("CREATE TABLE songs (name TEXT)")
    other.close()
    with pytest.raises(OutputError, match="is no ledger of a study"):
        Ledger(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE about SET value = '99'", "has schema 99, this ccmlab writes"),
        ("ALTER TABLE visits ADD COLUMN mood TEXT", "visits differ in mood"),
    ],
)
def test_a_ledger_of_other_columns_is_refused(
    tmp_path: Path, change: str, told: str
) -> None:
    Ledger(tmp_path).close()
    with sqlite3.connect(tmp_path / LEDGER_FILE) as other:
        other.execute(change)
    other.close()
    with pytest.raises(OutputError, match=told):
        Ledger(tmp_path)


def test_tries_are_counted_until_the_visit_has_a_result(
    ledger: Ledger, rows: Rows
) -> None:
    ledger.plan(["a"], "t")
    assert ledger.tries("a") == (0, "")
    assert [ledger.note_try("a", how) for how in ("first", "second")] == [1, 2]
    assert ledger.tries("a") == (2, "second")
    ledger.record([rows("a", status="poisoned")])
    assert ledger.tries("a") == (0, "")
    assert ledger.errors(5) == [("stay", 'poisoned: went wrong, "badly"', 1)]


def test_a_ledger_that_finds_no_room_says_so_and_not_that_it_is_none(
    tmp_path: Path,
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(OutputError, match="cannot be written: ") as caught:
            Ledger(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "is no ledger" not in str(caught.value)


def test_a_disk_that_fills_up_in_a_transaction_is_told_and_nothing_is_lost(
    ledger: Ledger, rows: Rows
) -> None:
    ledger.plan(["a", "b"], "t")
    ledger.record([rows("a")])
    (n_pages,) = ledger._db.execute("PRAGMA page_count").fetchone()
    ledger._db.execute(f"PRAGMA max_page_count = {n_pages}")
    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        ledger.plan([f"{n:064}" for n in range(9000)], "t")
    ledger._db.execute("PRAGMA max_page_count = 1000000")
    ledger.record([rows("b")])
    assert (ledger.has("a"), ledger.has("b"), ledger.n_planned()) == (True, True, 2)


def test_a_study_whose_disk_fills_up_keeps_what_is_done_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study_text: Callable[..., str]
) -> None:
    def full(*_: object) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(play_study, "_play", full)
    study = parse_study(study_text(["stay"]), "tiny.toml")
    told = "cannot be written: database or disk is full; what is done is kept"
    with pytest.raises(OutputError, match=told):
        play_study.play_study(
            study, tmp_path / "s", play_study.Where(1), stderr=None, quiet=True
        )
    with Ledger(tmp_path / "s") as ledger:
        assert ledger.n_planned() > 0
