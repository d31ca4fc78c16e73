"""How far a stated number of a patient may lie from what is known of any.

Nobody has measured a range of most numbers. One that lies ten times above what the
model declares, or below a twentieth where it must not vanish, is a slip of the pen: a
patient file may not hold it. Code may, by `dataclasses.replace`. Of a circulation the
heart that it makes is judged instead (`sim.heart.repeating.PLAUSIBLE`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

Limits = tuple[float, float]
_MOST_TIMES: Final = 10.0
_LEAST_PART: Final = 1.0 / 20.0
_SHARE: Final = (0.0, 1.0)

OWN_LIMITS: Final[Mapping[str, Limits]] = MappingProxyType(
    {
        "circulation.rv_share_of_contractility_frac": _SHARE,
        "contractility.ectopic_factor": (0.0, 2.0),
        "contractility.potentiation_kept_frac": _SHARE,
        # lower is no rest, higher is no set point of a circulation that is treated
        "reflex.set_map_mmhg": (40.0, 140.0),
        "response_law.floor_frac": (-1.0, 1.0),
        "response_law.pattern": (0.0, 2.0**63 - 1.0),
        "response_law.v1_later_ms": (-100.0, 100.0),
        "rhythm.vlf_power_frac": _SHARE,
        "rhythm.coupling_low_frac": _SHARE,
        "rhythm.coupling_high_frac": _SHARE,
        "rhythm.run_stop_frac": _SHARE,
        "rhythm.provoked_coupling_frac": _SHARE,
        "rhythm.recovery_frac": _SHARE,
        "conduction.qt_ms": (250.0, 700.0),
        "conduction.amplitude_cv_frac": _SHARE,
        "profile.spo2_pct": (50.0, 100.0),
    }
)
"""Of numbers whose meaning sets a limit, by part and field: all assumed."""


def known_limits(path: str, usual: float, *, any_sign: bool, vanishes: bool) -> Limits:
    """Return the lowest and highest value that a file may give to a number.

    Parameters
    ----------
    path
        Part and field, as a patient file names them.
    usual
        What the model declares.
    any_sign
        Whether the number may be negative.
    vanishes
        Whether it may be 0.
    """
    if path in OWN_LIMITS:
        return OWN_LIMITS[path]
    most = _MOST_TIMES * abs(usual)
    if any_sign:
        return -most, most
    return (0.0 if vanishes else _LEAST_PART * usual), most
