"""The figures of a day's page, each with a name, a caption and words for the blind."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.drawing import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    STYLE,
    VERMILION,
    new_figure,
    svg_file,
)
from harness.common.words import plain
from harness.day.gantt import by_patient, by_resource
from harness.day.measures import BY_NAME, key, waiting_by_patient_s
from harness.day.play import CAUSES, DayPlayed
from harness.day.replicate import DaysPlayed, PlanPlayed
from harness.study.judging.numbers import Estimate
from sim.units import S_PER_MIN

MARKS: Final = (
    (INK, "D"),
    (BLUE, "o"),
    (VERMILION, "s"),
    (GREEN, "^"),
    (PURPLE, "v"),
    (ORANGE, "P"),
)
CHANGED: Final = ("stay_min", "waiting_min", "longest_waiting_min", "overtime_min")
CHANGED_STAFF: Final = ("staff_overtime_min", "staff_min")
LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class DayFigure:
    """A figure: its file's name, what it shows, and the SVG."""

    name: str
    title: str
    caption: str
    svg: bytes


def figures(played: DaysPlayed) -> tuple[DayFigure, ...]:
    """Draw every figure: same days, same bytes."""
    with rc_context():
        rcdefaults()  # a reader's own matplotlib settings must not change the bytes
        rcParams.update(STYLE)
        return tuple(
            DayFigure(name, title, caption, svg_file(name, figure, title, words))
            for name, title, caption, words, figure in _drawn(played)
        )


_Parts = tuple[str, str, str, str, Figure]


def _drawn(played: DaysPlayed) -> Iterator[_Parts]:
    """Yield name, title, caption, description and figure, one after the other."""
    yield from _schedules(played)
    yield _patients(played)
    yield from _means(played)
    if played.others:
        yield _differences(played)


def _schedules(played: DaysPlayed) -> Iterator[_Parts]:
    for at, one in enumerate(played.plans):
        name = f"schedule-{at}" if at else "schedule"
        yield (
            name,
            f"A day by room and by person: {plain(one.name)}",
            f"Day {played.shown}. Numbers are patients, the same in every plan. A room "
            "is outlined as long as its patient is in it, and filled while somebody is "
            "there; a programmer as long as it is with a patient.",
            f"{_day_words(one.shown)} Every bar is a row of schedule.csv. Simulated.",
            by_resource(one.shown),
        )


def _patients(played: DaysPlayed) -> _Parts:
    return (
        "patients",
        "The same day by patient: what each waits for, as planned",
        "The thick stroke is the appointment. Before it nobody waits: the patient "
        "came early.",
        f"{_patient_words(played.base.shown)} Simulated.",
        by_patient(played.base.shown),
    )


def _means(played: DaysPlayed) -> Iterator[_Parts]:
    waits = [f"waiting_{key(cause)}_min" for cause in CAUSES]
    yield (
        "waiting",
        "Waiting of a patient, by what was missing",
        f"Means of {played.n_days} days with 95 % intervals. Where several things "
        "were missing at once the time is shared between them. Who waits for a room "
        "waits for what the patients in the rooms wait for.",
        _words(played.plans, waits),
        _dots(played.plans, waits, "minutes of waiting per patient"),
    )
    busy = [f"busy_{key(resource)}_pct" for resource in CAUSES]
    yield (
        "in-use",
        "How much of the opening hours each resource is in use",
        f"Means of {played.n_days} days with 95 % intervals; in use above the "
        "opening hours is overtime and not in here. A room and a programmer are in "
        "use while their patient waits.",
        _words(played.plans, busy),
        _dots(played.plans, busy, "in use, % of the opening hours"),
    )


def _differences(played: DaysPlayed) -> _Parts:
    names = [*CHANGED, *CHANGED_STAFF]
    return (
        "differences",
        "What each plan changes, day by day with the same patients",
        f"Mean of {played.n_days} paired differences, plan less the day as "
        "planned, with 95 % intervals; left of zero is less.",
        _difference_words(played, names),
        _difference_figure(played, names),
    )


def _day_words(day: DayPlayed) -> str:
    parts = []
    for name in dict.fromkeys(stint.who for stint in day.stints):
        whom = dict.fromkeys(stint.patient for stint in day.stints if stint.who == name)
        numbers = ", ".join(str(number) for number in whom if number)
        if numbers:
            parts.append(f"{name}: patients {numbers}")
    return "; ".join(parts) + "." if parts else "Nobody came."


def _patient_words(day: DayPlayed) -> str:
    waited = waiting_by_patient_s(day)
    parts = [f"patient {n} waited {s / S_PER_MIN:.0f} min" for n, s in waited.items()]
    return "; ".join(parts) + "." if parts else "Nobody came."


def _words(plans: Sequence[PlanPlayed], names: Sequence[str]) -> str:
    parts = [
        f"{plain(one.name)}: "
        + ", ".join(
            f"{BY_NAME[name].title} {one.means[name].value:.1f} {BY_NAME[name].unit}"
            for name in names
            if one.means[name].known
        )
        for one in plans
    ]
    return "; ".join(parts) + ". Simulated."


def _difference_words(played: DaysPlayed, names: Sequence[str]) -> str:
    parts = []
    for other in played.others:
        found = played.differences(other)
        told = ", ".join(
            f"{BY_NAME[name].title} {found[name].value:+.1f} min" for name in names
        )
        parts.append(f"{plain(other.name)}: {told}")
    return "; ".join(parts) + ". Simulated."


def _dots(plans: Sequence[PlanPlayed], names: Sequence[str], label: str) -> Figure:
    values = [(one.name, one.means) for one in plans]
    titles = [BY_NAME[name].title.removesuffix(": in use while open") for name in names]
    return _rows_of(values, names, titles, label, first=0)


def _difference_figure(played: DaysPlayed, names: Sequence[str]) -> Figure:
    values = [(one.name, played.differences(one)) for one in played.others]
    titles = [BY_NAME[name].title for name in names]
    figure = _rows_of(values, names, titles, "minutes, plan less as planned", first=1)
    figure.axes[0].axvline(0.0, color=INK, linewidth=0.8)
    return figure


def _rows_of(
    values: Sequence[tuple[str, Mapping[str, Estimate]]],
    names: Sequence[str],
    titles: Sequence[str],
    label: str,
    *,
    first: int,
) -> Figure:
    """Draw a row a measure, and in it a mark with its interval for each plan."""
    n = len(values)
    figure = new_figure(0.9 + len(names) * (0.12 + 0.09 * n) + 0.1 * n)
    axes = figure.add_subplot()
    for at, (plan, found) in enumerate(values):
        color, marker = MARKS[(at + first) % len(MARKS)]
        shift = (at - (n - 1) / 2.0) * 0.8 / max(n, 2)
        _marks(axes, [found[name] for name in names], shift, color, marker)
        axes.plot([], [], marker, color=color, label=_short(plan))
    axes.set_yticks(range(len(names)), titles)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(label)
    axes.grid(axis="x", linewidth=0.4, alpha=0.5)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    return figure


def _marks(
    axes: Axes, found: Sequence[Estimate], shift: float, color: str, marker: str
) -> None:
    for row, one in enumerate(found):
        if one.known:
            axes.plot([one.low, one.high], [row + shift] * 2, color=color)
            axes.plot([one.value], [row + shift], marker, color=color, markersize=5)


def _short(text: str) -> str:
    words = plain(text).replace("$", r"\$")  # a dollar sign would start a formula
    return words if len(words) <= LONGEST_NAME else f"{words[: LONGEST_NAME - 1]}…"
