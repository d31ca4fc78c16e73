"""Stored visits side by side: what the page shows, warns of and refuses."""

import json
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from harness.archive.run_folder import write_run
from harness.archive.side_by_side.figure import forest_svg
from harness.archive.side_by_side.page import SideBySide, compare, comparison_html
from harness.archive.side_by_side.visits import (
    StoredVisit,
    naive_claim,
    read_visits,
    setting_rows,
)
from harness.cli import invoke
from harness.common.files import BrokenRunError, file_hash
from harness.common.words import NOT_AVAILABLE
from harness.course.archive import write_course
from harness.course.play import run_course
from harness.play.run import run_scenario
from harness.play.scenario import CourseScenario, load_scenario
from harness.report.build import report_of
from harness.report.contents import Report
from harness.report.parts import Fact
from harness.truth.answer_key import truth_of
from sim.visit.order import pseudonym

SHORT = {
    "visit.titration_min": 6,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.observation_min": 1,
    "visit.baseline_min": 1,
}
BANNER = "Simulated data: not a medical record, not a claim"
HOSTILE = "<script>alert(1)</script> {{ 7 * 7 }} $\\frac$ \u202e" + "x" * 2000
NAMES: dict[str, dict[str, Any]] = {
    "titration": {},
    "random": {"search.strategy": "random"},
    "other-seed": {"seed": 8},
    "felt": {"patient.override": {"sensation_threshold_v": 5.0}},
}


