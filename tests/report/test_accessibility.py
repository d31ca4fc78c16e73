"""Every page in a real browser: axe-core, dark, without colour, narrow, on paper."""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from itertools import combinations, cycle
from typing import Any, Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from harness.archive.run_folder import write_run
from harness.archive.side_by_side.page import compare, comparison_html
from harness.archive.side_by_side.visits import StoredVisit
from harness.cli import invoke
from harness.course.page import course_html
from harness.course.play import run_course
from harness.play.run import run_scenario
from harness.play.scenario import CourseScenario, load_scenario, shipped_scenarios
from harness.report.build import report_of
from harness.report.contents import Report
from harness.report.html import render_html
from harness.truth.answer_key import truth_of

pytestmark = pytest.mark.browser

Build = Callable[..., Report]
Faults = Callable[[Page], list[str]]
Open = Callable[..., AbstractContextManager[Page]]
Look = Literal["light", "dark", "print", "forced colours"]
LOOKS: tuple[Look, ...] = ("light", "dark", "print", "forced colours")
PAGES = ("report", "harmed", "interrogation", "hostile", "compared", "course")
SLOW_PAGES = tuple(
    pytest.param(name, marks=pytest.mark.slow)
    for name in ("harmed", "interrogation", "hostile")
)
PAPERS = {"A4": (595.3, 841.9), "Letter": (612.0, 792.0)}
MARGIN_PT = 10.0 / 25.4 * 72.0  # what every printer can leave white
SVG = "{http://www.w3.org/2000/svg}"
SHORT = {
    "visit.titration_min": 4,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.observation_min": 1,
    "visit.baseline_min": 1,
}
HOSTILE = "<b>{{ 7 * 7 }}</b> \u202eright to left\n" + "x" * 10_000


def short_course_page() -> str:
    scenario = load_scenario("follow_up_year")
    assert isinstance(scenario, CourseScenario)
    changes = {**SHORT, "course.visit_months": [0, 5]}
    return course_html(run_course(scenario.changed(changes), scenario_name="short"))


@pytest.fixture(scope="module")
def page_of(
    report: Report, harmed_report: Report, report_of: Build
) -> Callable[[str], str]:
    """Return what makes a page by its name, each once."""

    @cache
    def hostile() -> Report:
        words = {"title": HOSTILE, "description": HOSTILE, "metadata": {"a": HOSTILE}}
        return report_of(words, observation_text=HOSTILE)

    def compared() -> str:
        visits = (
            StoredVisit(1, "visit-1", report),
            StoredVisit(2, "visit-2", harmed_report),
            StoredVisit(3, HOSTILE, hostile()),
        )
        return comparison_html(compare(visits))

    def interrogation() -> str:
        return render_html(report_of(tested=(), verification_pairs=(), choice=None))

    made: dict[str, Callable[[], str]] = {
        "report": lambda: render_html(report),
        "harmed": lambda: render_html(harmed_report),
        "interrogation": interrogation,
        "hostile": lambda: render_html(hostile()),
        "compared": compared,
        "course": short_course_page,
    }
    return cache(lambda name: made[name]())


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Open:
    """Return what opens a page, without network, as a reader would see it."""

    @contextmanager
    def open_page(html: str, look: Look = "light", width: int = 1000) -> Iterator[Page]:
        context = browser.new_context(
            color_scheme="dark" if look == "dark" else "light",
            forced_colors="active" if look == "forced colours" else "none",
            viewport={"width": width, "height": 900},
            offline=True,
        )
        page = context.new_page()
        page.emulate_media(media="print" if look == "print" else "screen")
        page.set_content(html)
        yield page
        context.close()

    return open_page


@pytest.mark.parametrize(
    ("name", "look"),
    [
        ("report", "light"),
        pytest.param("report", "dark", marks=pytest.mark.slow),
        pytest.param("compared", "light", marks=pytest.mark.slow),
        pytest.param("course", "dark", marks=pytest.mark.slow),
    ],
)
def test_axe_core_finds_no_violation(
    name: str,
    look: Look,
    page_of: Callable[[str], str],
    opened: Open,
    axe_faults: Faults,
) -> None:
    with opened(page_of(name), look) as page:
        assert axe_faults(page) == []


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_axe_core_finds_no_violation_in_what_is_folded_either(
    name: str,
    look: Look,
    page_of: Callable[[str], str],
    opened: Open,
    axe_faults: Faults,
) -> None:
    with opened(page_of(name), look) as page:
        page.evaluate(
            "document.querySelectorAll('details').forEach(d => d.open = true)"
        )
        assert axe_faults(page) == []


