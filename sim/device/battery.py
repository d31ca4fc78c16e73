"""The rechargeable cell: what trains and housekeeping take from it, and recharging."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.sources import sourced
from sim.units import H_PER_DAY, J_PER_MJ, J_PER_MWH, MIN_PER_H, S_PER_H

_D: Final = "ccmlab-device"
_S_PER_DAY: Final = H_PER_DAY * S_PER_H
_MJ_PER_MWH: Final = J_PER_MWH / J_PER_MJ


@dataclass(frozen=True, slots=True)
class LithiumCell:
    """Numbers of the lithium ion cell and of the output stage that it feeds.

    The voltage falls along `charge_points_frac`, `voltage_points_v`, both ascending.
    """

    capacity_mah: float = sourced(200.0, _D, "1.5", "recalled")
    suspend_v: float = sourced(3.5, _D, "1.5", "recalled")
    nominal_v: float = sourced(3.7, _D, "1.5", "assumed")
    efficiency_frac: float = sourced(0.6, _D, "1.5", "assumed")
    housekeeping_mah_per_day: float = sourced(0.5, _D, "1.5", "assumed")
    charging_ma: float = sourced(100.0, _D, "1.5", "assumed")
    error_ceiling_frac: float = sourced(
        0.75, "impulse-safety-2024", "advice on code A9", "measured"
    )
    charge_points_frac: tuple[float, ...] = sourced(
        (0.0, 0.05, 0.1, 0.2, 0.5, 0.8, 1.0), _D, "1.5", "assumed"
    )
    voltage_points_v: tuple[float, ...] = sourced(
        (3.0, 3.35, 3.5, 3.62, 3.75, 3.95, 4.1), _D, "1.5", "assumed"
    )

    def voltage_v(self, charge_frac: float) -> float:
        """Return the voltage at rest at a share of the full charge, 0 to 1."""
        points = self.charge_points_frac, self.voltage_points_v
        return float(np.interp(charge_frac, *points))

    @property
    def suspend_frac(self) -> float:
        """Share of the full charge below which trains stop."""
        points = self.voltage_points_v, self.charge_points_frac
        return float(np.interp(self.suspend_v, *points))

    def charge_mah(self, energy_mj: float) -> float:
        """Return the charge taken from the cell for energy delivered to the heart."""
        # eq. 33
        energy_mwh = energy_mj / _MJ_PER_MWH
        return energy_mwh / self.nominal_v / self.efficiency_frac

    def use_mah_per_day(self, energy_mj_per_train: float, n_trains: float) -> float:
        """Return the charge used on a day with so many trains."""
        trains_mah = self.charge_mah(energy_mj_per_train) * n_trains
        return trains_mah + self.housekeeping_mah_per_day


@dataclass(frozen=True, slots=True)
class Recharge:
    """One charging session; `code` is "" or the charger's error, such as "A9"."""

    at_s: float
    before_frac: float
    after_frac: float
    code: str = ""


class Battery:
    """The cell as it is now. `suspended` is true while trains are stopped.

    `charging_stopped` is true in Safe Mode, `has_charge_error` from then on.

    Parameters
    ----------
    cell
        Numbers of the cell.
    charge_frac
        Charge at the start, 0 to 1 of the full charge.
    last_recharge_s
        When the patient charged last; before the start of the visit it is negative.
    """

    __slots__ = (
        "_charge_mah",
        "_suspend_mah",
        "cell",
        "charging_stopped",
        "has_charge_error",
        "last_recharge_s",
        "recharges",
        "suspended",
    )

    def __init__(
        self,
        cell: LithiumCell | None = None,
        *,
        charge_frac: float = 0.7,
        last_recharge_s: float = 0.0,
    ) -> None:
        _check_frac("charge_frac", charge_frac)
        self.cell = cell or LithiumCell()
        self.last_recharge_s = last_recharge_s
        self.recharges: list[Recharge] = []
        self.has_charge_error = self.charging_stopped = False
        self._charge_mah = 0.0
        self._suspend_mah = self.cell.suspend_frac * self.cell.capacity_mah
        self._set_mah(charge_frac * self.cell.capacity_mah)

    @property
    def charge_mah(self) -> float:
        """Charge."""
        return self._charge_mah

    @property
    def charge_frac(self) -> float:
        """Charge as a share of the full one."""
        return self._charge_mah / self.cell.capacity_mah

    @property
    def left_frac(self) -> float:
        """Charge above the suspend voltage, as a share of the full one; or below 0."""
        return (self._charge_mah - self._suspend_mah) / self.cell.capacity_mah

    @property
    def voltage_v(self) -> float:
        """Voltage at rest."""
        return self.cell.voltage_v(self.charge_frac)

    def drain(self, charge_mah: float) -> None:
        """Take charge out; below the suspend voltage `suspended` becomes true."""
        left_mah = self._charge_mah - charge_mah
        self._charge_mah = left_mah if left_mah > 0.0 else 0.0
        if left_mah < self._suspend_mah:
            self.suspended = True

    def left(self, charge_mah: float) -> None:
        """Take note of what many drains have left, none below the suspend voltage."""
        self._charge_mah = charge_mah

    def recharge(self, at_s: float, to_frac: float = 1.0) -> Recharge:
        """Charge the cell and log it.

        A faulty charge reading keeps to its ceiling; Safe Mode takes no charge at all.
        """
        _check_frac("to_frac", to_frac)
        ceiling = self.cell.error_ceiling_frac if self.has_charge_error else 1.0
        before = self.charge_frac
        wanted = before if self.charging_stopped else to_frac
        after = max(before, min(wanted, ceiling))
        code = "A9" if self.has_charge_error else ""
        self._set_mah(after * self.cell.capacity_mah)
        self.last_recharge_s = at_s
        self.recharges.append(Recharge(at_s, before, after, code))
        return self.recharges[-1]

    def charging_min(self, to_frac: float = 1.0) -> float:
        """Return how long charging up to a share of the full charge takes."""
        missing_mah = max(0.0, to_frac - self.charge_frac) * self.cell.capacity_mah
        return missing_mah / self.cell.charging_ma * MIN_PER_H

    def days_left(self, energy_mj_per_train: float, n_trains_per_day: float) -> float:
        """Return the days of such use until trains stop, without recharging."""
        usable_mah = max(0.0, self._charge_mah - self._suspend_mah)
        return usable_mah / self.cell.use_mah_per_day(
            energy_mj_per_train, n_trains_per_day
        )

    def recharge_is_due(self, at_s: float, after_days: float) -> bool:
        """Tell whether the patient has not charged for so many days."""
        return at_s - self.last_recharge_s >= after_days * _S_PER_DAY

    def _set_mah(self, charge_mah: float) -> None:
        self._charge_mah = charge_mah
        self.suspended = charge_mah < self._suspend_mah


def _check_frac(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must be 0 to 1, got {value:g}")
