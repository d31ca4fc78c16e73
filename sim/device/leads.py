"""The two ventricular leads: impedance, how well they sense, and what can go wrong."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import numpy as np

from sim.device.settings import Settings
from sim.sources import sourced
from sim.units import FRAC_PER_PCT, PCT_PER_FRAC, S_PER_MIN

LeadSite = Literal["mid-septum", "basal"]
Fault = Literal["none", "dislodged", "insulation_breach", "fracture"]
_D: Final = "ccmlab-device"


class FaultEffect(NamedTuple):
    """Factors on the intact impedance, sensed amplitude and current to the muscle."""

    impedance_frac: float
    sensing_frac: float
    reach_frac: float


@dataclass(frozen=True, slots=True)
class LeadModel:
    """Electrical numbers of one lead; the fault rows multiply the intact value.

    Reach is the share of the intact current that still comes to the muscle: none from a
    tip that lies elsewhere or a broken conductor, a part where insulation leaks.

    The waves of posture turn from `posture_slow_turns` to `posture_fast_turns` times in
    `posture_period_min`.
    """

    impedance_ohm: float = sourced(550.0, _D, "1.5", "assumed")
    posture_sd_pct: float = sourced(2.0, _D, "6", "assumed")
    posture_period_min: float = sourced(12.0, _D, "6", "assumed")
    posture_slow_turns: float = sourced(0.5, _D, "6", "assumed")
    posture_fast_turns: float = sourced(2.0, _D, "6", "assumed")
    measuring_error_pct: float = sourced(1.0, _D, "1.5", "assumed")
    dislodged_impedance_frac: float = sourced(0.75, _D, "6", "assumed")
    dislodged_sensing_frac: float = sourced(0.3, _D, "6", "assumed")
    breach_impedance_frac: float = sourced(0.4, _D, "6", "assumed")
    breach_sensing_frac: float = sourced(0.7, _D, "6", "assumed")
    fracture_impedance_frac: float = sourced(6.0, _D, "6", "assumed")
    fracture_sensing_frac: float = sourced(0.0, _D, "6", "assumed")
    dislodged_reach_frac: float = sourced(0.0, _D, "6", "assumed")
    breach_reach_frac: float = sourced(0.6, _D, "6", "assumed")
    fracture_reach_frac: float = sourced(0.0, _D, "6", "assumed")

    def effect(self, fault: str) -> FaultEffect:
        """Return what a fault makes of impedance, sensing and capture."""
        factors = {
            "none": FaultEffect(1.0, 1.0, 1.0),
            "dislodged": FaultEffect(
                self.dislodged_impedance_frac,
                self.dislodged_sensing_frac,
                self.dislodged_reach_frac,
            ),
            "insulation_breach": FaultEffect(
                self.breach_impedance_frac,
                self.breach_sensing_frac,
                self.breach_reach_frac,
            ),
            "fracture": FaultEffect(
                self.fracture_impedance_frac,
                self.fracture_sensing_frac,
                self.fracture_reach_frac,
            ),
        }
        if fault not in factors:
            raise ValueError(
                f"fault must be one of {', '.join(factors)}, got {fault!r}"
            )
        return factors[fault]

    def ohm_with(self, fault: str) -> float:
        """Return the impedance at rest with a fault, or without one ("none")."""
        return self.impedance_ohm * self.effect(fault).impedance_frac


_LEAD: Final = LeadModel()


@dataclass(frozen=True, slots=True)
class LeadOhms:
    """Impedance of both leads at rest, which decides what a train costs."""

    v1_ohm: float = sourced(_LEAD.impedance_ohm, _D, "1.5", "assumed")
    v2_ohm: float = sourced(_LEAD.impedance_ohm, _D, "1.5", "assumed")

    def delivering_ohm(self, settings: Settings) -> tuple[float, ...]:
        """Return the impedances of the leads that deliver."""
        ohm = {"V1": self.v1_ohm, "V2": self.v2_ohm}
        return tuple(ohm[name] for name in settings.delivering)


INTACT: Final = LeadOhms()


class Lead:
    """One lead as it is now: `fault`, `impedance_ohm` at rest, `sensing_frac`.

    `muscle_ohm` is the impedance that would let as much current come to the muscle of
    an intact lead; infinite when none does.
    """

    __slots__ = (
        "_waves",
        "fault",
        "impedance_ohm",
        "model",
        "muscle_ohm",
        "sensing_frac",
    )

    def __init__(self, model: LeadModel, rng: np.random.Generator) -> None:
        self.model = model
        slow, fast = model.posture_slow_turns, model.posture_fast_turns
        self._waves = tuple(
            (2 * math.pi * rng.uniform(slow, fast), rng.uniform(0.0, 2 * math.pi))
            for _ in range(3)
        )
        self.set_fault("none")

    def set_fault(self, fault: str) -> None:
        """Put the lead into one of its faulty states, or back to "none"."""
        effect, intact_ohm = self.model.effect(fault), self.model.impedance_ohm
        self.fault = fault
        self.impedance_ohm = self.model.ohm_with(fault)
        self.sensing_frac = effect.sensing_frac
        reach_frac = effect.reach_frac
        self.muscle_ohm = intact_ohm / reach_frac if reach_frac else math.inf

    def impedance_at_ohm(self, at_s: float) -> float:
        """Return the true impedance at a time; posture moves it slowly."""
        model = self.model
        turns = at_s / (model.posture_period_min * S_PER_MIN)
        wave = sum(math.sin(speed * turns + phase) for speed, phase in self._waves)
        # eq. 32; three unit sines have the standard deviation sqrt(3 / 2)
        share = model.posture_sd_pct * FRAC_PER_PCT * wave / math.sqrt(1.5)
        return self.impedance_ohm * (1.0 + share)


class Leads:
    """Both ventricular leads; `revision` grows whenever a lead changes for good.

    Parameters
    ----------
    v1, v2
        Electrical numbers of each lead.
    rng
        Stream "leads": postures when made, then one draw for each measurement.
    """

    def __init__(
        self,
        v1: LeadModel | None = None,
        v2: LeadModel | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        self.v1 = Lead(v1 or LeadModel(), rng)
        self.v2 = Lead(v2 or LeadModel(), rng)
        self.revision = 0
        self._rng = rng
        self._by_name: Mapping[str, Lead] = MappingProxyType(
            {"V1": self.v1, "V2": self.v2}
        )

    def __getitem__(self, name: str) -> Lead:
        if name not in self._by_name:
            raise ValueError(f"lead must be 'V1' or 'V2', got {name!r}")
        return self._by_name[name]

    def set_fault(self, name: str, fault: str) -> None:
        """Let something happen to a lead, or mend it with "none"."""
        self[name].set_fault(fault)
        self.revision += 1

    def measure_ohm(self, name: str, at_s: float) -> float:
        """Return a reading, with its error, of the impedance of one lead."""
        lead = self[name]
        error = lead.model.measuring_error_pct * FRAC_PER_PCT * self._rng.normal()
        return float(round(lead.impedance_at_ohm(at_s) * (1.0 + error)))

    def working(self, settings: Settings) -> tuple[str, ...]:
        """Name the delivering leads through which current can reach the heart."""
        names = settings.delivering
        return tuple(name for name in names if self[name].muscle_ohm < math.inf)

    @property
    def ohms(self) -> LeadOhms:
        """The present impedances at rest, whatever fault they come from."""
        return LeadOhms(self.v1.impedance_ohm, self.v2.impedance_ohm)


def impedance_alert(settings: Settings, before_ohm: float, now_ohm: float) -> bool:
    """Tell whether an impedance changed by more than the programmed alert limit."""
    change_pct = abs(now_ohm / before_ohm - 1.0) * PCT_PER_FRAC
    return change_pct > settings.alert_dz_pct
