"""Tidy tables: columns as arrays, and what they show of themselves."""

import io
from csv import DictReader

import numpy as np
import pytest

from harness.common.tidy import TidyTable


def table(n: int = 3) -> TidyTable:
    return TidyTable(
        {
            "number": range(n),
            "gain_pct": [0.5 * i for i in range(n)],
            "name": [f"p{i}" for i in range(n)],
        }
    )


def test_it_is_a_dictionary_of_arrays() -> None:
    plain = dict(table())
    assert list(plain) == ["number", "gain_pct", "name"]
    assert all(isinstance(column, np.ndarray) for column in plain.values())
    assert table().n_rows == 3


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_other_tables_have_the_same_columns_and_values(kind: str) -> None:
    other = getattr(table(), f"to_{kind}")()
    assert other.shape == (3, 3)
    assert np.asarray(other["gain_pct"]).tolist() == [0.0, 0.5, 1.0]


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pandas is not installed; dict\(table\)"):
        table().to_pandas()


def test_rows_come_back_from_its_csv() -> None:
    back = list(DictReader(io.StringIO(table().to_csv().decode())))
    assert back[1] == {"number": "1", "gain_pct": "0.5", "name": "p1"}


def test_what_is_missing_in_a_row_is_nan() -> None:
    found = TidyTable.of_rows([{"a": 1.0}, {"a": None}])
    assert np.isnan(found["a"]).tolist() == [False, True]
    assert TidyTable.of_rows([]).n_rows == 0


def test_what_is_missing_among_texts_is_empty() -> None:
    table = TidyTable.of_rows([{"why": None}, {"why": "felt"}])
    assert table["why"].tolist() == ["", "felt"]


def test_rows_are_chosen_by_a_mask() -> None:
    assert table().where(table()["number"] > 0)["name"].tolist() == ["p1", "p2"]


@pytest.mark.parametrize("n", [0, 3, 1000])
def test_what_it_shows_fits_a_screen(n: int) -> None:
    wide = TidyTable({f"column_{i}_pct": np.arange(n) * 1.0 for i in range(40)})
    lines = repr(wide).splitlines()
    assert len(lines) <= 12
    assert max(map(len, lines[:-1])) <= 100
    assert f"{n} rows" in lines[0]


def test_html_shows_a_table_and_runs_nothing_that_a_name_holds() -> None:
    hostile = TidyTable({"name": ["<script>x</script>"]})
    assert "<table>" in hostile._repr_html_()
    assert "<script>" not in hostile._repr_html_()


@pytest.mark.parametrize("columns", [{"a": [1], "b": [1, 2]}, {"a": [[1], [2]]}])
def test_columns_of_other_shapes_are_refused(columns: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"one length|must be \(n,\)"):
        TidyTable(columns)
