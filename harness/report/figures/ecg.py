"""Lead II with one lane below it for each kind of device marker: two strips."""

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
    new_figure,
)
from harness.report.contents import Report
from harness.report.figures.plot import Plot
from harness.report.sections.strips import StripMarker, StripPart

ECG_MV: Final = (-1.0, 1.9)
ROOM_S: Final = 0.8
TRACE_IN: Final = 0.75
LANE_IN: Final = 0.15
FRAME_IN: Final = 0.42
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
        return f"{strip.title}. At {strip.start.text} of the visit. {strip.caption}"

    return Plot(
        name=f"ecg_{name}",
        has_data=lambda report: _strip(report, name) is not None,
        draw=lambda report: ecg_figure(told(report)),
        title=lambda report: f"ECG lead II with device markers, {told(report).title}",
        words=lambda report: told(report).caption,
        caption=caption,
    )


def ecg_figure(strip: StripPart) -> Figure:
    """Draw lead II with one lane below it for each kind of marker."""
    lanes_in = LANE_IN * len(_lanes(strip))
    figure = new_figure(TRACE_IN + FRAME_IN + lanes_in)
    trace, lanes = figure.subplots(
        2, 1, sharex=True, height_ratios=(TRACE_IN, lanes_in)
    )
    time_s = np.arange(len(strip.lead_ii_mv)) / strip.sampling_hz
    length_s = float(time_s[-1] + 1.0 / strip.sampling_hz)
    _paper(trace, length_s)
    trace.plot(time_s, strip.lead_ii_mv, color=INK, linewidth=0.9)
    trace.set_ylabel("lead II, mV")
    trace.set_ylim(*ECG_MV)
    trace.tick_params(axis="x", which="both", length=0, labelbottom=False)
    trace.spines["bottom"].set_visible(False)
    _marker_lanes(lanes, strip)
    late = [m for m in strip.markers if _is_named(m) and m.at_s > length_s - ROOM_S]
    lanes.set_xlim(0.0, length_s + (ROOM_S if late else 0.0))
    lanes.set_xlabel("time, s")
    return figure


def _paper(axes: Axes, length_s: float) -> None:
    """Rule the paper at 0.2 s and 0.5 mV; lines cost far less time than ticks."""
    looks: dict[str, Any] = {"color": FAINT, "linewidth": 0.25, "zorder": 0.5}
    looks["alpha"] = 0.35
    axes.vlines(np.arange(0.0, length_s + 0.1, 0.2), *ECG_MV, **looks)
    axes.hlines(np.arange(-1.0, ECG_MV[1], 0.5), 0.0, length_s, **looks)


def _lanes(strip: StripPart) -> list[str]:
    """Return the kinds of markers that have a lane."""
    present = {marker.kind for marker in strip.markers}
    return [kind for kind in LANES if kind in present or kind == "ccm"]


def _marker_lanes(axes: Axes, strip: StripPart) -> None:
    shown = _lanes(strip)
    for marker in strip.markers:
        row, colour = shown.index(marker.kind), LANES[marker.kind][1]
        width_s = max(marker.end_s - marker.at_s, 0.012)
        axes.broken_barh([(marker.at_s, width_s)], (row - 0.36, 0.72), color=colour)
        if _is_named(marker):
            axes.annotate(
                marker.code,
                (marker.at_s + width_s, row),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
    axes.set_yticks(range(len(shown)), [LANES[kind][0] for kind in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _is_named(marker: StripMarker) -> bool:
    return marker.kind == "inhibit" or marker.code == "VE"


ECG_FOUND: Final = ecg_plot("found")
ECG_FINAL: Final = ecg_plot("final")
