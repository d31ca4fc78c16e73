"""A course: visits over months, and what happens to patient and device in between."""

import csv
import errno
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup

from harness.archive.run_folder import read_run
from harness.cli import invoke
from harness.common.files import BrokenRunError, OutputError
from harness.course.archive import course_folder, day_rows, write_course
from harness.course.figure import course_svg, reading_sd
from harness.course.home import Day, Home, Stretch, day_of, scheduled_h
from harness.course.kept import read, write
from harness.course.page import course_html, course_text
from harness.course.play import (
    Course,
    CourseVisit,
    PatientOverMonths,
    acute_ef_pct,
    run_course,
    share_of_factory_gain,
    traits_of,
    visit_rows,
)
from harness.play.course_table import CourseTable
from harness.play.order import order_of
from harness.play.provenance import run_numbers
from harness.play.run import run_scenario
from harness.play.scenario import (
    CourseScenario,
    Scenario,
    ScenarioError,
    load_scenario,
    parse_scenario,
)
from harness.play.search import SearchAdvisor
from harness.report.build import report_of
from harness.truth.answer_key import truth_of
from optimizers.problem import PastSearch
from sim.device.settings import Settings, with_hours_per_day
from sim.patient import phenotype
from sim.patient.solve import present_targets
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice

SHORT = {
    "visit.titration_min": 4,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.observation_min": 1,
    "visit.baseline_min": 1,
}
DEVICE = FoundDevice(
    Settings().with_values({"delay_ms": 20.0, "post_ls_refractory_ms": 20.0}),
    days_since_charge=0.0,
    charge_frac=1.0,
)


def scenario(**course: object) -> CourseScenario:
    loaded = load_scenario("follow_up_year")
    assert isinstance(loaded, CourseScenario)
    changes = {f"course.{name}": value for name, value in course.items()}
    return loaded.changed(SHORT | changes)


@cache
def played() -> Course:
    return run_course(scenario(visit_months=[0, 5, 7]), scenario_name="short")


def stay(days: int, *, device: FoundDevice = DEVICE, **course: object) -> Stretch:
    table = CourseTable.model_validate({"visit_months": [0, 12], **course})
    patient = phenotype("hfref-ischaemic")
    return Home(table, 3, 12.0).stay(patient, device, range(days), 0)


def fault(**more: object) -> dict[str, object]:
    return {"lead": "V2", "fault": "fracture", "month": 1, **more}


def test_the_shipped_course_is_a_course_and_the_others_are_not() -> None:
    assert isinstance(load_scenario("follow_up_year"), CourseScenario)
    assert type(load_scenario("first_visit")) is Scenario


def test_a_scenario_without_a_course_says_nothing_of_one() -> None:
    dumped = load_scenario("first_visit").model_dump_json()
    for word in ("course", "fault_frac", "suspended_frac"):
        assert word not in dumped


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("visit_months = [3, 0]", "must rise by 0.25 months or more"),
        ("visit_months = []", "must be 1 to 24 visits, got 0"),
        ("visit_months = [0, 200]", "must be 0 to 120 months"),
        ("visit_months = [0]\nhours_per_day = 5.5", "whole hours from 1 to 24 h"),
        ("visit_months = [0]\nchargng = 3", "charg"),
        ("visit_months = [0]\ncharging_adherence_frac = 1.2", "must be 0 to 1"),
        (
            'visit_months = [0]\n[course.lead_fault]\nlead = "V9"\n'
            'fault = "fracture"\nmonth = 4',
            "course.lead_fault.lead: must be one of V1, V2, got 'V9'",
        ),
        (
            'visit_months = [0]\n[course.lead_fault]\nlead = "V2"\n'
            'fault = "dislodge"\nmonth = 4',
            "nearest is 'dislodged'",
        ),
        (
            'visit_months = [0]\n[course.lead_fault]\nlead = "V2"\n'
            'fault = "fracture"\nmonths = 4',
            "course.lead_fault.months: no such name; nearest is 'month'",
        ),
    ],
)
def test_a_fault_in_the_table_is_named(line: str, said: str) -> None:
    text = f'title = "t"\n[patient]\nphenotype = "normal"\n[course]\n{line}\n'
    with pytest.raises(ScenarioError, match=said) as raised:
        parse_scenario(text, "mine.toml")
    assert "course" in str(raised.value)


