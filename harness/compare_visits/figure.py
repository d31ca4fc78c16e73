"""The figure of several visits: verified gain, its interval, and the naive claim."""

from collections.abc import Sequence
from typing import Final

from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.compare_visits.visits import Visit, naive_claim
from harness.report.drawing import (
    BLUE,
    INK,
    STYLE,
    VERMILION,
    new_figure,
    svg_file,
)

LONGEST_NAME: Final = 30
ROW_IN: Final = 0.42


def forest_svg(visits: Sequence[Visit]) -> bytes:
    """Return the figure as an SVG file: same visits, same bytes."""
    with rc_context():
        rcdefaults()  # a reader's own matplotlib settings must not change the bytes
        rcParams.update(STYLE)
        words = "; ".join(_words(visit) for visit in visits)
        return svg_file(
            "forest",
            _forest(visits),
            "Verified gain of each visit with its 95 % interval, and the naive claim",
            f"{words}. All values are in the table of verdicts. Simulated data.",
        )


def _words(visit: Visit) -> str:
    verdict = visit.report.verdict
    return (
        f"visit {visit.number}: verified gain {verdict.gain.text}, interval "
        f"{verdict.interval_95.text}, naive claim {naive_claim(visit.report).text}"
    )


def _forest(visits: Sequence[Visit]) -> Figure:
    figure = new_figure(1.0 + ROW_IN * len(visits))
    axes = figure.add_subplot()
    axes.axvline(0.0, color=INK, linewidth=0.8)
    for row, visit in enumerate(visits):
        _draw_visit(axes, row, visit)
    names = [f"{v.number}  {_short(v.name)}\n{_short(v.strategy)}" for v in visits]
    # a dollar sign would start a formula
    axes.set_yticks(range(len(visits)), [n.replace("$", r"\$") for n in names])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(visits) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("gain over the reference of the visit, %")
    _legend(axes)
    return figure


def _draw_visit(axes: Axes, row: int, visit: Visit) -> None:
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
    axes.annotate(
        verdict.kind,
        (1.0, row),
        xytext=(6, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
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
