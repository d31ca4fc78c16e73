"""What runs, patients, cohorts, landscapes and comparisons show of themselves."""

import io
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgba_array
from matplotlib.lines import Line2D
from PIL import Image

from harness.archive.run_folder import StoredRun
from harness.archive.side_by_side.page import compare
from harness.archive.side_by_side.visits import StoredVisit
from harness.course.play import run_course
from harness.play.run import Run, run_scenario
from harness.play.scenario import load_scenario
from harness.report.build import report_of
from harness.study.sweep import sweep
from harness.truth.answer_key import truth_of
from harness.truth.landscape import Landscape, landscape
from optimizers.space import Axis, Space
from sim.patient import Cohort, phenotype, sample_cohort

SPACE = Space(
    (Axis("amplitude_v", "V", (4.5, 6.0, 7.5)), Axis("delay_ms", "ms", (35.0,)))
)


@cache
def run() -> Run:
    return run_scenario("first_visit")


@cache
def truth() -> Landscape:
    reference = load_scenario("first_visit").found_device.settings
    return landscape(phenotype("hfref-ischaemic"), reference, SPACE)


@cache
def cohort() -> Cohort:
    return sample_cohort(2, np.random.default_rng(3))


@cache
def comparison() -> Any:
    report = report_of(run(), truth_of(run().played))
    return compare([StoredVisit(1, "one", report), StoredVisit(2, "two", report)])


def stored() -> StoredRun:
    about = {"scenario_name": "first_visit", "seed": 7, "strategy": "titration"}
    report = comparison().visits[0].report
    return StoredRun(Path("results/first"), about, report)


def test_a_run_that_is_read_back_says_what_it_was() -> None:
    first, second = repr(stored()).splitlines()
    assert first.endswith("scenario_name first_visit, seed 7, strategy titration")
    assert second.startswith(f"{run().record.verdict.kind}, gain +")


SHOWN = {
    "stored": stored,
    "run": run,
    "record": lambda: run().record,
    "patient": lambda: run().record.patient,
    "cohort": cohort,
    "landscape": truth,
    "comparison": comparison,
}
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
DRAWN: dict[str, Any] = {"run": run, "landscape": truth, "comparison": comparison}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", SHOWN)
def test_what_it_says_of_itself_fits_a_screen(name: str) -> None:
    lines = repr(SHOWN[name]()).splitlines()
    assert 1 <= len(lines) <= 24
    assert max(map(len, lines)) <= 250


@pytest.mark.parametrize("name", [n for n in SHOWN if n not in ("record", "stored")])
def test_a_notebook_shows_a_table_or_a_figure(name: str) -> None:
    tags = Tags()
    tags.feed(SHOWN[name]()._repr_html_())
    assert tags.open == []
    assert {"table", "svg"} & tags.seen


def test_a_run_says_seed_strategy_and_verdict_and_nothing_hidden() -> None:
    text = repr(run()) + run()._repr_html_()
    assert "seed 7, replicate 0, strategy titration" in text
    assert run().record.verdict.kind in text
    assert run().record.patient.name not in text


def course() -> Any:
    months = {"course.visit_months": [0, 5], "visit.titration_min": 4}
    return run_course(load_scenario("follow_up_year").changed(months))


@cache
def series(name: str) -> list[Any]:
    """Return what the legends of a figure tell apart."""
    drawn = DRAWN | {
        "course": course,
        "sweep": lambda: sweep(
            "hfref-null", {"amplitude_v": [5.0, 6.0], "n_pulses": [1, 2]}
        ),
    }
    figure = drawn[name]().plot()
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    return [h for legend in legends if legend for h in legend.legend_handles]


def looks(handle: Any) -> tuple[Any, ...]:
    """Return what is seen of a series in a print without colour."""
    if not isinstance(handle, Line2D):
        faces = to_rgba_array(handle.get_facecolor())
        colour = (faces if len(faces) else to_rgba_array(handle.get_edgecolor()))[0]
        return (type(handle).__name__, round(4 * float(colour[:3] @ LUMINANCE)))
    grey = round(4 * float(to_rgba_array(handle.get_color())[0, :3] @ LUMINANCE))
    is_open = handle.get_markerfacecolor() in ("none", "white")
    return (handle.get_linestyle(), handle.get_marker(), is_open, grey)


@pytest.mark.parametrize("name", ["run", "landscape", "comparison", "course", "sweep"])
def test_series_differ_by_more_than_colour(name: str) -> None:
    seen = [looks(handle) for handle in series(name)]
    assert len(seen) >= 2
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_a_figure_is_written_as_a_journal_takes_it(name: str, kind: str) -> None:
    file, figure = io.BytesIO(), DRAWN[name]().plot()
    figure.savefig(file, format=kind)
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind]
    assert file.getvalue().startswith(begins)
    width_mm, _ = figure.get_size_inches() * 25.4
    assert width_mm == pytest.approx(183.0, abs=0.5)


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_the_same_whatever_the_readers_own_style(name: str) -> None:
    def pixels() -> bytes:
        file = io.BytesIO()
        DRAWN[name]().plot().savefig(file, format="png", dpi=50)
        return Image.open(file).convert("L").tobytes()

    usual = pixels()
    with mpl.rc_context({"font.size": 30.0, "lines.linewidth": 9.0}):
        assert pixels() == usual


@pytest.mark.parametrize("name", ["run", "landscape"])
def test_a_figure_fits_one_column_too(name: str) -> None:
    figure = DRAWN[name]().plot(width="single")
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(89.0, abs=0.5)


def test_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="must be single or double, got 'huge'"):
        run().plot(width="huge")


def test_the_figure_of_a_run_has_every_test_and_the_verified_gain() -> None:
    (axes,) = run().plot().axes
    record = run().record
    told = {t.get_text() for t in axes.get_legend().get_texts()}
    assert f"verified, {record.verdict.pairs_done} pairs: {record.verdict.kind}" in told
    read = [t.gain_pct for t in record.tested if t.gain_pct == t.gain_pct]
    drawn = axes.containers[0].lines[0].get_ydata()
    assert list(drawn) == pytest.approx(read)


def test_a_landscape_is_a_table_of_every_setting_and_a_panel_for_each_axis() -> None:
    table = truth().table
    assert table["amplitude_v"].tolist() == [4.5, 6.0, 7.5]
    assert table["utility_pct"].tolist() == truth().utility_pct.tolist()
    (panel,) = truth().plot().axes  # one value of the delay is no axis
    curve = next(x for x in panel.lines if x.get_label() == "others at their best")
    assert list(curve.get_ydata()) == pytest.approx(table["utility_pct"])


def test_a_cohort_says_who_is_in_it() -> None:
    assert repr(cohort()).startswith("Cohort of 2 patients")
    assert repr(Cohort(())) == "Cohort of nobody"
