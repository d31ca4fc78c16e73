"""A file names the engine, and order, key, log and report follow."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.archive.replaying import replay
from harness.cli import invoke
from harness.common.files import names_in
from harness.play.order import order_of
from harness.play.run import Run, run_scenario
from harness.play.scenario import Scenario, ScenarioError, parse_scenario
from harness.play.stream.live import LiveVisit
from harness.report.case import Case
from harness.report.parts import fact_text
from harness.report.sections.method import ENGINE, method_part
from harness.report.sections.strips import strips_of
from harness.study.jobs import plan_of
from harness.study.plan import parse_study
from harness.truth.answer_key import truth_of

SHORT = """
title = "Short"
engine = "table"
[patient]
phenotype = "hfref-ischaemic"
[visit]
titration_min = 4
verification_pairs = 2
response_pairs = 1
observation_min = 1
"""
STUDY = 'title = "t"\ncontenders = ["stay"]\npatients = ["hfref-ischaemic"]\n'


def short(engine: str = "table") -> Scenario:
    return parse_scenario(SHORT.replace('"table"', f'"{engine}"'), "short.toml")


@pytest.fixture(scope="module")
def run() -> Run:
    return run_scenario(short())


def test_the_engine_of_a_scenario_is_that_of_its_visit() -> None:
    assert order_of(short()).engine == "table"
    assert order_of(short("beats")).engine == "beats"


def test_an_unknown_engine_is_a_fault_of_the_file() -> None:
    with pytest.raises(ScenarioError, match=r"engine: .*'table'"):
        short("tabel")


def test_a_scenario_by_beats_is_kept_as_before_there_were_engines() -> None:
    assert "engine" not in short("beats").model_dump(mode="json")
    assert short().model_dump(mode="json")["engine"] == "table"


def test_the_report_says_which_engine_played(run: Run) -> None:
    told = fact_text(method_part(Case(run, truth_of(run.played))).facts, ENGINE)
    assert told.startswith("table: ")
    assert strips_of(run.record) == ()


def test_a_run_by_table_writes_its_reports_and_tables_and_nothing_of_beats(
    tmp_path: Path,
) -> None:
    file = tmp_path / "short.toml"
    file.write_text(SHORT, encoding="utf-8")
    out, again = tmp_path / "run", tmp_path / "again"
    assert invoke(["run", str(file), "--out", str(out), "--quiet"]) == 0
    names = set(names_in(out))
    reports = {f"report.{kind}" for kind in ("json", "html", "pdf", "fhir.json", "hl7")}
    tables = {"evaluations.csv", "pairs.csv", "readings.csv", "events.csv"}
    assert reports | tables <= names
    of_beats = ("beats", "stream", "strip", ".edf", ".hea", ".dat")
    assert [n for n in names if any(word in n for word in of_beats)] == []
    for report in ("report.html", "report.json"):
        assert "table: " in (out / report).read_text("utf-8"), report
    assert (out / "report.pdf").read_bytes().startswith(b"%PDF")
    assert invoke(["replay", str(out), "--out", str(again)]) == 0
    for name in sorted(tables):
        assert (out / name).read_bytes() == (again / name).read_bytes(), name


def test_a_run_by_table_is_replayed_as_it_was(run: Run) -> None:
    assert run.actions is not None
    again = replay(run.actions)
    assert again.record.order.engine == "table"
    assert again.record.events == run.record.events
    assert again.record.verdict.gain_pct == pytest.approx(
        run.record.verdict.gain_pct, nan_ok=True
    )


def test_a_study_by_table_has_visits_and_keys_of_its_own() -> None:
    beats, table = (
        list(plan_of(parse_study(text, "s.toml")).jobs())
        for text in (STUDY, f'engine = "table"\n{STUDY}')
    )
    assert [job.order.engine for job in table] == ["table"]
    assert table[0].key != beats[0].key
    assert replace(table[0].order, engine="beats") == beats[0].order


def test_a_visit_by_table_tells_no_beats(run: Run) -> None:
    told = run_scenario(short(), recorded=True)
    assert told.transcript is None
    assert told.record.events == run.record.events
    with pytest.raises(ScenarioError, match="engine: must be 'beats', got 'table'"):
        LiveVisit.of(short())
