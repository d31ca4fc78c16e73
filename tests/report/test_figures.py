"""Figures: well-formed, the same bytes each time, readable without colour."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest

import harness.report
from harness.report.contents import Report
from harness.report.figures.ecg import ecg_figure, paper_mm_per_s
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


def size_mm(svg: bytes) -> float:
    """Return the width of a figure as it says it: in points, 72 an inch."""
    width_pt = re.search(r'<svg [^>]*width="([\d.]+)pt"', svg.decode())
    assert width_pt is not None
    return 25.4 * float(width_pt[1]) / 72.0


def test_a_strip_is_drawn_at_25_mm_a_second_and_10_mm_a_millivolt(
    report: Report,
) -> None:
    strip = report.strips[0]
    figure = ecg_figure(strip)
    trace = figure.axes[1]
    box_mm = [25.4 * side for side in (trace.bbox.width, trace.bbox.height)]
    width_mm, height_mm = (side / figure.dpi for side in box_mm)
    left_s, right_s = trace.get_xlim()
    low_mv, high_mv = trace.get_ylim()
    assert width_mm / (right_s - left_s) == pytest.approx(25.0)
    assert height_mm / (high_mv - low_mv) == pytest.approx(10.0)
    assert low_mv <= min(strip.lead_ii_mv) <= max(strip.lead_ii_mv) <= high_mv
    assert right_s >= len(strip.lead_ii_mv) / strip.sampling_hz  # nothing is cut off


def test_the_calibration_mark_is_one_millivolt_high(report: Report) -> None:
    mark = ecg_figure(report.strips[0]).axes[1].lines[-1]
    assert np.ptp(np.asarray(mark.get_ydata())) == 1.0
    assert np.asarray(mark.get_xdata()).max() <= 0.0  # in front of the trace


def test_a_longer_strip_has_half_the_speed_and_says_so() -> None:
    assert paper_mm_per_s(6.0) == 25.0
    assert paper_mm_per_s(8.0) == 12.5


def test_the_pdf_prints_a_strip_at_the_size_it_is_drawn(
    drawn: dict[str, Picture],
) -> None:
    typ = (Path(harness.report.__file__).parent / "templates" / "tools.typ").read_text()
    printed = re.search(r'picture\("ecg_" .*width: ([\d.]+)mm', typ)
    assert printed is not None
    assert float(printed[1]) == pytest.approx(size_mm(drawn["ecg_final"].svg), abs=0.05)
    assert "25 mm/s, 10 mm/mV" in drawn["ecg_final"].caption
