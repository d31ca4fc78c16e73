"""What is told before a visit: minutes, tests, chances, power."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from harness.cli import invoke
from harness.evidence.engines_ahead import differences
from harness.play.run import run_scenario
from harness.play.scenario import Scenario, load_scenario
from harness.study.ahead import apart
from harness.study.ahead.apart import NOT_MEASURED, engine_gap
from harness.study.ahead.forecast import NO_DIFFERENCE, VERDICTS, Forecast
from harness.study.ahead.plan import ended_as, plan
from harness.study.ahead.playing import PlannedCell, comers, visits_of
from sim.instruments import READOUTS
from sim.units import S_PER_MIN
from sim.visit.measuring import PLANS
from sim.visit.plan import PHASES
from sim.visit.verdict import power_to_show

ROOT = Path(__file__).parents[2]


@cache
def short() -> Scenario:
    changes = {"visit.titration_min": 8.0, "visit.verification_pairs": 4}
    return load_scenario("null_responder").changed(changes)


@cache
def ahead() -> Forecast:
    return plan(short(), readouts=["finger-pressure"], plans=["single"], visits=3)


def test_the_scenarios_own_readout_and_plan_stand_first() -> None:
    found = plan(short(), readouts=["cuff"], plans=["single"], visits=1)
    pairs = zip(found.tests["readout"], found.tests["plan"], strict=True)
    assert list(pairs) == [
        ("finger-pressure", "paired"),
        ("finger-pressure", "single"),
        ("cuff", "paired"),
        ("cuff", "single"),
    ]


def test_a_visit_of_a_forecast_is_the_run_of_its_replicate() -> None:
    scenario = short().changed({"engine": "table", "visit.strips": "none"})
    record = run_scenario(scenario, replicate=2).record
    rows = list(ahead().visits.rows())
    (row,) = [r for r in rows if r["plan"] == "paired" and r["visit"] == 2]
    assert row["verdict"] == record.verdict.kind
    assert row["tests"] == len(record.tested)
    assert row["visit_minutes"] == record.phases[-1].end_s / S_PER_MIN


def test_minutes_by_phase_add_up_to_those_of_the_visit() -> None:
    own = ahead().phases.where(ahead().phases["plan"] == "paired")
    assert own["phase"].tolist() == list(PHASES)
    assert own["minutes"].sum() == pytest.approx(ahead().tests["visit_minutes"][0])
    assert np.all(own["low_minutes"] <= own["minutes"] + 1e-9)


def test_the_chances_of_what_excludes_each_other_add_up_to_one() -> None:
    for how in ("paired", "single"):
        own = ahead().verdicts.where(ahead().verdicts["plan"] == how)
        chance = dict(zip(own["verdict"], own["chance"], strict=True))
        assert list(chance) == list(VERDICTS)
        both = chance["equivalent"] + chance["inconclusive"]
        assert chance[NO_DIFFERENCE] == pytest.approx(both)
        rest = ("improved", "harmful as found", "stopped for safety")
        assert sum(chance[name] for name in rest) + both == pytest.approx(1.0)
        assert np.all((own["low"] <= own["chance"]) & (own["chance"] <= own["high"]))


def test_anybody_is_another_patient_each_time_whatever_the_number() -> None:
    few = comers(short(), 2, "anybody")
    more = comers(short(), 4, "anybody")
    assert list(more[:2]) == few
    assert len({who.name for _, who in more if who is not None}) == 4
    cell = PlannedCell.of(short(), "finger-pressure", "paired", "table")
    assert visits_of(cell, more[1:2])[0] == visits_of(cell, more[:2])[1]


SCRIPT = """
from harness.study.ahead import plan as module

if __name__ == "__main__":
    module._AT_ONCE = 1
    asked = {"readouts": ["finger-pressure"], "plans": ["paired"], "visits": 2}
    alone, both = (module.plan("null_responder", jobs=n, **asked) for n in (1, 2))
    assert both.for_json() == alone.for_json()
    print(both.visits["visit"].tolist())
