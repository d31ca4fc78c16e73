"""`ccmlab day`: what it prints and writes, and how it refuses; its page; its how-to."""

import csv
import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page

from harness.cli import invoke
from harness.day.figures import DayFigure, figures
from harness.day.page import day_html
from harness.day.replicate import DaysPlayed

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how-to" / "plan-a-clinics-day.md"
QUICK = ["day", "day_device_clinic", "--days", "6", "-q"]
SECOND = ["--against", "a second programmer"]
TABLES = (
    "summary.csv",
    "differences.csv",
    "days.csv",
    "days.parquet",
    "patients.csv",
    "patients.parquet",
    "schedule.csv",
    "schedule.parquet",
    "waits.csv",
    "visits.csv",
    "provenance.csv",
)


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert invoke(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("ccmlab: ")
    return said.err


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Written:
    """A day's folder, and what the command said while it wrote it."""

    folder: Path
    out: str
    err: str


@pytest.fixture(scope="module")
def written(
    with_made_visits: Callable[[], AbstractContextManager[None]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Written:
    """Return a day against another plan, for all tests that only read it."""
    folder = tmp_path_factory.mktemp("days") / "day"
    out, err = StringIO(), StringIO()
    with with_made_visits(), redirect_stdout(out), redirect_stderr(err):
        assert invoke([*QUICK, *SECOND, "--out", str(folder)]) == 0
    return Written(folder, out.getvalue(), err.getvalue())


def test_a_day_prints_the_bottleneck_and_leaves_page_and_tables(
    written: Written,
) -> None:
    out, said = written.folder, written
    assert "as planned: the bottleneck on paper is the programmer" in said.out
    assert "a second programmer, against the day as planned: waiting" in said.out
    assert "simulated data only" in said.out
    assert said.err == ""
    assert {*TABLES, "day.html", "day.json", "run.json"} <= {
        path.name for path in out.iterdir()
    }
    assert len(rows_of(out / "days.csv")) == 2 * 6
    told = json.loads((out / "day.json").read_text(encoding="utf-8"))
    assert [plan["name"] for plan in told["plans"]] == ["as planned", SECOND[1]]


def test_the_tables_as_csv_and_parquet_hold_the_same(written: Written) -> None:
    for name in ("days", "patients", "schedule"):
        found = duckdb.sql(f"SELECT * FROM '{written.folder / name}.parquet'")
        rows = rows_of(written.folder / f"{name}.csv")
        assert found.columns == list(rows[0])
        assert len(found.fetchall()) == len(rows)


def test_the_same_seed_gives_the_same_bytes(
    made_visits: None, written: Written, tmp_path: Path
) -> None:
    hashes = []
    assert invoke([*QUICK, *SECOND, "--out", str(tmp_path / "again")]) == 0
    for folder in (written.folder, tmp_path / "again"):
        about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        hashes.append(about["files"])
    assert hashes[0] == hashes[1]
    assert "day.html" in hashes[0]


def test_a_day_that_is_there_is_replaced_only_when_asked(
    made_visits: None,
    written: Written,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = shutil.copytree(written.folder, tmp_path / "day")
    command = [*QUICK, "--out", str(folder)]
    assert "--force" in refused(command, capsys)
    assert len(rows_of(folder / "days.csv")) == 2 * 6
    assert invoke([*command, "--force"]) == 0
    assert len(rows_of(folder / "days.csv")) == 6


def test_a_folder_of_somebody_else_stays_as_it_is(
    made_visits: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    assert "no run wrote" in refused([*QUICK, "--out", str(tmp_path)], capsys)
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_an_interrupt_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.day.replicate.jobs_of_kind", interrupted)
    assert invoke([*QUICK, "--out", str(tmp_path / "day")]) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["day"], "Missing argument 'SCENARIO'"),
        (["day", "day_hospitl"], "nearest is 'day_hospital'"),
        (["day", "nowhere.toml"], "nowhere.toml: cannot be read: no such file"),
        (["day", "day_hospital", "--days", "1"], "--days"),
        (["day", "day_hospital", "--seed", "-1"], "--seed"),
        (
            ["day", "day_hospital", "--against", "a thrid programmer"],
            "--against: 'a thrid programmer' of day_hospital: no such name; nearest is "
            "'a third programmer'",
        ),
    ],
)
def test_a_bad_argument_exits_2_with_one_message(
    arguments: list[str],
    said: str,
    made_visits: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    message = refused(arguments, capsys)
    assert said in message
    assert message.count("\n") == 1


def test_a_day_is_no_run_to_be_rendered_again(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is a clinic's day" in refused(["report", str(written.folder)], capsys)


@pytest.fixture(scope="module")
def drawn(played: DaysPlayed) -> tuple[DayFigure, ...]:
    return figures(played)


@pytest.fixture(scope="module")
def html(played: DaysPlayed, drawn: tuple[DayFigure, ...]) -> str:
    return day_html(played, drawn)


def test_the_page_tells_plans_intervals_limits_and_metadata(html: str) -> None:
    text = " ".join(BeautifulSoup(html, "html.parser").get_text().split())
    assert "12, each begins empty: no warm-up is left out" in text
    assert "What each plan changes: paired by day, plan less the day as planned" in text
    assert "any text, repeated as it is" in text
    assert "Published: 38 to 51 min" in text
    assert "Nothing here is about money" in text


def test_text_of_a_file_is_text_on_the_page(html: str) -> None:
    assert "<b>{{ 7 * 7 }}</b>" not in html
    assert "&lt;b&gt;{{ 7 * 7 }}&lt;/b&gt;" in html


def test_each_figure_has_a_name_and_words_for_who_cannot_see_it(
    drawn: tuple[DayFigure, ...],
) -> None:
    assert [one.name for one in drawn] == [
        "schedule",
        "schedule-1",
        "schedule-2",
        "patients",
        "waiting",
        "in-use",
        "differences",
    ]
    for one in drawn:
        text = one.svg.decode()
        assert f'<title id="{one.name}-title">' in text
        assert len(re.findall(r"<desc id=[^>]*>([^<]{60,})", text)) == 1
        assert 'role="img"' in text


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    contexts = []

    def open_page(html: str, look: Any, width: int = 1000) -> Page:
        context = browser.new_context(
            color_scheme=look, viewport={"width": width, "height": 900}, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.set_content(html)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("look", ["light", "dark"])
def test_axe_core_finds_no_violation(
    html: str, look: str, opened: Any, axe_faults: Callable[[Page], list[str]]
) -> None:
    page = opened(html, look)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert axe_faults(page) == []


@pytest.mark.browser
def test_nothing_overflows_a_window_of_320_pixels(html: str, opened: Any) -> None:
    wide = "document.documentElement.scrollWidth - window.innerWidth"
    assert opened(html, "light", 320).evaluate(wide) <= 0


def blocks(text: str) -> list[str]:
    return re.findall(r"```\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.slow
def test_the_command_shows_the_answer_of_the_exercise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exercise = HOW_TO.read_text(encoding="utf-8").split("## An exercise on paper")[1]
    command, *answers = blocks(exercise)
    program, *arguments = shlex.split(command)
    assert program == "ccmlab"
    assert invoke([*arguments, "-q"]) == 0
    said = capsys.readouterr().out
    lines = [line for block in answers for line in block.splitlines()]
    assert len(lines) == 4
    for line in lines:
        assert line in said
    # what the text works out on paper, against the visits that were played
    loads = dict(re.findall(r"^(programmer|physician|room) .* (\d+) %$", said, re.M))
    assert int(loads["programmer"]) == pytest.approx(92, abs=3)
    assert int(loads["physician"]) == pytest.approx(68, abs=3)
    assert int(loads["room"]) == pytest.approx(53, abs=3)


def test_the_file_of_the_how_to_is_valid(tmp_path: Path) -> None:
    from harness.day.scenario import parse_day

    text = HOW_TO.read_text(encoding="utf-8")
    own = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    assert len(own) == 1
    assert set(parse_day(own[0], "how-to.toml").plans) == {
        "a second programmer",
        "overlapping starts",
        "30 minutes of titration",
    }
