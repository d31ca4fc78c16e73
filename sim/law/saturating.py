"""The saturating law: a threshold, then less and less for each volt; one best delay.

It satisfies each verified fact: a threshold, grading in amplitude, width, delay and
number of pulses, a possible change of sign (evidence A3). `plateau` and `sharp` are its
named corners, where whole studies may stand.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawInputs
from sim.sources import sourced
from sim.units import MA_PER_A


@dataclass(frozen=True, slots=True)
class Saturating:
    """Constants of the relative gain of LV elastance; notation of evidence A3."""

    name: ClassVar[str] = "saturating"
    g_one_lead_frac: float = sourced(0.067, "ccmlab-evidence", "A3 g_i", "assumed")
    two_lead_factor: float = sourced(1.35, "ccmlab-evidence", "A3 K", "assumed")
    nominal_amplitude_v: float = sourced(7.5, "ccmlab-evidence", "A3 I1", "assumed")
    reference_impedance_ohm: float = sourced(
        550.0, "ccmlab-device", "table z_v1_ohm", "assumed"
    )
    threshold_frac: float = sourced(0.35, "ccmlab-evidence", "A3 I0", "assumed")
    k: float = sourced(1.5, "ccmlab-evidence", "A3 k", "assumed")
    width_constant_ms: float = sourced(15.0, "ccmlab-evidence", "A3 tw", "assumed")
    nominal_train_ms: float = sourced(20.56, "ccmlab-evidence", "A3 w", "derived")
    best_delay_ms: float = sourced(32.0, "ccmlab-evidence", "A3 di", "assumed")
    early_width_ms: float = sourced(14.0, "ccmlab-evidence", "A3 sL", "assumed")
    late_width_ms: float = sourced(38.0, "ccmlab-evidence", "A3 sR", "assumed")
    negative_frac: float = sourced(0.1, "ccmlab-evidence", "A3 dn", "assumed")

    def gain(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the steady relative gain, eq. 1 of docs/model.md."""
        gain: FloatArray = (
            patient.muscle.scaled(self.g_one_lead_frac)
            * lead_factor(self, train)
            * strength(self, train)
            * delay_factor(self, train)
        )
        return gain


@dataclass(frozen=True, slots=True)
class Plateau(Saturating):
    """The corner of early saturation and a wide delay optimum."""

    name: ClassVar[str] = "plateau"
    k: float = sourced(0.7, "ccmlab-evidence", "A3 family plateau", "assumed")
    late_width_ms: float = sourced(
        60.0, "ccmlab-evidence", "A3 family plateau", "assumed"
    )


@dataclass(frozen=True, slots=True)
class Sharp(Saturating):
    """The corner of late saturation and a narrow delay optimum."""

    name: ClassVar[str] = "sharp"
    k: float = sourced(4.0, "ccmlab-evidence", "A3 family sharp", "assumed")
    early_width_ms: float = sourced(
        10.0, "ccmlab-evidence", "A3 family sharp", "assumed"
    )
    late_width_ms: float = sourced(
        10.0, "ccmlab-evidence", "A3 family sharp", "assumed"
    )


def lead_factor(law: Saturating, train: Train) -> FloatArray:
    """Return what the delivering leads make of one lead's gain: 0 without any."""
    leads = np.asarray(train.n_leads, dtype=np.float64)
    # eq. 6
    return np.where(leads > 1.0, law.two_lead_factor, np.minimum(leads, 1.0))


def strength(law: Saturating, train: Train) -> FloatArray:
    """Return S of evidence A3: 0 below the threshold, 1 at the nominal train."""
    nominal_ma = law.nominal_amplitude_v / law.reference_impedance_ohm * MA_PER_A
    threshold_ma = law.threshold_frac * nominal_ma
    current_ma = (
        np.asarray(train.amplitude_v) / np.asarray(train.impedance_ohm) * MA_PER_A
    )
    # eq. 3; current and not voltage: a lead of high impedance is a weak one
    u = np.maximum(0.0, (current_ma - threshold_ma) / (nominal_ma - threshold_ma))
    tw = law.width_constant_ms
    # eq. 4; expm1, for a short train against a long constant
    w = np.expm1(-train.length_ms / tw) / np.expm1(-law.nominal_train_ms / tw)
    x = u * w
    # eq. 2
    value: FloatArray = (1.0 + law.k) * x / (law.k + x)
    return value


def delay_factor(law: Saturating, train: Train) -> FloatArray:
    """Return D of evidence A3: 1 at the best delay, `-negative_frac` far from it."""
    late = np.asarray(train.delay_ms, dtype=np.float64) - law.best_delay_ms
    width = np.where(late < 0.0, law.early_width_ms, law.late_width_ms)
    dn = law.negative_frac
    # eq. 5
    value: FloatArray = (1.0 + dn) * np.exp(-0.5 * (late / width) ** 2) - dn
    return value
