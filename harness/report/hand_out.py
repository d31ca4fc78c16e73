"""A report without its answer key: what a student may keep before the debrief."""

from harness.report.contents import Report
from harness.report.section import declared


class TellsAllError(ValueError):
    """A report of an earlier version, which tells the patient in other sections too."""


def hand_out_of(report: Report) -> Report:
    """Return the report without the sections that hold the truth.

    Raises TellsAllError for a report from before the patient's numbers, scenario and
    seed stood in the answer key alone. A hand-out stays as it is.
    """
    key = report.answer_key
    if key is not None and key.numbers is None:
        raise TellsAllError("its report tells the patient outside of the answer key")
    hidden = {f: None for f, section in declared(type(report)) if section.holds_truth}
    return report.model_copy(update=hidden)
