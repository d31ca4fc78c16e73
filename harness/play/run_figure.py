"""The figure of one visit: every test with its interval, then what was verified."""

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.drawing import FAINT, INK, drawn, svg_text
from sim.instruments import READOUTS
from sim.showing import html_table
from sim.units import S_PER_MIN
from sim.visit.record import Tested, VisitRecord

HEADS: Final = ("test", "amplitude, V", "width, ms", "delay, ms", "gain, %", "felt", "")
NORMAL_95: Final = 1.96
_HEIGHT_IN: Final = 2.9


def run_figure(record: VisitRecord, *, width: str) -> Figure:
    """Return the figure for a journal, of a "single" or "double" column."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(0.0, color=INK, linewidth=0.6, zorder=0)
        _tests(axes, [t for t in record.tested if t.gain_pct == t.gain_pct])
        lost = [t.end_s / S_PER_MIN for t in record.tested if t.gain_pct != t.gain_pct]
        if lost:
            axes.plot(lost, [0.0] * len(lost), "x", color=INK, label="not read")
        _verified(axes, record)
        read_as = READOUTS[record.plan.readout].read_as
        axes.set_xlabel("minutes after check-in")
        axes.set_ylabel(f"gain in {read_as}, %")
        axes.legend(loc="best")

    return drawn(draw, height_in=_HEIGHT_IN, width=width)


def _tests(axes: Axes, tests: list[Tested]) -> None:
    if not tests:
        return
    axes.errorbar(
        [t.end_s / S_PER_MIN for t in tests],
        [t.gain_pct for t in tests],
        yerr=[NORMAL_95 * t.standard_error_pct for t in tests],
        fmt="o",
        color=FAINT,
        markersize=4,
        linewidth=0.9,
        label="one test, 95 % interval",
    )


def _verified(axes: Axes, record: VisitRecord) -> None:
    verdict, pairs = record.verdict, record.verification_pairs
    if verdict.pairs_done < 2 or not pairs:
        return
    low, high = verdict.ci95_pct
    axes.errorbar(
        [(pairs[0].start_s + pairs[-1].end_s) / 2.0 / S_PER_MIN],
        [verdict.gain_pct],
        yerr=[[verdict.gain_pct - low], [high - verdict.gain_pct]],
        fmt="s",
        color=INK,
        markersize=6,
        linewidth=1.6,
        capsize=3,
        label=f"verified, {verdict.pairs_done} pairs: {verdict.kind}",
    )


def run_html(told: str, record: VisitRecord) -> str:
    """Return what a notebook shows of a visit: its figure and its tests."""
    rows = [
        (
            t.number,
            t.settings.amplitude_v,
            t.settings.phase_duration_ms,
            t.settings.delay_ms,
            "" if t.gain_pct != t.gain_pct else f"{t.gain_pct:+.1f}",
            t.sensation_grade,
            t.aborted,
        )
        for t in record.tested
    ]
    return svg_text(run_figure(record, width="double")) + html_table(HEADS, rows, told)