"""


@pytest.mark.slow  # starts three interpreters
def test_the_number_of_processes_changes_no_number(tmp_path: Path) -> None:
    script = tmp_path / "both.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[0, 1]\n"


def test_the_power_of_the_protocols_table_is_that_of_the_code() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text("utf-8")
    head, *rows = re.findall(r"^\| (?:true gain|\d %) \|.*$", text, re.MULTILINE)
    pairs = [int(n) for n in re.findall(r"(\d+) pairs", head)]
    assert len(rows) == 2
    for row in rows:
        gain, *told = [cell.strip() for cell in row.strip("|").split("|")]
        for n, power in zip(pairs, told, strict=True):
            found = power_to_show(float(gain.split()[0]), 2.0, n)
            assert found == pytest.approx(float(power), abs=0.0051)  # two decimals


def test_the_power_of_a_forecast_asks_for_the_least_relevant_gain_too() -> None:
    planned = short().visit.visit_plan
    for row in ahead().power.rows():
        assert row["power"] == power_to_show(
            row["gain_pct"], 2.0, 4, least_gain_pct=planned.least_relevant_gain_pct
        )


def test_what_was_not_measured_is_said_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(apart, "APART_FILE", tmp_path / "none.csv")
    apart._measured.cache_clear()
    gap = engine_gap("finger-pressure", "paired", "improved")
    assert gap.n == 0
    assert np.isnan(gap.value)
    apart._measured.cache_clear()
    if not ahead().tests["apart_n"].any():
        assert NOT_MEASURED in repr(ahead())


def test_a_measured_gap_stands_beside_the_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "apart.csv"
    lines = ["readout,plan,measure,apart,low,high,n"]
    lines += [
        f"finger-pressure,paired,{measure},-0.125,-0.5,0.25,7"
        for measure in (*VERDICTS, "tests", "unpleasant_events", "visit_minutes")
    ]
    file.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(apart, "APART_FILE", file)
    apart._measured.cache_clear()
    told = plan(short(), readouts=["finger-pressure"], plans=["single"], visits=1)
    apart._measured.cache_clear()
    improved = [r for r in told.verdicts.rows() if r["verdict"] == "improved"]
    assert [row["apart_n"] for row in improved] == [7, 0]
    assert improved[0]["apart"] == -0.125
    text = repr(told)
    assert "-0.12 (-0.50 to +0.25)" in text
    assert NOT_MEASURED in text


def test_a_shipped_gap_is_of_a_readout_and_a_plan_that_there_are() -> None:
    for readout, how, measure in apart._measured():
        assert readout in READOUTS
        assert how in PLANS
        assert measure in (*VERDICTS, "tests", "unpleasant_events", "visit_minutes")


def test_differences_are_paired_visit_by_visit() -> None:
    table = [
        {"verdict": kind, "tests": n, "unpleasant_events": 0, "visit_minutes": 90.0}
        for kind, n in (("improved", 20), ("equivalent", 18))
    ]
    beats = [row | {"tests": row["tests"] - 1, "verdict": "improved"} for row in table]
    found = dict(differences(table, beats))
    assert found["tests"].value == 1.0
    assert found["improved"].value == -0.5
    assert found[NO_DIFFERENCE].value == 0.5
    assert found["visit_minutes"].value == 0.0
    assert ended_as("inconclusive", NO_DIFFERENCE)


def test_a_figure_of_it_has_a_bar_for_each_phase_and_cell() -> None:
    above, below = ahead().plot().axes
    assert len(above.patches) == len(PHASES)
    assert len(below.get_yticks()) == 2
    with pytest.raises(ValueError, match="single or double"):
        ahead().plot(width="triple")


def test_the_command_writes_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ahead.json"
    asked = ["plan", "null_responder", "--visits", "1", "--readouts", "cuff"]
    asked += ["--plans", "replicates", "--jobs", "1", "-q", "--json", str(file)]
    assert invoke(asked) == 0
    told = json.loads(file.read_text("utf-8"))
    assert {row["readout"] for row in told["power"]} == {"finger-pressure", "cuff"}
    out = capsys.readouterr().out
    assert "minutes by phase" in out
    assert "least gain with 80 %" in out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--readouts", "cufff"], "did you mean 'cuff'"),
        (["--plans", "pairwise"], "did you mean 'paired'"),
        (["--visits", "0"], "--visits"),
    ],
)
def test_a_wrong_word_is_told(
    asked: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["plan", "first_visit", *asked]) == 2
    assert said in capsys.readouterr().err


def test_a_course_is_refused() -> None:
    with pytest.raises(ValueError, match="visits"):
        plan("follow_up_year", visits=1)
    assert invoke(["plan", "follow_up_year"]) == 2


def test_no_visit_is_no_plan() -> None:
    with pytest.raises(ValueError, match="visits must be 1 or more, got 0"):
        plan(short(), visits=0)
