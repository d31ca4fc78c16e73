"""The page holds every element and number of the report, and nothing from elsewhere."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser

from harness.common.words import NOT_AVAILABLE
from harness.report.contents import Report
from harness.report.html import render_html
from harness.report.parts import Count, Interval, Part, Quantity, SettingRow
from sim.device.settings import Settings
from sim.visit import record as visit_record

Build = Callable[..., Report]
BANNER = "Simulated data: not a medical record, not a claim"
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "</title></style><b>bold</b>",
    "../../etc/passwd & C:\\temp",
    "line\u202eright-to-left",
    "null\x00 bell\x07 escape\x1b[31m",
    "é漢字😀",
    "x" * 10_000,
)
ELEMENTS = {
    "pseudonym": ("#visit", "SIM-000007-000"),
    "indication": ("#visit", "heart failure"),
    "rhythm": ("#visit", "sinus rhythm"),
    "consent": ("#visit", "Consent"),
    "vitals": ("#visit", "Systolic pressure, cuff"),
    "symptoms": ("#visit", "Dyspnoea"),
    "place of service": ("#visit", "Place of service"),
    "staff": ("#visit", "Staff"),
    "examination": ("#visit", "dry, not tender"),
    "medication": ("#visit", "Medication"),
    "device identity": ("#device", "Pulse generator"),
    "lead identity": ("#device", "Local sense lead"),
    "battery": ("#device", "Battery charge"),
    "charging": ("#device", "Since the last charge"),
    "impedance": ("#device", "Impedance V1"),
    "sensing amplitudes": ("#device", "R wave V2"),
    "counters since last visit": ("#device", "Counters since the last visit"),
    "CCM share": ("#device", "CCM %"),
    "inhibit causes": ("#device", "premature ventricular beat"),
    "alerts": ("#device", "not recharged for 12 days"),
    "ECG with markers": ("#device", "device markers, as found"),
    "rhythm strip of the observation": ("#observation", "Rhythm strip"),
    "response test": ("#response", "Switching CCM off"),
    "sham pair": ("#response", "Sham"),
    "time at setting": ("#tests", "Took, min"),
    "reading": ("#tests", "mean reading at the reference"),
    "interval of a reading": ("#tests", "95 % interval"),
    "sensation": ("#tests", "Felt"),
    "ectopy": ("#tests", "Ectopic beats"),
    "reason kept or rejected": ("#tests", "Kept or rejected"),
    "pairs planned": ("#analysis", "Pairs planned"),
    "pairs done": ("#analysis", "Pairs done"),
    "pairs void": ("#analysis", "Pairs void"),
    "spread between pairs": ("#analysis", "Spread between pairs"),
    "least gain that could be shown": ("#analysis", "Least gain"),
    "best single reading": ("#analysis", "best single reading"),
    "fitted surface": ("#analysis", "Gaussian process fitted to all valid readings"),
    "response curves": ("#analysis", "fitted gain along each value"),
    "information content": ("#analysis", "Information content of the tests"),
    "what a new choice could gain": ("#analysis", "above the one chosen"),
    "surrogate": ("#analysis", "no evidence that it predicts outcome"),
    "ICD cross-check": ("#final", "ICD cross-check"),
    "atrial capture": ("#final", "atrial capture"),
    "schedule restored": ("#final", "Schedule restored"),
    "energy": ("#analysis", "Energy a day changes by"),
    "charge plan": ("#final", "Charge plan"),
    "timing of a beat": ("#final", "Timing of one beat"),
    "re-interrogation proof": ("#proof", "Re-interrogation read 47 of 47"),
    "observation": ("#observation", "Observed for 15.0"),
    "adverse events": ("#observation", "None seen in 136 min"),
    "recommendations": ("#follow-up", "recharge weekly"),
    "next visit": ("#sign-off", "next programming visit in 3 months"),
    "triggers of the next visit": ("#sign-off", "defibrillator"),
    "strategy": ("#method", "titration"),
    "seed": ("#answer-key", "Seed"),
    "weights": ("#method", "Weight of energy"),
    "do-no-harm gate": ("#method", "Do-no-harm gate"),
    "software version": ("#method", "0.1.0"),
    "provenance": ("#method", "Every sourced number"),
    "limits": ("#method", "Limits"),
    "sign-off": ("#sign-off", "Signature"),
    "kind of service": ("#verdict", "0417T-style"),
    "old and new values": ("#verdict", "As found"),
    "answer key": ("#answer-key", "not known to the visit"),
}


def soup_of(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def html(report: Report) -> str:
    return render_html(report)


@pytest.fixture(scope="module")
def page(html: str) -> BeautifulSoup:
    return soup_of(html)


def parts(part: object) -> Iterator[Part]:
    """Yield every part of a report, nested ones included."""
    if isinstance(part, Part):
        yield part
        for name in type(part).model_fields:
            yield from parts(getattr(part, name))
    elif isinstance(part, tuple):
        for item in part:
            yield from parts(item)


@pytest.mark.parametrize("element", ELEMENTS)
def test_the_page_has_the_element(page: BeautifulSoup, element: str) -> None:
    place, wanted = ELEMENTS[element]
    section = page.select_one(place)
    assert section is not None
    assert wanted in flat(section.get_text(" "))


def test_every_number_of_the_report_is_shown(
    page: BeautifulSoup, report: Report
) -> None:
    text = flat(page.get_text(" "))
    shown = [
        item.text if isinstance(item, Count) else item.number
        for item in parts(report)
        if isinstance(item, Quantity | Interval | Count)
    ]
    assert [number for number in shown if flat(number) not in text] == []


def settings_rows(page: BeautifulSoup) -> dict[str, Tag]:
    """Return the rows of the permanent values by symbol."""
    return {
        row.select("th .quiet")[0].get_text().strip("()"): row
        for row in page.select("#verdict tbody tr")
    }


def test_every_programmable_value_is_shown(page: BeautifulSoup) -> None:
    assert set(settings_rows(page)) == set(Settings.__dataclass_fields__)


def test_a_changed_value_says_so_in_words(page: BeautifulSoup) -> None:
    rows = settings_rows(page)
    cells = [flat(cell.get_text()) for cell in rows["amplitude_v"].select("td")]
    assert cells == ["4.5 V", "7.5 V", "yes"]
    assert flat(rows["mode"].select("td")[-1].get_text()) == "no"


def test_every_tested_setting_has_its_row(
    page: BeautifulSoup, record: visit_record.VisitRecord
) -> None:
    rows = page.select("table.tests tr.values")
    assert len(rows) == len(record.tested)
    for row, tested in zip(rows, record.tested, strict=True):
        cells = [cell.get_text() for cell in row.select("th, td")]
        settings = tested.settings
        assert cells[:5] == [
            str(tested.number),
            f"{settings.amplitude_v:.1f}",
            f"{settings.phase_duration_ms:.2f}",
            str(settings.n_pulses),
            f"{settings.delay_ms:.0f}",
        ]


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        (1, "safety filter: amplitude held to 5 V"),
        (2, "not better than the candidate"),
        (6, "all readings and the cost weighed"),
        (7, "Kept: programmed permanently"),
        (8, "Rejected: sensation grade 2"),
        (9, "no valid reading, only 71 % of beats with CCM"),
    ],
)
def test_a_tested_setting_says_why_it_was_kept_or_rejected(
    report: Report, number: int, wanted: str
) -> None:
    assert wanted in report.tests.rows[number - 1].decision


def test_the_settings_kept_are_those_programmed(
    report: Report, record: visit_record.VisitRecord
) -> None:
    kept = [row.number for row in report.tests.rows if row.kept]
    programmed = [t.number for t in record.tested if _programmed(record, t)]
    assert kept == programmed


def _programmed(record: visit_record.VisitRecord, tested: visit_record.Tested) -> bool:
    return tested.completed and tested.settings == record.final


def test_the_order_is_that_in_which_a_reader_asks(page: BeautifulSoup) -> None:
    assert [section["id"] for section in page.select("main > section")] == [
        *("verdict", "visit", "device", "response", "tests", "analysis", "final"),
        *("observation", "proof", "follow-up", "method", "sign-off", "answer-key"),
    ]


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (visit_record.Ended.FELT, "discomfort"),
        (visit_record.Ended.STOPPED, "safety"),
        (visit_record.Ended.REFUSED, "safety"),
    ],
)
def test_the_outcome_of_a_test_broken_off_is_named_in_a_word(
    report_of: Build,
    record: visit_record.VisitRecord,
    ended: visit_record.Ended,
    outcome: str,
) -> None:
    # whatever the words are: no outcome is read out of them
    stopped = replace(
        record.tested[2], ended=ended, aborted="in other words", pair=None
    )
    row = report_of(tested=(stopped,)).tests.rows[0]
    assert row.outcome == outcome
    assert "in other words" in row.note


def test_settings_that_conflict_are_rejected_as_such(
    report_of: Build, record: visit_record.VisitRecord
) -> None:
    asked = replace(record.reference, vrp_ms=150.0, alert_width_ms=40.0)
    assert asked.conflicts()
    refused = replace(
        record.tested[2],
        asked=asked,
        ended=visit_record.Ended.REFUSED,
        aborted="no safe setting",
        pair=None,
    )
    assert report_of(tested=(refused,)).tests.rows[0].outcome == "conflict"


def test_a_candidate_that_failed_a_final_check_is_rejected_for_it(
    report_of: Build, record: visit_record.VisitRecord
) -> None:
    failed = visit_record.Check("phrenic twitch", False, "twitch seen")
    report = report_of(
        final=record.reference, final_checks=(failed, *record.final_checks)
    )
    row = report.tests.rows[6]
    assert row.outcome == "failed check"
    assert "phrenic twitch" in row.decision


def test_a_missing_number_reads_not_available(harmed_report: Report) -> None:
    page = soup_of(render_html(harmed_report))
    verdict = page.select_one(".verdict")
    assert verdict is not None
    assert "No gain was verified" in verdict.get_text()
    assert f"Verified gain {NOT_AVAILABLE}" in flat(page.get_text(" "))
    assert "nan" not in flat(page.get_text(" ")).casefold().split()


def test_a_visit_stopped_for_safety_says_so_first(harmed_report: Report) -> None:
    page = soup_of(render_html(harmed_report))
    sentence = page.select_one(".verdict .sentence")
    assert sentence is not None
    assert sentence.get_text().startswith("Stopped for safety: ventricular")
    adverse = page.select_one("#observation")
    assert adverse is not None
    assert "urgent off" in adverse.get_text()


def test_the_banner_stands_at_the_top_and_the_bottom(page: BeautifulSoup) -> None:
    assert page.body is not None
    text = flat(page.body.get_text(" "))
    assert text.startswith(BANNER)
    assert BANNER in text[-200:]


def test_everything_stands_in_a_landmark(page: BeautifulSoup) -> None:
    assert page.body is not None
    names = [tag.name for tag in page.body.find_all(True, recursive=False)]
    assert names == ["aside", "header", "main", "footer"]


def test_the_page_fetches_nothing(html: str) -> None:
    page = soup_of(html)
    links = [
        tag[name]
        for tag in page.find_all(True)
        for name in ("src", "href", "xlink:href", "srcset", "data", "action")
        if tag.has_attr(name)
    ]
    assert [link for link in links if not str(link).startswith("#")] == []
    assert page.find_all(["script", "link", "iframe", "img", "object"]) == []
    assert "@import" not in html
    assert re.findall(r"url\((?!#)", html) == []


def test_every_link_and_label_leads_to_one_element(html: str) -> None:
    page = soup_of(html)
    ids = [str(tag["id"]) for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    targets = {str(tag["href"])[1:] for tag in page.find_all(href=True)}
    for tag in page.select("[aria-labelledby]"):
        targets.update(str(tag["aria-labelledby"]).split())
    targets |= set(re.findall(r"url\(#([^)]+)\)", html))
    assert targets <= set(ids)


def test_the_readings_of_one_setting_are_also_shown_together(report: Report) -> None:
    row = next(row for row in report.tests.pooled if row.tests == "7, 10")
    assert row.readings == 2
    assert row.gain.value == pytest.approx((4.4 + 6.8) / 2)
    assert row.standard_error.value == pytest.approx(1.4)  # 2.0 over the root of 2


def test_every_figure_stands_in_its_section(page: BeautifulSoup) -> None:
    places = {
        "figure: timeline": "visit",
        "figure: ecg found": "device",
        "figure: response": "tests",
        "figure: surface": "analysis",
        "figure: pressure": "analysis",
        "figure: timing": "final",
        "figure: ecg final": "observation",
        "figure: pv loop": "answer-key",
    }
    found = {}
    for figure in page.select("figure"):
        section, drawn = figure.find_parent("section"), figure.div
        assert section is not None
        assert drawn is not None
        found[str(drawn["aria-label"]).casefold()] = section["id"]
    assert found == places


def test_tables_have_captions_and_scoped_heads(page: BeautifulSoup) -> None:
    tables = page.find_all("table")
    assert tables
    for table in tables:
        assert table.caption is not None
        assert flat(table.caption.get_text())
        assert all(head.has_attr("scope") for head in table.find_all("th"))


def test_headings_go_down_one_level_at_a_time(page: BeautifulSoup) -> None:
    levels = [int(tag.name[1]) for tag in page.find_all(re.compile("^h[1-6]$"))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_figure_has_a_name_and_a_description(page: BeautifulSoup) -> None:
    figures = page.find_all("svg")
    assert len(figures) == 8
    for svg in figures:
        assert svg["role"] == "img"
        assert svg.title is not None
        assert svg.title.get_text()
        assert svg.desc is not None
        assert svg.desc.get_text()


@pytest.fixture(scope="module")
def hostile_page(report_of: Build) -> BeautifulSoup:
    text = "\n".join(HOSTILE)
    metadata = {text[:40]: text}
    scenario = {"title": text, "description": text, "metadata": metadata}
    return soup_of(render_html(report_of(scenario, observation_text=text)))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_hostile_text_is_shown_as_text(hostile_page: BeautifulSoup, text: str) -> None:
    cleaned = re.sub(r"[\x00\x07\x1b]", "\N{REPLACEMENT CHARACTER}", text)
    assert hostile_page.get_text().count(cleaned) >= 4


def test_hostile_text_makes_no_elements(hostile_page: BeautifulSoup) -> None:
    assert hostile_page.find_all(["script", "img", "b"]) == []
    assert re.search(r"[\x00-\x08\x0b-\x1f]", hostile_page.get_text()) is None


def test_a_visit_without_tests_is_called_an_interrogation(report_of: Build) -> None:
    report = report_of(tested=(), verification_pairs=(), choice=None)
    page = soup_of(render_html(report))
    assert "0418T-style" in page.get_text()
    assert "0417T-style" not in page.get_text()


def test_no_code_is_chosen(page: BeautifulSoup) -> None:
    assert "No code is chosen" in page.get_text()
    assert "(neutral metadata, not a choice)" in page.get_text()


def test_differing_values_at_re_interrogation_are_not_called_proof(
    report_of: Build, record: visit_record.VisitRecord
) -> None:
    report = report_of(as_left=record.as_found)
    assert not report.final.proof_passed
    assert "amplitude_v read 4.5, programmed 7.5" in report.final.proof


def test_the_truth_appears_only_in_the_answer_key(
    page: BeautifulSoup, report: Report
) -> None:
    key = page.select_one("#answer-key")
    assert key is not None
    assert "Window gain" in key.get_text()
    key.extract()
    assert "Window gain" not in page.get_text()


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


def test_rows_and_columns_of_the_tests_agree(report: Report) -> None:
    for row in report.tests.rows:
        assert len(row.values) == len(report.tests.columns)


def test_settings_keep_their_type(report: Report) -> None:
    rows: dict[str, SettingRow] = {
        row.symbol: row for row in (*report.permanent.main, *report.permanent.others)
    }
    assert rows["extend_low_ccm"].permanent is False
    assert rows["n_pulses"].permanent == 2
    assert isinstance(rows["delay_ms"].permanent, float)
