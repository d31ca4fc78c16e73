"""The figure of a forecast: where the minutes go, and how the visit may end."""

from itertools import cycle
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.drawing import FAINT, INK, drawn
from harness.study.ahead.forecast import NO_DIFFERENCE, Forecast

SHOWN: Final = ("improved", NO_DIFFERENCE, "harmful as found", "stopped for safety")
_FILLS: Final = ((INK, ""), ("white", ""), (FAINT, "////"), ("white", "...."))
_ROW_IN: Final = 0.2
_PHASES_IN: Final = 2.6


def forecast_figure(ahead: Forecast, *, width: str) -> Figure:
    """Return the figure: minutes by phase above, verdicts by readout and plan below."""
    n = ahead.tests.n_rows

    def draw(figure: Figure) -> None:
        heights = (_PHASES_IN, 0.9 + _ROW_IN * n)
        above, below = figure.subplots(2, 1, height_ratios=heights)
        _minutes(above, ahead)
        _verdicts(below, ahead)

    return drawn(draw, height_in=_PHASES_IN + 1.2 + _ROW_IN * n, width=width)


def _minutes(axes: Axes, ahead: Forecast) -> None:
    rows = [r for r in ahead.phases.rows() if (r["readout"], r["plan"]) == ahead.own]
    places = np.arange(len(rows))
    minutes = np.array([row["minutes"] for row in rows])
    reach = np.array([[r["low_minutes"], r["high_minutes"]] for r in rows]).T
    error = np.maximum(np.abs(reach - minutes), 0.0)
    axes.barh(places, minutes, color=FAINT, xerr=error, ecolor=INK)
    axes.set_yticks(places, [row["phase"] for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel(f"minutes, {' '.join(ahead.own)}: mean, 5 to 95 % of visits")


def _verdicts(axes: Axes, ahead: Forecast) -> None:
    cells = list(zip(ahead.tests["readout"], ahead.tests["plan"], strict=True))
    places, left = np.arange(len(cells)), np.zeros(len(cells))
    for verdict, (colour, hatch) in zip(SHOWN, cycle(_FILLS), strict=False):
        chance = _chances(ahead, verdict)
        axes.barh(
            places, chance, left=left, label=verdict, color=colour, hatch=hatch,
            edgecolor=INK, linewidth=0.6,
        )  # fmt: skip
        left = left + chance
    axes.set_yticks(places, [f"{readout}, {plan}" for readout, plan in cells])
    axes.invert_yaxis()
    axes.set_xlim(0.0, 1.0)
    axes.set_xlabel(f"share of {ahead.n_visits} visits, each readout and plan")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.25), ncols=2)


def _chances(ahead: Forecast, verdict: str) -> Any:
    table = ahead.verdicts
    return table["chance"][table["verdict"] == verdict]
