"""The FHIR Bundle: valid, simulated in every part, the same bytes, no invented code."""

import base64
import gzip
import hashlib
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fhir.resources.R4B.bundle import Bundle
from jsonschema import Draft6Validator

from harness.common.words import unit_of_setting
from harness.report.contents import Report
from harness.report.fhir import fhir_bundle, fhir_bytes
from harness.report.fhir_terms import (
    CPT,
    ECG,
    HTEST,
    OTHER_CARDIAC_DEVICE,
    STUDY_REPORT,
    SYSTEM,
    UCUM,
    UCUM_CODES,
    amount,
    clean,
)
from harness.report.formats import renderings
from harness.report.parts import Interval, Part, Quantity
from sim.device.lattice import parameters
from sim.device.settings import Settings

Build = Callable[..., Report]
Json = dict[str, Any]
SCHEMA = Path(__file__).parents[1] / "data" / "fhir" / "fhir.schema.json.gz"
SCHEMA_SHA256 = "15b9548af6412c44faaa411456e0652542de286fd1c58ef882b09bdc8947909d"
PDF = b"%PDF-1.7 a stand-in \x00\xff"
HOSTILE = (
    '<script>alert(1)</script> & "quoted"',
    "line\u202eright-to-left",
    "null\x00 bell\x07 escape\x1b[31m \ufffe",
    "hard\u00a0blank thin\u202fblank",
    "é漢字😀",
    "x" * 10_000,
)
# what the schema leaves open, because any primitive may have an extension instead
NEEDED = {
    "Observation": ("status", "code"),
    "Procedure": ("status", "subject"),
    "DiagnosticReport": ("status", "code"),
    "CodeSystem": ("status", "content"),
}


@cache
def schema() -> Json:
    loaded: Json = json.loads(gzip.decompress(SCHEMA.read_bytes()))
    return loaded


def faults(resource: Json, kind: str) -> list[str]:
    """Hold a resource against its own definition, contained ones left out."""
    whole = {**schema(), "oneOf": [{"$ref": f"#/definitions/{kind}"}]}
    found = Draft6Validator(whole).iter_errors(resource)
    return [error.message for error in found]


def resources(bundle: Json) -> list[Json]:
    return [entry["resource"] for entry in bundle["entry"]]


def of_kind(bundle: Json, kind: str) -> list[Json]:
    return [item for item in resources(bundle) if item["resourceType"] == kind]


def observations(bundle: Json, code: str) -> list[Json]:
    return [
        item
        for item in of_kind(bundle, "Observation")
        if item["code"]["coding"][0]["code"] == code
    ]


def component(resource: Json, code: str) -> Json:
    found: Json = next(
        item
        for item in resource["component"]
        if item["code"]["coding"][0]["code"] == code
    )
    return found


