"""The report says what happened: recomputed from the tables of events and tests.

The two tables are laid into a folder of their own and nothing else of the run is read,
but for the report that is checked. The formulas are written out again and share no code
with the report; the two limits of the verdict are those of docs/protocol.md.
"""

import csv
import json
import math
import re
import shutil
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import t as t_distribution

from harness.archive.run_folder import write_run
from harness.play.run import run_scenario
from harness.play.scenario import load_scenario
from harness.report.build import report_of
from harness.truth.answer_key import truth_of

Row = dict[str, str]
TABLES = ("events.csv", "evaluations.csv")
LEAST_RELEVANT_PCT = 1.0
EQUIVALENCE_PCT = 1.5
FELT_AT_ONCE = {"patient.override": {"sensation_threshold_v": 3.0}}
SCENARIOS: tuple[Any, ...] = (
    ("first_visit", "paired", {}),
    ("null_responder", "paired", {}),
    ("turned_down", "alternate-every", {}),
    ("first_visit", "single", {}),
    *(
        pytest.param((name, plan, changes), marks=pytest.mark.slow)
        for name, plan, changes in (
            ("first_visit", "replicates", {}),
            ("first_visit", "paired", FELT_AT_ONCE),
            ("turned_down", "paired", {}),
            ("atrial_fibrillation", "paired", {}),
            ("average_responder", "paired", {}),
            ("follow_up_low_delivery", "paired", {}),
        )
    ),
)


@pytest.fixture(scope="module", params=SCENARIOS)
def run_folder(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    undrawn: Callable[[], AbstractContextManager[None]],
) -> Path:
    name, plan, changes = request.param
    words_only = {"visit.plan": plan, "visit.strips": "none"}
    scenario = load_scenario(name).changed({**words_only, **changes})
    run = run_scenario(scenario, scenario_name=name)
    report = report_of(run, truth_of(run.played))
    with undrawn():
        return write_run(run, report, tmp_path_factory.mktemp("runs") / name)


