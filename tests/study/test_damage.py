"""A ledger damaged, taken away or read by others: nothing is lost unseen."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.common.files import OutputError
from harness.study.jobs import plan_of
from harness.study.ledger import DAMAGED_FILE, LEDGER_FILE, DamagedError, Ledger
from harness.study.outcome import ScoredVisit
from harness.study.plan import Study
from harness.study.play_study import Where, play_study
from harness.study.salvage import opened
from harness.study.tables import read_study

Rows = Callable[..., ScoredVisit]
KEYS = [f"visit-{n:03}" for n in range(40)]
N_FLIPS = 40


@pytest.fixture
def folder(tmp_path: Path, rows: Rows) -> Path:
    with Ledger(tmp_path) as ledger:
        ledger.plan(KEYS, "t")
        ledger.record(rows(key, n=5) for key in KEYS)
    return tmp_path


def content(ledger: Ledger) -> Mapping[str, list[str]]:
    return {
        table: [repr(row) for batch in ledger.batches(table) for row in batch]
        for table in ("visits", "evaluations", "timings")
    }


def flipped(data: bytes, bit: int) -> bytes:
    at, place = divmod(bit, 8)
    return data[:at] + bytes([data[at] ^ (1 << place)]) + data[at + 1 :]


def test_no_flipped_bit_changes_a_result_unseen(folder: Path) -> None:
    path = folder / LEDGER_FILE
    sound = path.read_bytes()
    with Ledger(folder) as ledger:
        whole = content(ledger)
    draw, n_seen = random.Random(4), 0
    for _ in range(N_FLIPS):
        path.write_bytes(flipped(sound, draw.randrange(8 * len(sound))))
        try:
            with opened(folder, replay=False) as ledger:
                ledger.plan(KEYS, "t")
                assert content(ledger) == whole
        except OutputError:
            n_seen += 1
    assert n_seen > N_FLIPS // 5  # other bits are of space that holds no row


def test_a_damaged_row_is_named_and_played_again_by_option(folder: Path) -> None:
    path = folder / LEDGER_FILE
    data = path.read_bytes()
    place = data.index(b"nominal", data.index(b"visit-017nominal"))
    path.write_bytes(flipped(data, 8 * place))
    told = (
        r"ledger\.sqlite is damaged: a row of visits, visit visit-017; all other "
        r"visits are kept, the same command with --replay-failed plays these again"
    )
    with pytest.raises(DamagedError, match=told):
        opened(folder, replay=False)
    with opened(folder, replay=True) as ledger:
        assert not ledger.has("visit-017")
        assert ledger.counts() == {"done": 39}


@pytest.mark.parametrize("share", [0.4, 0.8])
def test_what_can_be_read_of_a_truncated_ledger_is_kept_by_option(
    folder: Path, share: float
) -> None:
    path = folder / LEDGER_FILE
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data)) // 4096 * 4096])
    with pytest.raises(DamagedError, match="the same command with --replay-failed"):
        opened(folder, replay=False)
    with opened(folder, replay=True) as ledger:
        ledger.plan(KEYS, "t")
        assert ledger.damaged() == {}
        assert ledger.n_planned() == len(KEYS)
    assert (folder / DAMAGED_FILE).is_file()


def test_visits_that_lost_an_observation_are_damaged(folder: Path) -> None:
    with Ledger(folder) as ledger:
        ledger._db.execute(
            "DELETE FROM evaluations WHERE key = ? AND number = 3", KEYS[:1]
        )
        assert ledger.damaged() == {
            KEYS[0]: f"rows are missing in evaluations, visit {KEYS[0]}"
        }


def test_a_ledger_that_is_taken_away_while_in_use_is_written_again(
    folder: Path, rows: Rows
) -> None:
    with Ledger(folder) as ledger:
        (folder / LEDGER_FILE).unlink()
        with pytest.raises(
            OutputError, match=r"taken away .* the same command goes on"
        ):
            ledger.record([rows("another")])
    with Ledger(folder) as again:
        assert again.counts() == {"done": len(KEYS)}


def test_a_ledger_that_was_replaced_is_kept_beside(folder: Path, rows: Rows) -> None:
    with Ledger(folder) as ledger:
        (folder / LEDGER_FILE).unlink()
        (folder / LEDGER_FILE).write_bytes(b"somebody's")
        with pytest.raises(OutputError, match=r"kept in .*ledger-rescued\.sqlite"):
            ledger.record([rows("another")])
    (folder / "ledger-rescued.sqlite").replace(folder / LEDGER_FILE)
    with Ledger(folder) as again:
        assert again.counts() == {"done": len(KEYS)}


@pytest.mark.slow
def test_a_study_that_is_being_played_can_be_read(
    tmp_path: Path, rows: Rows, tiny_study: Callable[..., Study]
) -> None:
    study = tiny_study(["stay", "random"])
    play_study(study, tmp_path, Where(1), stderr=None, quiet=True)
    whole = read_study(tmp_path)
    (tmp_path / "visits.parquet").unlink()
    manifest = tmp_path / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"complete": true', '"complete": false'))
    assert text != manifest.read_text()
    with Ledger(tmp_path):  # somebody writes it
        by_now = read_study(tmp_path)
    assert list(by_now.visits) == list(whole.visits)
    for table in ("visits", "evaluations"):
        assert repr(getattr(by_now, table)) == repr(getattr(whole, table))


@pytest.mark.slow
def test_what_the_machine_failed_is_played_again_and_failures_by_option(
    tmp_path: Path, tiny_study: Callable[..., Study], rows: Rows
) -> None:
    study = tiny_study(["stay", "random"], replicates=2)
    keys = [job.key for job in plan_of(study).jobs()]
    statuses = ("poisoned", "failed", "timed out", "done")
    with Ledger(tmp_path) as ledger:
        ledger.plan(keys, "t")
        for key, status in zip(keys, statuses, strict=True):
            ledger.record([rows(key, status=status)])

    def play(*, replay_failed: bool) -> list[str]:
        play_study(
            study,
            tmp_path,
            Where(1),
            replay_failed=replay_failed,
            stderr=None,
            quiet=True,
        )
        return list(read_study(tmp_path).visits["status"])

    assert play(replay_failed=False) == ["done", "failed", "timed out", "done"]
    assert play(replay_failed=True) == ["done"] * 4
