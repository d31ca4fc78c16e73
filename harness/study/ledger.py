"""The ledger of a study: one SQLite file, a row per visit, written by the parent alone.

What is recorded is on the disk; whatever kills the study costs only what runs. Visits
are known by key, so that an extended study finds what is done. Each row has a checksum,
and rows are looked through whenever the ledger is opened to go on. While one process
writes, others may read: who writes holds a lock file beside the ledger.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import fields
from hashlib import blake2b
from math import isnan, nan
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self, cast

from harness.common.files import OutputError
from harness.study.outcome import EvaluationRow, ScoredVisit, TimingRow, VisitRow

LEDGER_FILE: Final = "ledger.sqlite"
LOCK_FILE: Final = "ledger.lock"
DAMAGED_FILE: Final = "ledger-damaged.sqlite"
SCHEMA_VERSION: Final = 2
CHECKSUM: Final = "checksum"
MOST_TRIES: Final = 3
"""A process that ends once may be the machine's doing; thrice, it is the visit's."""

ROWS: Final[Mapping[str, type]] = MappingProxyType(
    {"visits": VisitRow, "evaluations": EvaluationRow, "timings": TimingRow}
)
ORDER: Final[Mapping[str, str]] = MappingProxyType(
    {"visits": "position", "evaluations": "position, number", "timings": "position"}
)
_KEYS: Final = {"visits": "key", "evaluations": "key, number", "timings": "key"}
_SQL: Final = {str: "TEXT", int: "INTEGER", bool: "INTEGER", float: "REAL"}
_AT_ONCE: Final = 2048  # rows in memory, however large the study
_PATIENCE_S: Final = 60.0
"""Time to wait for somebody who reads while something is to be written."""

Stored = tuple[Any, ...]


def columns(table: str) -> dict[str, type]:
    """Return the columns of a table of a study and what they hold."""
    return {item.name: cast(type, item.type) for item in fields(ROWS[table])}


class DamagedError(OutputError):
    """Rows of a ledger, or the file itself, are not as they were written."""


class _Lock:
    """A file that who writes holds until it ends, however it ends.

    Its holder takes it away at the end; one that was killed leaves it, harmless.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: sqlite3.Connection | None = None

    def take(self) -> None:
        """Hold the file; OutputError when another process does."""
        while self._held is None:
            with suppress(OSError):  # told by who tries to open it
                self._path.touch()
            before = _place(self._path)
            held = sqlite3.connect(self._path, timeout=1.0)
            try:
                self._hold(held)
                if _place(self._path) == before:
                    self._held = held
            except (OutputError, sqlite3.DatabaseError):
                if _place(self._path) == before:
                    raise  # else its holder took it away meanwhile
            finally:
                if self._held is not held:
                    held.close()

    def _hold(self, held: sqlite3.Connection) -> None:
        try:
            held.execute("PRAGMA locking_mode = EXCLUSIVE")
            held.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise OutputError(
                f"{self._path.parent} is being written by another ccmlab study"
            ) from None

    def let_go(self) -> None:
        """Take the file away while it is held, then let go; nothing when it is not."""
        if self._held is not None:
            with suppress(OSError):
                self._path.unlink()
            self._held.close()
            self._held = None


