"""README, tutorials and gallery: short, linked, executed, and true in what they say."""

import re
import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from bs4.element import Tag
from matplotlib.figure import Figure

from harness.cli import invoke
from harness.play.scenario import load_scenario
from sim.patient import known_phenotypes
from sim.patient.personalize import OVERRIDES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\[[^\]]*\]\(([^)#:]+)(?:#[^)]*)?\)")
TUTORIALS = sorted(path.stem for path in (DOCS / "tutorials").glob("*.py"))
GALLERY = sorted(path.stem for path in (DOCS / "gallery").glob("*.py"))


def test_the_readme_is_read_in_a_few_minutes() -> None:
    lines = README.splitlines()
    assert len(lines) < 120
    assert max(map(len, lines)) <= 200


def test_the_readme_shows_one_picture_to_each_of_three_people() -> None:
    parts = README.split("\n## For the ")[1:]
    assert [part.split()[0] for part in parts] == ["researcher", "engineer", "educator"]
    assert [part.count("![") for part in parts] == [1, 1, 1]


PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_link_of_a_page_leads_nowhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [page.parent / target for target in LINK.findall(text)]
    assert [target for target in targets if not target.exists()] == []


def test_every_page_is_in_the_contents_of_the_site() -> None:
    listed = "\n".join(p.read_text("utf-8") for p in DOCS.rglob("index.md"))
    pages = {p.relative_to(DOCS).with_suffix("") for p in DOCS.rglob("*.md")}
    pages = {p for p in pages if p.name != "index" and p.parts[0] != "made"}
    inside = {p for p in pages if re.search(rf"^{p}$|^{p.name}$", listed, re.MULTILINE)}
    assert pages - inside == set()


@cache
def told(name: str) -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "tutorials" / f"{name}.py"))


def test_there_is_a_tutorial_for_each_of_three_people() -> None:
    assert TUTORIALS == ["educator", "engineer", "researcher"]


@pytest.mark.slow  # plays three visits
def test_the_researcher_reads_what_the_truth_allows() -> None:
    found = told("researcher")
    verdict = found["run"].record.verdict
    assert verdict.kind == "improved"
    low, high = verdict.ci95_pct
    assert low <= found["true_pct"] <= high
    truth, read = found["found"], found["read"]
    assert truth.n_rows == read.n_rows == 2 * 4
    gains = truth["window_gain_pct"].reshape(2, 4)
    assert (gains[0][1:] > gains[0][:-1]).all()  # more with every step of amplitude
    # nothing, in the null; the curves follow the beats played to 0.02 %
    assert gains[1] == pytest.approx([0.0] * 4, abs=0.02)
    assert isinstance(found["curves"], Figure)


@pytest.mark.slow  # plays three visits
def test_the_engineer_sees_what_each_strategy_gives_away() -> None:
    found = told("engineer")
    assert found["space"].as_dict(found["end_point"])["x"] == 3.0
    assert found["n_asked"] <= 20
    lost = found["lost"]
    assert set(lost) == set(found["names"])
    assert min(lost.values()) >= 0.0
    assert lost["stay"] == max(lost.values())
    assert found["truth"].span_points >= max(lost.values())


@pytest.mark.slow  # plays two visits
def test_the_educator_shows_gains_where_there_is_none() -> None:
    found = told("educator")
    assert found["gains"].min() < 0.0 < found["gains"].max()
    assert found["shown"].record.verdict.kind in ("equivalent", "inconclusive")
    assert max(found["grades"]) >= 1


@pytest.mark.slow  # plays visits, solves hearts
@pytest.mark.parametrize("name", GALLERY)
def test_an_example_of_the_gallery_draws_its_figure(name: str) -> None:
    assert isinstance(
        runpy.run_path(str(DOCS / "gallery" / f"{name}.py"))["figure"], Figure
    )


FIT_PAGE = (DOCS / "how-to" / "fit-a-patient.md").read_text(encoding="utf-8")


def blocks(page: str) -> dict[str, str]:
    """Return the blocks of code of a page, each by its first line."""
    found = re.findall(r"(?s)```\w*\n(.*?)```", page)
    return {block.splitlines()[0]: block for block in found}


def on_the_page(command: str) -> list[str]:
    """Return the words of a command of the page on fits, which must stand there."""
    assert command in FIT_PAGE
    return command.split()[1:]


def test_what_the_page_on_fits_says_can_be_done_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    given = blocks(FIT_PAGE)
    Path("bedside.csv").write_text(given["quantity,value,unit,sd"], "utf-8")
    command = on_the_page("ccmlab fit bedside.csv --out my_patient.toml")
    assert invoke(command) == 0
    told = capsys.readouterr().out
    assert "95 %" in told
    scenario = next(b for first, b in given.items() if first.startswith("title = "))
    Path("fitted.toml").write_text(scenario, "utf-8")
    assert load_scenario("fitted.toml").patient.patient.name == "bedside"
    assert invoke(command) == 2  # --force replaces a patient file
    assert invoke([*command, "--force"]) == 0
    assert invoke([*command, "--force", "--phenotype", "hfref-nonischaemic"]) == 0


def test_the_ward_of_the_page_on_fits_is_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ward = next(b for first, b in blocks(FIT_PAGE).items() if first.startswith("Pat"))
    Path("ward.csv").write_text(ward, "utf-8")
    assert invoke(on_the_page("ccmlab fit ward.csv")) == 0
    assert "Ward" in capsys.readouterr().err  # it means nothing here, and is named
    made = {path.name for path in Path("ward-patients").iterdir()}
    assert made == {"A-01-patient.toml", "A-02-patient.toml", "patients.csv"}


@pytest.mark.slow  # reads every page and docstring
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    docs = [str(DOCS), str(tmp_path)]
    build = [sys.executable, "-m", "sphinx", "-W", "-q", "-D", "plot_gallery=0"]
    done = subprocess.run(
        [*build, "-d", str(tmp_path / "doctrees"), *docs],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    interface = (tmp_path / "api" / "harness.html").read_text(encoding="utf-8")
    assert "run_scenario" in interface
    assert "VisitOrder" in (tmp_path / "api" / "sim.html").read_text(encoding="utf-8")
    _holds_the_overrides(tmp_path / "overrides.html")


def _holds_the_overrides(page: Path) -> None:
    """Check that a page has a row for each override, a column for each phenotype."""
    table = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").find("table")
    assert isinstance(table, Tag)
    head, *rows = [
        [cell.get_text() for cell in row.find_all(["th", "td"])]
        for row in table.find_all("tr")
    ]
    assert head == ["name and meaning", "range", *known_phenotypes()]
    assert [row[0].split(":")[0] for row in rows] == list(OVERRIDES)
    told = dict(zip(head, rows[0], strict=True))
    assert told["range"] == "5 to 80 %"
    assert (told["hfref-af"], told["normal"]) == ("30", "60")
