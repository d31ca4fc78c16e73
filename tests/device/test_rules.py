"""The tables of the device can be read beside the document, row by row."""

from dataclasses import replace
from pathlib import Path

import pytest

from sim.device.events import Cause
from sim.device.lattice import SMART_MINI
from sim.device.rules import (
    HIDES_LS,
    ON_A,
    ON_LS,
    ON_V_ODO,
    ON_V_OVO,
    Table,
    TimingRule,
    decide,
)
from sim.device.settings import Settings
from sim.device.timing import timing_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "device.md"
ODO = timing_of(Settings(mode="ODO-LS-CCM"), SMART_MINI)
NEVER_S = float("inf")


def section() -> str:
    text = DOCUMENT.read_text(encoding="utf-8")
    return text[text.index("### 2.2") : text.index("### 2.3")]


def part(event: str) -> list[str]:
    """Return the lines of the document about one event."""
    after = section().split(f"\non {event} (")[1]
    return after.split("\non ")[0].splitlines()


@pytest.mark.parametrize(
    ("event", "prefix", "tables"),
    [
        ("A", "", (ON_A,)),
        ("V", "ODO: ", (ON_V_ODO,)),
        ("V", "OVO: ", (ON_V_OVO,)),
        ("LS", "", (HIDES_LS, ON_LS)),
    ],
)
def test_each_row_stands_in_the_document_in_its_place(
    event: str, prefix: str, tables: tuple[Table, ...]
) -> None:
    other = {"ODO: ": "OVO: ", "OVO: ": "ODO: ", "": "-"}[prefix]
    lines = [line.strip().removeprefix(prefix) for line in part(event)[1:]]
    stated = [
        line
        for line in lines
        if "->" in line and not line.startswith((other, "otherwise", "sensed "))
    ]
    rows = [row for table in tables for row in table]
    assert [line.split("->")[0].strip() for line in stated] == [r.words for r in rows]
    for line, row in zip(stated, rows, strict=True):
        told = line.split("->")[1]
        assert ("not sensed" in told) == (not row.is_sensed)
        inhibits = f"inhibit({row.inhibits})" if row.inhibits else "inhibit("
        assert (inhibits in told) == (row.inhibits is not None)


def test_the_first_row_that_holds_decides() -> None:
    rows = (
        TimingRule("never", lambda t, one_s, other_s: False, Cause.AT),
        TimingRule("first", lambda t, one_s, other_s: one_s > 1, Cause.VT),
        TimingRule("second", lambda t, one_s, other_s: one_s > 0, Cause.PVC),
    )
    chosen = [decide(rows, ODO, one_s, 0.0) for one_s in (2.0, 0.5, 0.0)]
    assert [row.words if row else None for row in chosen] == ["first", "second", None]


def cause(table: Table, one_s: float, other_s: float) -> str:
    row = decide(table, ODO, one_s, other_s)
    return "" if row is None else row.inhibits or "hidden"


def test_an_atrial_event_is_asked_for_refractory_before_rate() -> None:
    # refractory 255 ms of which the last 86 ms are noise; 110 /min are 545 ms
    assert cause(ON_A, 0.1, 0.3) == "hidden"
    assert cause(ON_A, 0.2, 0.3) == "NOISE"
    assert cause(ON_A, 0.6, 0.54) == "AT"
    assert cause(ON_A, 0.6, 0.55) == ""


def test_a_ventricular_event_of_odo_needs_its_atrial_one_in_time() -> None:
    assert cause(ON_V_ODO, 0.8, NEVER_S) == "PVC"
    assert cause(ON_V_ODO, 0.8, 0.9) == "PVC"
    assert cause(ON_V_ODO, 0.8, 0.06) == "SHORT_AV"
    assert cause(ON_V_ODO, 0.8, 0.4) == "LONG_AV"
    assert cause(ON_V_ODO, 0.8, 0.17) == ""


def test_ovo_asks_for_the_rate_alone() -> None:
    assert cause(ON_V_OVO, 0.54, NEVER_S) == "VT"
    assert cause(ON_V_OVO, 0.55, NEVER_S) == ""


def test_local_sense_is_blanked_around_the_atrial_event_in_odo_only() -> None:
    # 20 ms after A are blanked by default
    assert cause(HIDES_LS, 0.005, 0.01) == "hidden"
    assert cause(HIDES_LS, 0.005, 0.17) == ""
    assert decide(HIDES_LS, replace(ODO, is_odo=False), 0.005, 0.01) is None
