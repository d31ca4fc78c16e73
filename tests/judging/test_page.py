"""The page and its figures, as text and in a real browser."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from harness.common.words import EN_DASH
from harness.study.judging.board import Judged, judge
from harness.study.judging.figures import Drawn, figures
from harness.study.judging.page import page, page_html
from harness.study.judging.reading import read_study
from harness.study.judging.strokes import best_of, strokes
from harness.study.judging.words import facts, headline
from harness.study.outcome import VisitRow

Visit = Callable[..., VisitRow]
HOSTILE = "<script>alert(1)</script> {{ 7 * 7 }} $\\frac$ 漢\u202e" + "x" * 300
GAINS_PCT = {
    "stay": 0.0,
    HOSTILE: 3.6,
    "second": 3.0,
    "third": 2.0,
    "fourth": 1.0,
    "harmful": -2.0,
}
N_PATIENTS = 5
SVG = "{http://www.w3.org/2000/svg}"


def rows_of(visit: Visit, search: Any, plans: tuple[str, ...]) -> tuple[Any, Any]:
    visits, evaluations = [], []
    for plan in plans:
        for name, gain in GAINS_PCT.items():
            for patient in range(N_PATIENTS):
                row = visit(
                    patient=patient,
                    in_af=patient == N_PATIENTS - 1,
                    contender=name,
                    plan=plan,
                    candidate_gain_pct=gain + 0.1 * patient * (name != "stay"),
                    verdict="improved" if name != "stay" else "inconclusive",
                    beats=2600 if plan == "paired" else 1500,
                    unpleasant_events=len(name) % 3,
                    status="failed" if (name, patient) == ("third", 0) else "done",
                    error=HOSTILE if (name, patient) == ("third", 0) else "",
                )
                visits.append(row)
                evaluations += search(row, [0.0, gain / 2.0, gain])
    return visits, evaluations


@pytest.fixture(scope="module")
def studies(
    tmp_path_factory: pytest.TempPathFactory, written: Any, make: Any
) -> tuple[Judged, Judged]:
    visit, search = make
    root: Path = tmp_path_factory.mktemp("page")
    one = written(root / "one", *rows_of(visit, search, ("paired",)))
    two = written(root / "two", *rows_of(visit, search, ("paired", "single")))
    return judge(read_study(one)), judge(read_study(two))


@pytest.fixture(scope="module")
def drawn(studies: tuple[Judged, Judged]) -> dict[str, Drawn]:
    known = strokes(studies)
    return {one.name: one for one in figures(studies[0], "paired", known)}


@pytest.fixture(scope="module")
def html(studies: tuple[Judged, Judged]) -> str:
    return page_html(page(studies))


@pytest.fixture(scope="module")
def soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def test_there_are_five_figures_that_say_what_they_show(
    drawn: dict[str, Drawn],
) -> None:
    assert [*drawn] == ["regret", "solved", "price", "readings", "patients"]
    for one in drawn.values():
        tree = ET.fromstring(one.svg)
        description = tree.find(f"{SVG}desc")
        assert tree.get("role") == "img"
        assert description is not None
        assert len(description.text or "") > 40


def test_the_best_and_the_baseline_are_named_in_the_figures(
    drawn: dict[str, Drawn], studies: tuple[Judged, Judged]
) -> None:
    assert best_of(studies[0])[1:] == ["second", "third"]
    for name in ("regret", "solved", "price"):
        text = drawn[name].svg.decode()
        assert "second" in text
        assert "third" in text
    assert "reference kept" in drawn["regret"].svg.decode()
    assert "second: 4 of 4 gained, 0 harmed" in drawn["patients"].svg.decode()


def test_a_study_of_one_plan_says_that_it_cannot_compare_plans(
    drawn: dict[str, Drawn], studies: tuple[Judged, Judged]
) -> None:
    assert "one measuring plan, paired" in drawn["readings"].caption
    both = figures(studies[1], "single", strokes(studies))
    (readings,) = (one for one in both if one.name == "readings")
    assert "one measuring plan" not in readings.caption
    assert "single, 40 min" in readings.svg.decode()


def test_the_same_study_gives_the_same_bytes(
    drawn: dict[str, Drawn], studies: tuple[Judged, Judged]
) -> None:
    again = figures(studies[0], "paired", strokes(studies))
    assert all(one.svg == drawn[one.name].svg for one in again)


def test_hostile_names_are_text_and_nothing_else(soup: BeautifulSoup) -> None:
    scripts = [script.get_text() for script in soup.select("script")]
    assert len(scripts) == 1
    assert "alert" not in scripts[0]
    text = soup.get_text()
    assert "<script>alert(1)</script> {{ 7 * 7 }}" in text
    assert "{{ 7 * 7 }}" in soup.select("#study1 table.small td bdi")[0].get_text()


def test_nothing_on_the_page_comes_from_elsewhere(soup: BeautifulSoup) -> None:
    asked = [
        tag.get(name, "")
        for tag in soup.find_all(True)
        for name in ("src", "href", "xlink:href", "srcset")
    ]
    assert not [place for place in asked if place and not str(place).startswith("#")]
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))


def test_every_table_has_a_caption_and_every_row_as_many_cells_as_heads(
    soup: BeautifulSoup,
) -> None:
    tables = soup.select("table.board")
    assert tables
    for table in tables:
        assert table.caption is not None
        n_heads = len(table.select("thead th"))
        assert all(len(row.select("th, td")) == n_heads for row in table.select("tr"))


def test_studies_stand_side_by_side_with_the_same_contender_in_a_row(
    soup: BeautifulSoup,
) -> None:
    table = soup.select("#beside table")[0]
    heads = [head.get_text() for head in table.select("thead th")]
    assert [head.split(":")[0] for head in heads[1:]] == ["one", "two"]
    rows = {
        row.select("th")[0].get_text(" "): [c.get_text(" ") for c in row.select("td")]
        for row in table.select("tbody tr")
    }
    assert len(rows) == 2 * len(GAINS_PCT)
    shared, single = rows["second paired, 40 min"], rows["second single, 40 min"]
    assert shared[0] == shared[1] != EN_DASH
    assert single[0] == EN_DASH != single[1]


def test_a_study_that_is_not_complete_is_no_ranking(
    tmp_path: Path, written: Any, make: Any
) -> None:
    visit, _ = make
    manifest = {"complete": False, "n_visits": 40}
    folder = written(tmp_path / "half", [visit()], manifest=manifest)
    judged = judge(read_study(folder))
    assert "not complete" in headline(judged)
    assert dict(facts(judged))["Visits"].startswith("1 of 40 planned")


def test_the_headline_says_what_those_lose_who_can_gain(
    tmp_path: Path, written: Any, make: Any
) -> None:
    """Whom no setting suits is no part of it, whatever is chosen."""
    visit, _ = make
    # attainable 4, off -4: a gain of 2 loses 2 points of 8
    rows = [
        visit(patient=0, contender=name, candidate_gain_pct=gain)
        for name, gain in (("stay", 0.0), ("other", 2.0))
    ]
    rows += [
        visit(patient=patient, contender=name, family="null")
        for patient in (1, 2)
        for name in ("stay", "other")
    ]
    told = headline(judge(read_study(written(tmp_path / "three", rows))))
    assert "patients with something to gain: other loses least of 2" in told
    assert "contenders, 2.00 points of utility a patient, 25.0 % of the span" in told
    assert "of 3 visits of sinus rhythm, all patients" in told


def test_atrial_fibrillation_has_tables_of_its_own(soup: BeautifulSoup) -> None:
    captions = [table.get_text() for table in soup.select("#study1 caption")]
    for group in ("sinus rhythm, all patients", "atrial fibrillation, all patients"):
        assert any(group in caption for caption in captions)


@pytest.mark.browser
def test_a_click_on_a_head_sorts_by_number_with_what_is_missing_last(
    html: str, browser: Browser
) -> None:
    context = browser.new_context(offline=True)
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.set_content(html)
    table = tab.locator("#study1 table.board").first
    button = table.get_by_role("button", name="Points saved, mean")
    column = "tr => tr.cells[9].dataset.sort"
    order = f"rows => rows.map({column})"
    button.click()
    up = table.locator("tbody tr").evaluate_all(order)
    button.click()
    down = table.locator("tbody tr").evaluate_all(order)
    state = table.locator("thead th").nth(9).get_attribute("aria-sort")
    context.close()
    assert not faults
    numbers = [float(value) for value in up if value is not None]
    assert len(numbers) == len(GAINS_PCT) - 1
    assert numbers == sorted(numbers)
    # the baseline saves nothing against itself, and the two yardsticks are not held
    n = len(numbers)
    assert up[n:] == down[n:] == [None] * 3
    assert down[:n] == up[:n][::-1]
    assert state == "descending"


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_a_narrow_or_a_wide_window(
    html: str, scheme: Any, browser: Browser
) -> None:
    for width in (360, 1400):
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}
        )
        tab = context.new_page()
        tab.set_content(html)
        overflow = tab.evaluate(
            "document.documentElement.scrollWidth - window.innerWidth"
        )
        context.close()
        assert overflow <= 0


@pytest.mark.slow
@pytest.mark.browser
def test_axe_core_finds_no_violation(
    tmp_path: Path, written: Any, make: Any, browser: Browser, axe_faults: Any
) -> None:
    visit, search = make
    rows = [visit(contender=name) for name in ("stay", "other")]
    study = read_study(written(tmp_path / "small", rows, search(rows[1], [0.0])))
    context = browser.new_context()
    tab = context.new_page()
    tab.set_content(page_html(page([judge(study)])))
    found = axe_faults(tab)
    context.close()
    assert found == []


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_core_finds_no_violation_with_several_studies_and_plans(
    html: str, scheme: Any, browser: Browser, axe_faults: Any
) -> None:
    context = browser.new_context(color_scheme=scheme)
    tab = context.new_page()
    tab.set_content(html)
    found = axe_faults(tab)
    context.close()
    assert found == []
