"""Why CCM was not delivered: the causes that the counters tell, in order of mending."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sim.device.events import INHIBITING, Cause
from sim.device.schedule import scheduled_h_per_day
from sim.device.settings import Settings
from sim.device.timing import cycles_of
from sim.sources import sourced
from sim.visit.programmer.scan import OVO
from sim.visit.programmer.values import share_text

_OFF: Final = (Cause.OFF, Cause.PERMANENT_OFF, Cause.DOWN, Cause.SAFE_MODE)


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """Which share of the beats, or of the programmed hours, is worth a word.

    In OVO a premature beat is above the rate limit or, when it comes later, a local
    sense outside the window: `late_per_fast_ectopic` of these for one of those.
    """

    least_lost_frac: float = sourced(0.02, "ccmlab-device", "4", "assumed")
    least_hours_frac: float = sourced(0.95, "ccmlab-device", "4", "assumed")
    late_per_fast_ectopic: float = sourced(1.5, "ccmlab-device", "4", "assumed")


RULES_OF_DELIVERY: Final = DeliveryRules()


LossName = Literal[
    "switched off",
    "battery",
    "undersensing",
    "interference",
    "alert window",
    "atrial fibrillation in ODO",
    "PVC burden",
    "AF rate",
    "AV limits",
    "atrial rate",
    "schedule",
]


@dataclass(frozen=True, slots=True)
class Loss:
    """A cause of low delivery: its name, the share of beats it cost, the evidence."""

    name: LossName
    lost_frac: float
    text: str


def losses(
    counters: Mapping[str, int], settings: Settings, *, in_af: bool
) -> tuple[Loss, ...]:
    """Return the causes that the counters name, in the order of dealing with them.

    The order is that of docs/device.md, 4: sensing, window, ectopy, rate and AV limits,
    schedule; before them, whether CCM was on at all. Without atrial fibrillation, beats
    above the rate limit of OVO are premature ones.

    Parameters
    ----------
    counters
        Of the interrogation: "BEATS", "VENTRICULAR", "LOCAL_SENSE" and a row a cause.
    settings
        As found: which mode, cycles of inhibition and schedule made the counters.
    in_af
        Whether the ECG shows atrial fibrillation.
    """
    found = (*_by_cause(counters, settings, in_af=in_af), *_schedule(settings))
    least = RULES_OF_DELIVERY.least_lost_frac
    return tuple(loss for loss in found if loss.lost_frac >= least)


def losses_text(found: tuple[Loss, ...]) -> str:
    """Return the causes in words."""
    return "; ".join(f"{loss.name} ({loss.text})" for loss in found) or "no cause found"


def _by_cause(
    counters: Mapping[str, int], settings: Settings, *, in_af: bool
) -> tuple[Loss, ...]:
    lost = _lost_frac(counters, settings)
    beats = max(counters.get("BEATS", 0), 1)
    more_ls = counters.get("LOCAL_SENSE", 0) - counters.get("VENTRICULAR", 0)
    # local sense without a V is out of alert, but it is the V that was missed
    missed_v = min(max(more_ls / beats, 0.0), lost[Cause.LS_OUT])
    missed_v += lost[Cause.V_UNDERSENSED]
    outside = lost[Cause.LS_OUT] - missed_v + lost[Cause.V_UNDERSENSED]
    fast, no_p = lost[Cause.VT], lost[Cause.PVC]
    blind_af = no_p if in_af and settings.mode != OVO else 0.0
    late = 0.0 if in_af else RULES_OF_DELIVERY.late_per_fast_ectopic * fast
    late = min(late, outside)
    ectopic = (no_p - blind_af) + (0.0 if in_af else fast) + late
    return (
        _loss("switched off", sum(lost[cause] for cause in _OFF), "CCM off"),
        _loss("battery", lost[Cause.BATTERY_LOW], "CCM suspended"),
        _loss("undersensing", lost[Cause.NO_LS], "no local sense"),
        _loss("undersensing", missed_v, "no ventricular event"),
        _loss("interference", lost[Cause.NOISE], "noise"),
        _loss("alert window", outside - late, "local sense outside it"),
        _loss("atrial fibrillation in ODO", blind_af, "no P wave before V"),
        _loss("PVC burden", ectopic, "premature beats"),
        _loss("AF rate", fast if in_af else 0.0, "above the rate limit"),
        _loss("AV limits", lost[Cause.SHORT_AV] + lost[Cause.LONG_AV], "AV interval"),
        _loss("atrial rate", lost[Cause.AT], "above the rate limit"),
    )


def _lost_frac(
    counters: Mapping[str, int], settings: Settings
) -> Mapping[Cause, float]:
    """Return the share of beats by cause; beats inhibited later go to who began it."""
    beats = max(counters.get("BEATS", 0), 1)
    lost = {cause: counters.get(cause.value, 0) / beats for cause in Cause}
    later = {
        cause: lost[cause] * (cycles_of(settings, cause) - 1) for cause in INHIBITING
    }
    total = sum(later.values())
    if total > 0.0:
        for cause, share in later.items():
            lost[cause] += lost[Cause.INHIBITED] * share / total
    return lost


def _loss(name: LossName, lost_frac: float, what: str) -> Loss:
    return Loss(name, lost_frac, f"{what}: {share_text(lost_frac)} of beats")


def _schedule(settings: Settings) -> tuple[Loss, ...]:
    hours, wanted = scheduled_h_per_day(settings), settings.ccm_hours_per_day
    if hours >= RULES_OF_DELIVERY.least_hours_frac * wanted:
        return ()
    text = f"{hours:.1f} h a day of the {wanted:g} h programmed"
    return (Loss("schedule", 1.0 - hours / wanted, text),)
