"""What happens at home between two visits: trains, charging, alerts, day by day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from harness.play.course_table import CourseTable
from sim.device.battery import Battery, Recharge
from sim.device.energy import energy_mj_per_train
from sim.device.leads import Fault, Leads, impedance_alert
from sim.device.schedule import schedule_segment
from sim.device.settings import Settings
from sim.heart.parameters import FloatArray
from sim.patient import Patient
from sim.streams import stream
from sim.units import (
    DAYS_PER_MONTH,
    FRAC_PER_PCT,
    H_PER_DAY,
    MIN_PER_H,
    PCT_PER_FRAC,
    S_PER_H,
)
from sim.visit.history import sample_counters
from sim.visit.plan import FoundDevice

S_PER_DAY: Final = H_PER_DAY * S_PER_H


@dataclass(frozen=True, slots=True)
class Day:
    """One day at home.

    `delivered_frac` is of the beats in the scheduled hours, `charge_frac` in the
    evening, `charged` whether the patient charged.
    """

    day: int
    hours: float
    delivered_frac: float
    n_trains: int
    charge_frac: float
    charged: bool
    suspended: bool
    fault: Fault


@dataclass(frozen=True, slots=True)
class Alert:
    """What the charger showed the patient, and when."""

    day: int
    text: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time between two visits. `found` is how the next visit finds the device."""

    days: tuple[Day, ...]
    recharges: tuple[Recharge, ...]
    alerts: tuple[Alert, ...]
    found: FoundDevice


def day_of(month: float) -> int:
    """Return the day, counted from month 0, on which a visit takes place."""
    return round(month * DAYS_PER_MONTH)


def scheduled_h(settings: Settings) -> float:
    """Return the hours of a day in which the schedule lets CCM be delivered."""
    at_s = on_s = 0.0
    while at_s < S_PER_DAY:
        segment = schedule_segment(settings, at_s)
        lasts_s = min(segment.left_s, S_PER_DAY - at_s)
        on_s += lasts_s * segment.on
        at_s += lasts_s
    return on_s / S_PER_H


