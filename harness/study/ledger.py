"""The ledger of a study: one SQLite file, a row per visit, written by the parent alone.

What is recorded is on the disk; whatever kills the study costs only what runs. Visits
are known by key, so that an extended study finds what is done.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from math import isnan, nan
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self, cast

from harness.common.files import OutputError
from harness.study.outcome import EvaluationRow, ScoredVisit, TimingRow, VisitRow

LEDGER_FILE: Final = "ledger.sqlite"
SCHEMA_VERSION: Final = 1
MOST_TRIES: Final = 3
ROWS: Final[Mapping[str, type]] = MappingProxyType(
    {"visits": VisitRow, "evaluations": EvaluationRow, "timings": TimingRow}
)
ORDER: Final[Mapping[str, str]] = MappingProxyType(
    {"visits": "position", "evaluations": "position, number", "timings": "position"}
)
_KEYS: Final = {"visits": "key", "evaluations": "key, number", "timings": "key"}
_SQL: Final = {str: "TEXT", int: "INTEGER", bool: "INTEGER", float: "REAL"}
_AT_ONCE: Final = 2048


def columns(table: str) -> dict[str, type]:
    """Return the columns of a table of a study and what they hold."""
    return {item.name: cast(type, item.type) for item in fields(ROWS[table])}


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
        process writes it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LEDGER_FILE
        try:
            self._db = sqlite3.connect(self._path, timeout=1.0, isolation_level=None)
            self._open()
        except sqlite3.DatabaseError as error:
            raise OutputError(self._why(error)) from None

    def _open(self) -> None:
        # whoever writes holds the file until it ends, however it ends
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("BEGIN EXCLUSIVE")
        with self._db:
            known = {name for (name,) in self._db.execute(_TABLES)}
            if not known:
                self._make()
            elif "about" not in known:
                raise OutputError(f"{self._path} is no ledger of a study")
            self._check()

    def _why(self, error: sqlite3.DatabaseError) -> str:
        if "locked" in str(error):
            return f"{self._path.parent} is being written by another ccmlab study"
        if isinstance(error, sqlite3.OperationalError):
            # the disk is full or read-only, or what was asked for is no file
            return f"{self._path} cannot be written: {error}"
        return f"{self._path} is no ledger of a study: {error}"

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
            run(f"CREATE TABLE {table} ({listed}, PRIMARY KEY ({key})) WITHOUT ROWID")
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
            stored, ours = [row[1] for row in rows], list(columns(table))
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
        self._db.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(kinds))})",
            (tuple(map(_stored, values(row), types)) for row in rows),
        )

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
        kinds = columns(table)
        listed = ", ".join(kinds)
        found = self._db.execute(
            f"SELECT {listed} FROM planned CROSS JOIN {table} USING (key) "
            f"ORDER BY {ORDER[table]}"
        )
        while rows := found.fetchmany(_AT_ONCE):
            yield [tuple(map(_read, row, kinds.values())) for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)

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
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table'"
_PLANNED: Final = "WHERE key IN (SELECT key FROM planned)"


def _stored(value: Any, kind: type) -> Any:
    """Return a value as SQLite keeps it: a plain one, and no nan."""
    plain = kind(value)
    return None if kind is float and isnan(plain) else plain


def _read(value: Any, kind: type) -> Any:
    if value is None:
        return nan
    return bool(value) if kind is bool else value
