"""How much oxygen the heart muscle uses, estimated from its pressure-volume area.

The area alone would say that CCM costs oxygen, which the one measurement in patients
does not show (A23): so the cost of the area falls with the CCM effect. Evidence C2.
"""

from dataclasses import dataclass

from sim.heart.circulation import BeatHaemodynamics
from sim.sources import sourced
from sim.units import S_PER_MIN


@dataclass(frozen=True, slots=True)
class OxygenUse:
    """Constants of the estimate, in mL of oxygen per 100 g of muscle.

    `base` is what an unloaded, slowly beating heart uses. `area` is per mmHg mL of
    pressure-volume area of the whole ventricle, so the mass of a failing heart is in
    it: it was fitted to a failing heart and means little for a normal one.
    """

    base_ml_per_min_100g: float = sourced(2.0, "ccmlab-evidence", "C2 MVO2", "assumed")
    area_ml_per_mmhg_ml_100g: float = sourced(
        4.86e-6, "goliasch2012", "abstract, A23, CCM off", "fitted"
    )
    ccm_discount: float = sourced(
        0.35, "goliasch2012", "abstract, A23, no change", "fitted"
    )


def oxygen_ml_per_min_100g(
    beat: BeatHaemodynamics,
    rr_s: float,
    *,
    ccm_effect: float = 0.0,
    use: OxygenUse | None = None,
) -> float:
    """Return the oxygen use of the left ventricle, mL/min/100 g.

    Parameters
    ----------
    beat
        One beat; its pressure-volume area counts.
    rr_s
        Interval between beats.
    ccm_effect
        Relative gain of elastance by CCM in this beat (fast plus slow memory); any
        other inotrope leaves it at 0.
    use
        Constants.

    Examples
    --------
    The same beat costs less when CCM made it:

    >>> from sim.heart.parameters import HFREF
    >>> from sim.heart.repeating import repeating_beat
    >>> beat = repeating_beat(HFREF).haemodynamics
    >>> plain = oxygen_ml_per_min_100g(beat, HFREF.rr_s)
    >>> plain > oxygen_ml_per_min_100g(beat, HFREF.rr_s, ccm_effect=0.09)
    True
    """
    use = use or OxygenUse()
    per_area = use.area_ml_per_mmhg_ml_100g / (1.0 + use.ccm_discount * ccm_effect)
    beats_per_min = S_PER_MIN / rr_s
    return use.base_ml_per_min_100g + per_area * beat.pva_mmhg_ml * beats_per_min
