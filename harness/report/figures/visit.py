"""The figures of a report as SVG: same report, same bytes.

Every series differs by marker or line style as well as by colour (Okabe-Ito).
"""

from typing import Any, Final

import numpy as np
from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.drawing import (
    BLUE,
    FAINT,
    GREEN,
    HALF_IN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    STYLE,
    VERMILION,
    new_figure,
    svg_file,
)
from harness.common.words import setting_text
from harness.report.figures.surface import surface_figure, surface_words
from harness.report.figures.timing import described, timing_figure
from harness.report.model import (
    PairRow,
    Quantity,
    Report,
    Strip,
    StripMarker,
    TestedRow,
)
from sim.device.settings import Settings

ECG_MV: Final = (-1.0, 1.9)
ROOM_S: Final = 0.8
BEYOND: Final = 2  # the mean stands so many pairs behind the last one
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
Words = tuple[str, str]


def figures(report: Report) -> dict[str, bytes]:
    """Return every figure that the report has data for: name to SVG file."""
    drawn: dict[str, bytes] = {}
    with rc_context():
        rcdefaults()  # a reader's own matplotlib settings must not change the bytes
        rcParams.update(STYLE)
        for strip in report.strips:
            drawn[f"ecg_{strip.name}"] = svg_file(
                f"ecg_{strip.name}", ecg_figure(strip), *_ecg_words(strip)
            )
        if any(row.gain.value is not None for row in report.tests.rows):
            drawn["response"] = svg_file(
                "response", response_figure(report), *_response_words(report)
            )
        surface = report.analysis.surface
        if surface is not None and surface.curves:
            drawn["surface"] = svg_file(
                "surface", surface_figure(report, surface), *surface_words(surface)
            )
        if report.analysis.pairs:
            drawn["pressure"] = svg_file(
                "pressure", pressure_figure(report), *_pressure_words(report)
            )
        settings = permanent_settings(report)
        if settings.delivers:
            drawn["timing"] = svg_file(
                "timing",
                timing_figure(settings, width_in=HALF_IN),
                *_timing_words(settings),
            )
        if report.encounter.phases:
            drawn["timeline"] = svg_file(
                "timeline", timeline_figure(report), *_timeline_words(report)
            )
        if report.answer_key.final_loop.volume_ml:
            drawn["pv_loop"] = svg_file(
                "pv_loop", loop_figure(report), *_loop_words(report)
            )
    return drawn


def permanent_settings(report: Report) -> Settings:
    """Return the permanent values as the device has them."""
    rows = (*report.permanent.main, *report.permanent.others)
    values: dict[str, Any] = {row.symbol: row.permanent for row in rows}
    return Settings(**values)


def _number(value: Quantity) -> float:
    return float("nan") if value.value is None else value.value


def response_figure(report: Report) -> Figure:
    """Draw the gain of every test with its 95 % interval, settings below."""
    figure = new_figure(2.7)
    axes = figure.add_subplot()
    rows = report.tests.rows
    _verified_band(axes, report)
    axes.axhline(0.0, color=INK, linewidth=0.8)
    looks = (
        ("kept", [r for r in rows if _read(r) and r.kept], "o", BLUE, BLUE),
        ("rejected", [r for r in rows if _read(r) and not r.kept], "s", FAINT, "none"),
    )
    for label, chosen, marker, colour, fill in looks:
        if chosen:
            axes.errorbar(
                [r.number for r in chosen],
                [_number(r.gain) for r in chosen],
                yerr=np.array([_reach(r) for r in chosen]).T,
                fmt=marker,
                color=colour,
                markerfacecolor=fill,
                markersize=6,
                capsize=2.5,
                linewidth=1.1,
                label=label,
            )
    unread = [r.number for r in rows if not _read(r)]
    if unread:
        low = axes.get_ylim()[0]
        axes.plot(
            unread,
            [low] * len(unread),
            "x",
            color=VERMILION,
            markersize=7,
            clip_on=False,
            label="ended early or void",
        )
    axes.set_ylabel("gain against reference, %")
    _setting_ticks(axes, report)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4)
    return figure