def test_the_first_visit_at_month_0_is_the_visit_without_a_course() -> None:
    course = played()
    alone = Scenario.checked(
        course.scenario.model_dump(mode="json", exclude={"course"}), origin="alone"
    )
    assert run_scenario(alone).record.events == course.visits[0].run.record.events


def test_each_visit_finds_what_the_one_before_left() -> None:
    visits = played().visits
    for before, after in pairwise(visits):
        found = after.run.record.as_found.settings
        assert found == before.run.record.final
        orders = after.run.played.order, before.run.played.order
        assert orders[0].replicate == orders[1].replicate + 1


def test_the_heart_of_a_later_visit_has_the_slow_part_of_the_law() -> None:
    first, *later = played().visits
    start = first.true.ef_pct[0]
    for visit in later:
        stated = present_targets(visit.run.played.order.patient).ejection_fraction_pct
        rounding = 1e-9  # of percent: the order of sums in a compiled kernel
        assert start < stated <= visit.true.ef_pct[0] + rounding
        # what is above it is acute: the visit's own trains make it again
        acute = visit.stretch.days[-1].delivered_frac > 0.0
        assert (stated < visit.true.ef_pct[0] - rounding) == acute
    assert any(visit.stretch.days[-1].delivered_frac > 0.0 for visit in later)


def test_better_settings_show_in_the_follow_up_at_once() -> None:
    patient = scenario().patient.patient
    found = scenario().found_device.settings
    assert acute_ef_pct(patient) > 1.0
    assert share_of_factory_gain(patient, Settings()) == 1.0
    assert 0.0 < share_of_factory_gain(patient, found) < 1.0


@pytest.mark.parametrize("matter", [False, True])
def test_settings_change_the_slow_effects_only_where_a_course_says_so(
    matter: bool,
) -> None:
    asked = scenario(settings_matter=matter)
    low, high = (PatientOverMonths(asked, order_of(asked)) for _ in range(2))
    weak = asked.found_device
    day = Day(0, 5.0, 1.0, 20_000, 1.0, False, False, "none")
    for person, found in ((low, weak), (high, replace(weak, settings=Settings()))):
        person.live(Stretch((day,) * 90, (), (), found))
    assert high.true().ef_pct > low.true().ef_pct
    assert (high.true_ef_off_pct() > low.true_ef_off_pct()) == matter


def test_the_visit_shows_the_delivery_of_the_days_before_it() -> None:
    row = list(visit_rows(played()))[1]
    assert row["v2_fault"] == "dislodged"
    # fault from month 4 on, visit in month 5; two samples of 1500 beats differ a little
    assert row["delivered_frac_shown"] == pytest.approx(0.8, abs=0.02)
    assert row["delivered_frac"] == pytest.approx(0.8, abs=0.02)


def test_the_same_seed_gives_the_same_course() -> None:
    again = run_course(scenario(visit_months=[0, 5]), scenario_name="short")
    assert list(visit_rows(again)) == list(visit_rows(played()))[:2]


def test_a_search_is_told_of_the_same_patients_earlier_visits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[PastSearch, ...]] = []
    begin = SearchAdvisor.begin

    def watched(self: SearchAdvisor, reference: Settings, n_tests: int) -> None:
        begin(self, reference, n_tests)
        told.append(self.problem.history)

    monkeypatch.setattr(SearchAdvisor, "begin", watched)
    course = run_course(
        scenario(visit_months=[0, 1]).changed({"engine": "table"}), strategy="transfer"
    )
    first = course.visits[0].run.played
    assert [len(history) for history in told] == [0, 1]
    (past,) = told[1]
    assert past.same_patient
    assert past.log == first.log
    assert past.reference == first.space.reference_point


def test_a_device_found_empty_is_charged_before_the_patient_leaves() -> None:
    course = run_course(
        scenario(visit_months=[1, 1.5], charging_adherence_frac=0.0, lead_fault=None)
    )
    one, other = course.visits
    assert one.run.record.as_found.battery_pct < 10.0
    assert "battery low: CCM suspended" in one.run.record.as_found.alerts
    assert other.stretch.days[0].charge_frac > 0.8


@cache
def forgotten() -> Course:
    """Play two visits half a year apart; the device is not charged in between."""
    never = {"charging_adherence_frac": 0.0, "lead_fault": None}
    return run_course(scenario(visit_months=[0, 6], **never))


