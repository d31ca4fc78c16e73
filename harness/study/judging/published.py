"""The visits behind a comparison, small enough to be published beside it.

Whatever is read of a study is first narrowed to what is published: so a comparison is
made again, to the byte, from its own folder.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from harness.common.files import (
    BrokenRunError,
    is_version,
    json_bytes,
    read_json,
    replace_file,
)
from harness.common.parquet import write_columns
from harness.study.ledger import columns
from harness.study.tables import Columns, StudyTables, read_columns
from sim.textfiles import UnreadableError

STUDIES_FILE: Final = "studies.json"
VISITS_FILE: Final = "visits.parquet"
EVALUATIONS_FILE: Final = "evaluations.parquet"
SCHEMA_VERSION: Final = 1
_BESIDE: Final = re.compile(r"(figures/[\w-]+\.svg|tables/[\w-]+\.csv)")
VISITS: Final = (
    "key",
    "patient",
    "family",
    "in_af",
    "contender",
    "strategy",
    "recommender",
    "knows",
    "start",
    "plan",
    "budget_min",
    "replicate",
    "status",
    "error",
    "n_evaluations",
    "n_tests",
    "minutes",
    "beats",
    "unpleasant_events",
    "visit_minutes",
    "reference_amplitude_v",
    "reference_phase_duration_ms",
    "reference_n_pulses",
    "reference_delay_ms",
    "candidate_amplitude_v",
    "candidate_phase_duration_ms",
    "candidate_n_pulses",
    "candidate_delay_ms",
    "verdict",
    "ci95_low_pct",
    "ci95_high_pct",
    "attainable_gain_pct",
    "off_gain_pct",
    "candidate_gain_pct",
    "final_gain_pct",
    "candidate_tolerated",
    "span_points",
    "reference_points_lost",
    "points_lost",
    "final_points_lost",
    "regret_pct",
    "final_regret_pct",
    "attained_frac",
    "harmed",
    "candidate_harms",
    "candidate_energy_frac",
    "final_energy_frac",
    "reference_energy_frac",
    "candidate_sensation",
    "reference_sensation",
    "best_utility_energy_0_pct",
    "best_utility_energy_1_pct",
    "post_regret_pct",
    "information_bits",
)
"""Columns of a visit that judging makes use of."""

EVALUATIONS: Final = (
    "key",
    "number",
    "amplitude_v",
    "phase_duration_ms",
    "n_pulses",
    "delay_ms",
    "value_pct",
    "standard_error_pct",
    "sensation_grade",
    "ended",
    "minutes",
    "true_gain_pct",
    "true_utility_pct",
    "true_sensation",
    "energy_frac",
    "returned",
    "incumbent_gain_pct",
    "incumbent_regret_pct",
)
TIMINGS: Final = ("ask_ms", "slowest_ask_ms")
"""Columns of `timings` that stand beside the visits."""

KINDS: Final[Mapping[str, Mapping[str, type]]] = MappingProxyType(
    {
        VISITS_FILE: {
            "study": str,
            **{name: columns("visits")[name] for name in VISITS},
            **{name: columns("timings")[name] for name in TIMINGS},
        },
        EVALUATIONS_FILE: {
            "study": str,
            **{name: columns("evaluations")[name] for name in EVALUATIONS},
        },
    }
)
"""Columns of each published table and what they hold."""

Named = tuple[str, StudyTables]
"""A study with the name it has among others."""


def narrowed(tables: StudyTables) -> StudyTables:
    """Return a study with the columns that are published, and no others."""
    return replace(
        tables,
        visits={name: tables.visits[name] for name in VISITS},
        evaluations={name: tables.evaluations[name] for name in EVALUATIONS},
        timings={name: tables.timings[name] for name in ("key", *TIMINGS)},
    )


def publish(studies: Sequence[Named], folder: Path, files: Iterable[str] = ()) -> None:
    """Write the visits and evaluations of studies, a table each, and what they are.

    Parameters
    ----------
    files
        The figures and tables beside them, which a later comparison may replace.

    Raises
    ------
    OutputError
        When a file cannot be written.
    """
    about = {
        "schema_version": SCHEMA_VERSION,
        "studies": [
            {"name": name, "study": tables.study, "manifest": tables.manifest}
            for name, tables in studies
        ],
        "files": sorted(files),
    }
    replace_file(folder / STUDIES_FILE, json_bytes(about))
    visits = [_with_study(name, _timed(tables)) for name, tables in studies]
    searches = [_with_study(name, tables.evaluations) for name, tables in studies]
    write_columns(_stacked(visits, KINDS[VISITS_FILE]), folder / VISITS_FILE)
    rows = _stacked(searches, KINDS[EVALUATIONS_FILE])
    write_columns(rows, folder / EVALUATIONS_FILE)


def _with_study(name: str, table: Columns) -> Columns:
    n = table["key"].size
    return {"study": np.full(n, name, dtype=object), **table}


def _timed(tables: StudyTables) -> Columns:
    """Return the visits with how long their asks took; nan where nobody knows."""
    rows = {key: row for row, key in enumerate(tables.timings["key"].tolist())}
    at = np.array([rows.get(key, -1) for key in tables.visits["key"].tolist()], int)
    timed = {
        name: np.append(tables.timings[name].astype(np.float64), np.nan)[at]
        for name in TIMINGS
    }
    return {**tables.visits, **timed}


def _stacked(parts: Sequence[Columns], kinds: Mapping[str, type]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in kinds}


def files_beside(folder: Path) -> frozenset[str]:
    """Return the figures and tables that a comparison wrote into its folder."""
    try:
        named = read_json(folder / STUDIES_FILE)["files"]
        return frozenset(name for name in named if _BESIDE.fullmatch(name))
    except (OSError, UnreadableError, TypeError, KeyError):
        return frozenset()  # none is there, or one of somebody else


def is_published(folder: str | Path) -> bool:
    """Tell whether a folder is that of a comparison with its visits."""
    return (Path(folder) / STUDIES_FILE).is_file()


def read_published(folder: str | Path) -> Iterator[Named]:
    """Yield the studies of a published comparison under the names they had.

    Raises
    ------
    BrokenRunError
        When a file is missing, is none of ours, or was written by another version.
    """
    place = Path(folder)
    try:
        about = read_json(place / STUDIES_FILE)
        listed = [(str(a["name"]), a["study"], a["manifest"]) for a in about["studies"]]
    except UnreadableError as error:
        raise BrokenRunError(f"{place}: {STUDIES_FILE} {error}") from None
    except (TypeError, KeyError, AttributeError):
        raise BrokenRunError(f"{place}: {STUDIES_FILE} lists no studies") from None
    if not is_version(about, SCHEMA_VERSION):
        raise BrokenRunError(
            f"{place} holds a comparison of schema {about.get('schema_version')}, this "
            f"ccmlab reads {SCHEMA_VERSION}"
        )
    tables = {name: _table(place, name) for name in KINDS}
    for name, study, manifest in listed:
        visits = _of_study(tables[VISITS_FILE], name)
        timings = {column: visits.pop(column) for column in TIMINGS}
        yield (
            name,
            StudyTables(
                folder=place,
                study=study,
                manifest=manifest,
                visits=visits,
                evaluations=_of_study(tables[EVALUATIONS_FILE], name),
                timings={"key": visits["key"], **timings},
            ),
        )


def _table(place: Path, name: str) -> Columns:
    if not (place / name).is_file():
        raise BrokenRunError(f"{place} is no whole comparison: it has no {name}")
    return read_columns(place / name, KINDS[name])


def _of_study(table: Columns, name: str) -> dict[str, Any]:
    own = np.asarray(table["study"] == name)
    return {column: v[own] for column, v in table.items() if column != "study"}