class Ledger:
    """What is done of a study. Use it as a context manager; one writer at a time.

    Parameters
    ----------
    folder
        The study's folder; the ledger is made where there is none.

    Raises
    ------
    OutputError
        When the file is no ledger, was written for other columns, or another
        process writes it; DamagedError when it was a ledger once.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LEDGER_FILE
        self._lock = _Lock(folder / LOCK_FILE)
        try:
            self._lock.take()
            # no isolation level: Python would begin transactions where it thinks best
            self._db = sqlite3.connect(
                self._path, timeout=_PATIENCE_S, isolation_level=None
            )
            try:
                self._open()
            except BaseException:
                self._db.close()
                raise
        except sqlite3.DatabaseError as error:
            self._lock.let_go()
            raise self._why(error) from None
        except BaseException:
            self._lock.let_go()
            raise
        self._place = _place(self._path)

    def _open(self) -> None:
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("BEGIN EXCLUSIVE")
        with self._db:
            known = {name for (name,) in self._db.execute(_TABLES)}
            if not known:
                self._make()
            elif "about" not in known:
                raise OutputError(f"{self._path} is no ledger of a study")
            self._check()

    def _why(self, error: sqlite3.DatabaseError) -> OutputError:
        if isinstance(error, sqlite3.OperationalError):
            # the disk is full or read-only, or what was asked for is no file
            return OutputError(f"{self._path} cannot be written: {error}")
        if "malformed" in str(error):
            return DamagedError(f"{self._path} is damaged: {error}")
        return OutputError(f"{self._path} is no ledger of a study: {error}")

    def _make(self) -> None:
        run = self._db.execute
        run("CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT)")
        run("CREATE TABLE planned (position INTEGER PRIMARY KEY, key TEXT UNIQUE)")
        run("CREATE TABLE tries (key TEXT PRIMARY KEY, n INTEGER, how TEXT)")
        run("CREATE TABLE sessions (started_at TEXT, wall_s REAL, told TEXT)")
        for table, key in _KEYS.items():
            listed = ", ".join(
                f"{name} {_SQL[kind]}" for name, kind in columns(table).items()
            )
            run(
                f"CREATE TABLE {table} ({listed}, {CHECKSUM} TEXT, "
                f"PRIMARY KEY ({key})) WITHOUT ROWID"
            )
        self["schema_version"] = str(SCHEMA_VERSION)

    def _check(self) -> None:
        schema = self["schema_version"]
        if schema != str(SCHEMA_VERSION):
            raise OutputError(
                f"{self._path} has schema {schema}, this ccmlab writes "
                f"{SCHEMA_VERSION}; name another folder with --out"
            )
        for table in ROWS:
            rows = self._db.execute(f"PRAGMA table_info({table})")
            stored, ours = [row[1] for row in rows], [*columns(table), CHECKSUM]
            if stored != ours:
                differ = sorted({*stored} ^ {*ours}) or ["their order"]
                raise OutputError(
                    f"{self._path} was written by another version of ccmlab: "
                    f"{table} differ in {', '.join(differ)}; "
                    "name another folder with --out"
                )

    def __getitem__(self, name: str) -> str | None:
        """Return what is noted about the study, None where nothing is."""
        found = self._db.execute("SELECT value FROM about WHERE name = ?", (name,))
        row = found.fetchone()
        return row[0] if row else None

    def __setitem__(self, name: str, value: str) -> None:
        """Note something about the study."""
        self._db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def plan(self, keys: Iterable[str], title: str) -> int:
        """Note the visits of the study, in order, and return how many they are.

        Raises OutputError when the ledger has visits and none of them is planned, or
        when two planned visits have one key.
        """
        with self._transaction():
            self._db.execute("DELETE FROM planned")
            try:
                self._db.executemany(
                    "INSERT INTO planned VALUES (?, ?)", enumerate(keys)
                )
            except sqlite3.IntegrityError:
                raise OutputError("two visits of the study are the same") from None
            self._check_is_ours()
            self["title"] = title
        return self._count("SELECT count(*) FROM planned")

    def _check_is_ours(self) -> None:
        n_stored = self._count("SELECT count(*) FROM visits")
        if n_stored and not self._count(f"SELECT count(*) FROM visits {_PLANNED}"):
            raise OutputError(
                f"{self._path.parent} holds {n_stored} visits of {self['title']!r}, "
                "none of which belongs to this study (or to this version of ccmlab); "
                "name another folder with --out"
            )

    def has(self, key: str) -> bool:
        """Tell whether the result of a visit is known."""
        found = self._db.execute("SELECT 1 FROM visits WHERE key = ?", (key,))
        return found.fetchone() is not None

    def record(self, played: Iterable[ScoredVisit]) -> None:
        """Store results, all of them or none."""
        with self._transaction():
            for one in played:
                self._insert("visits", [one.visit])
                self._insert("evaluations", one.evaluations)
                self._insert("timings", [one.timing])
                self._db.execute("DELETE FROM tries WHERE key = ?", (one.visit.key,))

    def _insert(self, table: str, rows: Iterable[Any]) -> None:
        kinds = columns(table)
        values, types = attrgetter(*kinds), kinds.values()
        stored = (tuple(map(_stored, values(row), types)) for row in rows)
        self._db.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(kinds))}, ?)",
            ((*row, checksum(row)) for row in stored),
        )

    def restore(self, rows: Mapping[str, Iterable[Stored]]) -> None:
        """Store rows of another ledger as they were stored there."""
        with self._transaction():
            for table, stored in rows.items():
                marks = ", ".join("?" * (len(columns(table)) + 1))
                self._db.executemany(f"INSERT INTO {table} VALUES ({marks})", stored)

    def forget(self, keys: Iterable[str]) -> None:
        """Take visits out, so that they are played again."""
        gone = [(key,) for key in keys]
        with self._transaction():
            for table in (*ROWS, "tries"):
                self._db.executemany(f"DELETE FROM {table} WHERE key = ?", gone)

    def with_status(self, *statuses: str) -> list[str]:
        """Return the visits that have one of these statuses."""
        marks = ", ".join("?" * len(statuses))
        found = self._db.execute(
            f"SELECT key FROM visits WHERE status IN ({marks}) ORDER BY key", statuses
        )
        return [key for (key,) in found]

    def of_contender(self, name: str) -> list[str]:
        """Return the visits of one contender."""
        found = self._db.execute(
            "SELECT key FROM visits WHERE contender = ? ORDER BY key", (name,)
        )
        return [key for (key,) in found]

    def damaged(self) -> dict[str, str]:
        """Return the visits of which a row is not as it was written, and which one is.

        Raises DamagedError when rows cannot even be read.
        """
        found: dict[str, str] = {}
        try:
            for table in ROWS:
                listed = ", ".join([*columns(table), CHECKSUM])
                for row in self._db.execute(f"SELECT {listed} FROM {table}"):
                    if not is_sound(row):
                        found.setdefault(str(row[0]), _row_named(table, row))
            found |= {
                key: f"rows are missing in evaluations, visit {key}"
                for (key,) in self._db.execute(_INCOMPLETE)
                if key not in found
            }
        except sqlite3.DatabaseError as error:
            raise DamagedError(f"{self._path} is damaged: {error}") from None
        return found

    def note_try(self, key: str, how: str) -> int:
        """Note that a visit ended its process, and return how often it has."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO tries VALUES (?, 1, ?) ON CONFLICT (key) "
                "DO UPDATE SET n = n + 1, how = excluded.how",
                (key, how),
            )
        return self._count("SELECT n FROM tries WHERE key = ?", key)

    def tries(self, key: str) -> tuple[int, str]:
        """Return how often a visit ended its process, and how it did the last time."""
        found = self._db.execute("SELECT n, how FROM tries WHERE key = ?", (key,))
        n, how = found.fetchone() or (0, "")
        return n, how

    def note_session(self, started_at: str, wall_s: float, told: str) -> None:
        """Note how long the study has been run since `started_at`, and how."""
        with self._transaction():
            self._db.execute("DELETE FROM sessions WHERE started_at = ?", (started_at,))
            self._db.execute(
                "INSERT INTO sessions VALUES (?, ?, ?)", (started_at, wall_s, told)
            )

    def sessions(self) -> list[tuple[str, float, str]]:
        """Return every time that the study was run: when, seconds, how."""
        return list(self._db.execute("SELECT * FROM sessions ORDER BY started_at"))

    def counts(self) -> dict[str, int]:
        """Return how many of the planned visits have each status, sorted."""
        rows = self._db.execute(
            f"SELECT status, count(*) FROM visits {_PLANNED} GROUP BY status"
        )
        return dict(sorted(rows))

    def n_planned(self) -> int:
        """Return how many visits the study has."""
        return self._count("SELECT count(*) FROM planned")

    def cpu_s(self) -> float:
        """Return the processor seconds of all planned visits together."""
        row = self._db.execute(f"SELECT sum(cpu_s) FROM timings {_PLANNED}").fetchone()
        return row[0] or 0.0

    def errors(self, most: int) -> list[tuple[str, str, int]]:
        """Return what went wrong: contender, error, how often, the most frequent first.

        Each error is told with its status; at most so many.
        """
        return list(
            self._db.execute(
                "SELECT contender, status || ': ' || error, count(*) AS n "
                f"FROM visits {_PLANNED} AND status <> 'done' "
                "GROUP BY contender, status, error ORDER BY n DESC, 1, 2 LIMIT ?",
                (most,),
            )
        )

    def batches(self, table: str) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of the planned visits in order, some at a time."""
        found = self._db.execute(_rows_in_order(table))
        while rows := found.fetchmany(_AT_ONCE):
            yield [_values(table, row) for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
        self._lock.let_go()

    def _transaction(self) -> "_Transaction":
        if self._place is not None and _place(self._path) != self._place:
            self._place = None
            raise OutputError(self._rescued())
        return _Transaction(self._db)

    def _rescued(self) -> str:
        """Write the ledger again that somebody took away, and say so."""
        path = self._path
        if path.exists():
            path = path.with_name("ledger-rescued.sqlite")
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as again:
            self._db.backup(again)
        return (
            f"{self._path} was taken away while the study was played; what is done is "
            f"kept in {path}, the same command goes on"
        )

    def _count(self, query: str, *values: object) -> int:
        return int(self._db.execute(query, values).fetchone()[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Transaction:
    """All of it or nothing, also when it is interrupted."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._db.execute("COMMIT")
        elif self._db.in_transaction:  # SQLite ends it by itself on a full disk
            self._db.execute("ROLLBACK")


