"""Lines for a reader to sign, with the next visit; the simulation never fills them."""

from typing import Final

from harness.report.case import Case
from harness.report.parts import Part
from harness.report.section import Section


class SignOff(Part):
    """Space for a reader to sign; the simulation never fills it."""

    statement: str
    fields: tuple[str, ...]


def sign_off_part(case: Case) -> SignOff:
    """Return the empty field for a reviewer."""
    return SignOff(
        statement=(
            "Not reviewed. This simulated report has no author of record; the lines "
            "are left for a reader who practises the review."
        ),
        fields=("Reviewed by", "Role", "Date and time", "Signature", "Remarks"),
    )


SIGN_OFF: Final = Section(
    name="sign-off",
    order=120,
    title="Review, sign-off and next visit",
    short="Review, sign-off, next visit",
    build=sign_off_part,
)
