"""What a setting costs, against the arithmetic of the device facts (1.5) and F."""

from dataclasses import replace

import numpy as np
import pytest

from sim.device.battery import LithiumCell
from sim.device.energy import (
    ChargingRules,
    Use,
    energy_frac,
    energy_mj_per_train,
    energy_table,
    energy_use,
    recharge_interval_days,
)
from sim.device.leads import LeadOhms
from sim.device.settings import Settings
from sim.heart.train import Train
from sim.sources import unsourced

TRIAL = Use(delivered_frac=19_892 / 21_000)
FULL = Settings()


def test_full_output_costs_what_the_device_facts_say() -> None:
    full = energy_use(FULL, TRIAL)
    # device facts 1.5, to their printed digits
    assert full.trains_per_day == pytest.approx(19_892)
    assert full.current_ma == pytest.approx(13.6, abs=0.05)
    assert full.charge_uc_per_phase == pytest.approx(70.0, abs=0.5)
    assert full.energy_mj_per_train == pytest.approx(4.2, abs=0.05)
    assert full.energy_j_per_day == pytest.approx(84.0, abs=0.5)
    housekeeping = LithiumCell().housekeeping_mah_per_day
    assert full.cell_mah_per_day - housekeeping == pytest.approx(10.5, abs=0.05)
    assert 7 * (full.cell_mah_per_day - housekeeping) == pytest.approx(74.0, abs=1.0)


def test_the_lowest_amplitude_costs_what_the_device_facts_say() -> None:
    low = energy_use(replace(FULL, amplitude_v=4.5), TRIAL)
    assert low.energy_mj_per_train == pytest.approx(1.5, abs=0.05)
    assert low.energy_j_per_day == pytest.approx(30.0, abs=0.5)


def test_a_low_impedance_costs_what_the_evidence_says() -> None:
    # evidence F: 400 ohm, one channel
    one = energy_use(
        replace(FULL, ccm_channels="V1"),
        replace(TRIAL, ohms=LeadOhms(400.0, 400.0)),
    )
    assert one.current_ma == pytest.approx(18.8, abs=0.06)
    assert one.charge_uc_per_phase == pytest.approx(96.0, abs=0.5)
    assert one.energy_mj_per_train == pytest.approx(2.9, abs=0.05)


@pytest.mark.parametrize(("ohm", "joule", "mah"), [(400.0, 202, 15), (500.0, 162, 12)])
def test_the_cell_gives_what_the_evidence_says(
    ohm: float, joule: float, mah: float
) -> None:
    # evidence F: every beat of 5 h at 70/min, drawn from the cell at 60 %
    every = Use(LeadOhms(ohm, ohm), delivered_frac=1.0)
    used, cell = energy_use(FULL, every), LithiumCell()
    assert used.energy_j_per_day / cell.efficiency_frac == pytest.approx(joule, abs=0.6)
    trains_mah = used.cell_mah_per_day - cell.housekeeping_mah_per_day
    assert trains_mah == pytest.approx(mah, abs=0.5)


@pytest.mark.parametrize(("volts", "share"), [(6.0, 0.64), (5.0, 0.44), (4.5, 0.36)])
def test_cost_goes_with_the_square_of_the_amplitude(volts: float, share: float) -> None:
    low, full = energy_table((replace(FULL, amplitude_v=volts), FULL))
    assert low.energy_j_per_day / full.energy_j_per_day == pytest.approx(
        share, abs=0.005
    )


def test_a_week_ends_at_about_half_of_the_cell() -> None:
    full, cell = energy_use(FULL, TRIAL), LithiumCell()
    left = 1.0 - 7.0 * full.cell_mah_per_day / cell.capacity_mah
    assert left == pytest.approx(0.6, abs=0.1)
    assert full.recharge_days == 7


def test_the_battery_lasts_from_full_to_the_suspend_charge() -> None:
    full, cell = energy_use(FULL, TRIAL), LithiumCell()
    used_mah = full.battery_days * full.cell_mah_per_day
    assert used_mah == pytest.approx((1.0 - cell.suspend_frac) * cell.capacity_mah)


def test_half_the_hours_cost_half_the_trains() -> None:
    half = energy_use(replace(FULL, ccm_hours_per_day=10.0))
    assert half.energy_j_per_day == 2.0 * energy_use(FULL).energy_j_per_day


def test_the_highest_cost_of_all_is_charged_more_often_than_weekly() -> None:
    most = FULL.with_values(
        {"phase_duration_ms": 6.6, "n_pulses": 3, "ccm_hours_per_day": 12.0}
    )
    assert energy_use(most).recharge_days == 2
    assert energy_use(FULL).recharge_days == 7


@pytest.mark.parametrize(("days", "every"), [(40.0, 7), (10.0, 6), (0.2, 1)])
def test_charging_is_weekly_or_when_three_fifths_are_used(
    days: float, every: int
) -> None:
    assert recharge_interval_days(days) == every


@pytest.mark.parametrize(
    ("volts", "share"), [(7.5, 1.0), (6.0, 0.64), (5.0, 0.444), (4.5, 0.36)]
)
def test_the_share_of_nominal_goes_with_the_square_of_the_amplitude(
    volts: float, share: float
) -> None:
    settings = replace(FULL, amplitude_v=volts)
    assert energy_frac(settings) == pytest.approx(share, abs=0.001)


def test_many_pulses_cost_what_each_of_them_costs() -> None:
    volts, widths = np.array([4.5, 6.0, 7.5]), np.array([5.14, 6.6, 5.63])
    ohms = LeadOhms(400.0, 700.0)
    train = Train(volts, phase_duration_ms=widths, n_pulses=3)
    each = [
        replace(FULL, amplitude_v=v, phase_duration_ms=w, n_pulses=3)
        for v, w in zip(volts, widths, strict=True)
    ]
    assert energy_frac(FULL, ohms, train) == pytest.approx(
        [energy_frac(settings, ohms) for settings in each]
    )


def test_only_the_leads_that_deliver_cost_energy() -> None:
    one = replace(FULL, ccm_channels="V1")
    ohms = LeadOhms(400.0, 1.0)
    # 7.5 V squared on 400 ohm for 20.56 ms
    joule = 7.5**2 / 400.0 * 20.56e-3
    assert energy_mj_per_train(one, ohms) == pytest.approx(1e3 * joule)


def test_a_leak_makes_the_leaking_lead_alone_dear_and_both_no_dearer() -> None:
    leaking = LeadOhms(0.4 * 550.0, 550.0)
    assert energy_frac(FULL, leaking) == 1.0
    # of conductances 2.5 and 1, the leaking lead has 2.5
    one = replace(FULL, ccm_channels="V1")
    assert energy_frac(one, leaking) == pytest.approx(2.5 / 3.5)
    assert energy_frac(one) == pytest.approx(0.5)


@pytest.mark.parametrize("off", [{"mode": "OOO"}, {"ccm_mode": "OFF"}])
def test_settings_that_give_no_ccm_cost_only_the_housekeeping(
    off: dict[str, str],
) -> None:
    silent = FULL.with_values(off)
    used = energy_use(silent)
    assert energy_frac(silent) == used.energy_j_per_day == used.trains_per_day == 0.0
    assert used.cell_mah_per_day == LithiumCell().housekeeping_mah_per_day


def test_every_number_of_the_use_has_a_source() -> None:
    assert unsourced(Use()) == unsourced(ChargingRules()) == []
