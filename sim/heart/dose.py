"""How strongly a CCM train raises contractility: a swappable assumption.

No readable source gives a human curve per setting. The law below satisfies each
verified fact (threshold, grading in amplitude, width, delay and number of pulses,
possible change of sign) and comes as a family that a scenario selects.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from sim.heart.parameters import FloatArray
from sim.sources import sourced
from sim.units import MA_PER_A

FAMILIES: Final = ("nominal", "plateau", "sharp", "null")
_PULSES_PHASES: Final = 2.0


@dataclass(frozen=True, slots=True)
class DoseResponse:
    """Constants of the relative gain of LV elastance; notation of evidence A3.

    `weak_hearts` makes a weaker heart gain more and a stronger one less, by the slope
    of one series of ferrets (`baseline_factor`); off, the patient's own elastance
    `baseline_elastance_mmhg_per_ml` makes no difference. Other findings speak against
    it: normal dogs gained 41 to 80 % (A01-A03), patients with EF above 25 % more.
    """

    family: str = "nominal"
    weak_hearts: bool = False
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
    beta_block_factor: float = sourced(1.0, "ccmlab-protocol", "6", "assumed")
    baseline_elastance_mmhg_per_ml: float = sourced(
        0.874, "ccmlab-evidence", "C2 E lv HFrEF", "fitted"
    )
    reference_elastance_mmhg_per_ml: float = sourced(
        0.874, "ccmlab-evidence", "C2 E lv HFrEF", "fitted"
    )
    weak_ceiling: float = sourced(1.5, "ccmlab-protocol", "6", "assumed")
    strong_floor: float = sourced(0.12, "mohri2003", "abstract, A04-A07", "fitted")
    weak_steepness: float = sourced(2.71, "mohri2003", "abstract, A04-A07", "fitted")


@dataclass(frozen=True, slots=True, eq=False)
class Train:
    """What reaches the muscle in one beat; each field a number or an `(n,)` array.

    `impedance_ohm` is the harmonic mean over the delivering leads, so that it stands
    for the mean current; `n_leads` counts the leads that deliver: 0, 1 or 2.
    """

    amplitude_v: float | FloatArray
    phase_duration_ms: float | FloatArray = sourced(
        5.14, "ccmlab-device", "1.2", "recalled"
    )
    n_pulses: float | FloatArray = sourced(2, "ccmlab-device", "1.2", "recalled")
    delay_ms: float | FloatArray = sourced(35.0, "ccmlab-device", "1.2", "recalled")
    impedance_ohm: float | FloatArray = sourced(
        550.0, "ccmlab-device", "table z_v1_ohm", "assumed"
    )
    n_leads: float | FloatArray = sourced(2, "ccmlab-device", "1.1", "assumed")


def response_family(name: str, response: DoseResponse | None = None) -> DoseResponse:
    """Return the dose law of one family; an error lists the families.

    Parameters
    ----------
    name
        "nominal"; "plateau": early saturation and a wide delay optimum; "sharp": late
        saturation and a narrow one; "null": every setting has the same effect.
    response
        The patient's constants, which the family's own replace where it has any.
    """
    base = response or DoseResponse()
    if name == "plateau":
        return replace(base, family=name, k=0.7, late_width_ms=60.0)
    if name == "sharp":
        return replace(
            base, family=name, k=4.0, early_width_ms=10.0, late_width_ms=10.0
        )
    if name in FAMILIES:
        return replace(base, family=name)
    raise ValueError(f"response must be one of {', '.join(FAMILIES)}, got {name!r}")


def two_lead_gain(response: DoseResponse, gain_frac: float) -> DoseResponse:
    """Return a law whose two-lead gain at the nominal train is exactly `gain_frac`.

    The number is then this patient's own: the baseline factor is set to 1.
    """
    return replace(
        response,
        g_one_lead_frac=gain_frac / response.two_lead_factor,
        beta_block_factor=1.0,
        baseline_elastance_mmhg_per_ml=response.reference_elastance_mmhg_per_ml,
    )


def relative_gain(response: DoseResponse, train: Train) -> FloatArray:
    """Return the steady relative gain G of LV elastance.

    Returns
    -------
    () or (n,)
        Fraction of the baseline elastance; below 0 where the delay weakens the beat,
        0 where no lead delivers. Evidence A3 with the corrections of the protocol.
    """
    leads = np.asarray(train.n_leads, dtype=np.float64)
    top = response.g_one_lead_frac * response.beta_block_factor
    if response.weak_hearts:
        own = baseline_factor(response, response.baseline_elastance_mmhg_per_ml)
        top *= float(own)
    if response.family == "null":
        shape = np.broadcast(leads, train.amplitude_v, train.delay_ms).shape
        full = np.full(shape, top * response.two_lead_factor)
        flat: FloatArray = np.where(leads > 0.0, full, 0.0)
        return flat
    per_leads = lead_factor(response, train)
    gain: FloatArray = (
        top * per_leads * strength(response, train) * delay_factor(response, train)
    )
    return gain


def lead_factor(response: DoseResponse, train: Train) -> FloatArray:
    """Return what the delivering leads make of one lead's gain: 0 without any."""
    leads = np.asarray(train.n_leads, dtype=np.float64)
    return np.where(leads > 1.0, response.two_lead_factor, np.minimum(leads, 1.0))


def strength(response: DoseResponse, train: Train) -> FloatArray:
    """Return S of evidence A3: 0 below the threshold, 1 at the nominal train."""
    nominal_ma = (
        response.nominal_amplitude_v / response.reference_impedance_ohm * MA_PER_A
    )
    threshold_ma = response.threshold_frac * nominal_ma
    current_ma = (
        np.asarray(train.amplitude_v) / np.asarray(train.impedance_ohm) * MA_PER_A
    )
    u = np.maximum(0.0, (current_ma - threshold_ma) / (nominal_ma - threshold_ma))
    train_ms = _PULSES_PHASES * np.asarray(train.n_pulses) * train.phase_duration_ms
    tw = response.width_constant_ms
    w = np.expm1(-train_ms / tw) / np.expm1(-response.nominal_train_ms / tw)
    x = u * w
    value: FloatArray = (1.0 + response.k) * x / (response.k + x)
    return value


def delay_factor(response: DoseResponse, train: Train) -> FloatArray:
    """Return D of evidence A3: 1 at the best delay, `-negative_frac` far from it."""
    late = np.asarray(train.delay_ms, dtype=np.float64) - response.best_delay_ms
    width = np.where(late < 0.0, response.early_width_ms, response.late_width_ms)
    dn = response.negative_frac
    value: FloatArray = (1.0 + dn) * np.exp(-0.5 * (late / width) ** 2) - dn
    return value


def baseline_factor(
    response: DoseResponse, elastance_mmhg_per_ml: float | FloatArray
) -> FloatArray:
    """Return how much more (above 1) or less a heart gains than the HFrEF reference.

    Counts where `weak_hearts` is switched on.
    The ferret's gain fell from 40 to 8.5 % as its pressure rose 1.7-fold (A04-A07).
    Its weakest state is read as the HFrEF reference, its strongest as a normal heart,
    3.3 times as stiff [assumed]; above `weak_ceiling` nothing was measured.
    """
    ratio = np.asarray(elastance_mmhg_per_ml) / response.reference_elastance_mmhg_per_ml
    ceiling, floor = response.weak_ceiling, response.strong_floor
    balance = (ceiling - 1.0) / (1.0 - floor)
    value: FloatArray = floor + (ceiling - floor) / (
        1.0 + balance * ratio**response.weak_steepness
    )
    return value
