"""What the tests of a day share: a clinic, visits of any shape, a played file."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from harness.day.clinic import Booking, Clinic, Person, people_of
from harness.day.jobs import Stage, VisitJob
from harness.day.replicate import DaysPlayed, play_days
from harness.day.scenario import DayFile, load_day, parse_day
from harness.day.site import DAY_SITES, Staff
from sim.units import S_PER_H, S_PER_MIN

MINUTES = {
    "check-in": 8.0,
    "exam": 8.0,
    "interrogation": 6.0,
    "titration": 40.0,
    "verification": 20.0,
    "re-interrogation": 2.0,
    "observation": 15.0,
    "report": 6.0,
}
ROLES: dict[str, tuple[Any, ...]] = {
    "check-in": ("medical assistant",),
    "exam": ("physician",),
    "titration": ("physician", "device specialist"),
    "observation": ("nurse",),
    "report": ("physician",),
}


def made_job(name: str = "visit", factor: float = 1.0, *, stopped: bool = False) -> Any:
    """Return a visit of usual shape, every phase longer by a factor."""
    stages = []
    for title, minutes in MINUTES.items():
        roles = ROLES.get(title, ("device specialist",))
        place: Any = "" if title in ("check-in", "report") else "room"
        is_safety = stopped and title in ("verification", "observation")
        if title == "observation" and not stopped:
            place = "chair"
        stages.append(
            Stage(
                title,
                minutes * factor * S_PER_MIN,
                (*roles, "physician") if is_safety else roles,
                place,
                programmer=place == "room" and title not in ("exam", "observation"),
                is_safety=is_safety,
            )
        )
    return VisitJob(name, tuple(stages), stopped)


@pytest.fixture
def job() -> Callable[..., VisitJob]:
    """Return what makes a visit of usual shape."""
    return made_job


@pytest.fixture
def clinic() -> Callable[..., Clinic]:
    """Return what makes a clinic, open from 8 to 17 o'clock."""

    def make(staff: Staff | None = None, **changes: Any) -> Clinic:
        site = DAY_SITES["device-clinic"]
        people = people_of(staff or Staff(), site.may_do, 11.5, 30.0)
        usual: dict[str, Any] = {
            "people": people,
            "rooms": 2,
            "chairs": 2,
            "programmers": 1,
            "opens_s": 8.0 * S_PER_H,
            "closes_s": 17.0 * S_PER_H,
            "turnover_s": 5.0 * S_PER_MIN,
            "break_s": 30.0 * S_PER_MIN,
        }
        return Clinic(**{**usual, **changes})

    return make


@pytest.fixture
def queue() -> Callable[..., tuple[Clinic, list[Booking]]]:
    """Return what makes a bare queue: one phase, one role, no closing, no breaks."""

    def make(
        arrivals_s: Sequence[float], services_s: Sequence[float], n: int
    ) -> tuple[Clinic, list[Booking]]:
        people = tuple(
            Person(i, f"nurse {i + 1}", "nurse", ("nurse",)) for i in range(n)
        )
        forever_s = 1e12
        open_always = Clinic(people, 1, 1, 1, opens_s=0.0, closes_s=forever_s)
        pairs = zip(arrivals_s, services_s, strict=True)
        coming = [
            Booking(i, at_s, None, VisitJob("", (Stage("served", s, ("nurse",)),)))
            for i, (at_s, s) in enumerate(pairs, start=1)
        ]
        return open_always, coming

    return make


SHORT_FILE = """
title = "A short day"
seed = 3
days = 12
[visits]
per_kind = 2
[[visits.kinds]]
scenario = "first_visit"
[appointments]
every_min = 60
n = 5
[plans."a second programmer".equipment]
programmers = 2
[plans."<b>{{ 7 * 7 }}</b>".appointments]
every_min = 30
[metadata]
code = "any text, repeated as it is"
"""


@pytest.fixture(scope="session")
def file() -> DayFile:
    """Return a short day with two other plans."""
    return parse_day(SHORT_FILE, "short.toml")


def made_jobs(kind: Any, n: int, say: Any) -> tuple[VisitJob, ...]:
    """Return visits of usual shape, some longer, some stopped."""
    said = [say(kind.name) for _ in range(n)]
    return tuple(
        made_job(f"{kind.name} #{i + 1}", 1.0 + 0.1 * i, stopped=i % 4 == 1)
        for i in range(len(said))
    )


@pytest.fixture
def made_visits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give visits of usual shape instead of playing some."""
    monkeypatch.setattr("harness.day.replicate.jobs_of_kind", made_jobs)


@pytest.fixture(scope="session")
def with_made_visits() -> Callable[[], AbstractContextManager[None]]:
    """Return what does so for a while, where more than one test needs the days."""

    @contextmanager
    def made() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("harness.day.replicate.jobs_of_kind", made_jobs)
            yield

    return made


@pytest.fixture(scope="session")
def played(
    file: DayFile, with_made_visits: Callable[[], AbstractContextManager[None]]
) -> DaysPlayed:
    """Return the days of the short file under all its plans."""
    with with_made_visits():
        return play_days(file, list(file.plans.values()))


@pytest.fixture
def shipped() -> DayFile:
    """Return the day of the exercise."""
    return load_day("day_device_clinic")
