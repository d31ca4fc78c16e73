"""Synthetic studies whose truth is known."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from math import nan
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from harness.study.judging.reading import StoredStudy, read_study
from harness.study.outcome import EvaluationRow, TimingRow, VisitRow
from harness.study.tables import MANIFEST_SCHEMA

SQL: Mapping[Any, str] = {
    str: "VARCHAR",
    int: "BIGINT",
    float: "DOUBLE",
    bool: "BOOLEAN",
}
OFF_PCT = -4.0
MINUTES_A_TEST = 2.0


def write_table(rows: Iterable[Any], kind: Any, path: Path) -> None:
    """Write rows as a study does."""
    listed = [asdict(row) for row in rows]
    columns = ", ".join(f"{f.name} {SQL[f.type]}" for f in fields(kind))
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute(f"CREATE TABLE t ({columns})")
        if listed:
            given = {
                f.name: np.array(
                    [row[f.name] for row in listed],
                    dtype=object if f.type is str else f.type,
                )
                for f in fields(kind)
            }
            connection.register("given", given)
            connection.execute("INSERT INTO t BY NAME SELECT * FROM given")
        connection.table("t").write_parquet(str(path))


def make_visit(**named: Any) -> VisitRow:
    """Return one visit whose truth follows from its gains; see the defaults."""
    row: dict[str, Any] = {
        "patient": 0,
        "family": "nominal",
        "in_af": False,
        "contender": "alpha",
        "plan": "paired",
        "budget_min": 40.0,
        "replicate": 0,
        "attainable_gain_pct": 4.0,
        "candidate_gain_pct": 0.0,
        "off_gain_pct": OFF_PCT,
        "minutes": 38.0,
        "beats": 2600,
        "n_tests": 19,
        "n_evaluations": 20,
        "visit_minutes": 90.0,
        "verdict": "inconclusive",
    } | named
    best, gain = row["attainable_gain_pct"], row["candidate_gain_pct"]
    span = best - row["off_gain_pct"]

    def regret(of: float) -> float:
        return 100.0 * (best - of) / span if span >= 1.0 else nan

    final = gain if row["verdict"] == "improved" else 0.0
    identity = ("patient", "contender", "plan", "budget_min", "replicate")
    return VisitRow(
        **{
            "key": "/".join(str(row[name]) for name in identity),
            "strategy": row["contender"],
            "recommender": "posterior_mean",
            "final_gain_pct": final,
            "span_points": span,
            "reference_points_lost": best,
            "points_lost": best - gain,
            "final_points_lost": best - final,
            "regret_pct": regret(gain),
            "final_regret_pct": regret(final),
            "post_gain_pct": gain,
            "post_regret_pct": regret(gain),
            "attained_frac": gain / best if best >= 0.05 else float("nan"),
            "harmed": final <= -0.1,
            "candidate_harms": gain <= -0.1,
            "candidate_energy_frac": 0.8,
            "final_energy_frac": 0.8,
            "reference_energy_frac": 0.8,
            "candidate_sensation": 0.0,
            "reference_sensation": 0.0,
            "best_utility_energy_0_pct": best,
            "best_utility_energy_1_pct": max(best - 0.8, row["off_gain_pct"]),
        }
        | row
    )


def make_search(of: VisitRow, gains_pct: Sequence[float]) -> list[EvaluationRow]:
    """Return evaluations whose choice has these gains, one a test."""
    span = of.attainable_gain_pct - of.off_gain_pct
    return [
        EvaluationRow(
            key=of.key,
            number=number,
            amplitude_v=4.5 + 0.5 * (number % 7),
            phase_duration_ms=5.14,
            n_pulses=2,
            delay_ms=10.0 + number,
            value_pct=gain,
            standard_error_pct=2.0,
            sensation_grade=0.0,
            aborted="",
            minutes=MINUTES_A_TEST * number,
            beats=140 * number,
            unpleasant_events=0,
            true_gain_pct=gain,
            true_utility_pct=gain,
            incumbent_gain_pct=gain,
            incumbent_points_lost=of.attainable_gain_pct - gain,
            incumbent_regret_pct=(
                100.0 * (of.attainable_gain_pct - gain) / span if span >= 1.0 else nan
            ),
        )
        for number, gain in enumerate(gains_pct, start=1)
    ]


Writer = Callable[..., Path]


def write(
    folder: Path,
    visits: Sequence[VisitRow],
    evaluations: Sequence[EvaluationRow] = (),
    *,
    ask_ms: float = 0.5,
    manifest: Mapping[str, Any] | None = None,
) -> Path:
    """Write a study folder as `ccmlab study` does."""
    folder.mkdir()
    write_table(visits, VisitRow, folder / "visits.parquet")
    write_table(evaluations, EvaluationRow, folder / "evaluations.parquet")
    timings = [
        TimingRow(key=v.key, wall_s=0.4, cpu_s=0.3, ask_ms=ask_ms, slowest_ask_ms=2.0)
        for v in visits
    ]
    write_table(timings, TimingRow, folder / "timings.parquet")
    about = {"schema_version": MANIFEST_SCHEMA, **(manifest or {})}
    (folder / "manifest.json").write_text(json.dumps(about))
    (folder / "study.json").write_text("{}")
    return folder


@pytest.fixture
def write_study(tmp_path: Path) -> Writer:
    """Return what writes visits as a study folder."""

    def under(*args: Any, name: str = "study", **named: Any) -> Path:
        return write(tmp_path / name, *args, **named)

    return under


@pytest.fixture(scope="module")
def written() -> Writer:
    """Return what writes a study into a folder anywhere."""
    return write


@pytest.fixture(scope="module")
def make() -> tuple[Callable[..., VisitRow], Callable[..., list[EvaluationRow]]]:
    """Return what makes a visit, and what makes its evaluations."""
    return make_visit, make_search


@pytest.fixture
def stored(write_study: Writer) -> Callable[..., StoredStudy]:
    """Return what writes visits as a study and reads it back."""
    return lambda *args, **named: read_study(write_study(*args, **named))


@pytest.fixture(name="visit")
def _visit() -> Callable[..., VisitRow]:
    """Return what makes a visit whose truth follows from its gains."""
    return make_visit


@pytest.fixture(name="search")
def _search() -> Callable[..., list[EvaluationRow]]:
    """Return what makes the evaluations of a visit."""
    return make_search
