import pytest

from sim.device.battery import Battery, LithiumCell
from sim.device.energy import energy_mj_per_train
from sim.device.leads import INTACT
from sim.device.settings import Settings
from sim.sources import unsourced

TRAIN_MJ = energy_mj_per_train(Settings(), INTACT)
TRAINS_PER_DAY = 19_892


def test_a_day_of_full_output_is_84_joules() -> None:
    assert pytest.approx(84.0, abs=0.5) == TRAIN_MJ * TRAINS_PER_DAY / 1000


def test_a_day_of_full_output_takes_10_5_mah_besides_housekeeping() -> None:
    cell = LithiumCell()
    used_mah = cell.use_mah_per_day(TRAIN_MJ, TRAINS_PER_DAY)
    assert used_mah - cell.housekeeping_mah_per_day == pytest.approx(10.5, abs=0.05)


def test_a_week_leaves_more_than_half_of_the_cell() -> None:
    battery = Battery(charge_frac=1.0)
    battery.drain(7 * battery.cell.use_mah_per_day(TRAIN_MJ, TRAINS_PER_DAY))
    assert 0.5 < battery.charge_frac < 0.7
    assert not battery.suspended


def test_trains_stop_below_the_suspend_voltage_and_come_back_after_charging() -> None:
    battery = Battery(charge_frac=0.11)
    battery.drain(0.02 * battery.cell.capacity_mah)
    assert battery.voltage_v < 3.5
    assert battery.suspended
    battery.recharge(100.0)
    assert not battery.suspended
    assert battery.voltage_v == 4.1


def test_voltage_at_the_suspend_charge_is_the_suspend_voltage() -> None:
    cell = LithiumCell()
    assert cell.voltage_v(cell.suspend_frac) == pytest.approx(cell.suspend_v)


def test_charge_never_falls_below_zero() -> None:
    battery = Battery(charge_frac=0.01)
    battery.drain(1e6)
    assert battery.charge_frac == 0.0


def test_a_charge_error_limits_charging_and_is_logged() -> None:
    battery = Battery(charge_frac=0.4)
    battery.has_charge_error = True
    log = battery.recharge(50.0)
    assert (log.after_frac, log.code) == (0.75, "A9")
    assert battery.recharges == [log]


def test_charging_never_empties_the_cell() -> None:
    battery = Battery(charge_frac=0.9)
    battery.recharge(0.0, to_frac=0.5)
    assert battery.charge_frac == pytest.approx(0.9)


def test_charging_time_grows_with_what_is_missing() -> None:
    # half of 200 mAh at 100 mA
    assert Battery(charge_frac=0.5).charging_min() == pytest.approx(60.0)


def test_days_left_end_at_the_suspend_charge() -> None:
    battery = Battery(charge_frac=1.0)
    days = battery.days_left(TRAIN_MJ, TRAINS_PER_DAY)
    battery.drain(days * battery.cell.use_mah_per_day(TRAIN_MJ, TRAINS_PER_DAY))
    assert battery.charge_frac == pytest.approx(battery.cell.suspend_frac)


def test_reminder_comes_after_the_programmed_days() -> None:
    battery = Battery(last_recharge_s=-9.5 * 86_400)
    assert not battery.recharge_is_due(0.0, 10)
    assert battery.recharge_is_due(0.6 * 86_400, 10)


def test_every_number_of_the_cell_has_a_source() -> None:
    assert unsourced(LithiumCell()) == []


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_an_impossible_charge_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="charge_frac must be 0 to 1"):
        Battery(charge_frac=share)
