"""The figures of a study and plan as SVG files."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.figure import Figure

from harness.common.drawing import STYLE, svg_file
from harness.study.judging.board import Judged, Line
from harness.study.judging.cells import Cell, cells
from harness.study.judging.choices import choices
from harness.study.judging.gate_figure import curves, gate_figure, gate_words
from harness.study.judging.over_minutes import regret_figure, solved_figure
from harness.study.judging.scatter import price_figure, readings_figure
from harness.study.judging.strokes import N_BEST, Stroke
from harness.study.judging.trajectory import evaluations_by_visit
from harness.study.judging.waterfall import waterfall_figure, waterfall_words

REGRET_CAPTION: Final = (
    "What the choice would give away had the search ended at that minute: median over "
    "patients, longest budget; bands are 95 % intervals of the median. Open marks with "
    "bars: where the searches of each budget ended. Dotted: the reference kept. Thin "
    "grey: all other contenders, which the table names."
)
SOLVED_CAPTION: Final = (
    "Pairs of a visit and a target of 50, 75 or 90 % of the attainable gain; solved is "
    "a choice that has at least that, had the search ended at that minute: a hit that "
    "is given up again counts only while it lasts. Patients with nothing to gain are "
    "left out. Longest budget; thin grey: all other contenders."
)
PRICE_CAPTION: Final = (
    "Left is gentler, lower is better. Unpleasant events are tests that were felt or "
    "stopped. Bars are 95 % bootstrap intervals."
)
READINGS_CAPTION: Final = (
    "Medians over the searches of all contenders with quartiles. Dashed: the same "
    "number of beats, divided otherwise. Beside each mark: the lowest median regret "
    "that any contender reached there."
)
WATERFALL_CAPTION: Final = (
    "True gain of what was programmed for good; the best contenders, a bar a patient. "
    "Mean over replicates. Vermilion with a cross: harmed in any of them, worse than "
    "the reference by 0.1 point or more, or newly felt. Grey dash: what the patient "
    "could have gained. No bar: the reference was kept."
)
GATES_CAPTION: Final = (
    "From stored searches, by one recommender: the reference is left only for a "
    "setting that is better with more than the probability beside the marks. Left is "
    "safer, lower is better. Points lost of those who can gain, harm of all, before a "
    "verification sees the choice."
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure: its name among the files, what it shows, how to read it, the file."""

    name: str
    title: str
    caption: str
    svg: bytes


def figures(
    judged: Judged, plan: str, known: Mapping[str, Stroke], prefix: str = ""
) -> tuple[Drawn, ...]:
    """Draw the figures of one plan in the main group.

    Parameters
    ----------
    known
        The strokes of those who stand out.
    prefix
        Begins the names, so that figures of several studies can stand on one page.
    """
    all_cells = list(cells(judged.visits, judged.main))
    of_plan = [cell for cell in all_cells if cell.plan == plan]
    if not of_plan:
        return ()
    with _house_style():
        return tuple(
            Drawn(
                f"{prefix}{name}",
                title,
                caption,
                svg_file(f"{prefix}{name}", figure, title, description),
            )
            for name, title, caption, description, figure in _drawn(
                judged, plan, known, (of_plan, all_cells)
            )
        )


_Parts = tuple[str, str, str, str, Figure]


def _drawn(
    judged: Judged,
    plan: str,
    known: Mapping[str, Stroke],
    drawn_from: tuple[Sequence[Cell], Sequence[Cell]],
) -> Iterator[_Parts]:
    """Yield name, title, caption, description and figure, one after the other."""
    of_plan, all_cells = drawn_from
    table = judged.table(judged.main.name, plan, judged.budget_in(plan))
    if judged.study.has_searches:
        yield from _over_minutes(judged, table, of_plan, known)
    yield (
        "price",
        "Regret against unpleasant events",
        PRICE_CAPTION,
        f"{_words(table, known)}.",
        price_figure(table, known),
    )
    yield (
        "readings",
        "Beats a test against number of tests",
        _readings_caption(all_cells),
        _readings_caption(all_cells),
        readings_figure(judged, all_cells),
    )
    yield from _waterfall(table, of_plan)
    gates = choices(judged, plan).gates
    if curves(gates, known):
        yield (
            "gates",
            "The gate: what it costs and what it spares",
            GATES_CAPTION,
            f"{gate_words(gates, known)}.",
            gate_figure(gates, known),
        )


def _over_minutes(
    judged: Judged,
    table: Sequence[Line],
    of_plan: Sequence[Cell],
    known: Mapping[str, Stroke],
) -> Iterator[_Parts]:
    """Yield what the choice would have been, had the search ended at each minute."""
    by_visit = evaluations_by_visit(judged.study.evaluations)
    yield (
        "regret",
        "Regret of the choice over titration minutes",
        REGRET_CAPTION,
        f"{_words(table, known)}.",
        regret_figure(judged, of_plan, by_visit, known),
    )
    yield (
        "solved",
        "Share of (patient, target) pairs solved over titration minutes",
        SOLVED_CAPTION,
        f"{_solved_words(table, known)}.",
        solved_figure(judged, of_plan, by_visit, known),
    )


def _waterfall(table: Sequence[Line], cells: Sequence[Cell]) -> Iterator[_Parts]:
    """Yield the gains of the best contenders' patients, if there are contenders."""
    shown = [line.contender for line in table if not line.is_baseline][:N_BEST]
    rows = [_cell(cells, name, table[0].budget_min) for name in shown]
    if rows:
        yield (
            "patients",
            "Gain of each patient, sorted",
            WATERFALL_CAPTION,
            "; ".join(map(waterfall_words, rows)),
            waterfall_figure(rows),
        )


def _cell(of_plan: Sequence[Cell], contender: str, budget_min: float) -> Cell:
    wanted = (contender, budget_min)
    return next(c for c in of_plan if (c.contender, c.budget_min) == wanted)


def _words(table: Sequence[Line], known: Mapping[str, Stroke]) -> str:
    return "; ".join(
        f"{line.contender} at {line.budget_min:g} minutes: median regret "
        f"{line['regret_median_pct'].value:.1f} %, "
        f"{line['unpleasant_events_mean'].value:.2f} unpleasant events a visit"
        for line in table
        if line.contender in known
    )


def _solved_words(table: Sequence[Line], known: Mapping[str, Stroke]) -> str:
    return "; ".join(
        f"{line.contender} at {line.budget_min:g} minutes: "
        + ", ".join(
            f"{line[name].value:.0f} % with {share} % of the gain or more"
            for name, share in (("solved_50_pct", 50), ("solved_90_pct", 90))
        )
        for line in table
        if line.contender in known
    )


def _readings_caption(all_cells: Sequence[Cell]) -> str:
    plans = list(dict.fromkeys(cell.plan for cell in all_cells))
    if len(plans) == 1:
        return (
            f"This study has one measuring plan, {plans[0]}, so it cannot tell how to "
            "divide the beats: the marks show only where its searches lie. "
            f"{READINGS_CAPTION}"
        )
    return READINGS_CAPTION


@contextmanager
def _house_style() -> Iterator[None]:
    with rc_context(), warnings.catch_warnings():
        # text stays text: the reader's own fonts draw what the measuring font lacks
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        rcdefaults()  # a reader's own matplotlib settings must not change the bytes
        rcParams.update(STYLE)
        yield
