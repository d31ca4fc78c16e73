"""A day drawn over the clock: by room and programmer, by person, by patient."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from harness.common.drawing import BLUE, FAINT, INK, ORANGE, VERMILION, new_figure
from harness.day.clinic import Booking
from harness.day.measures import capacity
from harness.day.play import BREAK, EARLY, TURNOVER, DayPlayed, Stint
from harness.day.site import ROLES
from harness.day.team import PROGRAMMER
from sim.units import MIN_PER_H, S_PER_H, S_PER_MIN

ROW_IN: Final = 0.26
HEIGHT: Final = 0.74
NARROWEST_H: Final = 0.16
"""A bar narrower than this has no room for a number."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a bar looks: told apart by hatching, never by colour alone."""

    label: str
    color: str
    alpha: float
    hatch: str = ""


BOOKED: Final = Look("with an appointment", BLUE, 0.30)
URGENT: Final = Look("urgent", ORANGE, 0.35, "////")
STOPPED: Final = Look("stopped for safety", VERMILION, 0.35, "xxxx")
ASIDE: Final = Look("made ready; break", FAINT, 0.25, "....")
UNATTENDED: Final = Look("nobody there", FAINT, 0.0)

WAITS: Final = {
    EARLY: Look("before the appointment", FAINT, 0.0, ""),
    "room": Look("waits for a room or chair", ORANGE, 0.35, "////"),
    PROGRAMMER: Look("waits for a programmer", VERMILION, 0.35, "xxxx"),
    "staff": Look("waits for people", FAINT, 0.35, "...."),
}
SEEN: Final = Look("is seen", BLUE, 0.55)


def by_resource(day: DayPlayed) -> Figure:
    """Draw who and what was taken up by which patient, numbers on the bars."""
    things, people = _rows(day)
    heights = [len(things), len(people)]
    figure = new_figure(1.25 + ROW_IN * sum(heights))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    _draw_things(upper, day, things)
    _draw_people(lower, day, people)
    _clock(lower, day)
    _closing(upper, day)
    looks = [BOOKED, UNATTENDED, ASIDE]
    looks += [look for look in (URGENT, STOPPED) if look in _looks_of(day)]
    _legend(figure, upper, looks)
    return figure


def by_patient(day: DayPlayed) -> Figure:
    """Draw each patient's stay: what they waited for, and when they were seen."""
    came = sorted(
        (one for one in day.bookings if one.job is not None),
        key=lambda one: one.arrives_s if one.due_s is None else one.due_s,
    )
    figure = new_figure(1.15 + ROW_IN * max(len(came), 2))
    axes = figure.add_subplot()
    for row, booking in enumerate(came):
        _draw_patient(axes, day, row, booking)
    _names(axes, [_name_of(one) for one in came])
    _clock(axes, day)
    _legend(figure, axes, [SEEN, *WAITS.values()])
    return figure


def _rows(day: DayPlayed) -> tuple[list[str], list[str]]:
    n_of = capacity(day.clinic)
    kinds = ("room", "chair", PROGRAMMER)
    things = [f"{kind} {i + 1}" for kind in kinds for i in range(n_of[kind])]
    return things, [person.name for person in day.clinic.people]


def _look(booking: Booking) -> Look:
    if booking.job is not None and booking.job.stopped:
        return STOPPED
    return URGENT if booking.is_urgent else BOOKED


def _looks_of(day: DayPlayed) -> set[Look]:
    return {_look(one) for one in day.bookings if one.number in day.left_s}


def _draw_things(axes: Axes, day: DayPlayed, rows: Sequence[str]) -> None:
    looks = {one.number: _look(one) for one in day.bookings}
    for stint in day.stints:
        if stint.kind == "person":
            continue
        row = rows.index(stint.who)
        if stint.stage == TURNOVER:
            _bar(axes, row, stint.start_s, stint.end_s, ASIDE)
            continue
        _bar(axes, row, stint.start_s, stint.end_s, UNATTENDED)
        attended = list(_attended(day, stint))
        longest = max(attended, key=lambda part: part[1] - part[0], default=None)
        for part in attended:
            number = str(stint.patient) if part == longest else ""
            _bar(axes, row, *part, looks[stint.patient], number)
    _names(axes, rows)


def _attended(day: DayPlayed, stint: Stint) -> Iterator[tuple[float, float]]:
    """Yield when somebody was with the patient while a room or programmer was held."""
    within = [
        (stay.start_s, stay.end_s)
        for stay in day.stays
        if stay.patient == stint.patient
        and (stay.place == stint.who or stint.kind == "programmer")
        and stint.start_s <= stay.start_s
        and stay.end_s <= stint.end_s
    ]
    while within:
        start_s, end_s = within.pop(0)
        while within and within[0][0] == end_s:
            _, end_s = within.pop(0)
        yield start_s, end_s


