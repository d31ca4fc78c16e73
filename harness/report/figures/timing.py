"""The graphic timing view of the programmer: windows, refractories, train, balancing.

The static view is drawn from settings, the dynamic one also from a beat::

    from harness.report.figures.timing import timing_figure
    from sim.device.settings import Settings

    timing_figure(Settings(delay_ms=30.0)).savefig("timing.pdf")
"""

from collections.abc import Iterable
from typing import Any, Final

from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from harness.common.drawing import (
    BLUE,
    FAINT,
    HALF_IN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    STYLE,
    VERMILION,
    WIDTH_IN,
)
from harness.common.margins import row_figure
from harness.report.contents import Report
from harness.report.figures.plot import Plot, always
from sim.device.diagram import DiagramSpan, SpanKind, beat_spans, timing_spans
from sim.device.events import BeatDecision
from sim.device.settings import Settings

LOOKS: Final[dict[SpanKind, tuple[str, str, str]]] = {
    "window": (SKY, "", "alert window"),
    "train": (VERMILION, "||", "CCM train"),
    "balancing": (ORANGE, "//", "balancing"),
    "refractory": (FAINT, "--", "refractory"),
    "noise": (PURPLE, "xx", "noise window"),
    "blanking": (BLUE, "..", "blanking"),
}
_WIDE_MS: Final = 18.0  # spans that hold a number, at full width


def timing_figure(
    settings: Settings,
    beat: BeatDecision | None = None,
    *,
    model: str = "CCM X11",
    width_in: float = WIDTH_IN,
) -> Figure:
    """Draw the timing that settings make, or that one beat of the device had.

    Parameters
    ----------
    settings
        Picture even when they conflict: the picture then shows why.
    beat
        A beat with a ventricular event; without it the earliest and the latest local
        sense that the alert window allows are drawn.
    width_in
        Width of the figure; the spans are as many milliseconds in any.
    """
    if beat is None:
        spans = timing_spans(settings, model)
    else:
        spans = beat_spans(settings, beat, model)
    rows = list(dict.fromkeys(span.row for span in spans))
    with rc_context():
        rcdefaults()  # a reader's own matplotlib settings must not change the picture
        rcParams.update(STYLE)
        is_wide = width_in == WIDTH_IN
        height_in = 1.3 + 0.32 * len(rows) if is_wide else 1.0 + 0.22 * len(rows)
        figure = row_figure(height_in, width_in)
        axes = figure.add_subplot()
        wide_ms = _WIDE_MS * WIDTH_IN / width_in
        for span in spans:
            _draw(axes, span, rows.index(span.row), wide_ms)
        _dress(axes, rows)
        if beat is not None and beat.ls_latency_ms == beat.ls_latency_ms:
            axes.axvline(beat.ls_latency_ms, color=INK, linewidth=0.8, linestyle=":")
        handles = _legend(span.kind for span in spans)
        figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=len(handles) if is_wide else 3,
            columnspacing=1.2,
            handlelength=1.4,
        )
    return figure


def described(settings: Settings) -> str:
    """Return the timing in words, for those who cannot see the picture."""
    end_ms = settings.alert_start_ms + settings.alert_width_ms
    return (
        f"After the ventricular event the alert window is open from"
        f" {settings.alert_start_ms:g} to {end_ms:g} ms. A local sense in it starts a"
        f" train of {settings.train_ms:.4g} ms after {settings.delay_ms:g} ms, followed"
        f" by {settings.balancing_ms:g} ms of balancing. The ventricular refractory"
        f" period lasts {settings.vrp_ms:g} ms."
    )


def _draw(axes: Axes, span: DiagramSpan, row: int, wide_ms: float) -> None:
    colour, hatch, _ = LOOKS[span.kind]
    axes.barh(
        row,
        span.length_ms,
        left=span.start_ms,
        height=0.62,
        color=colour,
        hatch=hatch,
        edgecolor=INK,
        linewidth=0.5,
        # a refractory period lies under what happens in it
        zorder=1.0 if span.kind == "refractory" else 2.0,
    )
    if span.length_ms >= wide_ms:
        middle_ms = span.start_ms + span.length_ms / 2.0
        axes.text(
            middle_ms,
            row,
            f"{span.length_ms:.4g}",
            ha="center",
            va="center",
            fontsize=8.0,
            color="black",  # on white, whatever the page
            zorder=3.0,
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.0},
        )


def _dress(axes: Axes, rows: list[str]) -> None:
    axes.set_yticks(range(len(rows)), rows)
    axes.invert_yaxis()
    axes.axvline(0.0, color=INK, linewidth=1.0)
    axes.set_xlabel("time after the V event, ms")


def _legend(kinds: Iterable[SpanKind]) -> list[Patch]:
    shown = dict.fromkeys(kinds)
    return [
        Patch(facecolor=colour, hatch=hatch, edgecolor=INK, linewidth=0.5, label=label)
        for kind, (colour, hatch, label) in LOOKS.items()
        if kind in shown
    ]


def _permanent(report: Report) -> Settings:
    """Return the permanent values as the device has them."""
    rows = (*report.permanent.main, *report.permanent.others)
    values: dict[str, Any] = {row.symbol: row.permanent for row in rows}
    return Settings(**values)


def _delivers(report: Report) -> bool:
    return _permanent(report).delivers


TIMING: Final = Plot(
    name="timing",
    has_data=_delivers,
    draw=lambda report: timing_figure(_permanent(report), width_in=HALF_IN),
    title=always("Timing of one beat at the permanent values"),
    words=lambda report: described(_permanent(report)),
    caption=always(
        "Timing of one beat at the permanent values, from the ventricular event on; "
        "grey in the CCM rows: post-LS refractory period."
    ),
)
