"""What to do next and why; the next visit itself stands with the sign-off."""

from typing import Final

from harness.common.words import plain, setting_text
from harness.report.case import Case
from harness.report.parts import Part
from harness.report.section import Section
from sim.device.settings import Settings
from sim.visit.record import VisitRecord


class RecommendationRow(Part):
    """What to do next, and the finding it follows from."""

    text: str
    because: str


class FollowUpPart(Part):
    """Recommendations, next visit and what should bring it forward."""

    recommendations: tuple[RecommendationRow, ...]
    next_visit: tuple[RecommendationRow, ...]
    triggers: tuple[str, ...]


def follow_up_part(case: Case) -> FollowUpPart:
    """Return recommendations with their findings, the next visit and its triggers."""
    record = case.record
    return FollowUpPart(
        recommendations=_recommended(record, next_visit=False),
        next_visit=_recommended(record, next_visit=True),
        triggers=_triggers(record.final),
    )


def _recommended(
    record: VisitRecord, *, next_visit: bool
) -> tuple[RecommendationRow, ...]:
    return tuple(
        RecommendationRow(text=plain(item.text), because=plain(item.because))
        for item in record.follow_up
        if item.is_next_visit == next_visit
    )


def _triggers(settings: Settings) -> tuple[str, ...]:
    least = setting_text(settings.alert_min_ccm_pct, "%")
    change = setting_text(settings.alert_dz_pct, "%")
    days = setting_text(settings.alert_recharge_days, "days")
    return (
        f"Alert of the charger: delivered share below {least} of eligible beats.",
        f"Alert of the charger: a lead impedance changed by more than {change}.",
        f"No recharge for {days}.",
        "Chest or diaphragm sensation, palpitation, syncope, or a shock of a "
        "defibrillator.",
        "More dyspnoea or fatigue, weight gain, or an admission to hospital.",
    )


FOLLOW_UP: Final = Section(
    name="follow-up",
    order=100,
    title="Follow-up recommendations",
    build=follow_up_part,
)