def test_days_since_the_last_charge_are_told_as_they_are_however_many() -> None:
    run = forgotten().visits[1].run
    # 2 days before the first visit, then the half year; the visit adds minutes
    half_a_year = day_of(6.0)
    assert run.played.order.found.days_since_charge == pytest.approx(
        half_a_year + 2.0, abs=0.1
    )
    seen = run.record.as_found.days_since_charge
    assert seen == pytest.approx(half_a_year + 2.0, abs=0.1)
    told = [
        fact.text.replace("\N{NO-BREAK SPACE}", " ")
        for fact in report_of(run, truth_of(run.played)).device.as_found
    ]
    assert f"{seen:.1f} days" in told
    assert f"last charged {seen:.0f} days ago" in {
        advice.because for advice in run.record.follow_up
    }


def found_places(course: CourseScenario, order: VisitOrder) -> dict[str, str]:
    rows = run_numbers(course, order)["device as found"]
    return {row.name: row.source.place for row in rows}


def test_a_visit_credits_to_the_course_what_the_months_did_to_the_device() -> None:
    name = "days_since_charge"
    first, later = (
        found_places(forgotten().scenario, visit.run.played.order)
        for visit in forgotten().visits
    )
    assert first[name] == "device.found.days_since_charge"
    assert later[name].startswith("course: left by the visit before")


def test_the_hours_of_a_course_are_those_of_its_first_visit() -> None:
    course = scenario(hours_per_day=9)
    order = order_of(course)
    assert order.found.settings == with_hours_per_day(
        course.device.as_found, course.course.hours_per_day
    )
    places = found_places(course, order)
    assert places["settings.ccm_hours_per_day"] == "course.hours_per_day"


def test_forgotten_charges_stop_ccm_and_are_told() -> None:
    stretch = stay(60, charging_adherence_frac=0.0)
    assert stretch.recharges == ()
    assert stretch.days[-1].suspended
    assert stretch.days[-1].n_trains == 0
    told = [alert.text for alert in stretch.alerts]
    assert told == [
        "not recharged for more than 10 days",
        "battery below 10 %: CCM suspended",
    ]
    assert stretch.found.suspended_frac > 0.5


def test_a_faithful_patient_charges_every_week_and_loses_no_day() -> None:
    stretch = stay(70, charging_adherence_frac=1.0)
    assert len(stretch.recharges) == 10
    assert not any(day.suspended for day in stretch.days)
    assert stretch.alerts == ()
    assert all(charge.after_frac == 1.0 for charge in stretch.recharges)


def test_the_trains_of_a_day_are_those_of_the_timing_machine() -> None:
    # 5 h at 74 beats a minute, less the beats that are inhibited
    for day in stay(3).days:
        assert day.n_trains == round(day.delivered_frac * 5.0 * 60.0 * 74.0)
        assert 0.9 < day.delivered_frac <= 1.0


def test_more_hours_a_day_are_more_trains_and_more_charge() -> None:
    twelve = FoundDevice(
        with_hours_per_day(DEVICE.settings, 12.0), charge_frac=1.0, days_since_charge=0
    )
    few, many = stay(2).days[-1], stay(2, device=twelve).days[-1]
    assert many.n_trains == pytest.approx(12.0 / 5.0 * few.n_trains, rel=1e-3)
    assert many.charge_frac < few.charge_frac


def test_a_broken_lead_is_seen_in_impedance_and_delivery_until_it_is_mended() -> None:
    stretch = stay(100, lead_fault=fault(mended_month=2))
    broken = [day.day for day in stretch.days if day.fault == "fracture"]
    # the first morning after each month has passed
    assert broken[0] == int(np.ceil(365.25 / 12.0))
    assert broken[-1] == int(365.25 / 6.0)
    assert all(stretch.days[day].n_trains == 0 for day in broken)
    told = " ".join(alert.text for alert in stretch.alerts)
    assert "impedance of V2 from 550 ohm to 3300 ohm" in told
    assert "CCM on 0 % of beats" in told
    assert stretch.found.v2_fault == "none"


def test_a_device_that_is_off_delivers_nothing_and_tells_nothing() -> None:
    off = FoundDevice(DEVICE.settings, state="PERMANENT_OFF", charge_frac=1.0)
    stretch = stay(20, device=off)
    assert sum(day.n_trains for day in stretch.days) == 0
    assert not any("beats" in alert.text for alert in stretch.alerts)


