"""A report without its answer key: what a student may keep before the debrief."""

import secrets
from typing import Final

from harness.report.contents import Report
from harness.report.parts import fact_text
from harness.report.section import declared
from harness.report.sections.visit import PSEUDONYM

_CODE_BYTES: Final = 3


class TellsAllError(ValueError):
    """A report of an earlier version, which tells the patient in other sections too."""


def fresh_code() -> str:
    """Return the code of a new hand-out: drawn by chance, and kept nowhere else.

    Whatever follows from the seed can be undone by trying seeds.
    """
    return secrets.token_hex(_CODE_BYTES).upper()


def pseudonym_of(report: Report) -> str:
    """Return the pseudonym of the patient of a report."""
    return fact_text(report.encounter.facts, PSEUDONYM)


def hand_out_of(report: Report, code: str) -> Report:
    """Return the report without the sections that hold the truth.

    Its pseudonym has the code in place of that of the seed, and is as long.
    Raises TellsAllError for a report from before the patient's numbers, scenario and
    seed stood in the answer key alone.
    """
    key = report.answer_key
    if key is not None and key.numbers is None:
        raise TellsAllError("its report tells the patient outside of the answer key")
    hidden = {f: None for f, section in declared(type(report)) if section.holds_truth}
    told = report.model_copy(update=hidden)
    old = pseudonym_of(report)
    text = told.model_dump_json().replace(old, with_code(old, code))
    return type(report).model_validate_json(text)


def with_code(pseudonym: str, code: str) -> str:
    """Return a pseudonym whose code is another.

    >>> with_code("SIM-0A1B2C-003", "FFFFFF")
    'SIM-FFFFFF-003'
    """
    kind, _, visit = pseudonym.split("-")
    return f"{kind}-{code}-{visit}"
