"""What a day says in words: the sentences of the page, and the text on stdout."""

from collections.abc import Iterator
from typing import Final

from harness.common.words import decimal, plain, with_unit
from harness.day.measures import BY_NAME, Measure
from harness.day.replicate import DaysPlayed, PlanPlayed
from harness.day.site import PublishedTime
from harness.study.judging.numbers import Estimate
from sim.units import S_PER_MIN

PUBLISHED: Final = PublishedTime()
HEADLINE: Final = (
    "n_done",
    "waiting_min",
    "longest_waiting_min",
    "stay_min",
    "overtime_min",
    "staff_overtime_min",
    "staff_min",
)
LIMITS: Final = (
    "Visits are drawn from a few that were played beforehand; how long they last "
    "does not depend on who is waiting, and nobody hurries.",
    "Nobody is interrupted: an urgent patient comes first in every queue and takes "
    "nobody away from another patient. Nobody leaves because of a long wait.",
    "Staff who wait with a patient, walk, telephone or write letters are not counted; "
    "neither are remote follow-ups, and nobody falls ill.",
    "Numbers of people, rooms and minutes are assumed where provenance.csv says so. "
    "A day tells how plans differ, not how long a real clinic takes.",
    "Nothing here is about money, payers or codes; metadata of the file is repeated "
    "as it is.",
)


def estimate_text(measure: Measure, one: Estimate, *, signed: bool = False) -> str:
    """Return a mean with its unit."""
    if not one.known:
        return "none"
    return with_unit(decimal(one.value, measure.digits, signed=signed), measure.unit)


def interval_text(measure: Measure, one: Estimate, *, signed: bool = False) -> str:
    """Return the 95 % interval in words."""
    if not one.known or one.low != one.low:
        return ""
    low, high = (
        decimal(value, measure.digits, signed=signed) for value in (one.low, one.high)
    )
    return f"{low} to {high}"


def bottleneck_sentence(one: PlanPlayed) -> str:
    """Say what is taken up most on paper, and what patients wait for most."""
    row = next(row for row in one.paper if row.resource == one.bottleneck)
    needs = f"{row.needed_min:.0f} min a visit, {row.load_pct:.0f} % of what there is"
    text = f"{plain(one.name)}: the bottleneck on paper is the {row.resource} ({needs})"
    cause = one.most_waited_for
    if not cause:
        return f"{text}; nobody waits."
    name = f"waiting_{cause.replace(' ', '_')}_min"
    told = estimate_text(BY_NAME[name], one.means[name])
    return f"{text}; patients wait most for a {cause}, {told} each."


def difference_sentence(played: DaysPlayed, other: PlanPlayed) -> str:
    """Say what a plan changes in waiting and overtime, with intervals."""
    found = played.differences(other)
    parts = [
        f"{what} {_change_text(BY_NAME[name], found[name])}"
        for what, name in (
            ("waiting of a patient", "waiting_min"),
            ("last patient leaves", "overtime_min"),
            ("staff minutes a patient", "staff_min"),
        )
    ]
    return f"{plain(other.name)}, against the day as planned: {', '.join(parts)}."


def _change_text(measure: Measure, one: Estimate) -> str:
    if not any(round(limit, measure.digits) for limit in (one.low, one.high)):
        return "unchanged"
    interval = interval_text(measure, one, signed=True)
    return f"{estimate_text(measure, one, signed=True)} ({interval})"


def published_sentence(played: DaysPlayed) -> str:
    """Say how our staff time stands beside the published one, and why."""
    jobs = [
        (pool.share, job)
        for pool in played.base.pools
        for job in pool.jobs
        if not pool.is_urgent
    ]
    weight = sum(share for share, _ in jobs)
    whole = sum(share * job.staff_s() for share, job in jobs) / weight / S_PER_MIN
    routine = sum(share * job.routine_staff_s for share, job in jobs) / weight
    return (
        f"A visit takes {whole:.0f} staff minutes here. Published: "
        f"{PUBLISHED.low_min:.0f} to {PUBLISHED.high_min:.0f} min for an in-person "
        "check of a pacemaker, ICD or CRT device (time and motion in 11 clinics, "
        "PMC8556635). Ours is longer because it searches: response test, titration "
        "with two people in the room, verification with fresh pairs and the "
        "observation after it, none of which a check has. Without these four phases "
        f"{routine / S_PER_MIN:.0f} min are left."
    )


def days_text(played: DaysPlayed) -> str:
    """Return what a day says on stdout: loads, means, differences, the bottleneck."""
    blocks = [
        f"{plain(played.file.scenario.title)}: {played.n_days} days, seed "
        f"{played.seed}; means with 95 % intervals",
        "\n".join(_mean_rows(played)),
        "\n".join(_paper_rows(played.base)),
        "\n".join(bottleneck_sentence(one) for one in played.plans),
    ]
    if played.others:
        lines = [difference_sentence(played, other) for other in played.others]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _mean_rows(played: DaysPlayed) -> Iterator[str]:
    rows = [["", *(plain(one.name) for one in played.plans)]]
    for name in HEADLINE:
        measure = BY_NAME[name]
        cells = [
            f"{estimate_text(measure, one.means[name])}"
            f" ({interval_text(measure, one.means[name])})"
            for one in played.plans
        ]
        rows.append([measure.title, *cells])
    yield from _aligned(rows)


def _paper_rows(one: PlanPlayed) -> Iterator[str]:
    rows = [["on paper, as planned", "there", "minutes a visit", "load"]]
    rows += [
        [
            row.resource,
            str(row.n),
            f"{row.needed_min:.0f}",
            f"{row.load_pct:.0f} %" if row.n else "none",
        ]
        for row in one.paper
    ]
    yield from _aligned(rows)


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [f"{row[0]:<{widths[0]}}"]
        cells += [f"{row[i]:>{widths[i]}}" for i in range(1, len(row))]
        yield "  ".join(cells).rstrip()
