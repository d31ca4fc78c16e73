"""A ledger that is damaged: what can still be read of it is kept, the rest said."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from harness.common.files import OutputError
from harness.study.ledger import (
    CHECKSUM,
    DAMAGED_FILE,
    LEDGER_FILE,
    ROWS,
    DamagedError,
    Ledger,
    Stored,
    columns,
    is_sound,
)

AGAIN: Final = "--replay-failed"
_MOST_NAMED: Final = 3


def opened(folder: Path, *, replay: bool) -> Ledger:
    """Return the ledger of a study with sound rows only.

    With `replay` what is damaged is taken out, to be played again; without it, damage
    is a DamagedError that names the rows and what to do.
    """
    try:
        ledger = Ledger(folder)
    except DamagedError as error:
        return _salvaged(folder, error, replay=replay)
    try:
        hurt = ledger.damaged()
    except DamagedError as error:
        ledger.close()
        return _salvaged(folder, error, replay=replay)
    if hurt and not replay:
        ledger.close()
        raise DamagedError(_told(folder, hurt))
    ledger.forget(hurt)
    return ledger


def _told(folder: Path, hurt: dict[str, str]) -> str:
    named = list(hurt.values())[:_MOST_NAMED]
    more = [f"and {len(hurt) - _MOST_NAMED} more"] if len(hurt) > _MOST_NAMED else []
    return (
        f"{folder / LEDGER_FILE} is damaged: {'; '.join([*named, *more])}; all other "
        f"visits are kept, the same command with {AGAIN} plays these again"
    )


def _salvaged(folder: Path, error: DamagedError, *, replay: bool) -> Ledger:
    """Return a new ledger with what can be read of a file that is damaged itself."""
    path, aside = folder / LEDGER_FILE, folder / DAMAGED_FILE
    rows = {table: list(_readable(path, table)) for table in ROWS}
    whole = _whole(rows)
    if not replay:
        raise DamagedError(
            f"{error}; {len(whole)} visits of it can be read, the same command with "
            f"{AGAIN} keeps these and plays the others again"
        )
    if aside.exists():
        raise OutputError(f"{aside} is in the way: remove it or give it another name")
    path.rename(aside)
    path.with_name(f"{LEDGER_FILE}-journal").unlink(missing_ok=True)
    ledger = Ledger(folder)
    kept = {
        table: [row for row in found if row[0] in whole]
        for table, found in rows.items()
    }
    ledger.restore(kept)
    return ledger


def _readable(path: Path, table: str) -> Iterator[Stored]:
    """Yield the sound rows that can be reached from either end of a table."""
    listed, seen = ", ".join([*columns(table), CHECKSUM]), set()
    key = ", ".join(f"{name} {{0}}" for name in _KEYS[table])
    for direction in ("ASC", "DESC"):
        order = key.format(direction)
        with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as db:
            for row in db.execute(f"SELECT {listed} FROM {table} ORDER BY {order}"):
                if is_sound(row) and row[:2] not in seen:
                    seen.add(row[:2])
                    yield row


_KEYS: Final = {
    "visits": ("key",),
    "evaluations": ("key", "number"),
    "timings": ("key",),
}


def _whole(rows: dict[str, list[Stored]]) -> set[str]:
    """Return the visits of which nothing is missing."""
    n_found = Counter(str(row[0]) for row in rows["evaluations"])
    at = list(columns("visits")).index("n_evaluations")
    timed = {row[0] for row in rows["timings"]}
    return {
        str(row[0])
        for row in rows["visits"]
        if row[0] in timed and n_found[str(row[0])] == row[at]
    }
