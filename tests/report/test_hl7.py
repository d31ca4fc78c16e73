"""The HL7 v2 message: read back by a library that knows the standard, and all of it."""

import base64
from collections.abc import Callable

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Message, Segment
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message

from harness.report.contents import Report
from harness.report.formats import renderings
from harness.report.hl7 import hl7_bytes
from harness.report.hl7_terms import OWN_SYSTEM, escaped
from harness.report.parts import Quantity
from sim.device.settings import Settings

Build = Callable[..., Report]
PDF = b"%PDF-1.7 a stand-in \x00\xff"
HOSTILE = "a|b^c&d~e\\f\rMSH|new\x00"


def read(told: bytes, level: int = VALIDATION_LEVEL.STRICT) -> Message:
    """Parse a message as strictly as asked, and hold it to the standard."""
    message = parse_message(told.decode(), validation_level=level, find_groups=True)
    assert level != VALIDATION_LEVEL.STRICT or message.validate()
    return message


def results(message: Message) -> list[Segment]:
    order = message.oru_r01_patient_result.oru_r01_order_observation
    return [group.obx for group in order.oru_r01_observation]


def by_code(message: Message) -> dict[str, Segment]:
    return {obx.obx_3.cwe_1.to_er7(): obx for obx in results(message)}


@pytest.fixture(scope="module")
def told(report: Report) -> bytes:
    return hl7_bytes(report, PDF)


@pytest.fixture(scope="module")
def message(told: bytes) -> Message:
    return read(told)


def test_it_is_an_unsolicited_result_for_training(message: Message) -> None:
    assert message.msh.msh_9.to_er7() == "ORU^R01^ORU_R01"
    assert message.msh.msh_11.to_er7() == "T"
    assert message.msh.msh_12.to_er7() == "2.6"


def test_the_library_would_notice_a_fault(told: bytes) -> None:
    broken = told.decode().replace("ORU^R01^ORU_R01", "ORU^R01^ORU_R01", 1)
    without_request = "\r".join(
        line for line in broken.split("\r") if not line.startswith("OBR")
    )
    with pytest.raises(HL7apyException):
        read(without_request.encode())


def test_nothing_claims_a_profile(told: bytes, message: Message) -> None:
    assert message.msh.msh_21.to_er7() == ""
    assert b"IHE" not in told


def test_the_session_is_in_clinic_on_the_simulated_day(
    message: Message, report: Report
) -> None:
    request = message.oru_r01_patient_result.oru_r01_order_observation.obr
    assert request.obr_4.to_er7() == "754050^MDC_IDC_ENUM_SESS_TYPE_InClinic^MDC"
    day = report.encounter.started[:10].replace("-", "")
    assert request.obr_7.to_er7().startswith(day)
    assert request.obr_25.to_er7() == "P"  # nobody has reviewed it


def test_the_pdf_comes_back_byte_for_byte(message: Message) -> None:
    held = by_code(message)["18750-0"]
    assert held.obx_2.to_er7() == "ED"
    source, kind, subtype, encoding, data = held.obx_5.to_er7().split("^")
    assert (source, kind, subtype) == ("CCMLAB", "Application", "PDF")
    assert encoding == "Base64"
    assert base64.b64decode(data) == PDF


def test_every_programmed_value_is_told_as_found_and_as_left(
    message: Message, report: Report
) -> None:
    found = by_code(message)
    rows = (*report.permanent.main, *report.permanent.others)
    assert {row.symbol for row in rows} == set(Settings.__slots__)
    for row in rows:
        for when, value in (("as-found", row.as_found), ("permanent", row.permanent)):
            read_back = found[f"{when}-{row.symbol}"].obx_5.to_er7()
            if isinstance(value, bool):
                assert read_back == str(value).lower()
            elif isinstance(value, str):
                assert read_back == value
            else:
                assert float(read_back) == pytest.approx(value)


def test_numbers_have_their_units_in_ucum(message: Message, report: Report) -> None:
    voltage = by_code(message)["721344"]
    assert voltage.obx_3.to_er7() == "721344^MDC_IDC_MSMT_BATTERY_VOLTAGE^MDC"
    assert voltage.obx_6.to_er7() == "V^V^UCUM"
    facts = {fact.label: fact.value for fact in report.device.as_found}
    known = facts["Battery voltage"]
    assert isinstance(known, Quantity)
    assert float(voltage.obx_5.to_er7()) == known.value


def test_codes_are_those_of_others_or_our_own(message: Message) -> None:
    systems = {obx.obx_3.cwe_3.to_er7() for obx in results(message)}
    assert systems == {"MDC", "LN", OWN_SYSTEM}


def test_each_code_stands_once(message: Message) -> None:
    codes = [obx.obx_3.cwe_1.to_er7() for obx in results(message)]
    assert len(codes) == len(set(codes)) > 60


def test_what_could_not_be_had_is_said_so(harmed_report: Report) -> None:
    gain = by_code(read(hl7_bytes(harmed_report, PDF)))["verified-gain"]
    assert (gain.obx_5.to_er7(), gain.obx_11.to_er7()) == ("", "X")


def test_text_of_a_scenario_makes_no_segment(report_of: Build) -> None:
    hostile = report_of()
    verdict = hostile.verdict.model_copy(update={"sentence": HOSTILE})
    told = hl7_bytes(hostile.model_copy(update={"verdict": verdict}), PDF)
    message = read(told)
    assert told.count(b"MSH") == 2  # its own, and the word
    conclusion = by_code(message)["conclusion"].obx_5.to_er7()
    assert conclusion == escaped(HOSTILE)
    assert "\\F\\" in conclusion
    assert "\\E\\" in conclusion


def test_the_same_report_gives_the_same_bytes(report: Report, told: bytes) -> None:
    assert hl7_bytes(report, PDF) == told


def test_a_report_without_a_day_makes_no_message(report: Report) -> None:
    encounter = report.encounter.model_copy(update={"started": ""})
    with pytest.raises(ValueError, match="simulated day"):
        hl7_bytes(report.model_copy(update={"encounter": encounter}), PDF)


def test_the_format_hl7_holds_the_pdf_of_the_same_run(report: Report) -> None:
    files = renderings(report, ("pdf", "hl7"), {})
    # its strict table holds the data of ED to 999 letters, as no standard does
    held = by_code(read(files["report.hl7"], VALIDATION_LEVEL.TOLERANT))["18750-0"]
    data = held.obx_5.to_er7().rsplit("^", 1)[1]
    same = base64.b64decode(data) == files["report.pdf"]
    assert same  # said in a word: a difference would print a megabyte
