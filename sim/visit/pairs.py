"""How two settings are compared: arms, pairs, voids and repeats.

The life of a pair. Each arm programs one of the two settings, lets the pressure settle
and reads it; arms follow in an order that is symmetric in time (R X R, or A B B A), so
that a straight drift cancels. A window that cannot be read is read again; an arm that
stays void makes its pair void, and a void pair is never replaced by its readable half.
The gain of a pair is the ratio of the arms' means: what both have in common drops out.
After a few beats of the tested setting the patient is asked, and may end the test.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from math import nan
from typing import Final, TypeVar

import simpy

from sim.carried import Carried
from sim.device.settings import Settings
from sim.instruments import RULES, Reading
from sim.units import PCT_PER_FRAC
from sim.visit.record import (
    Arm,
    ArmRead,
    Gains,
    Pair,
    Purpose,
    ReadWindow,
    Role,
)
from sim.visit.safety import RULES as SAFETY
from sim.visit.safety import Stop
from sim.visit.visit import Visit

T = TypeVar("T")
Process = Generator[simpy.Event, object, T]
RXR: Final[tuple[Role, ...]] = ("reference", "tested", "reference")
ABBA: Final[tuple[Role, ...]] = ("reference", "tested", "tested", "reference")
BAAB: Final[tuple[Role, ...]] = ("tested", "reference", "reference", "tested")
QUANTITIES: Final = (
    "primary",
    "sbp_mmhg",
    "pulse_pressure_mmhg",
    "map_mmhg",
    "dbp_mmhg",
    "heart_rate_bpm",
)


class StoppedError(Carried, Exception):
    """A pair had to be broken off; `stop` says why."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop.text)
        self.stop = stop


@dataclass(frozen=True, slots=True)
class Comparison:
    """What to compare, and in which order of arms.

    `asks` is called once the tested setting has been felt for a few beats; it returns
    why the test must stop, or None.
    """

    purpose: Purpose
    tested: Settings
    reference: Settings
    order: tuple[Role, ...] = RXR
    asks: Callable[[], Stop | None] | None = None

    def settings(self, role: Role) -> Settings:
        """Return the settings of one arm."""
        return self.tested if role == "tested" else self.reference


def read_pair(visit: Visit, comparison: Comparison) -> Process[Pair]:
    """Read one pair; raises StoppedError when safety or the patient ends it."""
    arms = yield from read_arms(visit, comparison)
    return pair_of(visit, comparison.purpose, arms)


def read_arms(visit: Visit, comparison: Comparison) -> Process[tuple[Arm, ...]]:
    """Read arms in their order up to the first void one; raises StoppedError."""
    arms: list[Arm] = []
    visit.bedside.guarded = True
    try:
        for role in comparison.order:
            arms.append((yield from read_arm(visit, comparison, role)))
            if arms[-1].reading.void:
                break  # the pair is void: more arms would cost minutes for nothing
    finally:
        visit.bedside.guarded = False
    return tuple(arms)


def read_arm(visit: Visit, comparison: Comparison, role: Role) -> Process[Arm]:
    """Program one arm, let it settle and read it; a void window is read again."""
    start_s = float(visit.env.now)
    settings = comparison.settings(role)
    yield from visit.programmer.program(settings)
    left = visit.settle_beats
    if role == "tested" and comparison.asks is not None:
        yield from _until_felt(visit, comparison.asks)
        left -= felt_beats(visit)
    yield from _beats(visit, left)
    attempts, reading = 1, (yield from _read(visit))
    while reading.void and attempts < RULES.most_attempts:
        yield from visit.programmer.until_linked()
        visit.note("void", f"window repeated: {reading.void}")
        attempts, reading = attempts + 1, (yield from _read(visit))
    end_s = float(visit.env.now)
    arm = Arm(role, settings, start_s, end_s, reading, attempts)
    visit.tell(ArmRead(comparison.purpose, arm))
    return arm


def _read(visit: Visit) -> Process[Reading]:
    bedside, n = visit.bedside, visit.read_beats
    first = bedside.n_beats
    visit.n_arms += 1
    bedside.arm_id = visit.n_arms
    n_removals = visit.programmer.wand.n_removals
    visit.window = ReadWindow(visit.instruments.next_number, first, n)
    yield from _beats(visit, n)
    bedside.arm_id = -1
    wand, lost = visit.programmer.wand, visit.programmer.reading_link_lost()
    # a wand lifted and put back meanwhile has spoilt the window too
    lost = lost or not wand.linked or wand.n_removals > n_removals
    return bedside.read(first, n, link_lost=lost)


def _until_felt(visit: Visit, asks: Callable[[], Stop | None]) -> Process[None]:
    yield from _beats(visit, felt_beats(visit))
    stop = asks()
    if stop is not None:
        raise StoppedError(stop)


def felt_beats(visit: Visit) -> int:
    """Return the beats after which a patient tells what is felt."""
    return min(SAFETY.felt_within_beats, visit.settle_beats)


def _beats(visit: Visit, n: int) -> Process[None]:
    stop = yield from visit.bedside.wait_beats(n)
    if stop is not None:
        raise StoppedError(stop)


def pair_of(
    visit: Visit,
    purpose: Purpose,
    arms: tuple[Arm, ...],
    *,
    weights: tuple[float, ...] = (),
) -> Pair:
    """Return arms as the next pair of the visit; void when an arm that counts is."""
    visit.n_pairs += 1
    pair = Pair(visit.n_pairs, purpose, arms, None, "", weights)
    void = next((arm.reading.void for arm in pair.counted if arm.reading.void), "")
    pair = replace(pair, gains=None if void else _gains(pair), void=void)
    visit.tell(pair)
    return pair


def gain_pct(arms: tuple[Arm, ...]) -> float:
    """Return the primary gain of the arms of one pair, nan when one is void."""
    if any(arm.reading.void for arm in arms):
        return nan
    return _gain_pct(Pair(0, "titration", arms, None, ""), "primary")


def _gains(pair: Pair) -> Gains:
    return Gains(*(_gain_pct(pair, name) for name in QUANTITIES))


def _gain_pct(pair: Pair, name: str) -> float:
    ratio = pair.mean("tested", name) / pair.mean("reference", name)
    return PCT_PER_FRAC * (ratio - 1.0)
