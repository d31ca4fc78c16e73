"""What settings cost: energy a train and a day, days of battery, recharging.

The one home of the energy of settings. A train costs what the delivering leads draw, a
day as many trains as the programmed hours have beats, and nothing where the settings
give no CCM. Whoever compares settings takes `energy_frac`, whoever plans charging
`energy_use`; both go through `energy_mj_per_train`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from sim.device.battery import LithiumCell
from sim.device.leads import INTACT, LeadOhms
from sim.device.settings import Settings
from sim.sources import sourced
from sim.units import J_PER_MJ, MIN_PER_H, MJ_PER_J, S_PER_MS

FloatArray = NDArray[np.float64]


class Pulses(Protocol):
    """What decides the energy of a train, each a number or `(n,)`."""

    @property
    def amplitude_v(self) -> float | FloatArray:
        """Amplitude."""

    @property
    def phase_duration_ms(self) -> float | FloatArray:
        """Duration of one of the two phases of a pulse."""

    @property
    def n_pulses(self) -> float | FloatArray:
        """Pulses of a train."""

    @property
    def v1_delivers(self) -> float | FloatArray:
        """Whether V1 does, 1 or 0."""

    @property
    def v2_delivers(self) -> float | FloatArray:
        """Whether V2 does, 1 or 0."""


@dataclass(frozen=True, slots=True)
class Use:
    """How the device is used: lead impedances, heart rate, share of beats with CCM."""

    ohms: LeadOhms = field(default_factory=LeadOhms)
    heart_rate_bpm: float = sourced(70.0, "ccmlab-device", "4", "derived")
    delivered_frac: float = sourced(0.95, "ccmlab-device", "4", "derived")


@dataclass(frozen=True, slots=True)
class ChargingRules:
    """When to charge: at the usual interval, or when a share of it all is used."""

    charge_used_frac: float = sourced(0.6, "ccmlab-device", "1.5", "assumed")
    usual_recharge_days: float = sourced(
        7.0, "impulse-safety-2024", "recharge weekly", "measured"
    )


@dataclass(frozen=True, slots=True)
class EnergyUse:
    """What one setting costs. Energy is that given to the leads, charge the cell's.

    `battery_days` is from a full cell until trains are suspended, `recharge_days`
    how often to charge.
    """

    settings: Settings
    current_ma: float
    charge_uc_per_phase: float
    energy_mj_per_train: float
    trains_per_day: float
    energy_j_per_day: float
    cell_mah_per_day: float
    battery_days: float
    recharge_days: int


NOMINAL: Final = Settings()
USE: Final = Use()
CHARGING: Final = ChargingRules()


@overload
def energy_mj_per_train(settings: Settings, ohms: LeadOhms) -> float: ...


@overload
def energy_mj_per_train(
    settings: Settings, ohms: LeadOhms, pulses: Pulses
) -> FloatArray: ...


def energy_mj_per_train(
    settings: Settings, ohms: LeadOhms, pulses: Pulses | None = None
) -> float | FloatArray:
    """Return the energy of one train over all leads that deliver.

    Parameters
    ----------
    settings
        Whose train.
    ohms
        Impedance of the leads.
    pulses
        Take the place of the settings' own pulses and leads; their numbers may be
        `(n,)`.
    """
    if pulses is None:
        return _mj_per_train(settings, ohms)
    siemens = pulses.v1_delivers / ohms.v1_ohm + pulses.v2_delivers / ohms.v2_ohm
    train_ms = 2 * pulses.n_pulses * pulses.phase_duration_ms
    return pulses.amplitude_v**2 * siemens * train_ms * S_PER_MS * MJ_PER_J


@lru_cache(maxsize=4096)
def _mj_per_train(settings: Settings, ohms: LeadOhms) -> float:
    conductance = sum(1.0 / ohm for ohm in ohms.delivering_ohm(settings))
    # eq. 33
    power_w = settings.amplitude_v**2 * conductance
    return power_w * settings.train_ms * S_PER_MS * MJ_PER_J


@overload
def energy_frac(settings: Settings, ohms: LeadOhms = INTACT) -> float: ...


@overload
def energy_frac(settings: Settings, ohms: LeadOhms, pulses: Pulses) -> FloatArray: ...


def energy_frac(
    settings: Settings, ohms: LeadOhms = INTACT, pulses: Pulses | None = None
) -> float | FloatArray:
    """Return the daily energy as a share of nominal, at the same delivered share.

    Nominal are the default settings on the very same leads, faulty ones as they are: a
    leak draws its current from every setting of this patient and no search can mend it,
    so the share says which settings are cheap here, not what the fault costs. It does
    raise the share of settings that deliver on the leaking lead alone.
    """
    if not settings.delivers:
        return 0.0 * _mj_hours(settings, ohms, pulses)
    return _mj_hours(settings, ohms, pulses) / _mj_hours(NOMINAL, ohms, None)


def _mj_hours(
    settings: Settings, ohms: LeadOhms, pulses: Pulses | None
) -> float | FloatArray:
    """Return the energy of a day up to the rate of trains, which all settings share."""
    if pulses is None:
        return energy_mj_per_train(settings, ohms) * settings.ccm_hours_per_day
    return energy_mj_per_train(settings, ohms, pulses) * settings.ccm_hours_per_day


def trains_per_day(settings: Settings, use: Use = USE) -> float:
    """Return the trains of a day with the programmed hours, none without CCM."""
    if not settings.delivers:
        return 0.0
    beats = settings.ccm_hours_per_day * MIN_PER_H * use.heart_rate_bpm
    return beats * use.delivered_frac


def energy_use(
    settings: Settings, use: Use = USE, cell: LithiumCell | None = None
) -> EnergyUse:
    """Return what a setting costs; current and charge on the lead of less impedance."""
    cell = cell or LithiumCell()
    least_ohm = min(use.ohms.delivering_ohm(settings))
    energy_mj = energy_mj_per_train(settings, use.ohms)
    n_trains = trains_per_day(settings, use)
    cell_mah = cell.use_mah_per_day(energy_mj, n_trains)
    days = (1.0 - cell.suspend_frac) * cell.capacity_mah / cell_mah
    return EnergyUse(
        settings=settings,
        current_ma=settings.current_ma(least_ohm),
        charge_uc_per_phase=settings.charge_uc_per_phase(least_ohm),
        energy_mj_per_train=energy_mj,
        trains_per_day=n_trains,
        energy_j_per_day=energy_mj * n_trains * J_PER_MJ,
        cell_mah_per_day=cell_mah,
        battery_days=days,
        recharge_days=recharge_interval_days(days),
    )


def energy_table(
    settings: Iterable[Settings], use: Use = USE, cell: LithiumCell | None = None
) -> tuple[EnergyUse, ...]:
    """Return a row for each of some settings, in their order."""
    return tuple(energy_use(each, use, cell) for each in settings)


def recharge_interval_days(battery_days: float, rules: ChargingRules = CHARGING) -> int:
    """Return how often to charge, at most daily, when a full cell lasts so long."""
    used_days = rules.charge_used_frac * battery_days
    return int(min(rules.usual_recharge_days, max(1.0, used_days)))
