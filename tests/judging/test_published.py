"""A comparison with its visits, from which it is made again without playing."""

import json
import shutil
from collections.abc import Callable, Sequence
from math import isnan
from pathlib import Path
from typing import Any

import duckdb
import pytest

from harness.cli import invoke
from harness.common.files import BrokenRunError, names_in
from harness.study.judging.published import EVALUATIONS, STUDIES_FILE, VISITS
from harness.study.judging.reading import read_studies
from harness.study.outcome import VisitRow

Visit = Callable[..., VisitRow]
GAINS_PCT = {"stay": 0.0, "good": 3.6, "poor": 1.1}


def rows_of(make: Any, starts: Sequence[str]) -> tuple[list[Any], list[Any]]:
    visit, search = make
    visits, evaluations = [], []
    for start in starts:
        for name, gain in GAINS_PCT.items():
            for patient in range(4):
                failed = (name, patient) == ("poor", 2)
                row = visit(
                    key=f"{start}{name}{patient}",
                    patient=patient,
                    contender=name,
                    start=start,
                    family="null" if patient == 3 else "window",
                    candidate_gain_pct=gain + patient / 3.0,
                    verdict="improved" if name == "good" else "inconclusive",
                    status="failed" if failed else "done",
                    error="ValueError: no" if failed else "",
                    beats=2600,
                )
                visits.append(row)
                evaluations += search(row, [0.0, gain / 3.0, gain])
    return visits, evaluations


@pytest.fixture(scope="module")
def folders(
    tmp_path_factory: pytest.TempPathFactory, written: Callable[..., Path], make: Any
) -> tuple[Path, Path]:
    """Two studies, one of them with starts, one of them not complete."""
    root = tmp_path_factory.mktemp("published")
    manifest = {"complete": True, "wall_s": 61.5, "processor": {"n_cores": 2}}
    half = {"complete": False, "n_visits": 99}
    starts = ("factory", "turned-down")
    return (
        written(root / "one", *rows_of(make, starts), manifest=manifest),
        written(root / "two", *rows_of(make, ("given",)), manifest=half),
    )


@pytest.fixture(scope="module")
def published(folders: tuple[Path, Path]) -> Path:
    out = folders[0].parent / "out"
    assert invoke(["compare", *map(str, folders), "--out", str(out)]) == 0
    return out


def test_a_comparison_is_made_again_from_its_own_folder_to_the_byte(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["compare", str(published), "--out", str(tmp_path / "again")]) == 0
    names = names_in(published)
    assert names_in(tmp_path / "again") == names
    assert {"leaderboard.csv", "compare.html", "visits.parquet"} <= set(names)
    for name in names:
        assert (published / name).read_bytes() == (
            tmp_path / "again" / name
        ).read_bytes(), name


def test_without_searches_all_else_is_the_same_and_nothing_of_them_is_told(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    command = ["compare", str(published), "--without-searches", "--out"]
    assert invoke([*command, str(out)]) == 0
    left_out = set(names_in(published)) - set(names_in(out))
    rest_on_tests = {"fronts", "constraints", "readings", "regret", "solved"}
    assert {Path(name).stem.split("-")[-1] for name in left_out} <= {
        *rest_on_tests,
        "recommenders",
        "gates",
    }
    assert {"tables/fronts.csv", "tables/constraints.csv"} <= left_out
    for name in ("leaderboard.csv", "visits.parquet", "tables/ranks.csv"):
        assert (out / name).read_bytes() == (published / name).read_bytes(), name
    assert "rests on single tests" in (out / "compare.html").read_text("utf-8")
    assert invoke(["compare", str(out), "--out", str(again)]) == 0
    for name in names_in(out):
        assert (out / name).read_bytes() == (again / name).read_bytes(), name


def test_a_comparison_that_is_replaced_leaves_no_figure_and_takes_nobody_elses(
    folders: tuple[Path, Path], published: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(published, out)
    for own in ("figures/mine.svg", "notes.txt"):
        (out / own).write_text("mine", encoding="utf-8")
    told = json.loads((out / STUDIES_FILE).read_text(encoding="utf-8"))
    told["files"] += ["../precious.csv", "tables/../notes.txt"]
    (out / STUDIES_FILE).write_text(json.dumps(told), encoding="utf-8")
    (tmp_path / "precious.csv").touch()
    command = ["compare", str(folders[1]), "--force", "--out"]
    assert invoke([*command, str(out)]) == 0
    assert invoke([*command, str(tmp_path / "alone")]) == 0
    own = {"figures/mine.svg", "notes.txt"}
    assert set(names_in(out)) == {*names_in(tmp_path / "alone"), *own}
    assert (tmp_path / "precious.csv").exists()


def test_what_is_published_are_the_columns_that_judging_uses(published: Path) -> None:
    with duckdb.connect() as connection:
        visits = connection.read_parquet(str(published / "visits.parquet"))
        searches = connection.read_parquet(str(published / "evaluations.parquet"))
        assert visits.columns == ["study", *VISITS, "ask_ms", "slowest_ask_ms"]
        assert searches.columns == ["study", *EVALUATIONS]
        assert len(visits) == 2 * 12 + 12
        assert len(searches) == 3 * (2 * 12 + 12)
    told = json.loads((published / STUDIES_FILE).read_text(encoding="utf-8"))
    assert [one["name"] for one in told["studies"]] == ["one", "two"]


def test_what_was_not_measured_stays_unknown(published: Path) -> None:
    study, _ = read_studies([published])
    assert isnan(study.visits["information_bits"][0])


@pytest.mark.parametrize(
    ("spoilt", "wanted"),
    [
        ("{", "no JSON"),
        ("[]", "lists no studies"),
        ('{"studies": [{"name": "one"}]}', "lists no studies"),
        ('{"schema_version": 99, "studies": []}', "of schema 99"),
    ],
)
def test_a_comparison_that_is_none_of_ours_says_why(
    tmp_path: Path, spoilt: str, wanted: str
) -> None:
    (tmp_path / STUDIES_FILE).write_text(spoilt, encoding="utf-8")
    with pytest.raises(BrokenRunError, match=wanted):
        read_studies([tmp_path])


def test_a_comparison_without_its_visits_is_not_whole(tmp_path: Path) -> None:
    told = '{"schema_version": 1, "studies": []}'
    (tmp_path / STUDIES_FILE).write_text(told, encoding="utf-8")
    with pytest.raises(BrokenRunError, match=r"no visits\.parquet"):
        read_studies([tmp_path])


def test_a_study_that_two_folders_have_is_refused(
    published: Path, folders: tuple[Path, Path]
) -> None:
    with pytest.raises(BrokenRunError, match="study one is in two of the folders"):
        read_studies([published, folders[0]])