Undrawn = Callable[[], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def folder(
    whole: Path, undrawn: Undrawn, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("visits")
    shutil.copytree(whole, root / "titration")

    @cache
    def written(name: str) -> Path:
        if not NAMES[name]:
            return root / name
        scenario = load_scenario("first_visit").changed(SHORT | NAMES[name])
        run = run_scenario(scenario, scenario_name="first_visit")
        report = report_of(run, truth_of(run.played))
        with undrawn():
            return write_run(run, report, root / name)

    return written


@pytest.fixture(scope="module")
def compared(folder: Callable[[str], Path]) -> SideBySide:
    return compare(read_visits([folder("titration"), folder("random")]))


@pytest.fixture(scope="module")
def html(compared: SideBySide) -> str:
    return comparison_html(compared)


@pytest.fixture(scope="module")
def page(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


@pytest.fixture
def copy(folder: Callable[[str], Path], tmp_path: Path) -> Path:
    """Return a stored visit that a test may spoil."""
    return Path(shutil.copytree(folder("titration"), tmp_path / "copy"))


def flat(text: str) -> str:
    return " ".join(text.split())


def cells(page: BeautifulSoup, section: str, label: str) -> list[str]:
    for row in page.select(f"#{section} tbody tr"):
        head = row.select_one("th")
        if head is not None and flat(head.get_text()) == label:
            return [flat(cell.get_text()) for cell in row.select("td")]
    raise AssertionError(f"no row {label}")


def notes(*visits: StoredVisit) -> str:
    return " ".join(compare(visits).notes)


def changed(report: Report, **parts: Any) -> Report:
    return report.model_copy(update=parts)


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a stored report and make its hash agree, as another version would."""
    place, about = folder / "report.json", folder / "run.json"
    stored = json.loads(place.read_text(encoding="utf-8"))
    change(stored)
    place.write_text(json.dumps(stored), encoding="utf-8")
    run = json.loads(about.read_text(encoding="utf-8"))
    run["files"]["report.json"] = file_hash(place)
    about.write_text(json.dumps(run), encoding="utf-8")


def test_the_page_shows_verdict_gain_and_interval_of_each_visit(
    page: BeautifulSoup, compared: SideBySide
) -> None:
    verdicts = [visit.report.verdict for visit in compared.visits]
    shown = {
        "Verdict": [verdict.kind for verdict in verdicts],
        "Verified gain": [verdict.gain.text for verdict in verdicts],
        "95 % interval": [verdict.interval_95.text for verdict in verdicts],
        "90 % interval": [verdict.interval_90.text for verdict in verdicts],
    }
    for label, texts in shown.items():
        assert cells(page, "verdicts", label) == [flat(text) for text in texts]
    for verdict in verdicts:
        assert flat(verdict.sentence) in flat(page.get_text(" "))


def test_the_naive_claim_stands_beside_the_verified_gain(
    page: BeautifulSoup, compared: SideBySide
) -> None:
    claims = [flat(naive_claim(visit.report).text) for visit in compared.visits]
    label = "Naive claim: best single reading"
    assert cells(page, "verdicts", label) == claims


def test_the_page_shows_the_permanent_values(
    page: BeautifulSoup, compared: SideBySide
) -> None:
    shown = cells(page, "values", "CCM Amplitude")
    for text, visit in zip(shown, compared.visits, strict=True):
        row = setting_rows(visit.report)["amplitude_v"]
        assert text.endswith(f"{row.permanent:.1f} V")
        assert ("→" in text) == row.changed


def test_the_page_counts_tests_minutes_and_unpleasant_events(
    page: BeautifulSoup, compared: SideBySide
) -> None:
    reports = [visit.report for visit in compared.visits]
    assert cells(page, "course", "Tests") == [str(len(r.tests.rows)) for r in reports]
    ectopics = [str(sum(row.ectopics for row in r.tests.rows)) for r in reports]
    assert cells(page, "course", "Ectopic beats during tests") == ectopics
    adverse = [str(len(r.observation.adverse)) for r in reports]
    assert cells(page, "course", "Adverse events in the visit") == adverse
    phases = [len(r.encounter.phases) for r in reports]
    lasted = cells(page, "course", "titration")
    assert len(lasted) == len(phases)
    assert all(text.endswith("min") for text in lasted)


def test_every_test_of_every_visit_is_on_the_page(
    page: BeautifulSoup, compared: SideBySide
) -> None:
    for table, visit in zip(page.select("table.tests"), compared.visits, strict=True):
        assert len(table.select("tbody tr")) == len(visit.report.tests.rows)


def test_what_differs_between_the_strategies_is_stated(page: BeautifulSoup) -> None:
    assert cells(page, "method", "Search strategy") == ["titration", "random"]


def test_the_truth_appears_only_in_the_answer_key(page: BeautifulSoup) -> None:
    copied = BeautifulSoup(str(page), "html.parser")
    key = copied.select_one("#answer-key")
    assert key is not None
    assert "Window gain" in key.get_text()
    key.extract()
    assert "Window gain" not in copied.get_text()


def test_one_patient_is_called_the_same_patient(compared: SideBySide) -> None:
    told = " ".join(compared.notes)
    assert f"All visits are of the same virtual patient, {pseudonym(7)}" in told
    assert "differ" not in told


def test_another_seed_of_one_patient_is_told(folder: Callable[[str], Path]) -> None:
    told = notes(*read_visits([folder("titration"), folder("other-seed")]))
    assert f"{pseudonym(7)} (visit 1); {pseudonym(8)} (visit 2)" in told
    assert "All visits are of the same" not in told


def test_patients_that_differ_are_told_with_what_differs(
    folder: Callable[[str], Path],
) -> None:
    both = read_visits([folder("titration"), folder("felt")])
    told = notes(*both)
    assert f"Patients differ: {pseudonym(7)} (visit 1, 2)" in told
    assert "nothing that the clinic knows; the answer key tells" in told
    hidden = compare(both).tables["answer-key"].rows
    assert "sensation.threshold_v" in {row.label for row in hidden if row.differs}


@pytest.mark.slow
def test_visits_of_one_course_are_called_the_same_patient(
    tmp_path: Path, undrawn: Undrawn
) -> None:
    scenario = load_scenario("follow_up_year")
    assert isinstance(scenario, CourseScenario)
    short = scenario.changed({**SHORT, "course.visit_months": [0, 3]})
    course = run_course(short, scenario_name="year")
    with undrawn():
        folder = write_course(course, tmp_path / "year")
    both = [folder / "visit-1", folder / "visit-2"]
    told = notes(*read_visits(both))
    assert "All visits are of one course: the same virtual patient" in told
    assert "Patients differ" not in told
    alone = shutil.copytree(folder / "visit-2", tmp_path / "visit-2")
    assert "Patients differ" in notes(*read_visits([both[0], alone]))


def test_other_readouts_and_references_are_stated(
    compared: SideBySide,
) -> None:
    first = compared.visits[0]
    report = first.report
    facts = tuple(
        Fact(label=item.label, value="another") if item.label == "Readout" else item
        for item in report.method.facts
    )
    rows = tuple(
        row.model_copy(update={"reference": 6.5})
        if row.symbol == "amplitude_v"
        else row
        for row in report.permanent.main
    )
    other = changed(
        report,
        method=report.method.model_copy(update={"facts": facts}),
        permanent=report.permanent.model_copy(update={"main": rows}),
    )
    told = notes(first, StoredVisit(2, "other", other))
    assert "Their gains are not the same quantity" in told
    wanted = "Reference values differ: CCM Amplitude 4.5 V (visit 1); CCM Amplitude 6.5"
    assert wanted in " ".join(told.split())


def test_the_same_run_twice_is_told(folder: Callable[[str], Path]) -> None:
    told = notes(*read_visits([folder("titration"), folder("titration")]))
    assert "Visits 1, 2 are the same run" in told


def test_the_reader_is_warned_of_choosing_the_highest(compared: SideBySide) -> None:
    assert (
        "repeats the error of believing the best single reading" in compared.notes[-1]
    )


def test_folders_of_one_name_are_told_apart(copy: Path, tmp_path: Path) -> None:
    twin = shutil.copytree(copy, tmp_path / "below" / "copy")
    first, second = read_visits([copy, twin])
    assert first.name == f"{tmp_path.name}/copy"
    assert second.name == "below/copy"


def test_a_visit_without_verification_is_shown_as_not_available(
    compared: SideBySide,
) -> None:
    first = compared.visits[0]
    nothing = {"value": None}
    verdict = first.report.verdict.model_copy(
        update={
            "gain": first.report.verdict.gain.model_copy(update=nothing),
            "interval_95": first.report.verdict.interval_95.model_copy(
                update={"low": None, "high": None}
            ),
        }
    )
    tests = first.report.tests.model_copy(update={"rows": (), "pooled": ()})
    empty = changed(first.report, verdict=verdict, tests=tests)
    page = BeautifulSoup(
        comparison_html(compare((first, StoredVisit(2, "empty", empty)))), "html.parser"
    )
    assert cells(page, "verdicts", "Verified gain")[1] == NOT_AVAILABLE
    assert cells(page, "course", "Highest gain of one test")[1] == NOT_AVAILABLE


def test_the_same_visits_give_the_same_bytes(
    compared: SideBySide, html: str, folder: Callable[[str], Path]
) -> None:
    again = compare(read_visits([folder("titration"), folder("random")]))
    assert comparison_html(again) == html
    assert forest_svg(again.visits) == forest_svg(compared.visits)


def test_the_figure_has_a_name_and_a_description(page: BeautifulSoup) -> None:
    svg = page.find("svg")
    assert svg is not None
    assert svg["role"] == "img"
    description = svg.find("desc")
    assert description is not None
    assert "visit 2: verified gain" in description.get_text()


def test_the_page_fetches_nothing_and_names_no_folder_of_the_machine(
    html: str, page: BeautifulSoup, folder: Callable[[str], Path]
) -> None:
    assert page.find_all(["script", "link", "iframe", "img", "object"]) == []
    assert re.findall(r"url\((?!#)", html) == []
    assert "@import" not in html
    assert str(folder("titration").parent) not in html


def test_the_banner_stands_at_the_top_and_the_bottom(page: BeautifulSoup) -> None:
    assert page.body is not None
    text = flat(page.body.get_text(" "))
    assert text.startswith(BANNER)
    assert BANNER in text[-200:]


def test_tables_have_captions_and_scoped_heads(page: BeautifulSoup) -> None:
    for table in page.find_all("table"):
        assert table.caption is not None
        assert all(head.has_attr("scope") for head in table.find_all("th"))


def test_hostile_text_is_shown_as_text(compared: SideBySide) -> None:
    first = compared.visits[0]
    facts = tuple(
        Fact(label=item.label, value=HOSTILE)
        if item.label in ("Scenario", "Search strategy")
        else item
        for item in first.report.method.facts
    )
    method = first.report.method.model_copy(update={"facts": facts})
    hostile = changed(first.report, method=method, title=HOSTILE)
    html = comparison_html(compare((first, StoredVisit(2, HOSTILE, hostile))))
    page = BeautifulSoup(html, "html.parser")
    assert page.find_all("script") == []
    assert page.get_text().count(HOSTILE) >= 4


def test_the_command_writes_the_page_and_prints_a_line_a_visit(
    folder: Callable[[str], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    html: str,
) -> None:
    out = tmp_path / "new" / "side.html"
    asked = [str(folder("titration")), str(folder("random")), "--out", str(out)]
    assert invoke(["compare-visits", *asked]) == 0
    told = capsys.readouterr().out
    assert "1  titration" in told
    assert "2  random" in told
    assert str(out) in told
    assert out.read_text(encoding="utf-8") == html


def test_a_page_that_is_there_is_replaced_only_on_demand(
    folder: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "side.html"
    out.write_text("mine", encoding="utf-8")
    asked = [str(folder("titration")), str(folder("random")), "--out", str(out)]
    assert invoke(["compare-visits", *asked]) == 2
    assert out.read_text(encoding="utf-8") == "mine"
    assert "--force" in capsys.readouterr().err
    assert invoke(["compare-visits", *asked, "--force"]) == 0
    assert out.read_text(encoding="utf-8") != "mine"


def _no_folder(copy: Path) -> None:
    shutil.rmtree(copy)


def _foreign_folder(copy: Path) -> None:
    (copy / "run.json").write_text('{"name": "something else"}', encoding="utf-8")


def _changed_report(copy: Path) -> None:
    (copy / "report.json").write_text("{}", encoding="utf-8")


def _missing_report(copy: Path) -> None:
    (copy / "report.json").unlink()


def _other_schema(copy: Path) -> None:
    rewrite(copy, lambda stored: stored.update(schema_version="0.1"))


def _half_report(copy: Path) -> None:
    rewrite(copy, lambda stored: stored.pop("verdict"))


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        (_no_folder, "is no run"),
        (_foreign_folder, "is no run"),
        (_changed_report, "report.json was changed"),
        (_missing_report, "report.json is missing"),
        (_other_schema, "schema"),
        (_half_report, "verdict"),
    ],
)
def test_a_damaged_or_foreign_folder_gives_one_clear_message(
    spoil: Callable[[Path], None],
    wanted: str,
    copy: Path,
    folder: Callable[[str], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(copy)
    out = tmp_path / "side.html"
    asked = [str(folder("titration")), str(copy), "--out", str(out)]
    assert invoke(["compare-visits", *asked]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert wanted in told
    assert str(copy) in told
    assert not out.exists()


def test_one_visit_alone_has_nothing_beside_it(folder: Callable[[str], Path]) -> None:
    with pytest.raises(BrokenRunError, match="two run folders or more, got 1"):
        read_visits([folder("titration")])


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_a_narrow_or_a_wide_window(
    html: str, scheme: Literal["light", "dark"], browser: Browser
) -> None:
    for width in (360, 800, 1400):
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
