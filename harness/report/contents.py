"""The list of sections: one row each, in the order of `report.json`.

To add a section, write its module and its templates, and add its row here. A report of
your own, with a section more, is a class that inherits from `Report`.
"""

from typing import Annotated, Final, Literal

from harness.report.parts import Part
from harness.report.sections.analysis import ANALYSIS, Analysis
from harness.report.sections.answer_key import ANSWER_KEY, AnswerKeyPart
from harness.report.sections.device import DEVICE, Device
from harness.report.sections.final import FINAL, PROOF, FinalState
from harness.report.sections.follow_up import FOLLOW_UP, FollowUpPart
from harness.report.sections.limits import LIMITS
from harness.report.sections.method import METHOD, Method
from harness.report.sections.observation import OBSERVATION, ObservationPart
from harness.report.sections.permanent import PERMANENT, Permanent
from harness.report.sections.provenance import PROVENANCE, Provenance, together
from harness.report.sections.response import RESPONSE, ResponsePart
from harness.report.sections.sign_off import SIGN_OFF, SignOff
from harness.report.sections.strips import STRIPS, StripPart
from harness.report.sections.tests import TESTS, Tests
from harness.report.sections.verdict import VERDICT, VerdictPart
from harness.report.sections.visit import VISIT, Encounter

SCHEMA_VERSION: Final = "1.1"


class Report(Part):
    """One visit, in the order a reader wants it; a hand-out has no answer key."""

    schema_version: Literal["1.1"] = SCHEMA_VERSION
    title: str
    banner: str
    verdict: Annotated[VerdictPart, VERDICT]
    permanent: Annotated[Permanent, PERMANENT]
    encounter: Annotated[Encounter, VISIT]
    device: Annotated[Device, DEVICE]
    strips: Annotated[tuple[StripPart, ...], STRIPS]
    response: Annotated[ResponsePart, RESPONSE]
    tests: Annotated[Tests, TESTS]
    analysis: Annotated[Analysis, ANALYSIS]
    final: Annotated[FinalState, FINAL, PROOF]
    observation: Annotated[ObservationPart, OBSERVATION]
    follow_up: Annotated[FollowUpPart, FOLLOW_UP]
    method: Annotated[Method, METHOD]
    limits: Annotated[tuple[str, ...], LIMITS]
    sign_off: Annotated[SignOff, SIGN_OFF]
    answer_key: Annotated[AnswerKeyPart | None, ANSWER_KEY]
    provenance: Annotated[Provenance, PROVENANCE]

    @property
    def numbers(self) -> Provenance:
        """Every sourced number that the report tells of, hidden ones first."""
        key = self.answer_key
        return together(key.numbers if key else None, self.provenance)
