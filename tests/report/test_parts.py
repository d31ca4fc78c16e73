"""One model feeds every format: it keeps numbers, and refuses what none can show."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from harness.common.words import decimal, plain, setting_text
from harness.report.contents import SCHEMA_VERSION, Report
from harness.report.html import render_html
from harness.report.parts import Interval, Quantity, fact_text
from harness.report.schema import schema_text
from harness.report.sections.visit import DATE, NAME, PSEUDONYM
from harness.report.values import gain, interval, quantity
from sim.visit.record import Check, Event, SymptomReport, VisitRecord

Build = Callable[..., Report]
PUBLISHED = Path(__file__).parents[2] / "docs" / "report.schema.json"


def test_a_report_read_back_from_json_is_the_same(report: Report) -> None:
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_a_report_read_back_from_json_renders_to_the_same_bytes(
    report: Report,
) -> None:
    again = Report.model_validate_json(report.model_dump_json(indent=2))
    assert render_html(again) == render_html(report)


def test_the_json_holds_no_value_that_json_does_not_know(
    harmed_report: Report,
) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    json.loads(harmed_report.model_dump_json(), parse_constant=refuse)


def test_the_schema_can_be_published(report: Report) -> None:
    schema = Report.model_json_schema()
    assert schema["properties"]["schema_version"]["const"] == SCHEMA_VERSION
    assert report.schema_version == SCHEMA_VERSION


def test_the_published_schema_is_what_the_command_writes() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(Report)


def test_a_report_fits_the_published_schema(
    report: Report, harmed_report: Report
) -> None:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for told in (report, harmed_report):
        jsonschema.validate(json.loads(told.model_dump_json()), schema)


def test_an_unknown_field_is_refused(report: Report) -> None:
    data = report.model_dump()
    data["mood"] = "good"
    with pytest.raises(ValidationError, match="mood"):
        Report.model_validate(data)


def test_another_schema_version_is_refused(report: Report) -> None:
    data = report.model_dump() | {"schema_version": "0.1"}
    with pytest.raises(ValidationError, match="schema_version"):
        Report.model_validate(data)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_does_not_exist_becomes_null(value: float) -> None:
    assert quantity(value, "mmHg", 1).value is None
    assert quantity(value, "mmHg", 1).text == "not available"


def test_the_value_kept_is_the_value_shown() -> None:
    shown = quantity(4.0468, "%", 1)
    assert shown.value == 4.0
    assert shown.text == "4.0\N{NO-BREAK SPACE}%"


@pytest.mark.parametrize(
    ("value", "digits", "signed", "text"),
    [
        (-0.04, 1, True, "0.0"),
        (0.0, 1, True, "0.0"),
        (2.25, 1, True, "+2.2"),
        (-2.26, 1, False, "\N{MINUS SIGN}2.3"),
        (1234.0, 0, False, "1234"),
        (621487.0, 0, False, "621\N{NARROW NO-BREAK SPACE}487"),
    ],
)
def test_a_number_is_shown_plainly(
    value: float, digits: int, signed: bool, text: str
) -> None:
    assert decimal(value, digits, signed=signed) == text


def test_an_interval_with_a_missing_limit_is_not_available() -> None:
    assert interval((math.nan, 2.0)).text == "not available"
    assert isinstance(interval((-0.26, 2.04)), Interval)
    assert interval((-0.26, 2.04)).text == "\N{MINUS SIGN}0.3 to 2.0\N{NO-BREAK SPACE}%"


def test_a_gain_always_shows_its_sign() -> None:
    assert gain(1.0).text == "+1.0\N{NO-BREAK SPACE}%"
    assert isinstance(gain(1.0), Quantity)


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "yes"), (False, "no"), ("V1+V2", "V1+V2"), (5.14, "5.14"), (2, "2")],
)
def test_a_programmed_value_reads_as_on_the_programmer(
    value: bool | int | float | str, text: str
) -> None:
    assert setting_text(value) == text


def test_control_characters_are_replaced_and_line_breaks_kept() -> None:
    assert (
        plain("a\x00b\nc\x1b")
        == "a\N{REPLACEMENT CHARACTER}b\nc\N{REPLACEMENT CHARACTER}"
    )


def test_the_verdict_sentence_holds_gain_and_interval(report: Report) -> None:
    sentence = report.verdict.sentence
    assert sentence.startswith("Improved: systolic finger pressure rose by 4.1")
    assert "95 % interval 3.1 to 5.1" in sentence


def test_energy_rises_with_the_square_of_the_amplitude(
    report: Report, record: VisitRecord
) -> None:
    row = next(r for r in report.analysis.energy if r.label == "Energy per train")
    assert row.before.value is not None
    assert row.after.value is not None
    found, left = record.as_found.settings, record.final
    squares = (left.amplitude_v / found.amplitude_v) ** 2
    expected = squares * left.phase_duration_ms / found.phase_duration_ms
    # both numbers are rounded to 0.01 mJ, the smaller is about 1.5 mJ
    assert row.after.value / row.before.value == pytest.approx(expected, rel=0.01)


def test_arms_with_ccm_off_do_not_dilute_the_delivered_share(
    report_of: Build, record: VisitRecord
) -> None:
    off = [
        replace(
            pair,
            arms=tuple(
                replace(arm, reading=replace(arm.reading, delivered_frac=0.0))
                if arm.role == "tested"
                else arm
                for arm in pair.arms
            ),
        )
        for pair in record.response_pairs
    ]
    kept = report_of(
        final=record.reference,
        as_left=replace(record.as_left, settings=record.reference),
        response_pairs=tuple(off),
        verification_pairs=(),
    )
    row = next(r for r in kept.analysis.energy if r.label == "Beats with CCM, expected")
    assert row.after.value == 100.0


def test_every_source_of_a_number_is_listed(report: Report) -> None:
    used = {row.reference for row in report.provenance.rows}
    listed = {work.key for work in report.provenance.references}
    assert used == listed


def test_the_claim_of_the_best_reading_stands_beside_the_verified_gain(
    report: Report,
) -> None:
    facts = {fact.label: fact.text for fact in report.analysis.facts}
    assert facts["What the best single reading would have claimed"].startswith("+6.8")
    assert facts["Verified gain"].startswith("+4.1")


def test_scores_that_fell_are_said_to_be_mostly_expectation(report_of: Build) -> None:
    symptoms = SymptomReport(0.0, 3, 5.0, 5.0, "")
    for after, told in ((4.0, True), (5.0, False), (6.0, False)):
        asked = (symptoms, replace(symptoms, dyspnoea=after))
        note = report_of(symptoms=asked).encounter.symptoms_note
        assert ("expectation" in note) == told


def test_the_day_is_the_scenarios_and_the_hour_the_devices(report_of: Build) -> None:
    told = report_of(scenario={"visit": {"date": "2031-02-03"}}).encounter
    assert told.started.startswith("2031-02-03T08:27")  # arrival at 8.45 h
    assert fact_text(told.facts, DATE) == "2031-02-03, check-in at 08:27"


def test_a_name_of_the_scenario_stands_beside_the_pseudonym(report_of: Build) -> None:
    named = report_of(scenario={"visit": {"patient_name": "Mrs Example"}}).encounter
    assert fact_text(named.patient, NAME) == "Mrs Example"
    assert fact_text(named.facts, PSEUDONYM).startswith("SIM-")
    assert NAME not in {fact.label for fact in report_of().encounter.patient}


def test_congestion_is_told_as_findings(report_of: Build) -> None:
    check = Check("congestion", True, "examined; NYHA class 3")
    noted = Event(600.0, "exam", "check", f"{check.name}: {check.text}")
    told = report_of(checklist=(check,), events=(noted,)).encounter
    found = fact_text(told.examination, "congestion")
    assert "jugular veins at about" in found
    assert "rales" in found
    assert "oedema" in found