_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table'"
_PLANNED: Final = "WHERE key IN (SELECT key FROM planned)"
_INCOMPLETE: Final = (
    "SELECT key FROM visits WHERE n_evaluations <> "
    "(SELECT count(*) FROM evaluations WHERE evaluations.key = visits.key) "
    "OR NOT EXISTS (SELECT 1 FROM timings WHERE timings.key = visits.key)"
)


def stored_rows(folder: Path) -> Mapping[str, list[Stored]]:
    """Return the rows of all tables, in order, of a ledger that others may write.

    Raises OutputError when there is none, DamagedError when a row is not as written.
    """
    path = folder / LEDGER_FILE
    if not path.is_file():
        raise OutputError(f"{folder} has no {LEDGER_FILE}")
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE_S)) as db:
            db.execute("PRAGMA query_only = ON")
            db.execute("BEGIN")  # all tables as of one moment
            return {
                table: [
                    _values(table, row) for row in db.execute(_rows_in_order(table))
                ]
                for table in ROWS
            }
    except sqlite3.DatabaseError as error:
        raise DamagedError(f"{path} cannot be read: {error}") from None


def checksum(row: Stored) -> str:
    """Return the checksum of the stored values of one row."""
    return blake2b(repr(row).encode("utf-8", "replace"), digest_size=8).hexdigest()


