"""The bedside values that a patient can be fitted to."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sim.sources import Source
from sim.units import FRAC_PER_PCT, L_PER_ML, ML_PER_L, MMHG_PER_KPA, PCT_PER_FRAC

_ONE: Final = 1.0
EVIDENCE: Final = "ccmlab-evidence"


@dataclass(frozen=True, slots=True)
class BedsideQuantity:
    """One bedside value: spellings, allowed range, and its error when none is given.

    `units` maps each unit to the factor that leads to `unit`. The error is the larger
    of `sd` and `sd_pct` of the value; `sd_source` says where from. A required one may
    be missing where one of `instead` is given.
    """

    name: str
    title: str
    unit: str
    units: Mapping[str, float]
    low: float
    high: float
    sd_source: Source
    sd: float = 0.0
    sd_pct: float = 0.0
    required: bool = True
    instead: tuple[str, ...] = ()

    def default_sd(self, value: float) -> float:
        """Return the standard deviation of one reading of a value, same unit."""
        return max(self.sd, self.sd_pct * FRAC_PER_PCT * value)

    @property
    def allowed(self) -> str:
        """The range in words."""
        return f"{self.low:g} to {self.high:g} {self.unit}"


_MMHG: Final = {"mmHg": _ONE, "kPa": MMHG_PER_KPA}
_ML: Final = {"mL": _ONE, "L": ML_PER_L}
_PER_MIN: Final = {"1/min": _ONE}
_PCT: Final = {"%": _ONE, "1": PCT_PER_FRAC}
_RISE: Final = {"mmHg/s": _ONE, "kPa/s": MMHG_PER_KPA}
_FLOW: Final = {"L/min": _ONE, "mL/min": L_PER_ML}

_ALL: Final = (
    BedsideQuantity(
        "SBP",
        "systolic pressure",
        "mmHg",
        _MMHG,
        60.0,
        220.0,
        Source(EVIDENCE, "D, cuff SBP 5-7 mmHg a reading", "recalled"),
        sd=6.0,
    ),
    BedsideQuantity(
        "DBP",
        "diastolic pressure",
        "mmHg",
        _MMHG,
        30.0,
        140.0,
        Source(EVIDENCE, "D, as cuff SBP", "assumed"),
        sd=5.0,
        instead=("MAP",),
    ),
    BedsideQuantity(
        "HR",
        "heart rate",
        "1/min",
        _PER_MIN,
        35.0,
        150.0,
        Source(EVIDENCE, "D, a count over 30 s", "assumed"),
        sd=2.0,
    ),
    BedsideQuantity(
        "EF",
        "ejection fraction",
        "%",
        _PCT,
        5.0,
        80.0,
        Source(EVIDENCE, "D N20, 14 % smallest detectable change", "derived"),
        sd_pct=5.0,
        instead=("ESV", "SV"),
    ),
    BedsideQuantity(
        "EDV",
        "LV end-diastolic volume",
        "mL",
        _ML,
        60.0,
        500.0,
        Source(EVIDENCE, "D, echo volumes", "assumed"),
        sd_pct=10.0,
    ),
    BedsideQuantity(
        "PCWP",
        "mean left atrial pressure",
        "mmHg",
        _MMHG,
        1.0,
        50.0,
        Source(EVIDENCE, "D, wedge pressure", "assumed"),
        sd=2.0,
        required=False,
    ),
    BedsideQuantity(
        "CO",
        "cardiac output",
        "L/min",
        _FLOW,
        1.0,
        12.0,
        Source(EVIDENCE, "D N15, 11 % between two days", "derived"),
        sd_pct=8.0,
        required=False,
    ),
    BedsideQuantity(
        "dP/dt max",
        "highest LV dP/dt",
        "mmHg/s",
        _RISE,
        200.0,
        4000.0,
        Source("dpdt-noise-2014", "abstract: drift 5.0 % a session", "measured"),
        sd_pct=5.0,
        required=False,
    ),
    BedsideQuantity(
        "MAP",
        "mean arterial pressure",
        "mmHg",
        _MMHG,
        40.0,
        160.0,
        Source(EVIDENCE, "D, as cuff SBP", "assumed"),
        sd=5.0,
        required=False,
    ),
    BedsideQuantity(
        "ESV",
        "LV end-systolic volume",
        "mL",
        _ML,
        20.0,
        450.0,
        Source(EVIDENCE, "D, echo volumes", "assumed"),
        sd_pct=10.0,
        required=False,
    ),
    BedsideQuantity(
        "SV",
        "stroke volume",
        "mL",
        _ML,
        15.0,
        180.0,
        Source(EVIDENCE, "D, echo volumes", "assumed"),
        sd_pct=10.0,
        required=False,
    ),
)
QUANTITIES: Final[Mapping[str, BedsideQuantity]] = MappingProxyType(
    {q.name: q for q in _ALL}
)
"""By name, in the order of tables."""
