"""The figure of a course: how the patient and the device fare over the months."""

from typing import Final

import numpy as np
from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.drawing import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    STYLE,
    VERMILION,
    drawn,
    new_figure,
    svg_file,
)
from harness.common.words import plain
from harness.course.play import Course
from sim.heart.parameters import FloatArray
from sim.patient.chronic import LAW, Condition, Score
from sim.units import DAYS_PER_MONTH, PCT_PER_FRAC

HEIGHT_IN: Final = 8.0
PANELS: Final = (
    ("ef_pct", "ejection\nfraction, %"),
    ("mlwhfq_points", "MLWHFQ, points\n(higher is worse)"),
    ("peak_vo2_ml_per_kg_min", "peak VO2,\nmL/kg/min"),
    ("walk_m", "6-minute\nwalk, m"),
)
SD_PER_95_PCT: Final = 1.96


def course_figure(course: Course, *, width: str, keyed: bool) -> Figure:
    """Return the figure for a journal; `keyed` as in `course_svg`."""
    return drawn(
        lambda figure: _draw(figure, course, keyed=keyed),
        height_in=HEIGHT_IN,
        width=width,
    )


def course_svg(course: Course, *, keyed: bool = False) -> bytes:
    """Return the figure as an SVG file: same course, same bytes.

    Parameters
    ----------
    course
        What to show.
    keyed
        Whether it shows how the patient truly was, between the visits too.
    """
    name = "course_key" if keyed else "course"
    with rc_context():
        rcdefaults()  # a reader's own matplotlib settings must not change the bytes
        rcParams.update(STYLE)
        figure = new_figure(HEIGHT_IN)
        _draw(figure, course, keyed=keyed)
        return svg_file(name, figure, plain(course.scenario.title), _words(course))


def _words(course: Course) -> str:
    parts = [
        f"month {visit.month:g}: ejection fraction {visit.seen.ef_pct[0]:.0f} %,"
        f" MLWHFQ {visit.seen.scores.mlwhfq_points[0]:.0f},"
        f" NYHA class {visit.true.nyha_class[0]}"
        for visit in course.visits
    ]
    return "; ".join(parts) + ". Simulated data."


def _draw(figure: Figure, course: Course, *, keyed: bool) -> None:
    rows = figure.subplots(len(PANELS) + 2, 1, sharex=True)
    months = np.array([point.day for point in course.points]) / DAYS_PER_MONTH
    for axes, (name, label) in zip(rows, PANELS, strict=False):
        if keyed:
            true = [_value(point.true, name) for point in course.points]
            axes.plot(months, true, color=FAINT, label="true")
        seen = np.array([_value(visit.seen, name) for visit in course.visits])
        axes.errorbar(
            [visit.month for visit in course.visits],
            seen,
            yerr=SD_PER_95_PCT * reading_sd(name, seen),
            fmt="o",
            color=BLUE,
            elinewidth=0.9,
            capsize=2.5,
            label="read at the visit, 95 % interval of one reading",
        )
        axes.set_ylabel(label)
    _classes(rows[-2], course, months, keyed=keyed)
    _device(rows[-1], course)
    rows[0].legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    for axes in rows:
        for visit in course.visits:
            axes.axvline(visit.month, color=INK, linewidth=0.4, linestyle=(0, (2, 3)))
    rows[-1].set_xlabel("months (dotted: visits)")
    figure.align_ylabels()


def _value(state: Condition, name: str) -> float:
    if name == "ef_pct":
        return float(state.ef_pct[0])
    return float(getattr(state.scores, name)[0])


def reading_sd(name: str, seen: FloatArray) -> FloatArray:
    """Return how much one reading of a panel errs by itself, (n,), in its unit."""
    if name == "ef_pct":
        return LAW.ef_error_frac * seen
    score: Score = getattr(LAW, name)
    return np.full(len(seen), score.fluctuation_sd)


def _classes(axes: Axes, course: Course, months: np.ndarray, *, keyed: bool) -> None:
    """Draw the class: the clinic sees it at a visit, as it is."""
    if keyed:
        classes = [int(point.true.nyha_class[0]) for point in course.points]
        axes.step(months, classes, where="post", color=GREEN)
    seen = [int(visit.true.nyha_class[0]) for visit in course.visits]
    axes.plot([visit.month for visit in course.visits], seen, "o", color=BLUE)
    axes.set_yticks([1, 2, 3, 4], ["I", "II", "III", "IV"])
    axes.set_ylim(4.4, 0.6)
    axes.set_ylabel("NYHA class\n(higher is worse)")


def _device(axes: Axes, course: Course) -> None:
    days = [day for visit in course.visits for day in visit.stretch.days]
    months = [(day.day + 1) / DAYS_PER_MONTH for day in days]
    battery = [PCT_PER_FRAC * day.charge_frac for day in days]
    delivered = [PCT_PER_FRAC * day.delivered_frac for day in days]
    axes.plot(months, battery, color=FAINT, linewidth=0.9, label="battery")
    axes.plot(months, delivered, color=BLUE, label="beats with CCM, scheduled hours")
    at = [(alert.day + 1) / DAYS_PER_MONTH for alert in course.alerts]
    axes.plot(at, [104.0] * len(at), "v", color=VERMILION, label="alert", clip_on=False)
    axes.set_ylim(0.0, 104.0)
    axes.set_ylabel("device, %")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, fontsize=7.5)
