"""The parts that several laws are put together from; notation of evidence A3."""

from typing import Final

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import LeadName, Train
from sim.units import MA_PER_A

Number = float | FloatArray
LEADS: Final[tuple[LeadName, ...]] = ("V1", "V2")


def lead_factor(two_lead_factor: Number, n_leads: Number) -> FloatArray:
    """Return what the delivering leads make of one lead's gain: 0 without any."""
    leads = np.asarray(n_leads, dtype=np.float64)
    # eq. 6
    return np.where(leads > 1.0, two_lead_factor, np.minimum(leads, 1.0))


def lead_share(two_lead_factor: Number, train: Train, lead: LeadName) -> FloatArray:
    """Return the weight of a lead in a sum over leads: half the factor, 1 alone."""
    on = np.asarray(train.v1_delivers if lead == "V1" else train.v2_delivers)
    both = np.asarray(train.v1_delivers) * train.v2_delivers
    # eq. 41
    share: FloatArray = on * (1.0 + both * (0.5 * np.asarray(two_lead_factor) - 1.0))
    return share


def current_share(
    train: Train, impedance_ohm: Number, nominal_v: Number, reference_ohm: Number
) -> FloatArray:
    """Return the current as a share of the nominal one, at some impedance.

    Current and not voltage: a lead of high impedance is a weak one.
    """
    nominal_ma = nominal_v / reference_ohm * MA_PER_A
    current_ma = np.asarray(train.amplitude_v) / np.asarray(impedance_ohm) * MA_PER_A
    share: FloatArray = current_ma / nominal_ma
    return share


def above_threshold(share: Number, threshold_frac: Number) -> FloatArray:
    """Return u of evidence A3: 0 at the threshold and below, 1 at the nominal."""
    # eq. 3
    over = (np.asarray(share) - threshold_frac) / (1.0 - np.asarray(threshold_frac))
    return np.maximum(0.0, over)


def train_weight(train: Train, constant_ms: Number, nominal_ms: Number) -> FloatArray:
    """Return w of evidence A3, what the length of a train is worth: 1 at nominal."""
    # eq. 4; expm1, for a short train against a long constant
    weight: FloatArray = np.expm1(-train.length_ms / constant_ms) / np.expm1(
        -np.asarray(nominal_ms) / constant_ms
    )
    return weight


def saturated(dose: Number, k: Number) -> FloatArray:
    """Return S of evidence A3: 0 without a dose, 1 at the nominal one."""
    # eq. 2
    value: FloatArray = (1.0 + np.asarray(k)) * dose / (k + np.asarray(dose))
    return value


def flanked(
    delay_ms: Number, best_ms: Number, early_ms: Number, late_ms: Number
) -> FloatArray:
    """Return a hump of the delay, 1 at the best one, with flanks of two widths."""
    late = np.asarray(delay_ms, dtype=np.float64) - best_ms
    width = np.where(late < 0.0, early_ms, late_ms)
    hump: FloatArray = np.exp(-0.5 * (late / width) ** 2)
    return hump


def lowered(hump: Number, negative_frac: Number) -> FloatArray:
    """Return a hump that ends at `-negative_frac` instead of 0."""
    # eq. 5
    value: FloatArray = (1.0 + negative_frac) * np.asarray(hump) - negative_frac
    return value