def _reach(row: TestedRow) -> tuple[float, float]:
    """Return how far the interval reaches below and above the gain."""
    gain, limits = _number(row.gain), row.interval_95
    low, high = limits.low, limits.high
    return (
        0.0 if low is None else gain - low,
        0.0 if high is None else high - gain,
    )


def _read(row: TestedRow) -> bool:
    return row.gain.value is not None


def _verified_band(axes: Axes, report: Report) -> None:
    limits, gain = report.verdict.interval_95, report.verdict.gain
    if limits.low is None or limits.high is None or gain.value is None:
        return
    axes.axhspan(limits.low, limits.high, color=SKY, alpha=0.25, linewidth=0)
    axes.axhline(
        gain.value, color=SKY, linestyle=(0, (5, 2)), label="verified, 95 % interval"
    )


def _setting_ticks(axes: Axes, report: Report) -> None:
    rows, columns = report.tests.rows, report.tests.columns
    varied = [
        k for k in range(len(columns)) if len({row.values[k] for row in rows}) > 1
    ][:4]
    names = [
        f"{columns[k].short.lower()}, {columns[k].unit}".rstrip(", ") for k in varied
    ]
    labels = [
        "\n".join(
            [
                str(row.number),
                *(setting_text(row.values[k], "", columns[k].digits) for k in varied),
            ]
        )
        for row in rows
    ]
    size = 8.5 if len(rows) <= 14 else 7.0 if len(rows) <= 24 else 6.0
    axes.set_xticks([row.number for row in rows], labels, fontsize=size)
    axes.set_xlim(rows[0].number - 0.7, rows[-1].number + 0.7)
    axes.annotate(
        "\n".join(["test", *(name.strip() for name in names)]),
        (0.0, 0.0),
        xytext=(-8.0, -6.5),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=size,
    )


def pressure_figure(report: Report) -> Figure:
    """Draw each verification pair: both readings, and beside them the change."""
    figure = new_figure(2.2)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    rows = report.analysis.pairs
    _pair_lines(left, rows)
    left.set_xlabel("pair")
    left.set_ylabel(report.analysis.reading_unit.replace(", ", ",\n", 1))
    left.set_xticks([row.number for row in rows])
    left.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3)
    valid = [row for row in rows if row.primary.value is not None]
    right.axhline(0.0, color=INK, linewidth=0.8)
    right.plot(
        [row.number for row in valid],
        [_number(row.primary) for row in valid],
        "D",
        color=FAINT,
        markerfacecolor="none",
        markersize=5,
    )
    ticks = {row.number: str(row.number) for row in rows[::2]}
    last = max((row.number for row in rows), default=1)
    if _mean_with_interval(right, report, last + BEYOND):
        ticks[last + BEYOND] = "mean,\n95 %"
    right.set_xlabel("pair")
    right.set_xticks(list(ticks), list(ticks.values()))
    right.set_ylabel("change, %")
    return figure


def _pair_lines(axes: Axes, rows: tuple[PairRow, ...]) -> None:
    for row in rows:
        ends = [_number(row.reference), _number(row.tested)]
        axes.plot([row.number] * 2, ends, color=FAINT, linewidth=1.0)
    looks = (("reference", "s", INK, "none"), ("tested", "o", BLUE, BLUE))
    for name, marker, colour, fill in looks:
        axes.plot(
            [row.number for row in rows],
            [_number(getattr(row, name)) for row in rows],
            marker,
            color=colour,
            markerfacecolor=fill,
            markersize=5,
            label=name,
        )
    void = [row for row in rows if row.void]
    if void:
        axes.plot(
            [row.number for row in void],
            [_number(row.tested) for row in void],
            "x",
            color=VERMILION,
            markersize=8,
            label="void",
        )


def _mean_with_interval(axes: Axes, report: Report, at: int) -> bool:
    """Draw the mean with its interval, and tell whether there is one."""
    gain, limits = report.verdict.gain, report.verdict.interval_95
    if gain.value is None or limits.low is None or limits.high is None:
        return False
    axes.errorbar(
        [at],
        [gain.value],
        yerr=[[gain.value - limits.low], [limits.high - gain.value]],
        fmt="o",
        color=BLUE,
        capsize=4,
        markersize=7,
    )
    axes.set_xlim(right=at + 1.0)
    return True


