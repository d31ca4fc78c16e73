"""The pages of a landscape: one file each, nothing from elsewhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from harness.common.banner import BANNER
from harness.common.drawing import inline
from harness.common.pages import filled
from harness.common.words import EN_DASH, between, decimal, plain
from harness.evidence.landscape.figures import TruthFigure, bin_words
from harness.evidence.landscape.law_cell import (
    LEAST_RULE_PCT,
    LEAST_WON_FRAC,
    YARDSTICKS,
    LawCell,
)
from harness.evidence.landscape.rules import TEXTBOOK, Rule
from harness.evidence.landscape.suite import N_LABORATORY, Suite
from harness.evidence.landscape.survey import Survey
from harness.evidence.landscape.told import N_PEOPLE
from harness.evidence.law_sizes import A16
from harness.study.judging.numbers import Estimate
from harness.truth.landscape import LEAST_SPAN_POINTS
from sim.units import PCT_PER_FRAC

KEY: Final = (
    "This is the answer key: the simulator's truth of every setting, which no visit "
    "and no search is told."
)
_A16_HEAD: Final = f"within {A16.mean_pct:g} \N{PLUS-MINUS SIGN} {A16.within_pct:g}"


@dataclass(frozen=True, slots=True)
class TruthTable:
    """Rows of text under heads; the first cell of a row names it.

    Columns whose head is in `words` hold no numbers: they begin at the left, and wrap.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TruthPage:
    """All that a page or a terminal shows of a landscape, figures apart."""

    title: str
    in_short: tuple[str, ...]
    tables: tuple[TruthTable, ...]
    made: tuple[str, ...]

    @property
    def text(self) -> str:
        """The same for a terminal."""
        blocks = [self.title, *self.in_short]
        for table in self.tables:
            blocks += ["", f"{table.caption}:", *_aligned(table)]
        return "\n".join(blocks)


def _aligned(table: TruthTable) -> list[str]:
    rows = [table.heads, *table.rows]
    left = [i == 0 or head in table.words for i, head in enumerate(table.heads)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.heads))]
    return [
        "  ".join(
            f"{cell:<{width}}" if is_left else f"{cell:>{width}}"
            for cell, width, is_left in zip(row, widths, left, strict=True)
        ).rstrip()
        for row in rows
    ]


def html(page: TruthPage, drawn: Sequence[TruthFigure]) -> str:
    """Return a page; the same landscape gives the same text."""
    svg = inline({one.name: one.svg for one in drawn})
    values = {
        "page": page,
        "banner": BANNER,
        "key": KEY,
        "figures": [(one, Markup(svg[one.name])) for one in drawn],
    }
    return filled("harness.evidence.landscape", "landscape.html.j2", values)


def survey_page(survey: Survey) -> TruthPage:
    """Return what is told of one patient."""
    truth = survey.truth
    givens = survey.givens
    kept = PCT_PER_FRAC * float(truth.tolerated.mean())
    return TruthPage(
        plain(survey.title),
        (
            f"{len(truth.points)} settings, {kept:.0f} % tolerated; law "
            f"{survey.patient.response.name}, read by {survey.readout}.",
            f"Between CCM off and the best lie {truth.span_points:.2f} points of "
            f"utility. Best: {givens[0].settings}.",
        ),
        (_choices(survey), _axes(survey)),
        (
            "Every setting is looked up on the patient's response curve, which is "
            "played beat by beat at a few gains without error, ectopy or carry-over; "
            "leads intact. Gains are against the settings as found.",
            "Utility is the window gain less what energy and discomfort cost; the best "
            "is the best tolerated setting or CCM off, whichever is worth more; shares "
            f"of the span are told from {LEAST_SPAN_POINTS:g} point on.",
            "Shapley effects are exact, over all settings alike, tolerated or not: the "
            "mean over all orders of what an axis adds to the variance explained.",
        ),
    )


def _choices(survey: Survey) -> TruthTable:
    return TruthTable(
        "What choices are worth and give away",
        ("choice", "settings", "gain %", "utility", "points lost", "of span %"),
        tuple(
            (
                one.name,
                one.settings,
                decimal(one.window_gain_pct, 2, signed=True),
                decimal(one.utility_pct, 2),
                decimal(one.points_lost, 2),
                _share(one.share_pct),
            )
            for one in survey.givens
        ),
        ("settings",),
    )


def _axes(survey: Survey) -> TruthTable:
    return TruthTable(
        "What each axis explains of the utility (Shapley effects)",
        ("axis", "share %"),
        tuple(
            (name, decimal(PCT_PER_FRAC * share, 1))
            for name, share in survey.explained.items()
        ),
    )


def _worth_searching(suite: Suite) -> Iterator[str]:
    """Yield each law that is worth searching, with the starts unless it is from all."""
    starts: dict[str, list[str]] = {}
    for cell in suite.cells:
        if cell.verdict == "worth searching":
            starts.setdefault(cell.label, []).append(cell.start)
    n_all = len({cell.start for cell in suite.cells})
    for label, found in starts.items():
        yield label if len(found) == n_all else f"{label}, from {' and '.join(found)}"


