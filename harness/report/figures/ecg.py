"""Lead II with one lane below it for each kind of device marker: two strips."""

import math
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.drawing import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    VERMILION,
    WIDTH_IN,
)
from harness.report.contents import Report
from harness.report.figures.plot import Plot
from harness.report.sections.strips import StripMarker, StripPart

LEAST_MV: Final = (-0.5, 1.5)
"""What a strip shows at least; a taller beat has more paper."""

PAPER_MM_PER_S: Final = 25.0
GAIN_MM_PER_MV: Final = 10.0
SQUARE_S: Final = 0.2
SQUARE_MV: Final = 0.5
BEFORE_S: Final = -2.0 * SQUARE_S  # where the calibration mark stands
MM_PER_IN: Final = 25.4
ROOM_S: Final = 0.8
LEAST_S: Final = 0.012  # a shorter marker could not be seen
LANE_IN: Final = 0.14
LEFT_IN: Final = 0.55
FRAME_IN: Final = 0.38
LANES: Final = {
    "atrial": ("A", PURPLE),
    "ventricular": ("V", GREEN),
    "local sense": ("LS", ORANGE),
    "ccm": ("CCM", BLUE),
    "inhibit": ("no CCM", VERMILION),
}


def _strip(report: Report, name: str) -> StripPart | None:
    return next((strip for strip in report.strips if strip.name == name), None)


def ecg_plot(name: str) -> Plot:
    """Return the figure of the strip of a name."""

    def told(report: Report) -> StripPart:
        strip = _strip(report, name)
        if strip is None:
            raise LookupError(f"the report has no strip {name!r}")
        return strip

    def caption(report: Report) -> str:
        strip = told(report)
        return (
            f"{strip.title}. At {strip.start.text} of the visit. {strip.caption} "
            f"{_scale(strip)}"
        )

    return Plot(
        name=f"ecg_{name}",
        has_data=lambda report: _strip(report, name) is not None,
        draw=lambda report: ecg_figure(told(report)),
        title=lambda report: f"ECG lead II with device markers, {told(report).title}",
        words=lambda report: told(report).caption,
        caption=caption,
    )


def _scale(strip: StripPart) -> str:
    """Tell speed and gain of the paper, as on any strip."""
    length_s = len(strip.lead_ii_mv) / strip.sampling_hz
    return (
        f"Printed: {paper_mm_per_s(length_s):g} mm/s, {GAIN_MM_PER_MV:g} mm/mV; the "
        f"mark in front is 1 mV, the squares are {SQUARE_S:g} s and {SQUARE_MV:g} mV."
    )


def ecg_figure(strip: StripPart) -> Figure:
    """Draw lead II to scale, with one lane below it for each kind of marker."""
    lanes_in = LANE_IN * len(_lanes(strip))
    low_mv, high_mv = _shown_mv(strip)
    trace_in = (high_mv - low_mv) * GAIN_MM_PER_MV / MM_PER_IN
    height_in = trace_in + lanes_in + FRAME_IN
    figure = Figure(figsize=(WIDTH_IN, height_in))
    length_s = len(strip.lead_ii_mv) / strip.sampling_hz
    span_s = (WIDTH_IN - LEFT_IN) * MM_PER_IN / paper_mm_per_s(length_s)

    def axes_at(bottom_in: float, tall_in: float) -> Axes:
        box = (LEFT_IN / WIDTH_IN, bottom_in / height_in)
        size = (1.0 - LEFT_IN / WIDTH_IN, tall_in / height_in)
        axes = figure.add_axes((*box, *size))
        axes.set_xlim(BEFORE_S, BEFORE_S + span_s)
        return axes

    lanes = axes_at(FRAME_IN, lanes_in)
    _trace(axes_at(FRAME_IN + lanes_in, trace_in), strip, length_s)
    _marker_lanes(lanes, strip, length_s)
    lanes.set_xticks(np.arange(0.0, length_s + 0.5))
    lanes.set_xlabel("time, s")
    return figure


