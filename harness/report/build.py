"""From what was played to its report: asks each section for its part of the data."""

from typing import Final, TypeVar

from harness.common.words import plain
from harness.play.run import Run
from harness.report.case import Case
from harness.report.contents import Report
from harness.report.section import declared
from harness.truth.answer_key import AnswerKey

BANNER: Final = "Simulated data: not a medical record, not a claim"
AnyReport = TypeVar("AnyReport", bound=Report)


def report_of(run: Run, truth: AnswerKey) -> Report:
    """Return the report of a run: all that any format needs, nothing else is asked.

    Parameters
    ----------
    run
        What was played, and how.
    truth
        What its section labelled as the answer key shows.
    """
    return composed(Case(run, truth), Report)


def composed(case: Case, kind: type[AnyReport]) -> AnyReport:
    """Return a report of a kind, each section built from the same case.

    Parameters
    ----------
    case
        What was played, and its truth.
    kind
        `Report`, or a class that inherits from it and has more sections.
    """
    parts = {
        field: section.build(case)
        for field, section in declared(kind)
        if section.build is not None
    }
    title = plain(case.run.facts.scenario.title)
    return kind.model_validate({"title": title, "banner": BANNER, **parts})
