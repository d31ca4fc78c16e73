"""Segments, fields and codes of the HL7 v2 message; where each foreign code is from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from harness.common.words import SettingValue
from harness.report.fhir_terms import UCUM_CODES, clean
from harness.report.parts import Interval, Quantity

FIELD: Final = "|"
COMPONENT: Final = "^"
SEGMENT_END: Final = "\r"
ENCODING: Final = "^~\\&"
OWN_SYSTEM: Final = "99CCMLAB"  # HL7 table 0396 leaves 99zzz to local systems
_ESCAPED: Final = str.maketrans(
    {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}
)


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of a code system."""

    code: str
    display: str
    system: str = OWN_SYSTEM

    @property
    def field(self) -> str:
        """The code as a CWE."""
        return COMPONENT.join(
            escaped(p) for p in (self.code, self.display, self.system)
        )


# IEEE 11073-10103, as messages of device makers in public tests of HL7 readers state
# them (nHapi's ORU_R01 of an in-clinic session) and HL7 CardX CIED
IN_CLINIC: Final = Code("754050", "MDC_IDC_ENUM_SESS_TYPE_InClinic", "MDC")
OTHER_DEVICE: Final = Code("753670", "MDC_IDC_ENUM_DEV_TYPE_Other", "MDC")
DEVICE_TYPE: Final = Code("720897", "MDC_IDC_DEV_TYPE", "MDC")
DEVICE_MODEL: Final = Code("720898", "MDC_IDC_DEV_MODEL", "MDC")
SESSION_TIME: Final = Code("721025", "MDC_IDC_SESS_DTM", "MDC")
SESSION_TYPE: Final = Code("721026", "MDC_IDC_SESS_TYPE", "MDC")
BATTERY_VOLTAGE: Final = Code("721344", "MDC_IDC_MSMT_BATTERY_VOLTAGE", "MDC")
REPORT_AS_PDF: Final = Code("18750-0", "Cardiac Electrophysiology Report", "LN")


def escaped(text: str) -> str:
    """Return text in which no letter is a separator, and none is invisible."""
    return clean(text).replace("\n", " ").translate(_ESCAPED)


def segment(name: str, **fields: str) -> str:
    """Return a segment of fields by number: `segment("PV1", f2="O")`.

    Fields are encoded already; those between are empty.
    """
    by_number = {int(key.removeprefix("f")): value for key, value in fields.items()}
    told = [by_number.get(number, "") for number in range(1, max(by_number) + 1)]
    return FIELD.join([name, *told])


def moment(at: datetime) -> str:
    """Return a time to the second with its offset from UTC."""
    return at.strftime("%Y%m%d%H%M%S%z")


def unit_field(unit: str) -> str:
    """Return a unit as a CWE: of UCUM where we know its code, else as it is written."""
    if not unit:
        return ""
    if unit in UCUM_CODES:
        return Code(UCUM_CODES[unit], unit, "UCUM").field
    return Code(unit, unit).field


@dataclass(frozen=True, slots=True)
class CodedResult:
    """One observation: type of value, value and unit as encoded, and its status."""

    kind: str
    value: str
    unit: str = ""
    status: str = "P"  # nobody has reviewed it, so never final

    @classmethod
    def of(cls, value: Quantity | Interval | SettingValue, unit: str = "") -> Self:
        """Return a finding or a programmed value; X says that it could not be had."""
        if isinstance(value, Quantity):
            if value.value is None:
                return cls("NM", "", unit_field(value.unit), "X")
            number = f"{value.value:.{value.digits}f}"
            return cls("NM", number, unit_field(value.unit))
        if isinstance(value, bool):
            return cls("ST", "true" if value else "false")
        if isinstance(value, int | float):
            return cls("NM", f"{value:g}", unit_field(unit))
        return cls("ST", escaped(value if isinstance(value, str) else value.text))


def observation_segment(
    number: int, code: Code, result: CodedResult, *, group: str = "1", at: str = ""
) -> str:
    """Return an OBX segment."""
    return segment(
        "OBX",
        f1=str(number),
        f2=result.kind,
        f3=code.field,
        f4=group,
        f5=result.value,
        f6=result.unit,
        f11=result.status,
        f14=at,
    )


def message(segments: Iterable[str]) -> bytes:
    """Return the segments as a message, each with its end."""
    return "".join(f"{text}{SEGMENT_END}" for text in segments).encode("utf-8")
