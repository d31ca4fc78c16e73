"""Figures: well-formed, the same bytes each time, readable without colour."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Any

import matplotlib
import pytest

from harness.report.contents import Report
from harness.report.figures.gallery import figures
from harness.report.figures.plot import Picture

SVG = "{http://www.w3.org/2000/svg}"
NAMES = {
    *("ecg_found", "ecg_final", "response", "surface", "pressure", "timing"),
    *("timeline", "pv_loop"),
}
UNITS = {
    "ecg_final": ("mV", ", s"),
    "response": (", %",),
    "surface": ("amplitude, V", "phase, ms", "delay, ms", "reference, %"),
    "pressure": ("mmHg", ", %"),
    "timing": (", ms",),
    "timeline": (", min",),
    "pv_loop": (", mL", ", mmHg"),
}


@pytest.fixture(scope="module")
def drawn(report: Report) -> dict[str, Picture]:
    return figures(report)


def text_of(svg: bytes) -> str:
    return " ".join(
        "".join(t.itertext()) for t in ET.fromstring(svg).iter(f"{SVG}text")
    )


def test_every_figure_is_drawn(drawn: dict[str, Picture]) -> None:
    assert set(drawn) == NAMES


def test_figures_are_the_same_bytes_each_time(
    drawn: dict[str, Picture], report: Report
) -> None:
    assert figures(report) == drawn


@dataclass(frozen=True)
class Elsewhere:
    """Figures drawn among a reader's own plot settings, and what became of these."""

    drawn: dict[str, Picture]
    before: dict[str, Any]
    after: dict[str, Any]


@pytest.fixture(scope="module")
def elsewhere(report: Report) -> Elsewhere:
    with matplotlib.rc_context({"font.size": 30.0, "lines.linewidth": 9.0}):
        before = dict(matplotlib.rcParams)
        return Elsewhere(figures(report), before, dict(matplotlib.rcParams))


def test_a_readers_own_plot_settings_change_nothing(
    drawn: dict[str, Picture], elsewhere: Elsewhere
) -> None:
    assert elsewhere.drawn == drawn


def test_figures_leave_the_plot_settings_alone(elsewhere: Elsewhere) -> None:
    assert elsewhere.after == elsewhere.before


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_figure_is_well_formed_and_named(
    drawn: dict[str, Picture], name: str
) -> None:
    root = ET.fromstring(drawn[name].svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text


@pytest.mark.parametrize("name", sorted(UNITS))
def test_every_axis_names_its_unit(drawn: dict[str, Picture], name: str) -> None:
    text = text_of(drawn[name].svg)
    assert [unit for unit in UNITS[name] if unit not in text] == []


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_figure_takes_the_text_colour_of_its_page(
    drawn: dict[str, Picture], name: str
) -> None:
    text = drawn[name].svg.decode()
    assert "currentColor" in text
    assert "#010101" not in text
    assert re.search(r"\d{4}-\d\d-\d\d", text) is None


def test_a_figure_without_data_is_left_out(harmed_report: Report) -> None:
    assert {"response", "pressure", "surface", "timing"}.isdisjoint(
        figures(harmed_report)
    )


def test_the_strip_shows_the_lanes_of_the_device(drawn: dict[str, Picture]) -> None:
    text = text_of(drawn["ecg_final"].svg)
    assert {"V", "LS", "CCM"} <= set(text.split())
