"""The ways to read a response: quantity, time, and when a window does not count.

A readout is a row here and an error model (`sim.instruments.errors`), nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from sim.heart.beating import BEAT_COLUMNS
from sim.instruments.errors import (
    PLACE,
    PROTOCOL,
    CatheterError,
    CuffError,
    EchoError,
    ErrorModel,
    InvasiveError,
    PressureError,
)
from sim.sources import sourced


@dataclass(frozen=True, slots=True)
class Readout:
    """One way to read the response, and the time that it takes.

    `quantity` and `unit` are those of the value read, `read_as` is what a sentence of
    the report calls it, `beat_column` the column of true beats that it is proportional
    to, `error` the model of its error.
    `expected_pair_sd_pct` is the spread of one reference-tested-reference pair that a
    planner should expect at the default noise; a test holds it to the simulation.
    Defaults are those of the finger pressure.
    """

    name: str
    title: str
    quantity: str
    unit: str
    read_as: str
    beat_column: str
    error: type[ErrorModel]
    settle_beats: int = sourced(15, PROTOCOL, PLACE, "assumed")
    read_beats: int = sourced(16, PROTOCOL, PLACE, "assumed")
    expected_pair_sd_pct: float = sourced(2.0, PROTOCOL, "2, calibration", "derived")

    def __post_init__(self) -> None:
        if self.beat_column not in BEAT_COLUMNS:
            near = get_close_matches(self.beat_column, BEAT_COLUMNS, n=1, cutoff=0.0)
            raise ValueError(
                f"beat_column must be one of {', '.join(BEAT_COLUMNS)},"
                f" got {self.beat_column!r} (did you mean {near[0]!r}?)"
            )


_ROWS: Final[dict[str, Readout]] = {
    row.name: row
    for row in (
        Readout(
            "finger-pressure",
            "beat-to-beat finger pressure, systolic",
            "sbp_mmhg",
            "mmHg",
            read_as="systolic finger pressure",
            beat_column="sbp_mmhg",
            error=PressureError,
            settle_beats=15,
            read_beats=16,
            expected_pair_sd_pct=2.0,
        ),
        Readout(
            "cuff",
            "cuff pressure, systolic",
            "sbp_mmhg",
            "mmHg",
            read_as="systolic cuff pressure",
            beat_column="sbp_mmhg",
            error=CuffError,
            settle_beats=15,
            read_beats=60,
            expected_pair_sd_pct=5.3,
        ),
        Readout(
            "echo-vti",
            "echo LVOT velocity-time integral",
            "vti_cm",
            "cm",
            read_as="the echo velocity-time integral",
            beat_column="sv_ml",
            error=EchoError,
            settle_beats=15,
            read_beats=95,
            expected_pair_sd_pct=4.9,
        ),
        Readout(
            "invasive-dpdt",
            "invasive LV dP/dt max (research only)",
            "dpdt_max_mmhg_per_s",
            "mmHg/s",
            read_as="invasive LV dP/dt max",
            beat_column="dpdt_max_mmhg_per_s",
            error=InvasiveError,
            settle_beats=15,
            read_beats=16,
            expected_pair_sd_pct=2.0,
        ),
        Readout(
            "invasive-systolic",
            "invasive LV systolic pressure (research only)",
            "sbp_mmhg",
            "mmHg",
            read_as="invasive LV systolic pressure",
            beat_column="sbp_mmhg",
            error=CatheterError,
            settle_beats=15,
            read_beats=16,
            expected_pair_sd_pct=1.8,
        ),
    )
}
READOUTS: Final[Mapping[str, Readout]] = MappingProxyType(_ROWS)


def add_readout(row: Readout) -> None:
    """Add a readout of one's own, for this process; ValueError when a name is taken.

    One that everybody is to have is a row of this module.
    """
    if row.name in _ROWS:
        raise ValueError(f"readout name {row.name} is taken")
    _ROWS[row.name] = row


def readout(name: str) -> Readout:
    """Return a readout by its name; a ValueError offers the nearest one."""
    if name not in READOUTS:
        near = get_close_matches(name, READOUTS, n=1, cutoff=0.0)
        raise ValueError(
            f"readout must be one of {', '.join(READOUTS)}, got {name!r}"
            f" (did you mean {near[0]!r}?)"
        )
    return READOUTS[name]


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """When a window does not count."""

    least_delivered_frac: float = sourced(0.9, PROTOCOL, "2", "assumed")
    most_ectopic_frac: float = sourced(0.25, PROTOCOL, "2", "assumed")
    least_beats_used: int = sourced(8, PROTOCOL, "2", "assumed")
    af_least_beats: int = sourced(40, PROTOCOL, "2", "assumed")
    dropped_around_ectopic: int = sourced(2, PROTOCOL, "2", "assumed")
    most_attempts: int = sourced(3, PROTOCOL, "2, repeats of a void", "assumed")


RULES: Final = ReadingRules()


def beats_to_settle(kind: Readout, planned: int | None) -> int:
    """Return the beats that an arm waits before it is read."""
    return kind.settle_beats if planned is None else planned


def beats_to_read(kind: Readout, planned: int | None, *, in_af: bool) -> int:
    """Return the beats that an arm is read for: never under 40 in fibrillation."""
    n = kind.read_beats if planned is None else planned
    return max(n, RULES.af_least_beats) if in_af else n
