"""A played visit becomes a job: phases, staff, places, programmer, safety."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.day import playing
from harness.day.clinic import Booking
from harness.day.jobs import TITLES, VisitJob, job_of, with_admission
from harness.day.play import play_day
from harness.day.playing import jobs_of_kind, visits_folder
from harness.day.scenario import VisitKind
from harness.day.site import Admission
from harness.play.scenario import load_scenario
from sim.visit.plan import PHASES, SITES
from sim.visit.record import PhaseTime

SHORT = {
    "visit.titration_min": 4,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.observation_min": 1,
    "visit.baseline_min": 1,
    "visit.strips": "none",
}


def record(
    kind: str = "improved",
    adverse_s: Sequence[float] = (),
    judged: str = "verification",
) -> Any:
    """Return what a job reads of a record: each phase takes 100 s."""
    staff = SITES["device-clinic"].staff
    phases = tuple(
        PhaseTime(name, 100.0 * i, 100.0 * (i + 1), staff[name])
        for i, name in enumerate(PHASES)
    )
    return SimpleNamespace(
        phases=phases,
        verdict=SimpleNamespace(kind=kind),
        events=(SimpleNamespace(kind="verdict", phase=judged),),
        adverse_events=tuple(SimpleNamespace(at_s=at_s) for at_s in adverse_s),
    )


def safe_phases(job: VisitJob) -> list[str]:
    return [stage.name for stage in job.stages if stage.is_safety]


def test_everybody_who_works_in_a_visit_has_a_role_in_the_day() -> None:
    titles = {
        title
        for site in SITES.values()
        for staff in site.staff.values()
        for title in staff.split(" and ")
    }
    assert titles == set(TITLES)


def test_a_titration_takes_a_physician_a_specialist_a_room_and_a_programmer() -> None:
    stage = job_of(record(), "").stages[PHASES.index("titration")]
    assert set(stage.roles) == {"physician", "device specialist"}
    assert (stage.place, stage.programmer) == ("room", True)


def test_check_in_exam_observation_and_report_need_no_programmer() -> None:
    without = [
        stage.name for stage in job_of(record(), "").stages if not stage.programmer
    ]
    assert without == ["check-in", "exam", "observation", "report"]


def test_a_stop_in_the_titration_keeps_the_physician_from_there_on() -> None:
    in_titration_s = 100.0 * PHASES.index("titration") + 50.0
    job = job_of(record("stopped for safety", [in_titration_s]), "")
    from_there = PHASES[PHASES.index("titration") : PHASES.index("report")]
    assert safe_phases(job) == list(from_there)
    assert all("physician" in s.roles for s in job.stages if s.is_safety)
    observed = job.stages[PHASES.index("observation")]
    assert (observed.place, observed.roles) == ("room", ("nurse", "physician"))


def test_a_failed_final_check_keeps_the_physician_from_the_check_on() -> None:
    stopped = record("stopped for safety", [550.0], judged="permanent programming")
    assert safe_phases(job_of(stopped, ""))[0] == "permanent programming"


def test_an_adverse_event_alone_stops_no_visit() -> None:
    job = job_of(record("improved", [550.0]), "")
    assert (job.stopped, safe_phases(job)) == (False, [])


def test_an_admission_is_a_handover_and_then_a_wait_where_the_patient_is(
    job: Callable[..., VisitJob],
) -> None:
    stages = with_admission(job(), Admission()).stages
    names = [stage.name for stage in stages]
    at = names.index("observation")
    assert names[at + 1 : at + 3] == ["handover", "waiting for a bed or transport"]
    assert {stage.place for stage in stages[at : at + 3]} == {"chair"}
    assert stages[at + 1].roles == ("nurse",)
    assert stages[at + 2].roles == ()


def test_the_phases_that_a_routine_check_has_too_are_without_the_search() -> None:
    job = job_of(record(), "")
    # check-in, exam, interrogation, sensing, programming by two, reading, report
    assert job.routine_staff_s == 8 * 100.0


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(playing.CACHE, str(tmp_path / "visits"))
    return tmp_path / "visits"


@pytest.fixture
def kind() -> VisitKind:
    scenario = load_scenario("first_visit").changed(SHORT)
    return VisitKind("short", scenario, 1.0, is_urgent=False)


def test_a_real_visit_in_an_empty_clinic_lasts_what_it_lasts(
    kept: Path, kind: VisitKind, clinic: Callable[..., Any]
) -> None:
    played = playing.recorded(kind.scenario, 0)
    job = job_of(played, "")
    assert job.duration_s == pytest.approx(played.phases[-1].end_s)
    day = play_day(clinic(), [Booking(1, 8 * 3600.0, 8 * 3600.0, job)])
    lasted_s = day.left_s[1] - 8 * 3600.0
    assert lasted_s == pytest.approx(played.phases[-1].end_s)


def test_a_visit_is_played_once_and_read_back_the_same(
    kept: Path, kind: VisitKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    played = jobs_of_kind(kind, 2, said.append)
    assert len(said) == len(list(kept.glob("*.json"))) == 2
    monkeypatch.setattr(playing, "recorded", lambda *_: pytest.fail("played again"))
    assert jobs_of_kind(kind, 2, said.append) == played


def test_a_kept_visit_that_is_damaged_is_played_again(
    kept: Path, kind: VisitKind
) -> None:
    played = jobs_of_kind(kind, 1, lambda _: None)
    file = next(kept.glob("*.json"))
    for damaged in ("", "[]", json.dumps({"stages": [["exam"]], "stopped": False})):
        file.write_text(damaged, encoding="utf-8")
        assert jobs_of_kind(kind, 1, lambda _: None) == played


def test_a_visit_of_another_scenario_is_another_file(
    kept: Path, kind: VisitKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playing, "recorded", lambda *_: record())
    jobs_of_kind(kind, 1, lambda _: None)
    changed = kind.scenario.changed({"visit.titration_min": 5})
    jobs_of_kind(VisitKind("short", changed, 1.0, is_urgent=False), 1, lambda _: None)
    assert len(list(kept.glob("*.json"))) == 2


def test_a_cache_that_cannot_be_written_stops_nothing(
    tmp_path: Path, kind: VisitKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv(playing.CACHE, str(tmp_path / "file" / "visits"))
    monkeypatch.setattr(playing, "recorded", lambda *_: record())
    assert len(jobs_of_kind(kind, 1, lambda _: None)) == 1
    assert visits_folder() == tmp_path / "file" / "visits"
