"""The numbers of the circulation: eight volumes in a closed loop, by phenotype."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from sim.sources import Standing, sourced
from sim.units import S_PER_MIN

FloatArray = NDArray[np.float64]

VOLUMES = ("la", "lv", "ra", "rv", "sa", "sv", "pa", "pv")
"""Order of the state vector: four chambers (total), four vessels (stressed), mL."""


def _c2(value: float, standing: Standing = "fitted") -> float:
    return sourced(value, "ccmlab-evidence", "C2", standing)


@dataclass(frozen=True, slots=True)
class Circulation:
    """Parameters of one patient's heart and vessels; the defaults are a normal adult.

    Chambers follow `phi E (V - V0) + (1 - phi) A (exp(B (V - V0)) - 1)`; stiffness
    `_mmhg` is A and stiffness `_per_ml` is B. Vessels hold stressed volume; with
    the volume of the chambers above V0 it adds up to `stressed_volume_ml`. Elastances
    are those at full activation and a contractility of 1.
    """

    heart_rate_bpm: float = _c2(68.0)
    av_delay_s: float = _c2(0.16)

    lv_elastance_mmhg_per_ml: float = _c2(2.897)
    lv_v0_ml: float = _c2(10.0)
    lv_stiffness_mmhg: float = _c2(0.35)
    lv_stiffness_per_ml: float = _c2(0.03144)

    rv_elastance_mmhg_per_ml: float = _c2(0.438)
    rv_v0_ml: float = _c2(10.0)
    rv_stiffness_mmhg: float = _c2(0.35)
    rv_stiffness_per_ml: float = _c2(0.02549)
    rv_share_of_contractility_frac: float = _c2(0.3, "assumed")

    la_elastance_mmhg_per_ml: float = _c2(0.25)
    la_v0_ml: float = _c2(10.0)
    la_stiffness_mmhg: float = _c2(0.30)
    la_stiffness_per_ml: float = _c2(0.045)

    ra_elastance_mmhg_per_ml: float = _c2(0.22)
    ra_v0_ml: float = _c2(10.0)
    ra_stiffness_mmhg: float = _c2(0.30)
    ra_stiffness_per_ml: float = _c2(0.045)

    ventricle_rise_s: float = _c2(0.1785)
    ventricle_fall_s: float = _c2(0.33)
    ventricle_rise_exponent: float = _c2(1.7)
    ventricle_fall_exponent: float = _c2(18.0)
    atrium_peak_s: float = _c2(0.125)
    atrium_tail_s: float = _c2(0.020)

    systemic_arterial_compliance_ml_per_mmhg: float = _c2(1.356)
    systemic_venous_compliance_ml_per_mmhg: float = _c2(70.0)
    pulmonary_arterial_compliance_ml_per_mmhg: float = _c2(5.0)
    pulmonary_venous_compliance_ml_per_mmhg: float = _c2(10.0)

    systemic_resistance_mmhg_s_per_ml: float = _c2(1.0547)
    systemic_venous_resistance_mmhg_s_per_ml: float = _c2(0.03)
    pulmonary_resistance_mmhg_s_per_ml: float = _c2(0.0556)
    pulmonary_venous_resistance_mmhg_s_per_ml: float = _c2(0.015)
    aortic_resistance_mmhg_s_per_ml: float = _c2(0.03)
    pulmonary_valve_resistance_mmhg_s_per_ml: float = _c2(0.015)
    mitral_resistance_mmhg_s_per_ml: float = _c2(0.0035)
    tricuspid_resistance_mmhg_s_per_ml: float = _c2(0.0035)

    stressed_volume_ml: float = _c2(1047.0)

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0.0 < value < float("inf") and not _may_be_zero(item.name, value):
                raise ValueError(f"{item.name} must be finite and above 0, got {value}")

    @property
    def rr_s(self) -> float:
        """Interval between beats at the resting rate, s."""
        return S_PER_MIN / self.heart_rate_bpm


def _may_be_zero(name: str, value: float) -> bool:
    allowed = name.endswith("_v0_ml") or name == "rv_share_of_contractility_frac"
    return allowed and value == 0.0


NORMAL = Circulation()
HFREF = replace(
    NORMAL,
    heart_rate_bpm=74.0,
    av_delay_s=0.17,
    lv_elastance_mmhg_per_ml=0.874,
    lv_v0_ml=15.0,
    lv_stiffness_mmhg=0.60,
    lv_stiffness_per_ml=0.01862,
    rv_elastance_mmhg_per_ml=0.433,
    rv_stiffness_mmhg=0.40,
    rv_stiffness_per_ml=0.02479,
    la_elastance_mmhg_per_ml=0.28,
    ventricle_rise_s=0.1424,
    ventricle_fall_s=0.36,
    ventricle_fall_exponent=15.0,
    systemic_arterial_compliance_ml_per_mmhg=1.052,
    pulmonary_arterial_compliance_ml_per_mmhg=4.0,
    systemic_resistance_mmhg_s_per_ml=1.1333,
    pulmonary_resistance_mmhg_s_per_ml=0.1066,
    stressed_volume_ml=1446.0,
)
