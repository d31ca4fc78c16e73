"""What settings cost: charge a phase, energy a day, days of battery, recharging."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sim.device.battery import Cell
from sim.device.settings import Settings
from sim.sources import sourced
from sim.units import J_PER_MJ, MIN_PER_H


@dataclass(frozen=True, slots=True)
class Use:
    """How the device is used: lead impedances, heart rate, share of beats with CCM."""

    impedance_v1_ohm: float = sourced(550.0, "ccmlab-device", "1.5", "assumed")
    impedance_v2_ohm: float = sourced(550.0, "ccmlab-device", "1.5", "assumed")
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


USE: Final = Use()
CHARGING: Final = ChargingRules()


def trains_per_day(settings: Settings, use: Use = USE) -> float:
    """Return the trains of a day with the programmed hours."""
    beats = settings.ccm_hours_per_day * MIN_PER_H * use.heart_rate_bpm
    return beats * use.delivered_frac


def energy_use(
    settings: Settings, use: Use = USE, cell: Cell | None = None
) -> EnergyUse:
    """Return what a setting costs; current and charge on the lead of less impedance."""
    cell = cell or Cell()
    ohm = {"V1": use.impedance_v1_ohm, "V2": use.impedance_v2_ohm}
    least_ohm = min(ohm[lead] for lead in settings.delivering)
    energy_mj = settings.energy_mj_per_train(ohm["V1"], ohm["V2"])
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
    settings: Iterable[Settings], use: Use = USE, cell: Cell | None = None
) -> tuple[EnergyUse, ...]:
    """Return a row for each of some settings, in their order."""
    return tuple(energy_use(each, use, cell) for each in settings)


def recharge_interval_days(battery_days: float, rules: ChargingRules = CHARGING) -> int:
    """Return how often to charge, at most daily, when a full cell lasts so long."""
    used_days = rules.charge_used_frac * battery_days
    return int(min(rules.usual_recharge_days, max(1.0, used_days)))