def paper_mm_per_s(length_s: float) -> float:
    """Return the paper speed at which a strip is as wide as the page: 25, or half."""
    fits = (WIDTH_IN - LEFT_IN) * MM_PER_IN / PAPER_MM_PER_S + BEFORE_S
    return PAPER_MM_PER_S if length_s <= fits else PAPER_MM_PER_S / 2.0


def _trace(axes: Axes, strip: StripPart, length_s: float) -> None:
    """Draw the lead behind its calibration mark: 1 mV, as long as a square."""
    time_s = np.arange(len(strip.lead_ii_mv)) / strip.sampling_hz
    shown_mv = _shown_mv(strip)
    _paper(axes, length_s, shown_mv)
    axes.plot(time_s, strip.lead_ii_mv, color=INK, linewidth=0.9)
    start_s = BEFORE_S + SQUARE_S / 4.0
    mark_s = start_s + SQUARE_S * np.array([0.0, 0.25, 0.25, 1.0, 1.0, 1.25])
    axes.plot(mark_s, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0], color=INK, linewidth=0.9)
    axes.set_ylabel("lead II, mV")
    axes.set_ylim(*shown_mv)
    low, high = shown_mv
    # a number at the lower edge would stand on the label of the lane below it
    axes.set_yticks([mv for mv in range(math.ceil(low), int(high) + 1) if mv > low])
    axes.tick_params(axis="x", which="both", length=0, labelbottom=False)
    axes.spines["bottom"].set_visible(False)


def _shown_mv(strip: StripPart) -> tuple[float, float]:
    """Return lower and upper edge of the paper, in whole squares."""
    low, high = min(strip.lead_ii_mv), max(strip.lead_ii_mv)
    return (
        min(LEAST_MV[0], SQUARE_MV * math.floor(low / SQUARE_MV)),
        max(LEAST_MV[1], SQUARE_MV * math.ceil(high / SQUARE_MV)),
    )


def _paper(axes: Axes, length_s: float, shown_mv: tuple[float, float]) -> None:
    """Rule the paper at 0.2 s and 0.5 mV; lines cost far less time than ticks."""
    looks: dict[str, Any] = {"color": FAINT, "linewidth": 0.25, "zorder": 0.5}
    looks["alpha"] = 0.35
    axes.vlines(np.arange(BEFORE_S, length_s + 0.1, SQUARE_S), *shown_mv, **looks)
    axes.hlines(np.arange(*shown_mv, SQUARE_MV), BEFORE_S, length_s, **looks)


def _lanes(strip: StripPart) -> list[str]:
    """Return the kinds of markers that have a lane."""
    present = {marker.kind for marker in strip.markers}
    return [kind for kind in LANES if kind in present or kind == "ccm"]


def _marker_lanes(axes: Axes, strip: StripPart, length_s: float) -> None:
    shown = _lanes(strip)
    for row, kind in enumerate(shown):
        bars = [(m.at_s, _width_s(m)) for m in strip.markers if m.kind == kind]
        if bars:
            axes.broken_barh(bars, (row - 0.36, 0.72), color=LANES[kind][1])
    for marker in strip.markers:
        if _is_named(marker):
            late = marker.at_s > length_s - ROOM_S
            axes.annotate(
                marker.code,
                (
                    marker.at_s if late else marker.at_s + _width_s(marker),
                    shown.index(marker.kind),
                ),
                xytext=(-3 if late else 3, 0),
                textcoords="offset points",
                ha="right" if late else "left",
                va="center",
                fontsize=8,
            )
    axes.set_yticks(range(len(shown)), [LANES[kind][0] for kind in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _width_s(marker: StripMarker) -> float:
    return max(marker.end_s - marker.at_s, LEAST_S)


def _is_named(marker: StripMarker) -> bool:
    return marker.kind == "inhibit" or marker.code == "VE"


ECG_FOUND: Final = ecg_plot("found")
ECG_FINAL: Final = ecg_plot("final")