def test_axe_core_would_notice_a_fault(opened: Open, axe_faults: Faults) -> None:
    sound = (
        '<html lang="en"><head><title>t</title></head><body><main><h1>a</h1>'
        '<p>words <a href="#x">link</a></p><ul><li>item</li></ul></main></body></html>'
    )
    with opened(sound) as page:
        assert axe_faults(page) == []
    faint = '<p style="color: #999; background: #fff">faint</p></main>'
    with opened(sound.replace(' lang="en"', "").replace("</main>", faint)) as page:
        found = " ".join(axe_faults(page))
    assert "html-has-lang" in found
    assert "color-contrast" in found


def test_axe_core_would_notice_one_faint_cell_among_many_alike(
    opened: Open, axe_faults: Faults
) -> None:
    cell, faint = "<td>words</td>", '<td style="color: #999">faint</td>'
    rows = f"<tr>{10 * cell}</tr>" * 20
    for painted in (faint, '<td><b style="opacity: 0.3">faint</b></td>'):
        cells = f"{rows}<tr>{9 * cell}{painted}</tr>"
        page_of_cells = (
            '<html lang="en"><head><title>t</title></head><body><main><h1>a</h1>'
            f"<table><thead><tr>{10 * '<th>head</th>'}</tr></thead>"
            f"<tbody>{cells}</tbody></table></main></body></html>"
        )
        with opened(page_of_cells) as page:
            (found,) = axe_faults(page)
        assert found.startswith("color-contrast")
        assert "faint" in found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "look"),
    list(zip(sorted(shipped_scenarios()), cycle(LOOKS), strict=False)),
)
def test_axe_core_finds_no_violation_in_any_shipped_scenario(
    name: str, look: Look, opened: Open, axe_faults: Faults
) -> None:
    scenario = load_scenario(name)
    if isinstance(scenario, CourseScenario):
        html = course_html(run_course(scenario.changed(SHORT), scenario_name=name))
    else:
        run = run_scenario(scenario, scenario_name=name)
        html = render_html(report_of(run, truth_of(run.played)))
    with opened(html, look) as page:
        assert axe_faults(page) == []


# behind a label may stand a box of its own, part of which lets the page through
CONTRASTS = """() => {
    const parts = c => c.match(/[\\d.]+/g).map(Number).slice(0, 3);
    const light = c => c
        .map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05)
        / (Math.min(light(a), light(b)) + 0.05);
    const paper = parts(getComputedStyle(document.body).backgroundColor);
    const behind = e => {
        const box = e.parentElement.querySelector(':scope > g > path');
        if (!box) return paper;
        const style = getComputedStyle(box);
        const share = style.opacity * style.fillOpacity;
        return parts(style.fill).map((v, i) => share * v + (1 - share) * paper[i]);
    };
    return [...document.querySelectorAll('svg text')]
        .map(e => [e.textContent, ratio(parts(getComputedStyle(e).fill), behind(e))]);
}"""


@pytest.mark.parametrize("look", ["light", "dark", "print"])
@pytest.mark.parametrize("name", ["report", "compared", "course"])
def test_text_in_figures_stands_out_from_the_page(
    name: str, look: Look, page_of: Callable[[str], str], opened: Open
) -> None:
    """WCAG 1.4.3, which axe-core does not compute inside of figures."""
    with opened(page_of(name), look) as page:
        ratios = page.evaluate(CONTRASTS)
    assert len(ratios) > 10
    assert [text for text, ratio in ratios if ratio < 4.5] == []


