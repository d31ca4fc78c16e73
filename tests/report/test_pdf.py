"""The PDF says what the page says, on the site's paper, with names for all figures."""

import os
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from harness.common.words import EN_DASH, NOT_AVAILABLE, THIN, setting_text
from harness.report.contents import Report
from harness.report.figures.gallery import figures
from harness.report.figures.plot import Picture
from harness.report.html import render_html
from harness.report.parts import (
    BeforeAfter,
    Count,
    Fact,
    Interval,
    PairRow,
    Part,
    Quantity,
)
from harness.report.pdf import render_pdf
from harness.report.sections import tests
from harness.report.sections.visit import Phase
from harness.report.typeset import NO_WIDTH, printable

Build = Callable[..., Report]
BANNER = "Simulated data: not a medical record, not a claim"
ROOT = Path(__file__).parents[2]
LONG = "x" * 10_000
NO_FIGURES: dict[str, Picture] = {}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '#eval("1 + 1") #panic("no") #read("/etc/passwd")',
    "$ x^2 $ ] } ) * _bold_ `raw` <label> @reference // note",
    '#import "@preview/cetz:0.3.0"',
    "\\u{41} \\#set page(width: 1pt)",
    "{{ 7 * 7 }}{% raw %}",
    "../../etc/passwd & C:\\temp",
    "أهلا שלום",
)
CODED = {
    "line\u202eright-to-left": "line[U+202E]right-to-left",
    "漢字": "[U+6F22][U+5B57]",
}


pytestmark = pytest.mark.usefixtures("poppler")


PAGES_PT = {"letter": "612 x 792 pts (letter)", "a4": "595.276 x 841.89 pts (A4)"}


@pytest.mark.parametrize("paper", PAGES_PT)
def test_the_page_is_the_paper_of_the_site(harmed_report: Report, paper: str) -> None:
    assert harmed_report.encounter.paper == "letter"  # all sites are of a US list
    encounter = harmed_report.encounter.model_copy(update={"paper": paper})
    report = harmed_report.model_copy(update={"encounter": encounter})
    told = poppler_says(render_pdf(report), "pdfinfo", "-")
    assert PAGES_PT[paper] in told


def test_two_threads_may_render_at_the_same_time(report: Report) -> None:
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: render_pdf(report, NO_FIGURES), range(4)))
    assert len(set(made)) == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is in /proc")
def test_many_reports_take_the_memory_of_one(
    report: Report, drawn: dict[str, Picture]
) -> None:
    def rendered(number: int) -> int:
        said = {"symptoms_before": f"visit {number}"}
        encounter = report.encounter.model_copy(update=said)
        render_pdf(report.model_copy(update={"encounter": encounter}), drawn)
        n_pages = int(Path("/proc/self/statm").read_text().split()[1])
        return n_pages * os.sysconf("SC_PAGE_SIZE")

    held = [rendered(number) for number in range(8)]
    # each report that is kept would be 20 MB more
    assert held[-1] - held[2] < 40e6, held


def poppler_says(pdf: bytes, *command: str) -> str:
    done = subprocess.run(command, input=pdf, capture_output=True, check=True)
    return done.stdout.decode()


def pages_of(pdf: bytes) -> list[str]:
    text = poppler_says(pdf, "pdftotext", "-raw", "-enc", "UTF-8", "-", "-")
    return text.split("\f")[:-1]


def flat(text: str) -> str:
    return " ".join(text.replace(NO_WIDTH, "").split())


def body_of(pdf: bytes) -> str:
    """Return the text as read, without the banners and footers between pages."""
    pages = (page.strip().split("\n") for page in pages_of(pdf))
    lines = chain.from_iterable(page[1:-1] for page in pages)
    return flat("\n".join(lines).replace("-\n", "-"))


def as_extracted(shown: str) -> str:
    """Return what poppler makes of text: it drops the narrow space of thousands."""
    return flat(shown.replace(THIN, ""))


@pytest.fixture(scope="module")
def drawn(report: Report) -> dict[str, Picture]:
    return figures(report)


@pytest.fixture(scope="module")
def pdf(report: Report, drawn: dict[str, Picture]) -> bytes:
    return render_pdf(report, drawn)


@pytest.fixture(scope="module")
def text(pdf: bytes) -> str:
    return body_of(pdf)


@pytest.fixture(scope="module")
def page(report: Report, drawn: dict[str, Picture]) -> BeautifulSoup:
    return BeautifulSoup(render_html(report, drawn), "html.parser")


@pytest.fixture(scope="module")
def html_text(page: BeautifulSoup) -> str:
    return flat(page.get_text(" "))


def parts(item: object) -> Iterator[Part]:
    """Yield every part of a report, nested ones included."""
    if isinstance(item, Part):
        yield item
        for name in type(item).model_fields:
            yield from parts(getattr(item, name))
    elif isinstance(item, tuple):
        for entry in item:
            yield from parts(entry)


