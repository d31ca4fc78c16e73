"""The report as an HL7 v2.6 message: ORU^R01 of an in-clinic interrogation.

Shaped like IHE's Implantable Device Cardiac Observation (transaction PCD-09), with the
report as encapsulated PDF. Codes of IEEE 11073-10103 where a public source states one,
our own beside them: that nomenclature has none for CCM. Nothing claims conformance, so
MSH-21 names no profile. Everything is training data (MSH-11 is T) of a simulated day.
"""

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from harness.report.contents import Report
from harness.report.fhir import clock_of, whole_visit
from harness.report.fhir_observations import slug
from harness.report.fhir_terms import SIMULATED
from harness.report.hl7_terms import (
    BATTERY_VOLTAGE,
    DEVICE_MODEL,
    DEVICE_TYPE,
    ENCODING,
    IN_CLINIC,
    OTHER_DEVICE,
    REPORT_AS_PDF,
    SESSION_TIME,
    SESSION_TYPE,
    Code,
    CodedResult,
    escaped,
    message,
    moment,
    observation_segment,
    segment,
)
from harness.report.parts import fact_text
from harness.report.sections.device import BATTERY_V, GENERATOR, READ_AT
from harness.report.sections.visit import PSEUDONYM, SEX

SENDER: Final = "CCMLAB"
ID_LETTERS: Final = 20  # MSH-10 holds no more
SEXES: Final = {"male": "M", "female": "F"}
Finding = tuple[Code, CodedResult]


def hl7_bytes(report: Report, pdf: bytes) -> bytes:
    """Return the message as the bytes of `report.hl7`: same report, same bytes.

    Parameters
    ----------
    report
        What to tell. ValueError for one from before the simulated day was told: a
        message needs its time.
    pdf
        The report as PDF, which the message encapsulates.
    """
    clock = clock_of(report)
    if clock.started is None:
        raise ValueError("a report without a simulated day makes no HL7 message")
    first, length = whole_visit(clock)
    began = clock.started + timedelta(minutes=first)
    ended = began + timedelta(minutes=length)
    digest = sha256(report.model_dump_json().encode()).hexdigest()
    return message(
        [
            _header(digest, ended),
            _patient(report),
            segment("PV1", f1="1", f2="O"),
            _request(digest, began, ended),
            segment("NTE", f1="1", f3=escaped(SIMULATED)),
            *_observations(report, pdf, began),
        ]
    )


def _header(digest: str, at: datetime) -> str:
    return segment(
        "MSH",
        f1=ENCODING,  # MSH-1 is the separator itself, so all others are one less
        f2=SENDER,
        f3="SIMULATED",
        f6=moment(at),
        f8="ORU^R01^ORU_R01",
        f9=digest[:ID_LETTERS].upper(),
        f10="T",
        f11="2.6",
        f17="UNICODE UTF-8",
    )


def _patient(report: Report) -> str:
    pseudonym = escaped(fact_text(report.encounter.facts, PSEUDONYM))
    sex = fact_text(report.encounter.patient, SEX)
    return segment(
        "PID",
        f1="1",
        f3=f"{pseudonym}^^^{SENDER}^PI",
        f5=f"Simulated^{pseudonym}",
        f8=SEXES.get(sex, "U"),
    )


def _request(digest: str, began: datetime, ended: datetime) -> str:
    return segment(
        "OBR",
        f1="1",
        f3=f"{digest[:ID_LETTERS].upper()}^{SENDER}",
        f4=IN_CLINIC.field,
        f7=moment(began),
        f8=moment(ended),
        f25="P",
    )


def _observations(report: Report, pdf: bytes, began: datetime) -> Iterator[str]:
    at = moment(began)
    findings = (
        *_session(report, at),
        *_interrogation(report),
        *_programmed(report),
        *_conclusion(report),
        (REPORT_AS_PDF, _encapsulated(pdf)),
    )
    for number, (code, result) in enumerate(findings, 1):
        yield observation_segment(number, code, result, at=at)


def _session(report: Report, at: str) -> Iterator[Finding]:
    generator = fact_text(report.device.identity, GENERATOR)
    yield DEVICE_TYPE, CodedResult("CWE", OTHER_DEVICE.field)
    yield DEVICE_MODEL, CodedResult("ST", escaped(generator))
    yield SESSION_TIME, CodedResult("DTM", at)
    yield SESSION_TYPE, CodedResult("CWE", IN_CLINIC.field)


def _interrogation(report: Report) -> Iterator[Finding]:
    """Yield what the device told, and the findings of the day beside it."""
    device, encounter = report.device, report.encounter
    for fact in (*device.as_found, *device.leads, *encounter.chart):
        known = BATTERY_VOLTAGE if fact.label == BATTERY_V else None
        code = known or Code(slug(fact.label), fact.label)
        if fact.label != READ_AT:
            yield code, CodedResult.of(fact.value)
    for counter in device.counters:
        code = Code(f"counter-{slug(counter.name)}", counter.name)
        yield code, CodedResult.of(counter.count)


def _programmed(report: Report) -> Iterator[Finding]:
    for when, name in (("as-found", "as_found"), ("permanent", "permanent")):
        for row in (*report.permanent.main, *report.permanent.others):
            code = Code(
                f"{when}-{row.symbol}", f"{row.label}, {when.replace('-', ' ')}"
            )
            yield code, CodedResult.of(getattr(row, name), row.unit)


def _conclusion(report: Report) -> Iterator[Finding]:
    verdict = report.verdict
    yield Code("verdict", "verdict"), CodedResult.of(verdict.kind)
    yield Code("verified-gain", "verified gain"), CodedResult.of(verdict.gain)
    yield Code("conclusion", "conclusion"), CodedResult("TX", escaped(verdict.sentence))
    adverse = report.observation.adverse_statement
    yield Code("adverse-events", "adverse events"), CodedResult("TX", escaped(adverse))


def _encapsulated(pdf: bytes) -> CodedResult:
    data = b64encode(pdf).decode("ascii")
    return CodedResult("ED", f"{SENDER}^Application^PDF^Base64^{data}")