def paper_of(page: Page) -> float:
    """Return how light the page behind the text is, 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return float(np.mean([int(n) for n in re.findall(r"\d+", colour)[:3]]))


@pytest.mark.parametrize("name", ["report", "compared", "course"])
def test_the_page_is_dark_where_asked_and_white_on_paper(
    name: str, page_of: Callable[[str], str], opened: Open
) -> None:
    with opened(page_of(name), "dark") as page:
        assert paper_of(page) < 64.0
        page.emulate_media(media="print")
        assert paper_of(page) == 255.0
    with opened(page_of(name), "light") as page:
        assert paper_of(page) == 255.0


def figures_of(html: str) -> list[ET.Element]:
    plain = html.replace("xlink:href", "href")
    return [ET.fromstring(text) for text in re.findall(r"(?s)<svg .*?</svg>", plain)]


def shape_of(element: ET.Element, markers: dict[str, str]) -> tuple[object, ...]:
    """Return all that tells a line or a marker from another but its colour."""
    style = re.sub(
        r"url\(#([^)]+)\)", lambda m: markers[m[1]], element.get("style", "")
    )
    style = re.sub(r"#[0-9a-f]{6}|currentColor", "paint", style)
    return element.tag, style, markers.get(element.get("href", "")[1:], "")


def legend_of(group: ET.Element, markers: dict[str, str]) -> dict[str, set[object]]:
    """Return what each entry of a legend looks like without its colour."""
    entries: dict[str, set[object]] = {}
    seen: set[object] = set()
    for part in group:
        text = part.find(f"{SVG}text")
        if text is None:
            drawn = [e for e in part.iter() if e.tag in (f"{SVG}path", f"{SVG}use")]
            seen |= {shape_of(e, markers) for e in drawn}
        else:
            entries["".join(text.itertext())] = seen
            seen = set()
    return entries


@pytest.mark.parametrize("name", ["report", "compared", "course"])
def test_entries_of_a_legend_differ_in_more_than_colour(
    name: str, page_of: Callable[[str], str]
) -> None:
    n_entries = 0
    for svg in figures_of(page_of(name)):
        paths = svg.iter(f"{SVG}path")
        markers = {p.get("id", ""): p.get("d", "") for p in paths if p.get("id")}
        for hatch in svg.iter(f"{SVG}pattern"):
            lines = hatch.find(f"{SVG}path")
            markers[hatch.get("id", "")] = "" if lines is None else lines.get("d", "")
        for group in svg.iter(f"{SVG}g"):
            if "legend_" not in group.get("id", ""):
                continue
            entries = legend_of(group, markers)
            n_entries += len(entries)
            for (one, seen), (other, also) in combinations(entries.items(), 2):
                assert seen != also, f"{one!r} and {other!r} differ in colour alone"
    assert n_entries >= 2


def test_what_changed_and_what_was_kept_shows_without_colour(
    page_of: Callable[[str], str], opened: Open
) -> None:
    weight = "e => getComputedStyle(e).fontWeight"
    with opened(page_of("report")) as page:
        changed = page.locator("#verdict tr.changed").all_inner_texts()
        kept = page.locator("#tests .kept td").first.evaluate(weight)
        other = page.locator("#tests tbody:not(.kept) tr.values td").first
        assert int(kept) >= int(other.evaluate(weight)) + 300
    assert changed
    assert all(re.search(r"\byes\s*$", text) for text in changed)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_overflows_a_window_of_320_pixels(
    name: str, page_of: Callable[[str], str], opened: Open
) -> None:
    """WCAG 1.4.10: content reflows at 320 CSS pixels."""
    with opened(page_of(name), width=320) as page:
        wide = "document.documentElement.scrollWidth - window.innerWidth"
        assert page.evaluate(wide) <= 0


def test_the_page_asks_for_nothing_from_elsewhere(
    page_of: Callable[[str], str], browser: Browser
) -> None:
    asked: list[str] = []
    for name in ("report", "compared", "course"):
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.set_content(page_of(name), wait_until="networkidle")
        page.close()
    assert asked == []


@pytest.fixture(scope="module")
def poppler() -> None:
    if not all(map(shutil.which, ("pdftotext", "pdfinfo", "pdftoppm"))):
        if os.environ.get("CCMLAB_REQUIRE_POPPLER") == "1":
            pytest.fail("CCMLAB_REQUIRE_POPPLER=1, but poppler is not installed")
        pytest.skip("poppler is not installed")


def poppler_makes(pdf: bytes, *command: str) -> bytes:
    return subprocess.run(command, input=pdf, capture_output=True, check=True).stdout


SEEN = """names => [...document.querySelectorAll(names)]
    .filter(e => e.checkVisibility()).map(e => e.innerText)"""


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b\u00ad]", "", text)


def grey_pages(pdf: bytes) -> list[np.ndarray[Any, Any]]:
    """Return each page as a picture of 72 dots an inch: a dot is a point of paper."""
    raw = poppler_makes(pdf, "pdftoppm", "-gray", "-r", "72", "-")
    pages = []
    while raw:
        magic, size, most, rest = raw.split(b"\n", 3)
        assert (magic, most) == (b"P5", b"255")
        width, height = map(int, size.split())
        dots = np.frombuffer(rest[: width * height], np.uint8)
        pages.append(dots.reshape(height, width))
        raw = rest[width * height :]
    return pages


@pytest.mark.usefixtures("poppler")
@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("name", ["report", "compared", "course", *SLOW_PAGES])
def test_a_page_prints_on_the_paper_of_the_reader_without_cut_off(
    name: str, paper: str, page_of: Callable[[str], str], opened: Open
) -> None:
    with opened(page_of(name), "print") as page:
        pdf = page.pdf(format=paper, prefer_css_page_size=True)
        heads = page.evaluate(SEEN, "h1, h2, h3, caption, figcaption")
        cells = page.evaluate(SEEN, "th, td, dd, dt, li, p:not(.banner)")
    size = re.search(
        rb"Page size: +([\d.]+) x ([\d.]+)", poppler_makes(pdf, "pdfinfo", "-")
    )
    assert size is not None
    # the browser rounds paper to whole pixels of 0.75 pt
    assert tuple(map(float, size.groups())) == pytest.approx(PAPERS[paper], abs=1.5)
    raw = poppler_makes(pdf, "pdftotext", "-raw", "-enc", "UTF-8", "-", "-").decode()
    text = squeezed(raw)
    assert len(heads) > 4
    assert [head for head in heads if squeezed(head) not in text] == []
    assert len(cells) > 20
    lost = [c for c in cells if len(c) < 1000 and squeezed(c) not in text]
    assert [cell for cell in lost if "\u202e" not in cell] == []
    edge = int(MARGIN_PT) - 1
    pictures = grey_pages(pdf)
    assert pictures
    for picture in pictures:
        assert picture[:, :edge].min() == 255, "ink in the left margin"
        assert picture[:, -edge:].min() == 255, "ink in the right margin"


@pytest.mark.slow
def test_the_page_of_a_stored_run_is_the_page_that_was_tested(
    tmp_path_factory: pytest.TempPathFactory, opened: Open, axe_faults: Faults
) -> None:
    """What the commands write to the disk, held against axe-core as well."""
    root = tmp_path_factory.mktemp("stored")
    scenario = load_scenario("null_responder").changed(SHORT)
    run = run_scenario(scenario, scenario_name="null_responder")
    for name in ("one", "two"):
        write_run(run, report_of(run, truth_of(run.played)), root / name)
    both = [str(root / "one"), str(root / "two")]
    assert invoke(["compare-visits", *both, "--out", str(root / "side.html")]) == 0
    for path in (root / "one" / "report.html", root / "side.html"):
        with opened(path.read_text(encoding="utf-8")) as page:
            assert axe_faults(page) == []


BROKEN_WORDS = """cells => cells.flatMap(cell => {
    const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), broken = [];
    while (text.nextNode()) {
        const node = text.currentNode, range = document.createRange();
        for (const word of node.data.matchAll(/[^\\s(),]+/g)) {
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            if (range.getClientRects().length > 1) broken.push(word[0]);
        }
    }
    return broken;
})"""
"""Which words of cells are broken over two lines, without a hyphen of their own."""


@pytest.mark.parametrize("table", ["table.settings", "table.tests"])
def test_the_main_tables_are_readable_on_a_telephone(
    page_of: Callable[[str], str], opened: Open, table: str
) -> None:
    """At 360 pixels every column that is shown is in sight without scrolling."""
    with opened(page_of("report"), width=360) as page:
        right = page.eval_on_selector_all(
            f"{table} tr > *",
            "cells => Math.max(...cells.map(c => c.getBoundingClientRect().right))",
        )
        broken = page.eval_on_selector_all(f"{table} th", BROKEN_WORDS)
    assert 0 < right <= 360
    assert broken == []