def rows_shown(report: Report) -> Iterator[str]:
    """Yield the numbers of each table row as they follow one another on a page."""
    for part in parts(report):
        match part:
            case BeforeAfter():
                yield f"{part.label} {part.before.text} {part.after.text}"
            case Phase():
                timed = f"{part.start.text} {part.duration.text}"
                yield f"{part.name} {timed} {part.staff}"
            case Count():
                yield f"{part.name} {part.text} {part.share.text}"
            case PairRow():
                told = [part.reference.text, part.tested.text, *_changes(part)]
                yield f"{part.number} {part.start.number} {part.order} {' '.join(told)}"
            case tests.TestedRow():
                yield from _tested_numbers(report, part)


def _changes(row: PairRow) -> Iterator[str]:
    for name in ("systolic", "pulse", "mean", "diastolic", "heart_rate"):
        yield getattr(row, name).number


def _tested_numbers(report: Report, row: tests.TestedRow) -> tuple[str, ...]:
    values = (
        setting_text(value, "", column.digits)
        for value, column in zip(row.values, report.tests.columns, strict=True)
    )
    read = (row.reference, row.tested, row.gain, row.interval_95)
    numbers = [*values, row.start.number, row.minutes.number, *map(_or_dash, read)]
    counts = [str(n) for n in (row.ectopics, row.train_ectopics, row.beats)]
    last = [row.delivered.number, row.energy.number, row.outcome]
    told = " ".join([*numbers, row.sensation, *counts, *last])
    return (told, row.note) if row.note else (told,)


def _or_dash(item: Quantity | Interval) -> str:
    return EN_DASH if item.number == NOT_AVAILABLE else item.number


def test_every_number_of_the_report_is_in_page_and_pdf(
    report: Report, text: str, html_text: str
) -> None:
    """Exempt: points of curves (figures show them) and the table of sources.

    The page folds that table and the PDF refers to provenance.csv, which has it whole.
    """
    shown = [
        item.number if isinstance(item, Quantity | Interval) else item.text
        for item in parts(report)
        if isinstance(item, Quantity | Interval | Count | Fact)
    ]
    assert len(shown) > 400
    assert [number for number in shown if as_extracted(number) not in text] == []
    assert [number for number in shown if flat(number) not in html_text] == []


def test_the_numbers_of_each_row_stand_together_in_page_and_pdf(
    report: Report, text: str, html_text: str
) -> None:
    rows = list(rows_shown(report))
    assert len(rows) > 50
    assert [row for row in rows if as_extracted(row) not in text] == []
    assert [row for row in rows if flat(row) not in html_text] == []


def test_every_fact_stands_beside_its_label(report: Report, text: str) -> None:
    facts = [fact for fact in parts(report) if isinstance(fact, Fact)]
    assert facts
    for fact in facts:
        beside = (f"{fact.label} {fact.text}", f"{fact.label}: {fact.text}")
        assert any(as_extracted(told) in text for told in beside), fact


def test_every_programmable_value_is_in_the_pdf(report: Report, text: str) -> None:
    for row in report.permanent.main:
        found, left = (
            setting_text(value, row.unit, row.digits)
            for value in (row.as_found, row.permanent)
        )
        assert flat(f"{row.label} ({row.symbol}) {found} {left}") in text
    for row in report.permanent.others:
        value = setting_text(row.permanent, row.unit, row.digits)
        assert flat(f"{row.label} ({row.symbol}) {value}") in text


def test_page_and_pdf_have_the_same_headings(page: BeautifulSoup, pdf: bytes) -> None:
    told = poppler_says(pdf, "pdfinfo", "-struct", "-")
    assert [tag.get_text() for tag in page.select("h2")] == [
        flat(title) for title in re.findall(r'H2 "([^"]*)"', told)
    ]


def test_a_full_visit_takes_three_to_six_pages_of_letter_and_its_key(
    pdf: bytes,
) -> None:
    *visit, key = pages_of(pdf)
    assert 3 <= len(visit) <= 6  # two strips to scale take a third of a page more
    assert "Answer key" in key
    assert not any("Answer key" in page for page in visit)
    assert "612 x 792 pts (letter)" in poppler_says(pdf, "pdfinfo", "-")


def test_every_page_has_the_banner_and_its_number(pdf: bytes) -> None:
    pages = pages_of(pdf)
    for number, page in enumerate(pages, start=1):
        lines = page.strip().split("\n")
        assert lines[0] == BANNER
        assert lines[-1].startswith(BANNER)
        assert lines[-1].endswith(f"{number} / {len(pages)}")


@pytest.mark.slow
def test_the_same_report_gives_the_same_bytes_in_another_process(
    report: Report, pdf: bytes, tmp_path: Path
) -> None:
    (tmp_path / "report.json").write_text(report.model_dump_json(), encoding="utf-8")
    code = (
        "import sys; from harness.report.contents import Report; "
        "from harness.report.pdf import render_pdf; "
        "report = Report.model_validate_json(open('report.json', 'rb').read()); "
        "sys.stdout.buffer.write(render_pdf(report))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TZ": "Asia/Tokyo"},
        check=True,
    )
    assert done.stdout == pdf