def suite_page(suite: Suite) -> TruthPage:
    """Return what is told of the laws and starts of a study."""
    starts = dict.fromkeys(cell.start for cell in suite.cells)
    return TruthPage(
        plain(suite.title),
        (
            f"{suite.n_people} patients of each law. Worth searching: "
            + ("; ".join(_worth_searching(suite)) or "none")
            + ".",
            "The told search is idealised: a ceiling, no contender.",
        ),
        tuple(table for start in starts for table in _of_start(suite, start)),
        (
            f"Given away: the median share of the span, over patients whose span is "
            f"{LEAST_SPAN_POINTS:g} point or more, with its 95 % bootstrap interval; "
            "pooled, points lost, summed, over spans, summed, of all.",
            f"Textbook: highest tolerated amplitude, {TEXTBOOK.phase_duration_ms:.2f} "
            f"ms, {TEXTBOOK.delay_ms:g} ms. Fitted: the rule of three numbers that "
            "loses least on half of the patients, judged on the other half.",
            f"Told (idealised): Bayes over {N_PEOPLE} people of that law alone, "
            f"{suite.tests.n} tests with an SD of {suite.tests.sd_pct:g} "
            "%; it knows what is tolerated.",
            f"A law whose best rule loses less than {LEAST_RULE_PCT:g} % in the "
            "median, or whose told search wins back less than "
            f"{PCT_PER_FRAC * LEAST_WON_FRAC:g} % of that, is not worth searching, and "
            "stays.",
            f"Rise of dP/dt max: true, at the factory settings over CCM off, first "
            f"{N_LABORATORY} patients; A16 is {A16.mean_pct:.1f} with a true SD of "
            f"{A16.sd_pct:.1f}. A law whose mean is over {A16.within_pct:g} points off "
            "is out; null and adverse are not asked.",
            "Leads searched: which leads deliver is one more axis, for laws under "
            "which some gain most by one lead alone. No rule decides on it: all use "
            "both.",
        ),
    )


def _of_start(suite: Suite, start: str) -> tuple[TruthTable, ...]:
    cells = [cell for cell in suite.cells if cell.start == start]
    names = ("as found", "factory", "textbook", "best rule, fitted", "told, idealised")
    return (
        TruthTable(
            f"Given away from start {start}, median share of the span, %",
            ("law", "span, points", *names, "verdict"),
            tuple(_given_away(cell) for cell in cells),
            ("verdict",),
        ),
        TruthTable(
            f"The same pooled, %, and mean points, start {start}",
            ("law", *names),
            tuple(_all_pooled(cell) for cell in cells),
        ),
        TruthTable(
            f"Where optima lie, start {start}",
            _where_heads(suite.axes),
            tuple(_where(cell, suite.axes) for cell in cells),
        ),
        TruthTable(
            f"The rules that either half of the patients chose, start {start}",
            ("law", "first half", "second half"),
            tuple((cell.label, *map(_rule, cell.fitted)) for cell in cells),
            ("first half", "second half"),
        ),
        TruthTable(
            f"Tags, start {start}; patients by what the factory settings give away",
            ("law", *bin_words(), "tags"),
            tuple(
                (cell.label, *(str(count) for count in cell.binned), cell.tags)
                for cell in cells
            ),
            ("tags",),
        ),
    )


def _where_heads(axes: Sequence[str]) -> tuple[str, ...]:
    return (
        "law",
        "A16: dP/dt at factory, %",
        _A16_HEAD,
        "at highest tolerated, %",
        "at an end of another axis, %",
        *(f"{name} explains, %" for name in axes),
    )


def _given_away(cell: LawCell) -> tuple[str, ...]:
    return (
        cell.label,
        decimal(_median(cell.span), 1),
        *(_interval(cell.lost[name].median_pct) for name in YARDSTICKS),
        cell.verdict,
    )


def _where(cell: LawCell, axes: Sequence[str]) -> tuple[str, ...]:
    rise, spread = float(cell.rise_pct.mean()), float(cell.rise_pct.std(ddof=1))
    explained = dict(zip(cell.axes, cell.explained.mean(axis=0), strict=True))
    return (
        cell.label,
        f"{decimal(rise, 1)} (SD {decimal(spread, 1)})",
        cell.a16_answer,
        decimal(PCT_PER_FRAC * float(cell.at_top.mean()), 0),
        decimal(PCT_PER_FRAC * float(cell.at_edge.mean()), 0),
        *(
            decimal(PCT_PER_FRAC * float(explained[name]), 0)
            if name in explained
            else EN_DASH
            for name in axes
        ),
    )


def _rule(rule: Rule | None) -> str:
    return rule.text if rule else "CCM off"


def _all_pooled(cell: LawCell) -> tuple[str, ...]:
    return (cell.label, *(_pooled(cell, name) for name in YARDSTICKS))


def _pooled(cell: LawCell, name: str) -> str:
    pooled, points = cell.pooled_pct(name), cell.lost[name].mean_points
    share = decimal(pooled.value, 1) if pooled.known else EN_DASH
    return f"{share} ({decimal(points.value, 2)})"


def _interval(found: Estimate) -> str:
    if not found.known:
        return EN_DASH
    return f"{decimal(found.value, 1)} ({between(found.low, found.high, 1)})"


def _share(value: float) -> str:
    return decimal(value, 1) if value == value else EN_DASH


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values))