def is_sound(row: Stored) -> bool:
    """Tell whether a row, its checksum last, is as it was written."""
    return bool(checksum(row[:-1]) == row[-1])


def _rows_in_order(table: str) -> str:
    # CROSS JOIN keeps SQLite to this order of tables, hence to rows in that of keys
    listed = ", ".join([*columns(table), CHECKSUM])
    return (
        f"SELECT {listed} FROM planned CROSS JOIN {table} USING (key) "
        f"ORDER BY {ORDER[table]}"
    )


def _values(table: str, row: Stored) -> Stored:
    if not is_sound(row):
        raise DamagedError(f"{_row_named(table, row)} is not as it was written")
    return tuple(map(_read, row, columns(table).values()))


def _row_named(table: str, row: Stored) -> str:
    number = f", observation {row[1]}" if table == "evaluations" else ""
    return f"a row of {table}, visit {row[0]}{number}"


def _place(path: Path) -> tuple[int, int] | None:
    """Return which file a path leads to, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _stored(value: Any, kind: type) -> Any:
    """Return a value as SQLite keeps it: a plain one, no nan, and 0 without a sign."""
    plain = kind(value)
    if kind is float:
        return None if isnan(plain) else plain + 0.0
    return int(plain) if kind is bool else plain


def _read(value: Any, kind: type) -> Any:
    if value is None:
        return nan
    return bool(value) if kind is bool else value