class Home:
    """The device at home, from one visit to the next.

    Parameters
    ----------
    course
        How the patient charges and what happens to a lead.
    seed
        Root of all random numbers; the days on which the patient forgets to charge
        are keyed by the day, so that no other change moves them.
    last_month
        Of the last visit.
    """

    def __init__(self, course: CourseTable, seed: int, last_month: float) -> None:
        self._course = course
        self._seed = seed
        self._luck: FloatArray = stream(seed, name="course", key=(1,)).random(
            day_of(last_month) + 1
        )

    def stay(
        self, patient: Patient, found: FoundDevice, days: range, replicate: int
    ) -> Stretch:
        """Return what happens on some days to a device left in the state of `found`."""
        first_s = days.start * S_PER_DAY
        battery = Battery(
            charge_frac=found.charge_frac,
            last_recharge_s=first_s - found.days_since_charge * S_PER_DAY,
        )
        log = list(self._days(patient, found, battery, days, replicate))
        alerts = (
            *_charging_alerts(log, battery, found),
            *_delivery_alerts(log, found),
            *self._lead_alerts(log, found.settings),
        )
        return Stretch(
            tuple(log),
            tuple(battery.recharges),
            tuple(sorted(alerts, key=lambda alert: alert.day)),
            self._found_at_the_end(found, log, battery, days),
        )

    def _days(
        self,
        patient: Patient,
        found: FoundDevice,
        battery: Battery,
        days: range,
        replicate: int,
    ) -> Iterator[Day]:
        hours = scheduled_h(found.settings)
        per_hour = patient.circulation.heart_rate_bpm * MIN_PER_H
        shares: dict[Fault, tuple[float, float]] = {}
        for day in days:
            fault = self._fault(day)
            if fault not in shares:
                shares[fault] = self._delivery(patient, found, fault, replicate)
            share, energy_mj = shares[fault]
            suspended = battery.suspended
            share = 0.0 if suspended else share
            n_trains = round(share * hours * per_hour)
            battery.drain(battery.cell.use_mah_per_day(energy_mj, n_trains))
            charged = self._charges(day, battery, found.settings)
            if charged:
                battery.recharge(
                    (day + 1) * S_PER_DAY, self._course.habits.charge_to_frac
                )
            yield Day(
                day,
                hours,
                share,
                n_trains,
                battery.charge_frac,
                charged,
                suspended,
                fault,
            )

    def _with(self, fault: Fault, found: FoundDevice) -> FoundDevice:
        """Return the device with the faulty lead in a state of its."""
        lead_fault = self._course.lead_fault
        if lead_fault is None:
            return found
        if lead_fault.lead == "V1":
            return replace(found, v1_fault=fault)
        return replace(found, v2_fault=fault)

    def _fault(self, day: int) -> Fault:
        lead_fault = self._course.lead_fault
        return lead_fault.at(day / DAYS_PER_MONTH) if lead_fault else "none"

    def _charges(self, day: int, battery: Battery, settings: Settings) -> bool:
        """Tell whether the patient charges: by habit, or because the device reminds."""
        is_habit = (day + 1) % self._course.habits.charge_every_days == 0
        now_s = (day + 1) * S_PER_DAY
        reminded = battery.recharge_is_due(now_s, settings.alert_recharge_days)
        done = self._luck[day] < self._course.habits.charging_adherence_frac
        return bool(done and (is_habit or reminded))

    def _delivery(
        self, patient: Patient, found: FoundDevice, fault: Fault, replicate: int
    ) -> tuple[float, float]:
        """Return the share of beats with a train, and the energy of a train."""

        def rng(name: str, *key: int) -> np.random.Generator:
            return stream(self._seed, name=name, replicate=replicate, key=key)

        device = replace(self._with(fault, found), fault_frac=1.0, suspended_frac=0.0)
        counted = sample_counters(patient.heart, device, rng)
        is_active = found.state == "ACTIVE"
        share = counted.delivered / counted.beats if is_active else 0.0
        return share, energy_mj_per_train(found.settings, device.lead_ohms)

    def _found_at_the_end(
        self, found: FoundDevice, log: Sequence[Day], battery: Battery, days: range
    ) -> FoundDevice:
        end_s = days.stop * S_PER_DAY
        idle_days = (end_s - battery.last_recharge_s) / S_PER_DAY
        fault = self._fault(days.stop)
        n_days = max(len(log), 1)
        faulty = sum(day.fault == fault for day in log) if fault != "none" else n_days
        suspended = sum(day.suspended for day in log) / n_days
        return replace(
            self._with(fault, found),
            days_since_charge=idle_days,
            since_last_visit_days=float(n_days),
            charge_frac=battery.charge_frac,
            fault_frac=faulty / n_days,
            suspended_frac=suspended,
        )

    def _lead_alerts(self, log: Sequence[Day], settings: Settings) -> Iterator[Alert]:
        leads = Leads(rng=stream(self._seed, name="leads"))
        before = "none"
        for day in log:
            if day.fault not in ("none", before) and self._course.lead_fault:
                name = self._course.lead_fault.lead
                intact_ohm = leads[name].impedance_ohm
                leads.set_fault(name, day.fault)
                now_ohm = leads[name].impedance_ohm
                if impedance_alert(settings, intact_ohm, now_ohm):
                    text = f"impedance of {name} from {intact_ohm:.0f} ohm"
                    yield Alert(day.day, f"{text} to {now_ohm:.0f} ohm")
            before = day.fault


def _charging_alerts(
    log: Sequence[Day], battery: Battery, found: FoundDevice
) -> Iterator[Alert]:
    limit, idle = found.settings.alert_recharge_days, found.days_since_charge
    was_suspended = False
    for day in log:
        idle += 1.0
        if idle - 1.0 <= limit < idle:
            yield Alert(day.day, f"not recharged for more than {limit} days")
        if day.suspended and not was_suspended:
            low = battery.cell.suspend_frac * PCT_PER_FRAC
            yield Alert(day.day, f"battery below {low:.0f} %: CCM suspended")
        was_suspended = day.suspended
        if day.charged:
            idle = 0.0


def _delivery_alerts(log: Sequence[Day], found: FoundDevice) -> Iterator[Alert]:
    """Yield each fall below the alert limit; a device that is off has no share."""
    if found.state != "ACTIVE" or not found.settings.delivers:
        return
    limit = found.settings.alert_min_ccm_pct * FRAC_PER_PCT
    was_low = False
    for day in log:
        low = not day.suspended and day.delivered_frac < limit
        if low and not was_low:
            share = day.delivered_frac * PCT_PER_FRAC
            text = f"CCM on {share:.0f} % of beats, below {limit * PCT_PER_FRAC:g} %"
            yield Alert(day.day, text)
        was_low = low
