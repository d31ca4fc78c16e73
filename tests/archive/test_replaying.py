"""A visit is played again from its folder to the byte, or forked at a moment."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from math import inf
from pathlib import Path

import pytest

from harness.archive.replaying import (
    Fork,
    ForkError,
    comparison_text,
    forked,
    read_log,
    replay,
    run_of,
    time_s,
)
from harness.archive.run_folder import read_run, write_run
from harness.cli import invoke
from harness.common.files import BrokenRunError
from harness.play.run import Run, run_scenario
from harness.play.scenario import Scenario, load_scenario
from harness.play.stream.actions import ActionLog, log_text
from harness.play.stream.commands import (
    ChooseCandidate,
    EditScreen,
    FinishTitration,
    RunTest,
)
from harness.play.stream.live import LiveVisit
from harness.report.build import report_of
from harness.truth.answer_key import truth_of
from sim.visit.happenings import Happened, Happening

SHORT = {
    "visit.titration_min": 8.0,
    "visit.verification_pairs": 2,
    "visit.observation_min": 1.0,
    "visit.response_pairs": 1,
    "visit.strips": "none",
    "patient.override": {"g_two_leads": 0.3, "sensation_threshold_v": 9.0},
    "search.gate_probability": 0.0,
}
FORK_S = 1800.0  # in the titration, which begins at about 1780 s


@cache
def short() -> Scenario:
    return load_scenario("first_visit").changed(SHORT)


@cache
def played() -> Run:
    return run_scenario(short(), scenario_name="short")


@cache
def lived() -> Run:
    """Play a visit with a person, who chooses by hand."""
    with LiveVisit.of(short(), person=True, strips=False) as live:
        while live.busy:
            live.step()
        live.command(EditScreen({"amplitude_v": 5.0}))
        live.command(RunTest())
        while live.busy:
            live.step()
        live.command(EditScreen({"amplitude_v": 5.0}))
        live.command(ChooseCandidate("screen"))
        live.command(FinishTitration())
        live.advance(inf)
        return run_of(live)


def log_of(run: Run) -> ActionLog:
    assert run.actions is not None
    return run.actions


def written(run: Run, folder: Path) -> Path:
    return write_run(run, report_of(run, truth_of(run.played)), folder)


def test_a_visit_chosen_by_hand_has_its_report() -> None:
    report = report_of(lived(), truth_of(lived().played))
    assert report.verdict.kind == lived().record.verdict.kind
    assert lived().record.choice is not None
    assert lived().record.choice.reason == "chosen by hand"


@pytest.mark.slow
@pytest.mark.parametrize("run", [played, lived], ids=["strategy", "person"])
def test_the_command_plays_a_folder_again_to_the_byte(
    run: Callable[[], Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(run(), tmp_path / "run")
    assert invoke(["replay", str(folder), "--out", str(tmp_path / "again")]) == 0
    assert "the same to the byte" in capsys.readouterr().out
    one, two = (read_run(tmp_path / name).about["files"] for name in ("run", "again"))
    assert one == two
    assert "actions.json" in one


@pytest.mark.slow
def test_a_replay_that_is_another_visit_is_told_and_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(played(), tmp_path / "run")
    told = json.loads((folder / "actions.json").read_text(encoding="utf-8"))
    told["seed"] += 1
    (folder / "actions.json").write_text(json.dumps(told), encoding="utf-8")
    assert invoke(["replay", str(folder), "--out", str(tmp_path / "again")]) == 1
    told = capsys.readouterr().out
    assert "not the same: actions.json" in told
    assert "written by these same versions" in told


def test_a_fork_that_changes_nothing_is_the_visit_itself() -> None:
    log = log_of(played())
    again = forked(log, Fork(FORK_S))
    assert again.record.beats.rows.tobytes() == played().record.beats.rows.tobytes()
    text = comparison_text(replay(log), again)
    assert "paired difference of the true gain of what is left: +0.00 points" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    "fork",
    [
        Fork(FORK_S, strategy="random"),
        Fork(FORK_S, plan="single"),
        Fork(FORK_S, choose="reference"),
        Fork(FORK_S, choose={"amplitude_v": 5.0, "delay_ms": 20.0}),
    ],
    ids=lambda fork: fork.strategy or fork.plan or str(fork.choose),
)
def test_a_fork_is_the_same_until_its_moment_and_plays_again(fork: Fork) -> None:
    run = forked(log_of(played()), fork)
    table, own = played().record.beats, run.record.beats
    n = int((table.column("start_s") < FORK_S).sum())
    assert own.rows[:n].tobytes() == table.rows[:n].tobytes()
    assert own.rows.tobytes() != table.rows.tobytes()
    again = replay(log_of(run))
    assert again.record.beats.rows.tobytes() == own.rows.tobytes()


def test_a_strategy_that_takes_over_is_told_what_was_tested() -> None:
    run = forked(log_of(played()), Fork(FORK_S + 200.0, strategy="random"))
    before = [t for t in run.record.tested if t.end_s < FORK_S + 200.0]
    assert before
    # the reference that is known, and every test of both
    assert len(run.played.log) >= len(run.record.tested)


def test_from_the_fork_on_tests_are_read_by_the_other_plan() -> None:
    run = forked(log_of(played()), Fork(FORK_S, plan="single"))
    later = [t for t in run.record.tested if t.start_s > FORK_S and t.pair]
    assert later
    assert all(len([a for a in t.pair.arms if a.role == "tested"]) == 1 for t in later)
    assert len(run.record.tested) > len(played().record.tested)


def test_a_choice_of_the_reference_verifies_nothing() -> None:
    run = forked(log_of(played()), Fork(FORK_S, choose="reference"))
    assert run.record.verification_pairs == ()
    assert run.record.final == run.record.reference


def test_a_visit_with_a_person_is_handed_over_at_its_fork() -> None:
    run = forked(log_of(lived()), Fork(FORK_S))
    assert len(run.record.tested) > len(lived().record.tested)


def test_a_fork_behind_the_end_of_the_visit_is_refused() -> None:
    with pytest.raises(ForkError, match="was over after"):
        forked(log_of(played()), Fork(4 * 3600.0))


def test_a_fork_with_an_unknown_strategy_is_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "actions.json"
    file.write_text(log_text(log_of(played())), encoding="utf-8")
    command = ["replay", str(file), "--from", "35", "--strategy", "titraton"]
    assert invoke([*command, "--out", str(tmp_path / "run")]) == 2
    assert "'titration'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--strategy", "random"],
        ["--from", "soon"],
        ["--from", "35", "--choose", "amplitude_v"],
        ["--from", "35", "--choose", "amplitude_v=99"],
    ],
)
def test_a_faulty_option_is_one_message(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "actions.json"
    file.write_text(log_text(log_of(played())), encoding="utf-8")
    out = ["--out", str(tmp_path / "run")]
    assert invoke(["replay", str(file), *options, *out]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_what_holds_no_log_is_told(tmp_path: Path) -> None:
    (tmp_path / "actions.json").write_text("[]", encoding="utf-8")
    with pytest.raises(BrokenRunError, match="holds no log"):
        read_log(tmp_path / "actions.json")
    with pytest.raises(BrokenRunError, match="is no run"):
        read_log(tmp_path)
    spoiled = '{"kind": "hand-out", "files": {}}'
    (tmp_path / "run.json").write_text(spoiled, encoding="utf-8")
    with pytest.raises(BrokenRunError, match="the teacher's folder can"):
        read_log(tmp_path)


def test_the_time_of_a_fork_is_minutes_or_a_clock() -> None:
    assert time_s("90") == time_s("1:30:00") == 5400.0


def test_leads_and_rhythm_of_the_answer_key_are_those_of_the_end() -> None:
    record = played().record
    gains = [truth_of(played().played).final_ees_gain_pct]
    for what in ("lead fault", "fibrillation begins"):
        happened = (Happened(2000.0, Happening(what)),)  # type: ignore[arg-type]
        other = replace(played().played, record=replace(record, happened=happened))
        gains.append(truth_of(other).final_ees_gain_pct)
    usual, one_lead, fibrillating = gains
    # two leads have 1.35 times the effect of one (PROTOCOL.md, section 6)
    assert usual / one_lead == pytest.approx(1.35, rel=0.15)
    assert fibrillating == pytest.approx(usual, rel=0.5)
