"""The report as a FHIR R4 collection Bundle: same report, same bytes, no dates.

Everything carries the security tag HTEST and says in text that it is simulated. Codes
that no public source states are our own, of the CodeSystem that stands in the Bundle.
Nothing here claims conformance to any implementation guide.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha1, sha256
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from harness.common.words import SettingValue, setting_text
from harness.report.fhir_terms import (
    ABSENT,
    CATEGORY,
    CPT,
    ECG,
    HTEST,
    OTHER_CARDIAC_DEVICE,
    PSEUDONYMS,
    SIMULATED,
    STUDY_REPORT,
    SYSTEM,
    Json,
    Names,
    amount,
    clean,
    concept,
)
from harness.report.model import (
    Fact,
    Interval,
    Quantity,
    Report,
    SettingRow,
    Strip,
    TestedRow,
)
from sim.units import MS_PER_S

MV_STEP: Final = 0.001


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
    names = Names(uuid5(uuid5(NAMESPACE_URL, SYSTEM), digest))
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


def _fact(facts: Iterable[Fact], label: str) -> str:
    return next((fact.text for fact in facts if fact.label == label), "")


def _patient(report: Report, names: Names) -> Json:
    pseudonym = clean(_fact(report.encounter.facts, "Pseudonym")) or "not stated"
    sex = _fact(report.encounter.patient, "Sex")
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
        outcome={"text": clean(report.verdict.kind)},
        report=[names.ref("report")],
        note=[{"text": note}],
        usedReference=[names.ref("device")],
    )


def _observations(report: Report, names: Names) -> Iterator[tuple[str, Json]]:
    """Yield each Observation with its key, in the order of the report."""
    rows = (*report.permanent.main, *report.permanent.others)
    yield "verdict", _verdict(report, names)
    for key, code, field in (
        ("found", "settings-as-found", "as_found"),
        ("permanent", "settings-permanent", "permanent"),
    ):
        yield key, _settings(names, rows, key=key, code=code, field=field)
    for key, facts in (
        ("interrogation", (*report.device.as_found, *report.device.leads)),
        ("re-interrogation", report.final.as_left),
    ):
        yield key, _interrogation(names, key, facts)
    for row in report.tests.rows:
        yield f"test-{row.number}", _test(report, names, row)
    for strip in report.strips:
        yield f"strip-{strip.name}", _strip(names, strip)


def _observation(
    names: Names, key: str, code: Json, words: Iterable[str], **body: Any
) -> Json:
    return names.resource(
        "Observation",
        key,
        words,
        partOf=[names.ref("procedure")],
        status="final",
        category=[{"coding": [CATEGORY]}],
        code=code,
        subject=names.ref("patient"),
        device=names.ref("device"),
        **body,
    )


def _value(quantity: Quantity, why_not: str = "") -> Json:
    if quantity.value is not None:
        return {"valueQuantity": amount(quantity.value, quantity.unit)}
    reason: Json = {"coding": [{"system": ABSENT, "code": "unknown"}]}
    if clean(why_not):
        reason["text"] = clean(why_not)
    return {"dataAbsentReason": reason}


def _component(code: str, display: str, value: Quantity | bool | int | str) -> Json:
    own = {"code": concept(code, display)}
    if isinstance(value, Quantity):
        return own | _value(value)
    if isinstance(value, bool):
        return own | {"valueBoolean": value}
    if isinstance(value, int):
        return own | {"valueInteger": value}
    return own | {"valueString": clean(value) or "none"}


def _setting(symbol: str, label: str, unit: str, value: SettingValue) -> Json:
    if isinstance(value, float) or (unit and type(value) is int):
        known = {"valueQuantity": amount(value, unit)}
        return {"code": concept(symbol, label), **known}
    return _component(symbol, label, value)


def _settings(
    names: Names, rows: Iterable[SettingRow], *, key: str, code: str, field: str
) -> Json:
    display = f"programmed values, {code.removeprefix('settings-').replace('-', ' ')}"
    values = [(row, getattr(row, field)) for row in rows]
    words = "; ".join(
        f"{row.label} {setting_text(value, row.unit, row.digits)}"
        for row, value in values
    )
    return _observation(
        names,
        key,
        concept(code, display),
        (display, words),
        component=[
            _setting(row.symbol, row.label, row.unit, value) for row, value in values
        ],
    )


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.casefold()).strip("-")


def _interrogation(names: Names, key: str, facts: Iterable[Fact]) -> Json:
    shown = [
        (fact.label, fact.text if isinstance(fact.value, Interval) else fact.value)
        for fact in facts
    ]
    return _observation(
        names,
        key,
        concept(key, f"device {key}"),
        [f"{fact.label}: {fact.text}" for fact in facts],
        component=[_component(_slug(label), label, value) for label, value in shown],
    )


def _limits(interval: Interval, code: str, display: str) -> list[Json]:
    ends = (
        ("low", "lower limit", interval.low),
        ("high", "upper limit", interval.high),
    )
    return [
        _component(
            f"{code}-{end}",
            f"{display}, {words}",
            Quantity(value=v, unit="%", digits=1),
        )
        for end, words, v in ends
    ]


def _verdict(report: Report, names: Names) -> Json:
    verdict = report.verdict
    return _observation(
        names,
        "verdict",
        concept("verified-gain", "verified gain of the candidate over the reference"),
        (verdict.sentence, verdict.confidence, report.analysis.surrogate),
        **_value(verdict.gain, verdict.reason),
        note=[{"text": clean(verdict.sentence)}],
        component=[
            _component("verdict", "verdict", verdict.kind),
            _component("standard-error", "standard error", verdict.standard_error),
            *_limits(verdict.interval_95, "interval-95", "95 % interval"),
            *_limits(verdict.interval_90, "interval-90", "90 % interval"),
        ],
    )


def _test(report: Report, names: Names, row: TestedRow) -> Json:
    settings = [
        _setting(column.symbol, column.label, column.unit, value)
        for column, value in zip(report.tests.columns, row.values, strict=True)
    ]
    seen = (
        ("test-number", "number of the test", row.number),
        ("started", "time since check-in", row.start),
        ("duration", "minutes spent", row.minutes),
        ("standard-error", "standard error", row.standard_error),
        ("sensation", "sensation, grade of the worst", row.sensation),
        ("ectopics", "ectopic beats", row.ectopics),
        ("train-ectopics", "ectopic beats tied to trains", row.train_ectopics),
        ("beats", "beats of the test", row.beats),
        ("delivered", "share of beats with CCM", row.delivered),
        ("energy", "energy, share of the nominal train", row.energy),
        ("kept", "kept", row.kept),
    )
    return _observation(
        names,
        f"test-{row.number}",
        concept("tested-setting", "gain of a tested setting over the reference"),
        (f"Test {row.number}: gain {row.gain.text}.", row.decision),
        **_value(row.gain, row.decision),
        note=[{"text": clean(row.decision)}],
        component=[*settings, *(_component(*item) for item in seen)],
    )


def _strip(names: Names, strip: Strip) -> Json:
    data = " ".join(f"{round(mv / MV_STEP)}" for mv in strip.lead_ii_mv)
    markers = [
        {
            "code": concept(_slug(f"marker {mark.kind}"), f"device marker, {mark.kind}")
            | {"text": clean(f"{mark.kind}, marker {mark.code}")},
            "valueRange": {
                "low": amount(mark.at_s, "s"),
                "high": amount(mark.end_s, "s"),
            },
        }
        for mark in strip.markers
    ]
    return _observation(
        names,
        f"strip-{strip.name}",
        concept("ecg-lead-ii", "ECG, lead II", ECG),
        (strip.title, strip.caption),
        valueSampledData={
            "origin": amount(0.0, "mV"),
            "period": MS_PER_S / strip.sampling_hz,
            "factor": MV_STEP,
            "dimensions": 1,
            "data": data,
        },
        note=[{"text": clean(f"{strip.title}. {strip.caption} {SIMULATED}")}],
        component=[_component("started", "time since check-in", strip.start), *markers],
    )


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