def _draw_people(axes: Axes, day: DayPlayed, rows: Sequence[str]) -> None:
    looks = {one.number: _look(one) for one in day.bookings}
    for row, name in enumerate(rows):
        mine = [stint for stint in day.stints if stint.who == name]
        for start_s, end_s, patient, stage in _joined(mine):
            look = ASIDE if stage == BREAK else looks[patient]
            _bar(axes, row, start_s, end_s, look, str(patient or ""))
    _names(axes, rows)


def _joined(stints: Iterable[Stint]) -> list[tuple[float, float, int, str]]:
    """Return stretches with one patient, phases that follow each other put together."""
    found: list[tuple[float, float, int, str]] = []
    for stint in sorted(stints, key=lambda one: one.start_s):
        if found and found[-1][2] == stint.patient and found[-1][1] == stint.start_s:
            start_s, _, patient, stage = found.pop()
            found.append((start_s, stint.end_s, patient, stage))
        else:
            found.append((stint.start_s, stint.end_s, stint.patient, stint.stage))
    return found


def _draw_patient(axes: Axes, day: DayPlayed, row: int, booking: Booking) -> None:
    above: dict[float, float] = {}
    for wait in day.waits:
        if wait.patient == booking.number:
            at = above.get(wait.start_s, 0.0)  # causes of one stretch share its height
            above[wait.start_s] = at + wait.share
            look = _wait_look(wait.cause)
            place = row + HEIGHT * (at + (wait.share - 1.0) / 2.0)
            _bar(axes, place, wait.start_s, wait.end_s, look, share=wait.share)
    for stay in day.stays:
        if stay.patient == booking.number:
            _bar(axes, row, stay.start_s, stay.end_s, SEEN)
    if booking.due_s is not None:
        at_h = booking.due_s / S_PER_H
        axes.plot([at_h], [row], "|", color=INK, markersize=13, markeredgewidth=1.6)


def _wait_look(cause: str) -> Look:
    if cause in ROLES:
        return WAITS["staff"]
    return WAITS["room" if cause == "chair" else cause]


def _name_of(booking: Booking) -> str:
    if booking.due_s is None:
        return f"{booking.number}, urgent"
    hours, minutes = divmod(round(booking.due_s / S_PER_MIN), int(MIN_PER_H))
    return f"{booking.number}, due {hours}:{minutes:02d}"


def _bar(
    axes: Axes,
    row: float,
    start_s: float,
    end_s: float,
    look: Look,
    text: str = "",
    *,
    share: float = 1.0,
) -> None:
    start_h, width_h = start_s / S_PER_H, (end_s - start_s) / S_PER_H
    face = "none" if look.alpha == 0.0 else (look.color, look.alpha)
    axes.barh(
        row,
        width_h,
        left=start_h,
        height=HEIGHT * share,
        facecolor=face,
        edgecolor=(FAINT if look in (UNATTENDED, WAITS[EARLY]) else INK),
        linewidth=0.6,
        hatch=look.hatch or None,
    )
    if text and width_h >= NARROWEST_H:
        axes.text(
            start_h + width_h / 2.0,
            row,
            text,
            ha="center",
            va="center",
            fontsize=8.0,
            zorder=5,
            fontweight="bold",
        )


def _names(axes: Axes, rows: Sequence[str]) -> None:
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def _clock(axes: Axes, day: DayPlayed) -> None:
    ends_s = max([day.clinic.closes_s, *day.left_s.values()])
    first, last = int(day.clinic.opens_s // S_PER_H), -int(-ends_s // S_PER_H)
    step = max(1, (last - first) // 12)
    hours = range(first, last + 1, step)
    axes.set_xticks(hours, [f"{hour}:00" for hour in hours])
    earliest = min([first, *(one.arrives_s / S_PER_H for one in day.bookings)])
    axes.set_xlim(earliest - 0.1, last + 0.1)
    axes.set_xlabel("time of day (dotted: closing)")
    _closing(axes, day)


def _closing(axes: Axes, day: DayPlayed) -> None:
    at_h = day.clinic.closes_s / S_PER_H
    axes.axvline(at_h, color=INK, linewidth=0.9, linestyle=(0, (2, 3)))


def _legend(figure: Figure, axes: Axes, looks: Sequence[Look]) -> None:
    entries = [
        Patch(
            facecolor="none" if look.alpha == 0.0 else (look.color, look.alpha),
            edgecolor=INK if look.alpha or look.hatch else FAINT,
            linewidth=0.6,
            hatch=look.hatch or None,
            label=look.label,
        )
        for look in looks
    ]
    axes.legend(
        handles=entries,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=3,
        fontsize=8.0,
        handlelength=2.4,
    )