@pytest.fixture(scope="module")
def folder(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds the two tables and no more."""
    alone = tmp_path_factory.mktemp("tables")
    for name in TABLES:
        shutil.copy(run_folder / name, alone)
    return alone


@pytest.fixture(scope="module")
def report(run_folder: Path) -> Any:
    return json.loads((run_folder / "report.json").read_text(encoding="utf-8"))


def rows_of(folder: Path, name: str) -> list[Row]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def tests(folder: Path) -> list[Row]:
    return rows_of(folder, "evaluations.csv")


@pytest.fixture(scope="module")
def events(folder: Path) -> list[Row]:
    return rows_of(folder, "events.csv")


@pytest.fixture(scope="module")
def programmed(events: list[Row]) -> dict[str, list[str]]:
    """Return what each value was set to, in order, the value as found first."""
    values: dict[str, list[str]] = {}
    for event in events:
        told = event["text"].removeprefix("programmed and confirmed: ")
        if event["kind"] != "programmer" or told == event["text"]:
            continue
        for name, before, after in re.findall(r"(\w+) (\S+) -> ([^\s,]+)", told):
            assert values.setdefault(name, [before])[-1] == before
            values[name].append(after)
    return values


def shown(quantity: dict[str, Any], expected: float) -> None:
    """Hold a number of the report against one computed: equal as far as it is shown."""
    if math.isnan(expected):
        assert quantity["value"] is None
    else:
        step = 0.5 * 10.0 ** -quantity["digits"]
        assert quantity["value"] == pytest.approx(expected, abs=step + 1e-9)


def number(text: str) -> float:
    return float(text) if text else math.nan


def same(told: str | float, expected: str) -> bool:
    return str(told) == expected or float(told) == float(expected)


def test_the_table_of_tested_settings_is_what_was_tested(
    report: Any, tests: list[Row]
) -> None:
    table = report["tests"]
    assert len(table["rows"]) == len(tests) > 5
    for told, row in zip(table["rows"], tests, strict=True):
        assert told["number"] == int(row["number"])
        for column, value in zip(table["columns"], told["values"], strict=True):
            assert same(value, row[f"tested_{column['symbol']}"])
        shown(told["start"], number(row["start_s"]) / 60.0)
        took_s = number(row["end_s"]) - number(row["start_s"])
        shown(told["minutes"], took_s / 60.0)
        shown(told["gain"], number(row["gain_primary_pct"]))
        shown(told["standard_error"], number(row["standard_error_pct"]))
        assert told["sensation"] == f"{row['sensation_grade']}/4"
        counts = [told["ectopics"], told["train_ectopics"], told["beats"]]
        names = ("n_ectopics", "n_train_ectopics", "n_beats")
        assert counts == [int(row[name]) for name in names]
        shown(told["delivered"], 100.0 * number(row["delivered_frac"]))
        shown(told["energy"], 100.0 * number(row["energy_frac"]))


def test_every_test_is_in_the_log_at_its_end(
    events: list[Row], tests: list[Row]
) -> None:
    logged = [event for event in events if event["kind"] == "tested"]
    assert [number(event["at_s"]) for event in logged] == pytest.approx(
        [number(row["end_s"]) for row in tests]
    )


def test_readings_of_one_setting_are_pooled_as_they_were_read(
    report: Any, tests: list[Row]
) -> None:
    columns = [f"tested_{c['symbol']}" for c in report["tests"]["columns"]]
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in tests:
        groups.setdefault(tuple(row[name] for name in columns), []).append(row)
    told = report["tests"]["pooled"]
    for row, group in zip(told, groups.values(), strict=True):
        assert row["tests"] == ", ".join(item["number"] for item in group)
        read = [g for g in group if g["gain_primary_pct"] and not g["aborted"]]
        assert row["readings"] == len(read)
        gains = [number(item["gain_primary_pct"]) for item in read]
        shown(row["gain"], statistics.fmean(gains) if gains else math.nan)
        errors = [number(item["standard_error_pct"]) for item in read]
        error = math.hypot(*errors) / len(read) if read else math.nan
        shown(row["standard_error"], error)


def test_the_final_values_are_those_last_programmed(
    report: Any, programmed: dict[str, list[str]]
) -> None:
    rows = [*report["permanent"]["main"], *report["permanent"]["others"]]
    for row in rows:
        values = programmed.get(row["symbol"])
        if values is None:
            assert row["permanent"] == row["as_found"]
        else:
            assert same(row["as_found"], values[0])
            assert same(row["permanent"], values[-1])
        assert row["changed"] == (row["permanent"] != row["as_found"])


def test_kept_are_the_tests_of_the_values_last_programmed(
    report: Any, tests: list[Row], programmed: dict[str, list[str]]
) -> None:
    last = {f"tested_{name}": values[-1] for name, values in programmed.items()}
    kept = [
        int(row["number"])
        for row in tests
        if not row["aborted"]
        and all(same(row[name], value) for name, value in last.items() if name in row)
    ]
    assert [row["number"] for row in report["tests"]["rows"] if row["kept"]] == kept


def test_the_minutes_of_each_phase_are_those_of_the_log(
    report: Any, events: list[Row]
) -> None:
    begun = [
        (event["phase"], number(event["at_s"]))
        for event in events
        if event["kind"] == "phase"
    ]
    told = report["encounter"]["phases"]
    assert [phase["name"] for phase in told] == [name for name, _ in begun]
    for phase, (_, start_s) in zip(told, begun, strict=True):
        shown(phase["start"], start_s / 60.0)
    ends_s = [start_s for _, start_s in begun[1:]]
    for phase, (_, start_s), end_s in zip(told[:-1], begun[:-1], ends_s, strict=True):
        shown(phase["duration"], (end_s - start_s) / 60.0)


def test_the_verdict_follows_from_the_pairs_of_the_log(
    report: Any, events: list[Row]
) -> None:
    """Pairs stand in the log to 0.1 %, so mean and limits are known to about 0.1."""
    told = report["verdict"]
    gains = [
        float(event["text"].rpartition(" systolic ")[2].removesuffix(" %"))
        for event in events
        if event["kind"] == "pair"
        and event["text"].startswith("verification pair")
        and "void" not in event["text"]
    ]
    judged = [event["text"] for event in events if event["kind"] == "verdict"][-1]
    if judged.startswith("stopped for safety: "):
        assert f"{told['kind']}: {told['reason']}" == judged
        return
    if not gains:
        assert told["kind"] == "inconclusive"
        assert told["gain"]["value"] is None
        return
    n, mean = len(gains), statistics.fmean(gains)
    reach = {level: _t(level, n - 1) for level in (0.95, 0.90)}
    error = statistics.stdev(gains) / math.sqrt(n)
    assert told["gain"]["value"] == pytest.approx(mean, abs=0.11)
    assert told["standard_error"]["value"] == pytest.approx(error, abs=0.11)
    for name, level in (("interval_95", 0.95), ("interval_90", 0.90)):
        limits = (told[name]["low"], told[name]["high"])
        wanted = (mean - reach[level] * error, mean + reach[level] * error)
        assert limits == pytest.approx(wanted, abs=0.15)
    low = mean - reach[0.95] * error
    inside = max(abs(mean - reach[0.90] * error), abs(mean + reach[0.90] * error))
    if low > 0.0 and mean >= LEAST_RELEVANT_PCT:
        kind = "improved"
    else:
        kind = "equivalent" if inside < EQUIVALENCE_PCT else "inconclusive"
    assert told["kind"] == kind


def _t(level: float, degrees: int) -> float:
    return float(t_distribution.ppf(0.5 + 0.5 * level, degrees))
