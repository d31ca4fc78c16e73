"""Response curves with their band, and a map of two values: what the search learnt."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from harness.common.drawing import BLUE, FAINT, INK, SKY, VERMILION, WIDTH_IN
from harness.common.margins import row_figure
from harness.common.words import SettingValue
from harness.report.contents import Report
from harness.report.figures.plot import Plot, always
from harness.report.sections.tests import AxisColumn, PooledRow
from harness.report.surface import Curve, GainMap, Surface

FLAT_PCT: Final = 0.3  # a map that spans less has no lines worth drawing
N_LINES: Final = 5
FEW_VALUES: Final = 12  # so few are shown one by one
SE_TO_95: Final = 1.96
HEIGHT_IN: Final = 2.45


def surface_figure(report: Report) -> Figure:
    """Draw the fitted gain along each value, and over two of them."""
    surface = _surface(report)
    figure = row_figure(HEIGHT_IN, WIDTH_IN)
    n_curves = len(surface.curves)
    widths = [1.0] * n_curves + [1.25] * (surface.map is not None)
    panels = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
    for axes, curve in zip(panels, surface.curves, strict=False):
        _curve(axes, report, curve)
    _share_gain_axis(panels[:n_curves])
    if surface.map is not None:
        _map(panels[-1], report, surface.map)
    figure.legend(
        handles=_handles(),
        loc="outside upper left",
        ncols=5,
        columnspacing=1.4,
        handlelength=1.8,
    )
    return figure


def _words(report: Report) -> str:
    told = []
    for curve in _surface(report).curves:
        k = curve.values.index(curve.chosen)
        told.append(
            f"Along {curve.symbol} from {curve.values[0]:g} to {curve.values[-1]:g} "
            f"the fitted gain runs from {curve.gain[0]:.1f} to {curve.gain[-1]:.1f} %, "
            f"at the setting chosen, {curve.chosen:g}, it is {curve.gain[k]:.1f} %, "
            f"band {curve.low[k]:.1f} to {curve.high[k]:.1f} %."
        )
    return " ".join(told)


def _has_data(report: Report) -> bool:
    surface = report.analysis.surface
    return surface is not None and bool(surface.curves)


def _surface(report: Report) -> Surface:
    surface = report.analysis.surface
    if surface is None:
        raise LookupError("the report has no fitted surface")
    return surface


def _curve(axes: Axes, report: Report, curve: Curve) -> None:
    axes.axhline(0.0, color=INK, linewidth=0.8)
    axes.fill_between(curve.values, curve.low, curve.high, color=SKY, alpha=0.35, lw=0)
    axes.plot(curve.values, curve.low, ":", color=BLUE, linewidth=0.7)
    axes.plot(curve.values, curve.high, ":", color=BLUE, linewidth=0.7)
    is_coarse = len(curve.values) <= FEW_VALUES
    look = ".-" if is_coarse else "-"
    axes.plot(curve.values, curve.gain, look, color=INK, markersize=5)
    axes.axvline(curve.chosen, color=VERMILION, linewidth=1.0, linestyle=(0, (4, 2)))
    _readings(axes, report, curve)
    column = _column(report, curve.symbol)
    axes.set_xlabel(_name(column))
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _readings(axes: Axes, report: Report, curve: Curve) -> None:
    """Draw the readings on this line with their error, and faintly all others."""
    here: list[PooledRow] = []
    there: list[PooledRow] = []
    symbols = [column.symbol for column in report.tests.columns]
    place = symbols.index(curve.symbol)
    for row in report.tests.pooled:
        if row.gain.value is not None:
            (here if _is_on(report, row, curve) else there).append(row)
    axes.plot(
        [_number(row.values[place]) for row in there],
        [_gain(row) for row in there],
        "o",
        color=FAINT,
        markerfacecolor="none",
        markersize=3.5,
        markeredgewidth=0.8,
    )
    if here:
        axes.errorbar(
            [_number(row.values[place]) for row in here],
            [_gain(row) for row in here],
            yerr=[SE_TO_95 * (row.standard_error.value or 0.0) for row in here],
            fmt="s",
            color=INK,
            markersize=3.5,
            linewidth=0.8,
            capsize=1.5,
        )


def _is_on(report: Report, row: PooledRow, curve: Curve) -> bool:
    """Tell whether a setting differs from the chosen one along this curve alone."""
    surface = _surface(report)
    symbols = [column.symbol for column in report.tests.columns]
    others = [other for other in surface.curves if other.symbol != curve.symbol]
    return all(row.values[symbols.index(o.symbol)] == o.chosen for o in others)


def _share_gain_axis(panels: Sequence[Axes]) -> None:
    """Give the curves one scale of gain, named at the first."""
    low = min(axes.get_ylim()[0] for axes in panels)
    high = max(axes.get_ylim()[1] for axes in panels)
    for axes in panels:
        axes.set_ylim(low, high)
        axes.tick_params(axis="y", labelleft=axes is panels[0])
    panels[0].set_ylabel("gain against reference, %")


def _map(axes: Axes, report: Report, told: GainMap) -> None:
    gain = np.array(told.gain, dtype=np.float64)
    low = np.array(told.low, dtype=np.float64)
    if min(gain.shape) > 1 and np.nanmax(low) > 0.0:
        axes.contourf(
            told.x, told.y, low, levels=[0.0, np.inf], colors=[SKY], alpha=0.35
        )
    if min(gain.shape) > 1 and np.nanmax(gain) - np.nanmin(gain) > FLAT_PCT:
        levels = MaxNLocator(N_LINES).tick_values(np.nanmin(gain), np.nanmax(gain))
        lines = axes.contour(
            told.x, told.y, gain, levels=levels, colors=[BLUE], linewidths=0.9
        )
        axes.clabel(lines, fontsize=7.5, fmt="%g %%", colors=[INK])
    else:
        axes.set_title("flat: gain differs by less than 0.3 %", fontsize=7.5)
    symbols = [column.symbol for column in report.tests.columns]
    places = symbols.index(told.x_symbol), symbols.index(told.y_symbol)
    rows = [row.values for row in report.tests.pooled if row.gain.value is not None]
    axes.plot(
        [_number(values[places[0]]) for values in rows],
        [_number(values[places[1]]) for values in rows],
        "o",
        color=FAINT,
        markerfacecolor="none",
        markersize=3.5,
        markeredgewidth=0.8,
        clip_on=False,
    )
    axes.set_xlim(told.x[0], told.x[-1])
    axes.set_ylim(told.y[0], told.y[-1])
    axes.plot(*told.chosen, "*", color=VERMILION, markersize=9, clip_on=False)
    axes.set_xlabel(_name(_column(report, told.x_symbol)))
    axes.set_ylabel(_name(_column(report, told.y_symbol)))


def _handles() -> list[Line2D | Patch]:
    square: dict[str, Any] = {"marker": "s", "markersize": 3.5, "color": INK}
    ring: dict[str, Any] = {"marker": "o", "markersize": 3.5, "markerfacecolor": "none"}
    return [
        Line2D([], [], color=INK, label="fitted gain"),
        Patch(color=SKY, alpha=0.35, label="95 % band"),
        Line2D([], [], lw=0.8, label="readings on this line, 95 %", **square),
        Line2D([], [], color=FAINT, linestyle="none", label="other readings", **ring),
        Line2D([], [], color=VERMILION, linestyle=(0, (4, 2)), label="setting chosen"),
    ]


def _column(report: Report, symbol: str) -> AxisColumn:
    return next(c for c in report.tests.columns if c.symbol == symbol)


def _name(column: AxisColumn) -> str:
    return f"{column.short.lower()}, {column.unit}".rstrip(", ")


def _gain(row: PooledRow) -> float:
    return float("nan") if row.gain.value is None else row.gain.value


def _number(value: SettingValue) -> float:
    return float(value)


SURFACE: Final = Plot(
    name="surface",
    has_data=_has_data,
    draw=surface_figure,
    title=always("Response curves: fitted gain with its 95 % band"),
    words=_words,
    caption=always(
        "Left: fitted gain along each value, the others as in the setting chosen, with "
        "its 95 % band. Right: the same over two values; shaded where the lower 95 % "
        "limit is above 0; star: setting chosen; rings: settings read."
    ),
)
