"""The curve of the gate: what is lost against who is harmed before the verdict."""

from collections.abc import Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.drawing import new_figure
from harness.study.judging.choices import Row
from harness.study.judging.numbers import Estimate
from harness.study.judging.strokes import Stroke, shown_name

HEIGHT_IN: Final = 4.0
NAMED: Final = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
"""Probabilities that are written beside the curve of the contender that loses least."""
Point = tuple[float, float, float]


def curves(rows: Sequence[Row], known: Mapping[str, Stroke]) -> dict[str, list[Point]]:
    """Return harm, share lost and probability asked of those who stand out, percent."""
    found: dict[str, list[Point]] = {}
    for row in rows:
        harm, lost = row["harms_pct"], row["share_pct"]
        asked, name = row["gate_probability"], str(row["contender"])
        if name not in known or not isinstance(asked, float):
            continue
        if isinstance(harm, Estimate) and isinstance(lost, Estimate) and lost.known:
            found.setdefault(name, []).append((harm.value, lost.value, asked))
    return found


def gate_figure(rows: Sequence[Row], known: Mapping[str, Stroke]) -> Figure:
    """Draw a curve a contender, from a gate that asks nothing to one that asks 99 %."""
    figure = new_figure(HEIGHT_IN)
    axes = figure.add_subplot()
    drawn = curves(rows, known)
    for name, points in drawn.items():
        stroke = known[name]
        axes.plot(
            [harm for harm, _, _ in points],
            [lost for _, lost, _ in points],
            color=stroke.color,
            marker=stroke.marker,
            linestyle=stroke.dashes,
            markersize=5,
            label=shown_name(name),
        )
    if drawn:
        least = min(
            drawn.values(), key=lambda points: min(lost for _, lost, _ in points)
        )
        _probabilities(axes, least)
        axes.legend(frameon=False)
    axes.set_xlabel("harmed before the verdict, % of visits")
    axes.set_ylabel("points lost of the span, %")
    axes.margins(0.1)
    axes.set_ylim(bottom=0.0)
    return figure


def _probabilities(axes: Axes, points: Sequence[Point]) -> None:
    """Write the probability asked once at each place of a curve."""
    told: dict[tuple[float, float], list[str]] = {}
    for harm, lost, asked in points:
        if asked in NAMED:
            told.setdefault((harm, lost), []).append(f"{asked:g}")
    for place, texts in told.items():
        axes.annotate(
            ", ".join(texts),
            place,
            xytext=(6, 6),
            textcoords="offset points",
            fontsize=7.5,
        )


def gate_words(rows: Sequence[Row], known: Mapping[str, Stroke]) -> str:
    """Return the ends of each curve for those who cannot see it."""
    return "; ".join(
        f"{name}: {points[0][1]:.1f} % lost and {points[0][0]:.1f} % harmed without a "
        f"gate, {points[-1][1]:.1f} % and {points[-1][0]:.1f} % where "
        f"{points[-1][2]:g} is asked"
        for name, points in curves(rows, known).items()
    )