def loop_figure(report: Report) -> Figure:
    """Draw the true pressure-volume loops at the reference and the final values."""
    figure = new_figure(2.3, HALF_IN)
    axes = figure.add_subplot()
    key = report.answer_key
    looks = (
        ("reference", key.reference_loop, INK, (0, (4, 2))),
        ("final", key.final_loop, BLUE, "-"),
    )
    for label, loop, colour, style in looks:
        axes.plot(
            loop.volume_ml,
            loop.pressure_mmhg,
            color=colour,
            linestyle=style,
            label=label,
        )
    axes.set_xlabel("left ventricular volume, mL")
    axes.set_ylabel("left ventricular pressure, mmHg")
    axes.set_ylim(bottom=0.0)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    return figure


def timeline_figure(report: Report) -> Figure:
    """Draw when each phase took place, each test, and each adverse event."""
    phases = report.encounter.phases
    figure = new_figure(0.165 * len(phases) + 0.5, HALF_IN)
    axes = figure.add_subplot()
    for row, phase in enumerate(phases):
        start, length = _number(phase.start), _number(phase.duration)
        axes.barh(row, length, left=start, height=0.55, color=SKY)
        axes.annotate(
            phase.duration.text,
            (start + length, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
        )
    _tests_on_timeline(axes, report)
    axes.set_yticks(range(len(phases)), [phase.name for phase in phases])
    axes.invert_yaxis()
    axes.set_xlabel("time since check-in, min")
    axes.set_xlim(
        0.0, 1.06 * max(_number(p.start) + _number(p.duration) for p in phases)
    )
    return figure


def _tests_on_timeline(axes: Axes, report: Report) -> None:
    names = [phase.name for phase in report.encounter.phases]
    if "titration" in names and report.tests.rows:
        row = names.index("titration")
        at = [_number(tested.start) for tested in report.tests.rows]
        axes.vlines(at, row - 0.275, row + 0.275, color=INK, linewidth=0.8)
    adverse = [_number(event.at) for event in report.observation.adverse]
    if adverse:
        axes.plot(
            adverse,
            [-0.8] * len(adverse),
            "v",
            color=VERMILION,
            clip_on=False,
            label="adverse event",
        )
        axes.legend(loc="lower right")


def ecg_figure(strip: Strip) -> Figure:
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


def _lanes(strip: Strip) -> list[str]:
    """Return the kinds of markers that have a lane."""
    present = {marker.kind for marker in strip.markers}
    return [kind for kind in LANES if kind in present or kind == "ccm"]


def _marker_lanes(axes: Axes, strip: Strip) -> None:
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


def _response_words(report: Report) -> Words:
    read = [row for row in report.tests.rows if _read(row)]
    best = max(read, key=lambda row: _number(row.gain))
    return (
        "Gain of each setting tested, with its 95 % interval",
        f"{len(read)} tests with a valid reading; the highest single reading is "
        f"{best.gain.text} in test {best.number}. Verified gain "
        f"{report.verdict.gain.text}, 95 % interval {report.verdict.interval_95.text}. "
        "All values are in the table of tested settings.",
    )


def _pressure_words(report: Report) -> Words:
    return (
        "Readings at the reference and at the tested values, pair by pair",
        f"{len(report.analysis.pairs)} verification pairs; mean change "
        f"{report.verdict.gain.text}, 95 % interval {report.verdict.interval_95.text}. "
        "All values are in the table of verification pairs.",
    )


def _timeline_words(report: Report) -> Words:
    parts = ", ".join(f"{p.name} {p.duration.text}" for p in report.encounter.phases)
    return "Phases of the visit over time", f"{parts}."


def _timing_words(settings: Settings) -> Words:
    return "Timing of one beat at the permanent values", described(settings)


def _loop_words(report: Report) -> Words:
    spans = " ".join(
        f"{name} values: {min(loop.volume_ml):.0f} to {max(loop.volume_ml):.0f} mL, "
        f"highest pressure {max(loop.pressure_mmhg):.0f} mmHg."
        for name, loop in (
            ("Reference", report.answer_key.reference_loop),
            ("Final", report.answer_key.final_loop),
        )
    )
    return "True left ventricular pressure-volume loops", spans


def _ecg_words(strip: Strip) -> Words:
    return f"ECG lead II with device markers, {strip.title}", strip.caption
