"""The figure of several visits: verified gain, its interval, and the naive claim."""

from collections.abc import Sequence
from typing import Final

from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.archive.side_by_side.visits import StoredVisit, naive_claim
from harness.common.drawing import (
    BLUE,
    INK,
    STYLE,
    VERMILION,
    drawn,
    new_figure,
    svg_file,
)

LONGEST_NAME: Final = 30
ROW_IN: Final = 0.42


def forest_svg(visits: Sequence[StoredVisit]) -> bytes:
    """Return the figure as an SVG file: same visits, same bytes."""
    with rc_context():
        rcdefaults()  # a reader's own matplotlib settings must not change the bytes
        rcParams.update(STYLE)
        words = "; ".join(_words(visit) for visit in visits)
        forest = new_figure(_height_in(visits))
        _draw(forest, visits)
        return svg_file(
            "forest",
            forest,
            "Verified gain of each visit with its 95 % interval, and the naive claim",
            f"{words}. All values are in the table of verdicts. Simulated data.",
        )


def _words(visit: StoredVisit) -> str:
    verdict = visit.report.verdict
    return (
        f"visit {visit.number}: verified gain {verdict.gain.text}, interval "
        f"{verdict.interval_95.text}, naive claim {naive_claim(visit.report).text}"
    )


def forest_figure(visits: Sequence[StoredVisit]) -> Figure:
    """Return the figure for a journal, as wide as its page."""
    return drawn(
        lambda figure: _draw(figure, visits),
        height_in=_height_in(visits),
        width="double",
    )


def _height_in(visits: Sequence[StoredVisit]) -> float:
    return 1.0 + ROW_IN * len(visits)


def _draw(figure: Figure, visits: Sequence[StoredVisit]) -> None:
    axes = figure.add_subplot()
    axes.axvline(0.0, color=INK, linewidth=0.8)
    for row, visit in enumerate(visits):
        _draw_visit(axes, row, visit)
    axes.set_yticks([])
    axes.set_ylim(len(visits) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("gain over the reference of the visit, %")
    _legend(axes)


def _draw_visit(axes: Axes, row: int, visit: StoredVisit) -> None:
    verdict, naive = visit.report.verdict, naive_claim(visit.report).value
    limits, gain = verdict.interval_95, verdict.gain.value
    if limits.low is not None and limits.high is not None:
        axes.plot([limits.low, limits.high], [row, row], color=BLUE, linewidth=2.0)
    if gain is not None:
        axes.plot([gain], [row], "s", color=BLUE, markersize=7)
    if naive is not None:
        axes.plot(
            [naive], [row], "D", color=VERMILION, markerfacecolor="none", markersize=6
        )
    _beside(axes, row, verdict.kind, x_frac=1.0, up_pt=0)
    _beside(axes, row, f"{visit.number}  {visit.name}", x_frac=0.0, up_pt=6)
    _beside(axes, row, visit.strategy, x_frac=0.0, up_pt=-6)


def _beside(axes: Axes, row: int, text: str, *, x_frac: float, up_pt: int) -> None:
    """Write one line at the left or right edge; a browser aligns lines one by one."""
    axes.annotate(
        _short(text).replace("$", r"\$"),  # a dollar sign would start a formula
        (x_frac, row),
        xytext=(6 if x_frac else -6, up_pt),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="left" if x_frac else "right",
        va="center",
        fontsize=8.5,
    )


def _legend(axes: Axes) -> None:
    axes.plot([], [], "s-", color=BLUE, label="verified gain, 95 % interval")
    axes.plot(
        [],
        [],
        "D",
        color=VERMILION,
        markerfacecolor="none",
        label="naive claim: best single reading",
    )
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= LONGEST_NAME else f"{words[: LONGEST_NAME - 1]}…"