def nodes(value: Any) -> Iterator[Json]:
    """Yield every object in a value, nested ones included."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from nodes(item)


def units(part: object) -> Iterator[str]:
    if isinstance(part, Quantity | Interval):
        yield part.unit
    elif isinstance(part, Part):
        for name in type(part).model_fields:
            yield from units(getattr(part, name))
    elif isinstance(part, tuple):
        for item in part:
            yield from units(item)


@pytest.fixture(scope="module")
def bundle(report: Report) -> Json:
    return fhir_bundle(report, PDF)


@pytest.fixture(scope="module")
def hostile(report_of: Build) -> Json:
    text = "\n".join(HOSTILE)
    scenario = {"title": text, "description": text, "metadata": {text[:40]: text}}
    return fhir_bundle(report_of(scenario, observation_text=text, pseudonym=text))


def test_the_schema_is_the_file_that_its_readme_names() -> None:
    content = gzip.decompress(SCHEMA.read_bytes())
    assert hashlib.sha256(content).hexdigest() == SCHEMA_SHA256
    assert SCHEMA_SHA256 in SCHEMA.with_name("README.md").read_text(encoding="utf-8")


def test_every_resource_is_valid_against_the_official_schema(bundle: Json) -> None:
    for resource in resources(bundle):
        assert faults(resource, resource["resourceType"]) == []


def test_the_bundle_is_valid_as_a_whole(bundle: Json) -> None:
    assert faults(bundle, "Bundle") == []


def test_the_schema_would_notice_a_wrong_resource(bundle: Json) -> None:
    patient = of_kind(bundle, "Patient")[0]
    assert faults({**patient, "gender": "virtual"}, "Patient")
    assert faults({**patient, "pseudonym": "x"}, "Patient")
    broken = [{**bundle["entry"][0], "resource": {**patient, "active": "yes"}}]
    assert faults({**bundle, "entry": broken}, "Bundle")


def test_an_independent_reader_reads_the_same(
    bundle: Json, harmed_report: Report, hostile: Json
) -> None:
    """fhir.resources holds R4B, whose resources of this Bundle are those of R4."""
    for made in (bundle, fhir_bundle(harmed_report), hostile):
        assert json.loads(Bundle.model_validate(made).model_dump_json()) == made


def test_the_independent_reader_would_notice_a_wrong_resource(bundle: Json) -> None:
    first, *others = bundle["entry"]
    wrong = {**first, "resource": {**first["resource"], "pseudonym": "x"}}
    with pytest.raises(ValueError, match="pseudonym"):
        Bundle.model_validate({**bundle, "entry": [wrong, *others]})


def values_of(part: Json) -> list[str]:
    return [name for name in part if name.startswith("value")]


def test_every_observation_keeps_the_rules_that_no_schema_holds(bundle: Json) -> None:
    """FHIR R4: obs-6, obs-7, qty-3 and one value at most, for components too."""
    for item in of_kind(bundle, "Observation"):
        parts = item.get("component", [])
        for part in (item, *parts):
            assert len(values_of(part)) + ("dataAbsentReason" in part) <= 1
        own = {code["code"] for code in item["code"]["coding"]}
        codes = [part["code"]["coding"][0]["code"] for part in parts]
        assert not (values_of(item) and own & set(codes))
        assert all(values_of(part) or "dataAbsentReason" in part for part in parts)
        assert values_of(item) or parts or "dataAbsentReason" in item
    for node in nodes(bundle):
        if "code" in node and "value" in node:
            assert node["system"] == UCUM


TARGETS = {
    "subject": {"Patient"},
    "patient": {"Patient"},
    "device": {"Device"},
    "usedReference": {"Device"},
    "partOf": {"Procedure"},
    "report": {"DiagnosticReport"},
    "result": {"Observation"},
}


def test_every_reference_leads_to_a_resource_of_the_right_kind(bundle: Json) -> None:
    kinds = {e["fullUrl"]: e["resource"]["resourceType"] for e in bundle["entry"]}
    found = set()
    for resource in resources(bundle):
        for name, value in resource.items():
            for node in nodes(value):
                if "reference" in node:
                    assert kinds[node["reference"]] in TARGETS[name]
                    found.add(name)
    assert found == set(TARGETS)


def test_every_address_is_a_uuid_of_lower_case(bundle: Json) -> None:
    for entry in bundle["entry"]:
        name = entry["fullUrl"].removeprefix("urn:uuid:")
        assert str(UUID(name)) == name
        assert UUID(name).version == 5  # made of the content, not of chance


def test_what_the_schema_leaves_open_is_there(bundle: Json) -> None:
    for resource in resources(bundle):
        for name in NEEDED.get(resource["resourceType"], ()):
            assert resource[name]


def test_a_visit_stopped_for_safety_is_valid_and_says_so(harmed_report: Report) -> None:
    harmed = fhir_bundle(harmed_report)
    for resource in resources(harmed):
        assert faults(resource, resource["resourceType"]) == []
    assert of_kind(harmed, "Procedure")[0]["status"] == "stopped"
    verdict = observations(harmed, "verified-gain")[0]
    assert "valueQuantity" not in verdict
    assert "ventricular" in verdict["dataAbsentReason"]["text"]
    conclusion = of_kind(harmed, "DiagnosticReport")[0]["conclusion"]
    assert "Stopped for safety" in conclusion
    assert "Adverse events: 1 in" in conclusion


def test_the_bundle_and_each_resource_are_tagged_as_test_data(bundle: Json) -> None:
    for item in (bundle, *resources(bundle)):
        assert item["meta"]["security"] == [HTEST]
    assert HTEST["system"] == "http://terminology.hl7.org/CodeSystem/v3-ActReason"


def test_each_resource_says_in_text_that_it_is_simulated(bundle: Json) -> None:
    for resource in resources(bundle):
        text = "".join(ET.fromstring(resource["text"]["div"]).itertext())
        assert text.startswith("Simulated data: not a medical record")


def test_the_same_report_gives_the_same_bytes(report: Report) -> None:
    again = Report.model_validate_json(report.model_dump_json())
    assert fhir_bytes(report, PDF) == fhir_bytes(again, PDF)
    assert json.loads(fhir_bytes(report, PDF)) == fhir_bundle(report, PDF)


def test_another_report_gives_other_ids(report: Report, harmed_report: Report) -> None:
    one, other = (
        {entry["fullUrl"] for entry in fhir_bundle(item)["entry"]}
        for item in (report, harmed_report)
    )
    assert one.isdisjoint(other)


def test_no_date_is_in_the_bundle_but_the_simulated_day(
    bundle: Json, report: Report
) -> None:
    day = report.encounter.started[:10]
    assert set(re.findall(r"\b20\d\d-\d\d-\d\d", json.dumps(bundle))) == {day}


def test_every_observation_says_when(bundle: Json, report: Report) -> None:
    """A test began so many minutes after check-in, and took so many."""
    for item in of_kind(bundle, "Observation"):
        assert ("effectiveDateTime" in item) + ("effectivePeriod" in item) == 1
    check_in = datetime.fromisoformat(report.encounter.started)
    tested = observations(bundle, "tested-setting")
    for item, row in zip(tested, report.tests.rows, strict=True):
        start, end = (
            (datetime.fromisoformat(item["effectivePeriod"][edge]) - check_in)
            for edge in ("start", "end")
        )
        assert start.total_seconds() == pytest.approx(60 * row.start.value, abs=1)
        length = 60 * (row.start.value + row.minutes.value)
        assert end.total_seconds() == pytest.approx(length, abs=1)


def test_a_report_from_before_days_were_told_tells_no_time(report: Report) -> None:
    encounter = report.encounter.model_copy(update={"started": ""})
    told = fhir_bundle(report.model_copy(update={"encounter": encounter}))
    names = {name for node in nodes(told) for name in node}
    assert [n for n in names if n.startswith(("effective", "performed"))] == []
    assert faults(of_kind(told, "Procedure")[0], "Procedure") == []


def test_every_reference_leads_to_an_entry(bundle: Json) -> None:
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(urls) == len(set(urls))
    for entry in bundle["entry"]:
        assert entry["fullUrl"] == f"urn:uuid:{entry['resource']['id']}"
    asked = {node["reference"] for node in nodes(bundle) if "reference" in node}
    assert asked <= set(urls)


def test_the_report_refers_to_every_observation(bundle: Json) -> None:
    results = of_kind(bundle, "DiagnosticReport")[0]["result"]
    assert len(results) == len(of_kind(bundle, "Observation"))


def test_a_report_that_nobody_reviewed_is_never_final(bundle: Json) -> None:
    assert of_kind(bundle, "DiagnosticReport")[0]["status"] == "partial"


def test_every_tested_setting_has_its_observation(bundle: Json, report: Report) -> None:
    tests = observations(bundle, "tested-setting")
    assert len(tests) == len(report.tests.rows)
    for item, row in zip(tests, report.tests.rows, strict=True):
        assert component(item, "test-number")["valueInteger"] == row.number
        assert component(item, "kept")["valueBoolean"] is row.kept
        assert item["note"] == [{"text": clean(row.decision)}]
        volts = component(item, "amplitude_v")["valueQuantity"]
        assert volts == {
            "value": row.values[0],
            "unit": "V",
            "system": UCUM,
            "code": "V",
        }
        if row.gain.value is None:
            assert item["dataAbsentReason"]["text"] == clean(row.decision)
        else:
            assert item["valueQuantity"]["value"] == row.gain.value
            assert item["valueQuantity"]["code"] == "%"


def test_every_programmed_value_is_told_as_found_and_as_left(
    bundle: Json, report: Report
) -> None:
    found = observations(bundle, "settings-as-found")[0]
    permanent = observations(bundle, "settings-permanent")[0]
    for item in (found, permanent):
        codes = {part["code"]["coding"][0]["code"] for part in item["component"]}
        assert codes == set(Settings.__dataclass_fields__)
    assert component(found, "amplitude_v")["valueQuantity"]["value"] == 4.5
    assert component(permanent, "amplitude_v")["valueQuantity"]["value"] == 7.5
    assert component(permanent, "n_pulses")["valueInteger"] == 2
    assert component(permanent, "extend_low_ccm")["valueBoolean"] is False
    assert component(permanent, "mode")["valueString"] == "OVO-LS-CCM"


def test_the_strip_reads_back_as_the_ecg_of_the_report(
    bundle: Json, report: Report
) -> None:
    strips = observations(bundle, "ecg-lead-ii")
    assert len(strips) == len(report.strips) == 2
    for item, strip in zip(strips, report.strips, strict=True):
        sampled = item["valueSampledData"]
        read = [int(step) * sampled["factor"] for step in sampled["data"].split()]
        assert read == pytest.approx(strip.lead_ii_mv, abs=1e-9)
        assert sampled["period"] == 1000.0 / strip.sampling_hz
        assert sampled["origin"]["code"] == "mV"
        trains = [m for m in strip.markers if m.kind == "ccm"]
        spans = [
            part["valueRange"]
            for part in item["component"]
            if part["code"]["coding"][0]["code"] == "marker-ccm"
        ]
        assert [span["low"]["value"] for span in spans] == [m.at_s for m in trains]


def test_the_pdf_is_the_presented_form(bundle: Json, report: Report) -> None:
    form = of_kind(bundle, "DiagnosticReport")[0]["presentedForm"][0]
    assert base64.b64decode(form["data"]) == PDF
    assert form["contentType"] == "application/pdf"
    assert form["size"] == len(PDF)
    assert "presentedForm" not in json.dumps(fhir_bundle(report))


def test_the_format_fhir_holds_the_pdf_of_the_same_run(report: Report) -> None:
    made = renderings(report, ("pdf", "fhir"))
    stored = json.loads(made["report.fhir.json"])
    form = of_kind(stored, "DiagnosticReport")[0]["presentedForm"][0]
    assert base64.b64decode(form["data"]) == made["report.pdf"]


def test_codes_of_others_are_those_that_a_public_source_states(bundle: Json) -> None:
    """Where each is stated stands beside it in `harness.report.fhir_terms`."""
    known = {
        (CPT, "0417T"),
        ("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HTEST"),
        ("urn:iso:std:iso:11073:10101", "753670"),
        ("urn:oid:2.16.840.1.113883.6.24", "131328"),
        ("http://loinc.org", "18750-0"),
        ("http://terminology.hl7.org/CodeSystem/observation-category", "procedure"),
        ("http://terminology.hl7.org/CodeSystem/data-absent-reason", "unknown"),
    }
    used = {
        (node["system"], node["code"])
        for node in nodes(bundle)
        if {"system", "code"} <= set(node) and node["system"] not in (UCUM, SYSTEM)
    }
    assert used == known
    report = of_kind(bundle, "DiagnosticReport")[0]["code"]["coding"]
    assert report[1:] == [STUDY_REPORT]
    strip = observations(bundle, "ecg-lead-ii")[0]["code"]["coding"]
    assert strip[1:] == [ECG]
    assert device_codes(bundle) == ["ccm-generator", OTHER_CARDIAC_DEVICE["code"]]


def device_codes(bundle: Json) -> list[str]:
    coding = of_kind(bundle, "Device")[0]["type"]["coding"]
    return [item["code"] for item in coding]


def test_the_procedure_has_the_cpt_code_without_its_description(
    bundle: Json, report_of: Build
) -> None:
    code = of_kind(bundle, "Procedure")[0]["code"]
    assert code == {"coding": [{"system": CPT, "code": "0417T"}]}
    read_only = fhir_bundle(report_of(tested=(), verification_pairs=(), choice=None))
    code = of_kind(read_only, "Procedure")[0]["code"]
    assert code == {"coding": [{"system": CPT, "code": "0418T"}]}


def test_our_own_codes_are_all_defined_in_the_bundle(bundle: Json) -> None:
    system = of_kind(bundle, "CodeSystem")[0]
    defined = {item["code"]: item["display"] for item in system["concept"]}
    used = {
        (node["code"], node["display"])
        for node in nodes(bundle)
        if node.get("system") == SYSTEM
    }
    assert len({code for code, _ in used}) == len(used)  # one meaning a code
    assert defined == dict(used)


def test_every_unit_that_a_report_can_hold_has_a_ucum_code(report: Report) -> None:
    assert {unit_of_setting(symbol) for symbol in parameters()} <= set(UCUM_CODES)
    assert set(units(report)) <= set(UCUM_CODES)


def test_a_unit_without_a_known_code_is_text_alone() -> None:
    assert amount(2.0, "furlongs") == {"value": 2.0, "unit": "furlongs"}


def test_the_patient_is_a_pseudonym_without_birth_date(bundle: Json) -> None:
    patient = of_kind(bundle, "Patient")[0]
    assert patient["identifier"][0]["value"] == "SIM-000007-000"
    assert patient["gender"] in ("male", "female")
    assert "birthDate" not in patient


def test_no_conformance_is_claimed(bundle: Json) -> None:
    assert "profile" not in {name for node in nodes(bundle) for name in node}


def test_hostile_text_stays_text_and_valid(hostile: Json) -> None:
    for resource in resources(hostile):
        assert faults(resource, resource["resourceType"]) == []
        div = ET.fromstring(resource["text"]["div"])
        assert {node.tag.rpartition("}")[2] for node in div.iter()} <= {"div", "p"}
    words = "".join(
        ET.fromstring(of_kind(hostile, "Procedure")[0]["text"]["div"]).itertext()
    )
    assert HOSTILE[0] in words
    assert "x" * 10_000 in words


def test_hostile_text_brings_no_control_character(hostile: Json) -> None:
    text = json.dumps(hostile, ensure_ascii=False)
    assert re.search("[\x00-\x09\x0b-\x1f\ufffe\u00a0]", text) is None


def test_text_without_anything_to_see_is_left_out(report_of: Build) -> None:
    blank = fhir_bundle(report_of({"title": "\u00a0\u2003"}, pseudonym=" "))
    for resource in resources(blank):
        assert faults(resource, resource["resourceType"]) == []