def test_the_pdf_is_tagged_and_tells_no_date(pdf: bytes) -> None:
    told = poppler_says(pdf, "pdfinfo", "-")
    assert re.search(r"Tagged: +yes", told)
    assert "Date" not in told
    assert b"pdfuaid:part>1<" in pdf or b'pdfuaid:part="1"' in pdf


def test_only_fonts_inside_the_file_are_used(pdf: bytes) -> None:
    rows = poppler_says(pdf, "pdffonts", "-").splitlines()[2:]
    assert rows
    assert all(re.search(r" yes yes (yes|no ) ", row) for row in rows)


def objects_of(pdf: bytes) -> bytes:
    """Return the file with its compressed objects laid open."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    opened = [pdf]
    for stream in streams:
        try:
            opened.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"\n".join(opened)


def test_every_figure_has_alternative_text(
    drawn: dict[str, Picture], pdf: bytes
) -> None:
    n_figures = len(drawn)
    told = poppler_says(pdf, "pdfinfo", "-struct", "-")
    assert len(re.findall(r"(?m)^ *Figure", told)) == n_figures == 8
    assert len(re.findall(rb"/Alt ?[(<]", objects_of(pdf))) >= n_figures


def test_tables_repeat_their_heads_on_every_page(report: Report) -> None:
    many = tuple(
        row.model_copy(update={"number": row.number + 10 * k})
        for k in range(8)
        for row in report.tests.rows
    )
    tests = report.tests.model_copy(update={"rows": many})
    pages = pages_of(render_pdf(report.model_copy(update={"tests": tests}), NO_FIGURES))
    holding = [page for page in pages if "not better\n" in page]
    assert len(holding) >= 2
    assert all("rejected" in page for page in holding)


def test_a_visit_stopped_for_safety_has_its_pdf(harmed_report: Report) -> None:
    text = body_of(render_pdf(harmed_report, NO_FIGURES))
    assert "Stopped for safety: ventricular" in text
    assert "urgent off" in text
    assert "No gain was verified" in text
    assert "nan" not in text.casefold().split()


def test_the_pdf_states_the_gain_that_was_verified(report: Report) -> None:
    text = body_of(render_pdf(report, NO_FIGURES))
    gain = " ".join(report.verdict.gain.text.split())
    assert f"Gain {gain}, standard error" in text
    assert "No gain was verified" not in text


def test_a_visit_without_tests_has_its_pdf(report_of: Build) -> None:
    report = report_of(tested=(), verification_pairs=(), choice=None)
    assert "0418T-style" in body_of(render_pdf(report, NO_FIGURES))


@pytest.fixture(scope="module")
def hostile(report_of: Build) -> Report:
    words = "\n".join((*HOSTILE, *CODED, "null\x00 bell\x07 escape\x1b[31m", LONG))
    metadata = {words[:40]: words}
    scenario = {"title": words, "description": words, "metadata": metadata}
    return report_of(scenario, observation_text=words)


@pytest.fixture(scope="module")
def hostile_text(
    hostile: Report, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Set hostile text in an empty folder, which must stay empty."""
    before, place = Path.cwd(), tmp_path_factory.mktemp("empty")
    os.chdir(place)
    yield body_of(render_pdf(hostile, NO_FIGURES))
    os.chdir(before)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    "told",
    [*HOSTILE[:-1], *CODED.values(), "null� bell� escape�[31m"],
    ids=lambda told: ascii(told[:12]),
)
def test_hostile_text_is_set_as_text(hostile_text: str, told: str) -> None:
    squeezed = re.sub(r"\s", "", hostile_text)
    assert squeezed.count(re.sub(r"\s", "", told)) >= 4


def test_ten_thousand_letters_without_a_space_are_all_set(hostile_text: str) -> None:
    assert hostile_text.count("x") >= 4 * len(LONG)


def test_text_from_right_to_left_keeps_its_letters(hostile_text: str) -> None:
    letters = set(HOSTILE[-1]) - {" "}
    assert letters <= set(hostile_text)


def test_a_character_without_a_glyph_becomes_its_code() -> None:
    assert printable("a\u202eb漢") == "a[U+202E]b[U+6F22]"
    assert printable("5.14 ms, 2 × −3 % ✓") == "5.14 ms, 2 × −3 % ✓"


def test_only_a_long_word_is_given_places_to_break() -> None:
    assert printable("amplitude_v of 7.5 V") == "amplitude_v of 7.5 V"
    path = "a/path/with/many/short/parts.toml"
    assert printable(path).replace(NO_WIDTH, "") == path
    assert max(map(len, printable(LONG).split(NO_WIDTH))) <= 10
