"""What is varied, over which range, and where that range comes from."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.special import logit, ndtr, ndtri

from sim.heart.parameters import FloatArray
from sim.law.registry import spreads_of
from sim.law.response_law import ResponseLaw
from sim.law.spread import Even, EvenLog, LogNormal, Normal
from sim.patient import Patient
from sim.sources import Source, Standing, unit_of

Law = Literal["factor", "uniform", "log-uniform", "normal", "logistic"]
REACH_SD: Final = 2.5  # where factors and normal draws are cut off
IMPEDANCE: Final = "leads.impedance_ohm"
_REFERENCE_IMPEDANCE: Final = "response.reference_impedance_ohm"


@dataclass(frozen=True, slots=True)
class Range:
    """One number that is varied, independently of the others.

    A factor (lognormal, `spread` is its coefficient of variation), a normal (`spread`
    is the SD) and a logistic (`spread` is the scale) lie around the patient's own
    value; the uniform laws are the range itself. Nothing leaves `low` to `high`.
    """

    name: str
    title: str
    law: Law
    spread: float
    low: float
    high: float
    source: Source

    @property
    def unit(self) -> str:
        """Unit of the values, from the name."""
        return unit_of(self.name)

    def coordinate(self, u: FloatArray) -> FloatArray:
        """Return where draws lie on a straight scale of a few units, `(n,)`."""
        if self.law in ("uniform", "log-uniform"):
            flat: FloatArray = 2.0 * u - 1.0
            return flat
        tail = ndtr(-REACH_SD)
        if self.law == "logistic":
            return np.asarray(logit(tail + u * (1.0 - 2.0 * tail)))
        return np.asarray(ndtri(tail + u * (1.0 - 2.0 * tail)))

    def values(self, own: float, u: FloatArray) -> FloatArray:
        """Return the values of draws `u`, uniform in 0 to 1, around a patient's own."""
        at = self.coordinate(u)
        if self.law == "factor":
            drawn = own * np.exp(np.sqrt(np.log1p(self.spread**2)) * at)
        elif self.law == "uniform":
            drawn = self.low + (self.high - self.low) * u
        elif self.law == "log-uniform":
            drawn = self.low * (self.high / self.low) ** u
        else:
            drawn = own + self.spread * at
        clipped: FloatArray = np.clip(drawn, self.low, self.high)
        return clipped

    @property
    def text(self) -> str:
        """The range in words."""
        if self.law == "factor":
            return f"own value, CV {100 * self.spread:g} %"
        span = f"{self.low:g} to {self.high:g} {self.unit}".rstrip()
        if self.law in ("uniform", "log-uniform"):
            return f"{span}, {self.law}"
        word = "SD" if self.law == "normal" else "logistic scale"
        return f"own value, {word} {self.spread:g} {self.unit}, within {span}"

    def own(self, patient: Patient) -> float:
        """Return the patient's own value."""
        name = _REFERENCE_IMPEDANCE if self.name == IMPEDANCE else self.name
        part, _, field = name.partition(".")
        return float(getattr(getattr(patient, part), field))


def _factor(name: str, title: str, cv: float, place: str) -> Range:
    source = Source("ccmlab-evidence", place, "assumed")
    return Range(name, title, "factor", cv, -np.inf, np.inf, source)


def _span(
    name: str,
    title: str,
    limits: tuple[float, float],
    *,
    place: str,
    law: Law = "uniform",
    spread: float = 0.0,
    standing: Standing = "assumed",
    reference: str = "ccmlab-evidence",
) -> Range:
    source = Source(reference, place, standing)
    return Range(name, title, law, spread, *limits, source)


