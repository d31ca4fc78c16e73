"""Words, codes, units and ids of the FHIR Bundle; where each foreign code is from."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from typing import Any, Final
from uuid import UUID, uuid5

from harness.common.words import REPLACEMENT

Json = dict[str, Any]

SYSTEM: Final = "https://ccmlab.invalid/fhir/CodeSystem/ccm-programming"
PSEUDONYMS: Final = "https://ccmlab.invalid/fhir/pseudonym"
UCUM: Final = "http://unitsofmeasure.org"
CPT: Final = "http://www.ama-assn.org/go/cpt"  # hl7.org/fhir/R4/valueset-cpt-all
SIMULATED: Final = "Simulated data: not a medical record, not a claim."
HTEST: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "HTEST",
    "display": "test health data",
}
# HL7 CardX CIED (build.fhir.org/ig/HL7/CardX-CIED), value set MDCIDCDeviceTypes:
# no type of its own for CCM
OTHER_CARDIAC_DEVICE: Final = {
    "system": "urn:iso:std:iso:11073:10101",
    "code": "753670",
    "display": "MDC_IDC_ENUM_DEV_TYPE_Other",
}
# FHIR R4, example Observation/ekg (hl7.org/fhir/R4/observation-example-sample-data)
ECG: Final = {
    "system": "urn:oid:2.16.840.1.113883.6.24",
    "code": "131328",
    "display": "MDC_ECG_ELEC_POTL",
}
# IHE's MESA tests list it among the titles of a report sent as PDF ("Cardiac
# Electrophysiology Report"). The 10191-5 of a draft guide could not be verified.
STUDY_REPORT: Final = {
    "system": "http://loinc.org",
    "code": "18750-0",
    "display": "Cardiac electrophysiology study",
}
CATEGORY: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
    "code": "procedure",
    "display": "Procedure",
}
ABSENT: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
UCUM_CODES: Final = {
    "": "1",
    "%": "%",
    "/min": "/min",
    "1/min": "/min",
    "V": "V",
    "mV": "mV",
    "ms": "ms",
    "s": "s",
    "min": "min",
    "h": "h",
    "days": "d",
    "years": "a",
    "ohm": "Ohm",
    "mL": "mL",
    "kg": "kg",
    "pg/mL": "pg/mL",
    "mg/dL": "mg/dL",
    "mL/min/1.73 m²": "mL/min/{1.73_m2}",
    "mmHg": "mm[Hg]",
    "mmHg/s": "mm[Hg]/s",
    "cm": "cm",
    "mJ": "mJ",
    "J": "J",
    "bits": "bit",
    "mAh": "mA.h",
    "beats": "{beats}",
    "points": "{points}",
}
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_BLANK: Final = re.compile(r"[^\S \n]")  # FHIR strings know few kinds of blank


def clean(text: str) -> str:
    """Return text that FHIR and XML can carry: plain blanks, nothing invisible."""
    return _BLANK.sub(" ", _NOT_XML.sub(REPLACEMENT, text)).strip()


def concept(code: str, display: str, *more: Json) -> Json:
    """Return a concept of our own CodeSystem, with codings of others behind it."""
    own = {"system": SYSTEM, "code": code, "display": display}
    return {"coding": [own, *more], "text": display}


def amount(value: float, unit: str) -> Json:
    """Return a number with its unit, and the UCUM code where we know one."""
    shown = {"unit": unit} if unit else {}
    coded = {"system": UCUM, "code": UCUM_CODES[unit]} if unit in UCUM_CODES else {}
    return {"value": value, **shown, **coded}


@dataclass(frozen=True, slots=True)
class Times:
    """When things happened on the simulated day; says nothing where no day is known.

    `phases` has start and duration of each phase of the visit, minutes from check-in.
    """

    started: datetime | None = None
    phases: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def at(self, minutes: float | None, name: str = "effective") -> Json:
        """Return a moment, minutes from check-in."""
        if self.started is None or minutes is None:
            return {}
        return {f"{name}DateTime": self._told(minutes)}

    def lasting(
        self, minutes: float | None, took: float | None, name: str = "effective"
    ) -> Json:
        """Return a stretch of the visit: start and length in minutes."""
        if self.started is None or minutes is None or took is None:
            return {}
        ends = {"start": self._told(minutes), "end": self._told(minutes + took)}
        return {f"{name}Period": ends}

    def during(self, *names: str) -> Json:
        """Return the time of the first of these phases that came about."""
        came = (self.phases[name] for name in names if name in self.phases)
        return self.lasting(*next(came, (None, None)))

    def _told(self, minutes: float) -> str:
        moment = (self.started or datetime.min) + timedelta(minutes=minutes)
        return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Names:
    """Gives each resource of one report an id that depends on the report alone."""

    root: UUID
    clock: Times = Times()

    def id(self, key: str) -> str:
        """Return the id of a resource."""
        return str(uuid5(self.root, key))

    def url(self, key: str) -> str:
        """Return the full address of a resource."""
        return f"urn:uuid:{self.id(key)}"

    def ref(self, key: str) -> Json:
        """Return a reference to a resource of the same Bundle."""
        return {"reference": self.url(key)}

    def resource(self, kind: str, key: str, words: Iterable[str], **body: Any) -> Json:
        """Return a resource with its id, its tag and its text for a reader."""
        shown = (clean(word) for word in (SIMULATED, *words))
        paragraphs = "".join(
            f"<p>{escape(word, quote=False)}</p>" for word in shown if word
        )
        return {
            "resourceType": kind,
            "id": self.id(key),
            "meta": {"security": [HTEST]},
            "text": {
                "status": "generated",
                "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>',
            },
            **body,
        }
