"""The report as a FHIR R4 collection Bundle: same report, same bytes.

Everything carries the security tag HTEST and says in text that it is simulated. Codes
that no public source states are our own, of the CodeSystem that stands in the Bundle.
Nothing here claims conformance to any implementation guide.

Times are of the simulated day that the report states, and of no other.

What frames a visit stands here: patient, device, procedure, DiagnosticReport and our
CodeSystem. What was seen is told by the sections, in the order of the data.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha1, sha256
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from harness.report.contents import Report
from harness.report.fhir_terms import (
    CPT,
    HTEST,
    OTHER_CARDIAC_DEVICE,
    PSEUDONYMS,
    SIMULATED,
    STUDY_REPORT,
    SYSTEM,
    Json,
    Names,
    Times,
    clean,
    concept,
)
from harness.report.parts import fact_text
from harness.report.section import declared
from harness.report.sections.visit import PSEUDONYM, SEX


def fhir_bytes(report: Report, pdf: bytes | None = None) -> bytes:
    """Return the Bundle as the bytes of `report.fhir.json`."""
    text = json.dumps(
        fhir_bundle(report, pdf), indent=1, ensure_ascii=False, allow_nan=False
    )
    return text.encode() + b"\n"


def fhir_bundle(report: Report, pdf: bytes | None = None) -> Json:
    """Return the Bundle of a visit.

    Parameters
    ----------
    report
        What to tell.
    pdf
        The report as PDF, which becomes the presented form of the DiagnosticReport.
    """
    digest = sha256(report.model_dump_json().encode()).hexdigest()
    names = Names(uuid5(uuid5(NAMESPACE_URL, SYSTEM), digest), clock_of(report))
    observed = dict(_observations(report, names))
    resources = {
        "patient": _patient(report, names),
        "device": _device(report, names),
        "procedure": _procedure(report, names),
        **observed,
        "report": _diagnostic_report(report, names, list(observed), pdf),
    }
    codes = _code_system(names, resources.values())
    entries = {**resources, "codes": codes}
    return {
        "resourceType": "Bundle",
        "id": names.id("bundle"),
        "meta": {"security": [HTEST]},
        "type": "collection",
        "entry": [
            {"fullUrl": names.url(key), "resource": resource}
            for key, resource in entries.items()
        ],
    }


def clock_of(report: Report) -> Times:
    """Return when what happened; a report from before days were told has no clock."""
    told = report.encounter.started
    return Times(
        started=datetime.fromisoformat(told) if told else None,
        phases={
            phase.name: (phase.start.value, phase.duration.value)
            for phase in report.encounter.phases
            if phase.start.value is not None and phase.duration.value is not None
        },
    )


def whole_visit(clock: Times) -> tuple[float, float]:
    """Return start and length of the visit, minutes from check-in."""
    starts = [start for start, _ in clock.phases.values()]
    ends = [start + took for start, took in clock.phases.values()]
    first = min(starts, default=0.0)
    return first, max(ends, default=0.0) - first


def _patient(report: Report, names: Names) -> Json:
    pseudonym = clean(fact_text(report.encounter.facts, PSEUDONYM)) or "not stated"
    sex = fact_text(report.encounter.patient, SEX)
    described = [f"{fact.label}: {fact.text}" for fact in report.encounter.patient]
    return names.resource(
        "Patient",
        "patient",
        (f"Virtual patient {pseudonym}; no such person exists.", *described),
        identifier=[{"system": PSEUDONYMS, "value": pseudonym}],
        name=[{"use": "anonymous", "text": f"Simulated patient {pseudonym}"}],
        gender=sex if sex in ("male", "female") else "unknown",
    )


def _device(report: Report, names: Names) -> Json:
    own = concept("ccm-generator", "CCM pulse generator", OTHER_CARDIAC_DEVICE)
    words = [f"{fact.label}: {fact.text}" for fact in report.device.identity]
    return names.resource(
        "Device",
        "device",
        words,
        status="active",
        deviceName=[
            {"name": "simulated CCM pulse generator", "type": "user-friendly-name"}
        ],
        type=own,
        patient=names.ref("patient"),
        note=[{"text": clean(word)} for word in (SIMULATED, *words)],
    )


def _procedure(report: Report, names: Names) -> Json:
    stopped = report.verdict.kind == "stopped for safety"
    code = "0417T" if report.tests.rows else "0418T"
    note = (
        f"{SIMULATED} The code names the kind of service that was simulated; it is "
        "no advice on coding, and nothing was billed."
    )
    return names.resource(
        "Procedure",
        "procedure",
        ("Programming visit.", report.title, note),
        status="stopped" if stopped else "completed",
        code={"coding": [{"system": CPT, "code": code}]},
        subject=names.ref("patient"),
        **names.clock.lasting(*whole_visit(names.clock), "performed"),
        outcome={"text": clean(report.verdict.kind)},
        report=[names.ref("report")],
        note=[{"text": note}],
        usedReference=[names.ref("device")],
    )


def _observations(report: Report, names: Names) -> Iterator[tuple[str, Json]]:
    """Yield what each section tells, with its key."""
    for field, section in declared(type(report)):
        part = getattr(report, field)
        if part is not None:
            yield from section.fhir(part, names)


def _diagnostic_report(
    report: Report, names: Names, results: list[str], pdf: bytes | None
) -> Json:
    conclusion = (
        f"{SIMULATED} {report.verdict.sentence} "
        f"Adverse events: {report.observation.adverse_statement}"
    )
    form: Json = {}
    if pdf is not None:
        form["presentedForm"] = [
            {
                "contentType": "application/pdf",
                "language": "en",
                "data": b64encode(pdf).decode("ascii"),
                "size": len(pdf),
                "hash": b64encode(sha1(pdf, usedforsecurity=False).digest()).decode(),
                "title": "Report of a simulated CCM programming visit",
            }
        ]
    return names.resource(
        "DiagnosticReport",
        "report",
        (report.title, conclusion, report.sign_off.statement),
        status="partial",  # nobody has reviewed it, so never "final"
        code=concept(
            "programming-visit-report",
            "Report of a CCM programming visit",
            STUDY_REPORT,
        ),
        subject=names.ref("patient"),
        **names.clock.lasting(*whole_visit(names.clock)),
        result=[names.ref(key) for key in results],
        conclusion=clean(conclusion),
        **form,
    )


def _code_system(names: Names, resources: Iterable[Json]) -> Json:
    """Return our own CodeSystem, with the codes that the resources use."""
    used = dict(sorted(_own_codes(list(resources))))
    about = (
        "Codes of ccmlab for simulated programming visits of cardiac contractility "
        "modulation. The address does not resolve."
    )
    return names.resource(
        "CodeSystem",
        "codes",
        (about,),
        url=SYSTEM,
        name="CcmProgramming",
        title="CCM programming, simulated",
        status="active",
        experimental=True,
        description=f"{SIMULATED} {about}",
        caseSensitive=True,
        content="fragment",
        concept=[{"code": code, "display": text} for code, text in used.items()],
    )


def _own_codes(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _own_codes(item)
    elif isinstance(value, dict):
        if value.get("system") == SYSTEM:
            yield value["code"], value["display"]
        for item in value.values():
            yield from _own_codes(item)