_C2: Final = "C2 patients, CV 0.15-0.25"
HEART: Final = (
    _factor("circulation.lv_elastance_mmhg_per_ml", "LV elastance E", 0.25, _C2),
    _factor("circulation.lv_stiffness_per_ml", "LV filling stiffness B", 0.15, _C2),
    _factor("circulation.systemic_resistance_mmhg_s_per_ml", "resistance", 0.2, _C2),
    _factor("circulation.stressed_volume_ml", "stressed volume", 0.15, _C2),
    _factor(
        "circulation.systemic_arterial_compliance_ml_per_mmhg",
        "arterial compliance",
        0.25,
        _C2,
    ),
    _factor("rhythm.heart_rate_bpm", "heart rate", 0.15, "B, HR 73 +- 11"),
    _factor("contractility.fast_on_beats", "memory: fast onset", 0.25, "A2"),
    _factor("contractility.fast_off_beats", "memory: fast offset", 0.25, "A2"),
    _factor("contractility.slow_on_s", "memory: slow onset", 0.25, "A2"),
    _factor("contractility.slow_off_s", "memory: slow offset", 0.25, "A2"),
    _span(
        "contractility.carry_over_frac",
        "memory: slow share",
        (0.0, 0.4),
        place="A2, 0-40 %",
    ),
    _factor("reflex.follower_s", "reflex: time constant", 0.25, "C2 baroreflex"),
    _factor("reflex.rr_gain_ms_per_mmhg", "reflex: rate", 0.25, "C2 baroreflex"),
    _factor("reflex.resistance_per_mmhg", "reflex: resistance", 0.25, "C2 baroreflex"),
    _factor("reflex.unstressed_ml_per_mmhg", "reflex: veins", 0.25, "C2 baroreflex"),
    _factor("reflex.elastance_per_mmhg", "reflex: elastance", 0.25, "C2 baroreflex"),
)
"""Numbers that decide how a gain of elastance becomes a gain of pressure."""

PAIRED: Final = frozenset(
    {
        "rhythm.heart_rate_bpm",
        "contractility.carry_over_frac",
        *(row.name for row in HEART if row.name.startswith("circulation.")),
    }
)
"""Of these the pressure gain depends on one another; the rest act on their own."""

DOSE: Final = (
    _factor("response.g_one_lead_frac", "dose: gain g", 0.5, "A3 g_i"),
    _span(
        "muscle.beta_block_factor",
        "dose: beta-blockade",
        (0.6, 1.0 / 0.6),
        law="log-uniform",
        place="6, high dose to none",
        reference="ccmlab-protocol",
    ),
    _span(IMPEDANCE, "lead impedance", (350.0, 700.0), place="A3 I1, Z"),
    _span("response.threshold_frac", "dose: threshold I0", (0.2, 0.55), place="A3 I0"),
    _span(
        "response.k", "dose: saturation k", (0.7, 4.0), law="log-uniform", place="A3 k"
    ),
    _span(
        "response.width_constant_ms",
        "dose: train constant tw",
        (8.0, 30.0),
        law="log-uniform",
        place="A3 tw",
    ),
    _span(
        "response.best_delay_ms",
        "dose: best delay di",
        (12.0, 60.0),
        law="normal",
        spread=8.0,
        place="A3 di",
    ),
    _span("response.early_width_ms", "dose: early width sL", (8.0, 20.0), place="A3"),
    _span("response.late_width_ms", "dose: late width sR", (10.0, 60.0), place="A3"),
    _span("response.negative_frac", "dose: negative part dn", (0.0, 0.3), place="A3"),
    _span(
        "sensation.threshold_v",
        "sensation: threshold of what is not tolerated",
        (2.0, 30.0),
        law="logistic",
        spread=0.9,
        place="A4, spread as that of what is felt",
    ),
)
"""Numbers that decide which gain of elastance a setting gives, and what is felt."""


def ranges(law: ResponseLaw) -> tuple[Range, ...]:
    """Return what is varied under a response law, the heart's part first.

    Of the law what its patients draw: over the range above where that has one, else
    over the law's own spread.
    """
    drawn = {f"response.{name}": spread for name, spread in spreads_of(law).items()}
    kept = [row for row in DOSE if row.name not in not_varied(law)]
    ranged = {row.name for row in kept}
    others = [_of(name, drawn[name]) for name in drawn if name not in ranged]
    return (*HEART, *kept, *others)


def not_varied(law: ResponseLaw) -> frozenset[str]:
    """Return what a law fixes or does not know, of the numbers that laws hang on."""
    drawn = {f"response.{name}" for name in spreads_of(law)}
    fixed = {row.name for row in DOSE if row.name.startswith("response.")} - drawn
    reads_current = hasattr(law, _REFERENCE_IMPEDANCE.partition(".")[2])
    return frozenset(fixed if reads_current else fixed | {IMPEDANCE})


def _of(name: str, spread: object) -> Range:
    """Return the range of a constant that only its own law knows."""
    title, place = f"law: {name.partition('.')[2]}", "A3 laws, as drawn"
    match spread:
        case Even(low, high):
            return _span(name, title, (low, high), place=place)
        case EvenLog(low, high):
            return _span(name, title, (low, high), place=place, law="log-uniform")
        case Normal(_, sd, low, high):
            limits = (low, high)
            return _span(name, title, limits, place=place, law="normal", spread=sd)
        case LogNormal(_, cv_frac):
            return _factor(name, title, cv_frac, place)
    raise TypeError(f"no range is known for {name}, spread {spread!r}")
