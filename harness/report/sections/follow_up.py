"""What to do next and why; the next visit itself stands with the sign-off."""

import re
from typing import Final

from harness.common.words import plain, setting_text
from harness.report.case import Case
from harness.report.parts import Part
from harness.report.section import Section
from sim.device.settings import Settings

NEXT_VISIT: Final = re.compile(r"\bnext\b.*\bvisit\b|\bsee the patient again\b", re.I)


class Recommendation(Part):
    """What to do next, and the finding it follows from."""

    text: str
    because: str


class FollowUp(Part):
    """Recommendations, next visit and what should bring it forward."""

    recommendations: tuple[Recommendation, ...]
    next_visit: tuple[Recommendation, ...]
    triggers: tuple[str, ...]


def follow_up_part(case: Case) -> FollowUp:
    """Return recommendations with their findings, the next visit and its triggers."""
    record = case.record
    rows = [
        Recommendation(text=plain(item.text), because=plain(item.because))
        for item in record.follow_up
    ]
    coming = [row for row in rows if NEXT_VISIT.search(row.text)]
    return FollowUp(
        recommendations=tuple(row for row in rows if row not in coming),
        next_visit=tuple(coming),
        triggers=_triggers(record.final),
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
