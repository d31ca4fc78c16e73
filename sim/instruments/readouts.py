"""The ways to read a response: quantity, time, and when a window does not count."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from sim.instruments.errors import PLACE, PROTOCOL, Errors, PressureError
from sim.sources import sourced


@dataclass(frozen=True, slots=True)
class Readout:
    """One way to read the response, and the time that it takes.

    `expected_pair_sd_pct` is the spread of one reference-tested-reference pair that a
    planner should expect at the default noise; a test holds it to the simulation.
    Pressures are read `by_catheter`, or at a finger. Defaults are those of the finger
    pressure.
    """

    name: str
    title: str
    quantity: str
    unit: str
    settle_beats: int = sourced(15, PROTOCOL, PLACE, "assumed")
    read_beats: int = sourced(16, PROTOCOL, PLACE, "assumed")
    expected_pair_sd_pct: float = sourced(2.0, PROTOCOL, "2, calibration", "derived")
    by_catheter: bool = False


READOUTS: Final[Mapping[str, Readout]] = MappingProxyType(
    {
        "finger-pressure": Readout(
            "finger-pressure",
            "beat-to-beat finger pressure, systolic",
            "sbp_mmhg",
            "mmHg",
            settle_beats=15,
            read_beats=16,
            expected_pair_sd_pct=2.0,
        ),
        "cuff": Readout(
            "cuff",
            "cuff pressure, systolic",
            "sbp_mmhg",
            "mmHg",
            settle_beats=15,
            read_beats=60,
            expected_pair_sd_pct=5.3,
        ),
        "echo-vti": Readout(
            "echo-vti",
            "echo LVOT velocity-time integral",
            "vti_cm",
            "cm",
            settle_beats=15,
            read_beats=95,
            expected_pair_sd_pct=4.9,
        ),
        "invasive-dpdt": Readout(
            "invasive-dpdt",
            "invasive LV dP/dt max (research only)",
            "dpdt_max_mmhg_per_s",
            "mmHg/s",
            settle_beats=15,
            read_beats=16,
            expected_pair_sd_pct=2.0,
            by_catheter=True,
        ),
        "invasive-systolic": Readout(
            "invasive-systolic",
            "invasive LV systolic pressure (research only)",
            "sbp_mmhg",
            "mmHg",
            settle_beats=15,
            read_beats=16,
            expected_pair_sd_pct=1.7,
            by_catheter=True,
        ),
    }
)


def pressure_error(kind: Readout, errors: Errors) -> PressureError:
    """Return the error of the pressures that go along with a readout."""
    return errors.catheter if kind.by_catheter else errors.pressure


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