def test_a_change_of_hours_does_not_move_the_days_of_charging() -> None:
    seven = FoundDevice(with_hours_per_day(DEVICE.settings, 7.0), charge_frac=1.0)
    one, other = stay(90, device=DEVICE), stay(90, device=seven)
    habit = [day for day in range(90) if (day + 1) % 7 == 0]
    assert [one.days[d].charged for d in habit] == [
        other.days[d].charged for d in habit
    ]


def test_the_scheduled_hours_are_those_of_the_schedule() -> None:
    assert scheduled_h(Settings()) == pytest.approx(5.0)
    assert scheduled_h(with_hours_per_day(Settings(), 12.0)) == pytest.approx(12.0)


def test_a_year_has_365_days() -> None:
    assert day_of(12.0) == 365


def test_who_gains_nothing_in_a_beat_gains_nothing_in_a_year() -> None:
    traits = traits_of(phenotype("hfref-null"), scenario().course, 1)
    assert traits.ef_gain_pct == 0.0
    assert traits.placebo.mlwhfq_points < 0.0


def test_traits_may_be_drawn() -> None:
    table = scenario(traits="drawn").course
    one, other = (traits_of(phenotype("hfref-ischaemic"), table, s) for s in (1, 2))
    assert one.ef_gain_pct != other.ef_gain_pct


def test_the_days_tell_the_course_between_the_visits() -> None:
    rows = list(day_rows(played()))
    assert [row["day"] for row in rows] == list(range(day_of(7.0)))


def test_the_text_has_a_line_a_visit() -> None:
    lines = course_text(played()).splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["0", "5", "7"]


def test_the_figure_is_the_same_for_the_same_course() -> None:
    svg = course_svg(played())
    assert svg == course_svg(played())
    assert b"<title" in svg


def test_the_figure_says_where_higher_is_worse_and_how_readings_err() -> None:
    svg = course_svg(played()).decode()
    assert svg.count("higher is worse") == 2  # MLWHFQ and NYHA class
    assert "95 % interval of one reading" in svg


def test_error_bars_are_those_of_one_reading() -> None:
    """EF errs by 5.1 % of itself (N20), a score by its fluctuation of the law."""
    assert reading_sd("ef_pct", np.array([20.0, 40.0])) == pytest.approx([1.02, 2.04])
    assert reading_sd("mlwhfq_points", np.zeros(2)) == pytest.approx([10.5, 10.5])


def test_the_page_stands_alone_and_leads_to_each_report() -> None:
    page = BeautifulSoup(course_html(played()), "html.parser")
    links = [link["href"] for link in page.find_all("a")]
    assert links == [f"visit-{n}/report.html" for n in (1, 2, 3)]
    assert page.find_all(["script", "link", "img", "iframe"]) == []
    assert "simulated data only" in page.get_text()
    assert len(page.find_all("tbody")[0].find_all("tr")) == 3


@pytest.fixture(scope="module")
def year(
    tmp_path_factory: pytest.TempPathFactory,
    undrawn: Callable[[], AbstractContextManager[None]],
) -> Path:
    with undrawn():
        return write_course(played(), tmp_path_factory.mktemp("course") / "year")


