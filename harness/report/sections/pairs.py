"""Pairs of readings as rows: the response test and the verification show them alike."""

import math
from typing import Final

from harness.common.words import plain
from harness.report.parts import PairRow, Quantity
from harness.report.values import gain, minutes, quantity
from sim.instruments import Readout
from sim.visit.record import Gains, Pair, Role

NOT_READ: Final = Gains(*(math.nan,) * 6)
LETTER: Final[dict[Role, str]] = {"reference": "R", "tested": "X"}


def pair_row(pair: Pair, instrument: Readout) -> PairRow:
    """Return one pair as shown; a void one keeps its readings and says why."""
    gains = pair.gains or NOT_READ
    reference, tested = mean_readings(pair, instrument)
    return PairRow(
        number=pair.number,
        start=minutes(pair.start_s),
        order=arm_order(pair),
        reference=reference,
        tested=tested,
        primary=gain(gains.primary_pct),
        systolic=gain(gains.systolic_pct),
        pulse=gain(gains.pulse_pct),
        mean=gain(gains.mean_pct),
        diastolic=gain(gains.diastolic_pct),
        heart_rate=gain(gains.heart_rate_pct),
        void=plain(pair.void),
    )


def arm_order(pair: Pair) -> str:
    """Return the order of a pair's arms, R the reference and X the tested setting."""
    return " ".join(LETTER[arm.role] for arm in pair.arms)


def mean_readings(pair: Pair | None, instrument: Readout) -> tuple[Quantity, Quantity]:
    """Return the mean reading at the reference and at the tested settings."""
    digits = 2 if instrument.unit == "cm" else 1
    reference, tested = (
        quantity(pair.mean(role) if pair else math.nan, instrument.unit, digits)
        for role in LETTER
    )
    return reference, tested
