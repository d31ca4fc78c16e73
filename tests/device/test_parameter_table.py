"""Every parameter of the table of device facts exists: range, step, default, unit."""

import csv
import re
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from sim.device.battery import LithiumCell
from sim.device.energy import ChargingRules, trains_per_day
from sim.device.generator import State
from sim.device.lattice import SMART_MINI, parameters
from sim.device.leads import LeadModel
from sim.device.settings import Settings

TABLE = Path(__file__).parents[1] / "data" / "ccm-device-parameters.csv"
LINES = TABLE.read_text(encoding="utf-8").splitlines()
ROWS = {row["symbol"]: row for row in csv.DictReader(LINES)}
PROGRAMMED = [symbol for symbol in ROWS if symbol in Settings.__slots__]
# what is measured, built in or a state, and the value that the code has for it
BUILT_IN: dict[str, object] = {
    "ccm_state": "ACTIVE",
    "noise_window_ms": SMART_MINI.noise_window_ms,
    "z_v1_ohm": LeadModel().impedance_ohm,
    "z_v2_ohm": LeadModel().impedance_ohm,
    "batt_capacity_mah": LithiumCell().capacity_mah,
    "batt_ccm_suspend_v": LithiumCell().suspend_v,
    "recharge_interval_day": ChargingRules().usual_recharge_days,
    "charge_ceiling_pct": 100.0 * LithiumCell().error_ceiling_frac,
}
UNITS = {"bpm": "1/min", "count": "", "enum": "", "bool": "", "day": "days"}
# words of the table that one model adds to, and why
ADDED_WORDS = {"magnet_mode": {"ONE_DAY_OFF"}}


def step_of(symbol: str) -> float | None:
    """Return the step as a number; None for menus, lists and free values."""
    found = re.fullmatch(r"~?([\d.]+)", ROWS[symbol]["step"])
    return float(found[1]) if found else None


def test_no_row_of_the_table_is_left_out() -> None:
    assert set(ROWS) - set(PROGRAMMED) - set(BUILT_IN) == {"ref_trains_per_day"}
    assert set(Settings.__slots__) <= set(ROWS)
    assert set(parameters()) == set(Settings.__slots__)


@pytest.mark.parametrize("symbol", PROGRAMMED)
def test_the_ends_of_the_range_are_those_of_the_table(symbol: str) -> None:
    values = parameters()[symbol].values
    for end, value in (("min", values[0]), ("max", values[-1])):
        if ROWS[symbol][end]:
            stated = ROWS[symbol][end]
            assert (str(value) if ":" in stated else f"{value:g}") == (
                stated if ":" in stated else f"{float(stated):g}"
            )


@pytest.mark.parametrize("symbol", [s for s in PROGRAMMED if step_of(s)])
def test_values_are_one_step_of_the_table_apart(symbol: str) -> None:
    numbers = [float(value) for value in parameters()[symbol].values]
    apart = [b - a for a, b in pairwise(numbers)]
    # uneven steps are shown in whole ms or in hundredths: one unit of rounding
    unit = 1.0 if symbol[:2] in ("av", "pv", "vr") else 0.01
    assert apart == pytest.approx([step_of(symbol)] * len(apart), abs=unit)


@pytest.mark.parametrize("symbol", [s for s in PROGRAMMED if ROWS[s]["step"] == "list"])
def test_sensitivities_are_the_candidate_list(symbol: str) -> None:
    listed = re.search(r"list ([\d.,]+\d)", ROWS["sens_a_mv"]["description"])
    assert listed is not None
    atrial = [float(number) for number in listed[1].split(",")]
    expected = atrial if symbol == "sens_a_mv" else [*atrial, 6, 7, 8, 9, 10]
    assert list(parameters()[symbol].values) == expected


@pytest.mark.parametrize("symbol", PROGRAMMED)
def test_the_default_is_that_of_the_table(symbol: str) -> None:
    stated, value = ROWS[symbol]["default"], getattr(Settings(), symbol)
    if symbol in ("pvarp_ms", "vrp_ms"):
        # 250 ms is not one of the 18 values: the nearest is, within half a step
        assert abs(value - float(stated)) <= 17.9 / 2
    elif isinstance(value, str):
        assert value == stated
    elif isinstance(value, bool):
        assert str(value).lower() == stated
    else:
        assert value == float(stated)


@pytest.mark.parametrize("symbol", [s for s in PROGRAMMED if ROWS[s]["unit"] == "enum"])
def test_a_menu_has_the_words_of_the_table(symbol: str) -> None:
    words = re.search(r"\{([\w|+-]+)\}", ROWS[symbol]["description"])
    expected = set(words[1].split("|")) if words else {ROWS[symbol]["default"]}
    shown = set(map(str, parameters()[symbol].values))
    assert shown == expected | ADDED_WORDS.get(symbol, set())


@pytest.mark.parametrize("symbol", PROGRAMMED)
def test_the_unit_is_that_of_the_table(symbol: str) -> None:
    stated = ROWS[symbol]["unit"]
    assert parameters()[symbol].unit == UNITS.get(stated, stated)


@pytest.mark.parametrize("symbol", BUILT_IN)
def test_what_is_not_programmed_has_the_value_of_the_table(symbol: str) -> None:
    stated, value = ROWS[symbol]["default"], BUILT_IN[symbol]
    assert value == (stated if isinstance(value, str) else float(stated))


def test_the_states_are_those_of_the_table() -> None:
    words = re.search(r"\{([\w|]+)\}", ROWS["ccm_state"]["description"])
    assert words is not None
    assert set(get_args(State)) == set(words[1].split("|"))


def test_a_usual_day_has_the_trains_of_the_table() -> None:
    # one standard deviation between patients of the trial is 3,472 trains
    stated = float(ROWS["ref_trains_per_day"]["default"])
    assert trains_per_day(Settings()) == pytest.approx(stated, abs=3472 / 10)