def test_a_replay_of_its_folder_says_what_plays_a_course_again(
    year: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["replay", str(year), "--out", str(tmp_path / "again")]
    assert invoke(command) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert f"{year} is a course, whose visits begin where the ones before" in said[0]


def test_the_folder_holds_a_run_a_visit_and_the_tables(year: Path) -> None:
    names = {path.name for path in year.iterdir()}
    assert names == {
        "charging.csv",
        "course.csv",
        "course.html",
        "course.json",
        "course.svg",
        "course_key.svg",
        "days.csv",
        "provenance.csv",
        "run.json",
        "timings.json",
        "visit-1",
        "visit-2",
        "visit-3",
    }
    assert all(read_run(year / f"visit-{n}") for n in (1, 2, 3))
    told = json.loads((year / "course.json").read_text("utf-8"))
    with (year / "course.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["month"] for row in rows] == ["0.0", "5.0", "7.0"]
    assert [visit["verdict"] for visit in told["visits"]] == [
        row["verdict"] for row in rows
    ]
    with pytest.raises(BrokenRunError, match="name one of its visits"):
        read_run(year)


def test_a_course_is_read_back_equal_to_the_one_written(year: Path) -> None:
    again = read(year)
    assert again == played()
    assert again is not played()
    with pytest.raises(BrokenRunError, match="is one visit of a course"):
        read(year / "visit-2")


def test_a_course_has_a_run_for_each_visit() -> None:
    assert played().run(2) is played().visits[1].run
    with pytest.raises(ValueError, match="must be 1 to 3, got 4"):
        played().run(4)


def test_one_visit_is_no_course() -> None:
    with pytest.raises(ScenarioError, match="one visit, which run_scenario plays"):
        run_course("first_visit")


def test_a_report_is_not_given_for_a_whole_course(tmp_path: Path) -> None:
    run = played().run(1)
    report = report_of(run, truth_of(run.played))
    with pytest.raises(ValueError, match="a report for each visit"):
        write(played(), tmp_path / "year", report=report)
    assert list(tmp_path.iterdir()) == []


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_course_written_while_it_is_played_is_the_same_and_holds_no_beats(
    year: Path, undrawn: Callable[[], AbstractContextManager[None]]
) -> None:
    whole = contents(year)
    with undrawn(), course_folder(year, force=True) as writer:
        course = run_course(played().scenario, scenario_name="short", each=writer.visit)
        writer.finish(course)
    assert [len(visit.run.record.beats.rows) for visit in course.visits] == [0, 0, 0]
    again = contents(year)
    assert len(whole) > 40
    assert again.keys() == whole.keys()
    assert {n for n in whole if again[n] != whole[n]} == {"timings.json"}


def test_a_course_that_breaks_off_leaves_no_folder(tmp_path: Path) -> None:
    def full(_: CourseVisit) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        pytest.raises(OutputError, match="cannot be written: no space left on device"),
        course_folder(tmp_path / "year"),
    ):
        run_course(scenario(visit_months=[0, 5]), each=full)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_hand_out_of_a_course_holds_nothing_true(tmp_path: Path) -> None:
    course = played()
    folder = write_course(course, tmp_path / "year", keyed=False)
    assert {path.name for path in folder.iterdir()} == {
        "charging.csv",
        "course.csv",
        "course.html",
        "course.svg",
        "run.json",
        *(f"visit-{n}" for n in (1, 2, 3)),
    }
    assert all(read_run(folder / f"visit-{n}") for n in (1, 2, 3))
    told = [p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()]
    true_ef = f"{float(course.visits[-1].true.ef_pct[0]):.6f}".encode()
    for secret in (b"_true", b"_fault", course.scenario.subject.encode(), true_ef):
        assert not any(secret in content for content in told)
    about = json.loads((folder / "run.json").read_text("utf-8"))
    assert about["kind"] == "hand-out"
    assert "seed" not in about


def test_the_page_of_a_course_tells_its_subject_in_the_answer_key_alone() -> None:
    page = BeautifulSoup(course_html(played()), "html.parser")
    key = page.select_one("#answer-key")
    assert key is not None
    subject = played().scenario.subject
    assert subject in key.get_text()
    key.extract()
    assert subject not in page.get_text()
    assert "true" not in page.get_text()


@pytest.mark.slow
def test_the_command_plays_a_course(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "two.toml", tmp_path / "out"
    path.write_text(
        """
title = "Two visits"
[course]
visit_months = [0, 3]
[patient]
phenotype = "hfref-ischaemic"
[visit]
titration_min = 0
verification_pairs = 2
response_pairs = 1
observation_min = 1
baseline_min = 1
""",
        encoding="utf-8",
    )
    assert invoke(["run", str(path), "--out", str(out)]) == 0
    said, progress = capsys.readouterr()
    assert progress.startswith("[0:00:00] start: solving the patient")
    assert progress.endswith("files: writing the report of visit 2\n")
    assert "visit 1 of 2: month 0" in progress
    assert "visit 2 of 2: month 3" in progress
    assert "month" in said
    assert "simulated data only" in said
    assert (out / "visit-2" / "report.html").is_file()


def test_a_course_says_what_each_visit_ended_in_and_draws_itself() -> None:
    course = played()
    lines = repr(course).splitlines()
    assert len(lines) == 1 + len(course.visits)
    assert course.visits[0].run.record.verdict.kind in lines[1]
    assert course.table.n_rows == len(course.visits)
    assert "<table>" in course._repr_html_()
    hidden, keyed = course.plot(), course.plot(width="single", keyed=True)
    assert len(keyed.axes[0].lines) > len(hidden.axes[0].lines)
