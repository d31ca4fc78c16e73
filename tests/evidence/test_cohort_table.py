"""Cohorts as tables: exact both ways, edited rows are told, faults come together."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.common.faults import ScenarioError
from harness.evidence.cohort_table import (
    COLUMNS,
    cohort_rows,
    read_cohort,
    write_cohort,
)
from sim.patient import Cohort, sample_cohort

ENDINGS = ("csv", "parquet")


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return sample_cohort(40, np.random.default_rng(5), families={"sharp": 1, "null": 2})


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_cohort_reads_back_exactly(
    cohort: Cohort, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"cohort.{ending}"
    write_cohort(cohort, path)
    again = read_cohort(path)
    assert again == cohort
    assert again.redrawn == cohort.redrawn
    first = path.read_bytes()
    write_cohort(again, path)
    assert path.read_bytes() == first


@pytest.mark.parametrize("ending", ENDINGS)
def test_reasons_of_refused_draws_are_kept(
    cohort: Cohort, tmp_path: Path, ending: str
) -> None:
    refused = ("edv_ml outside 60 to 500", "pulse pressure below 12 mmHg")
    members = (replace(cohort.members[0], refused=refused), *cohort.members[1:])
    path = tmp_path / f"cohort.{ending}"
    write_cohort(Cohort(members), path)
    assert read_cohort(path) == Cohort(members)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_empty_cohort_is_a_table_without_rows(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"none.{ending}"
    write_cohort(Cohort(()), path)
    assert read_cohort(path) == Cohort(())


def test_there_is_one_row_a_patient_and_one_name_a_column(cohort: Cohort) -> None:
    rows = list(cohort_rows(cohort))
    assert len(rows) == len(cohort)
    assert all(tuple(row) == COLUMNS for row in rows)


def edited(cohort: Cohort, path: Path, edit: Callable[[list[list[str]]], None]) -> Path:
    write_cohort(cohort, path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    edit(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def test_values_of_an_edited_row_are_the_users_own(
    cohort: Cohort, tmp_path: Path
) -> None:
    # of the laws in a cohort the saturating one and its corners draw these columns
    sharp, null = (cohort.column("family").tolist().index(n) for n in ("sharp", "null"))

    def edit(rows: list[list[str]]) -> None:
        rows[1 + sharp][COLUMNS.index("g_one_lead_frac")] = "0.1"

    patients = read_cohort(edited(cohort, tmp_path / "c.csv", edit)).patients
    assert patients[sharp].response.g_one_lead_frac == 0.1
    source = patients[sharp].sources["response.g_one_lead_frac"]
    assert (source.reference, source.standing) == ("patient-file", "overridden")
    assert patients[null] == cohort.patients[null]


def test_every_fault_of_a_table_is_told_with_row_and_column(
    cohort: Cohort, tmp_path: Path
) -> None:
    def edit(rows: list[list[str]]) -> None:
        rows[1][COLUMNS.index("sex")] = "mal"
        rows[1][COLUMNS.index("qrs_ms")] = "500"
        rows[3][COLUMNS.index("k")] = "steep"
        rows[3][COLUMNS.index("fibrillates")] = "perhaps"
        rows[4][COLUMNS.index("solved_stressed_volume_ml")] = "-3"
        rows[5][COLUMNS.index("walk_m")] = "nan"
        del rows[6][-2:]

    with pytest.raises(ScenarioError) as caught:
        read_cohort(edited(cohort, tmp_path / "c.csv", edit))
    assert [fault.path for fault in caught.value.faults] == [
        "row 1.sex",
        "row 1.qrs_ms",
        "row 3.fibrillates",
        "row 3.k",
        "row 4.solved_stressed_volume_ml",
        "row 5.walk_m",
        "row 6.checksum",
    ]


def test_missing_and_unknown_columns_are_told(cohort: Cohort, tmp_path: Path) -> None:
    def edit(rows: list[list[str]]) -> None:
        rows[0][COLUMNS.index("qrs_ms")] = "qrs"

    with pytest.raises(ScenarioError) as caught:
        read_cohort(edited(cohort, tmp_path / "c.csv", edit))
    assert "qrs_ms: no such column" in str(caught.value)
    assert "nearest is 'qrs_ms'" in str(caught.value)


def test_other_files_are_refused(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.csv or \.parquet"):
        write_cohort(cohort, tmp_path / "cohort.xlsx")
    for ending in ENDINGS:
        with pytest.raises(ScenarioError, match="cannot be read"):
            read_cohort(tmp_path / f"absent.{ending}")
    broken = tmp_path / "broken.parquet"
    broken.write_text("no table")
    with pytest.raises(ScenarioError, match="not a Parquet file"):
        read_cohort(broken)
