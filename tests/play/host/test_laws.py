"""A law of somebody's own in its own process: answers as here, harms only itself."""

import os
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.play.host import laws
from harness.play.host.laws import HostedLaw, ask_over, end_laws, laws_within
from harness.play.order import order_of, task_of
from harness.play.played import play
from harness.play.scenario import parse_scenario
from harness.play.search import SearchAdvisor
from harness.task.limits import StrategyLimits
from harness.task.task import Task
from harness.truth.score import Scorer
from sim.heart.train import Train
from sim.law.code import LawModule
from sim.law.muscle import Muscle
from sim.law.own import OwnLaw, in_this_process, run_in
from sim.law.registry import SHIPPED, law_kind
from sim.law.response_law import LawFailedError, LawInputs, UnknownLawError
from sim.visit.order import VisitOrder

BAD = Path(__file__).parents[2] / "data" / "bad_laws.py"
ANYBODY = LawInputs()
QUICK = StrategyLimits(answer_s=1.0)
LAWS = SimpleNamespace(**run_path(str(BAD)))
FAILED = {made.__name__: told for made, told in LAWS.FAILED.items()}
SCENARIO = """
title = "A law of somebody's own"
seed = 3
engine = "table"
[patient]
phenotype = "hfref-ischaemic"
response = "{word}"
[search]
strategy = "titration"
"""
TRAINS = Train(
    np.linspace(4.5, 7.5, 7),
    delay_ms=np.linspace(15.0, 45.0, 7),
    v1_delivers=np.array([1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int]]]:
    """Give what hosts are asked from now on: the kind, and how many trains."""
    told: list[tuple[str, int]] = []
    ask = laws.Host.ask

    def noted(self: Any, kind: str, what: Any, **arrays: Any) -> Any:
        told.append((kind, len(arrays.get("rows", ()))))
        return ask(self, kind, what, **arrays)

    monkeypatch.setattr(laws.Host, "ask", noted)
    monkeypatch.setattr(laws, "_laws", {})
    yield told
    end_laws()


def own(name: str) -> OwnLaw:
    law: Any = law_kind(f"{BAD}:{name}").typical()
    return law


def order_under(word: str) -> tuple[VisitOrder, Task]:
    text = SCENARIO.format(word=word)
    scenario = parse_scenario(text, "own.toml")
    order = order_of(scenario)
    return order, task_of(scenario.search, scenario.device, order)


def test_a_law_answers_as_it_would_here() -> None:
    kind = law_kind(f"{BAD}:Good")
    drawn, here = kind.draw(np.random.default_rng(5)), LawModule(f"{BAD}:Good")
    made = here.make(np.random.default_rng(5))
    there = drawn.gain(TRAINS, ANYBODY)
    assert there.tolist() == here.gain(made.how, TRAINS, ANYBODY).tolist()
    size = LAWS.Good.draw(np.random.default_rng(5)).size_frac
    assert pickle.loads(pickle.dumps(drawn)).law.size_frac == size


def test_drawing_moves_the_generator_as_it_would_here() -> None:
    there, here = np.random.default_rng(6), np.random.default_rng(6)
    law_kind(f"{BAD}:Good").draw(there)
    LAWS.Good.draw(here)
    assert there.bit_generator.state == here.bit_generator.state


@pytest.mark.parametrize("name", ["saturating", "window", "two-leads"])
def test_a_shipped_law_in_a_file_plays_the_same_visit(
    tmp_path: Path, name: str
) -> None:
    kind: Any = SHIPPED[name].typical()
    theirs = type(kind)
    (tmp_path / "theirs.py").write_text(
        f"from {theirs.__module__} import {theirs.__name__}\n"
    )
    ours, task = order_under(name)
    word = f"{tmp_path}/theirs.py:{theirs.__name__}"
    law: Any = law_kind(word).typical()
    hosted = replace(ours, patient=replace(ours.patient, response=law))
    bare = replace(ours, patient=replace(ours.patient, response=kind))
    one = play(bare, SearchAdvisor.at(bare, task))
    other = play(hosted, SearchAdvisor.at(hosted, task))
    assert one.log == other.log
    assert one.record.verdict == other.record.verdict
    assert Scorer.of(one).columns(one.record.final, one.record.final) == Scorer.of(
        other
    ).columns(other.record.final, other.record.final)


def test_a_lattice_is_asked_once_and_the_visit_and_the_truth_read_it(
    asked: list[tuple[str, int]],
) -> None:
    order, task = order_under(f"{BAD}:Good")
    ask_over(order, task.lattice)
    size = task.lattice.around(order.found.settings).space.size
    assert [n for kind, n in asked if kind == "gain"] == [size]
    played = play(order, SearchAdvisor.at(order, task))
    Scorer.of(played).columns(played.record.final, played.record.final)
    later = [n for kind, n in asked if kind == "gain"][1:]
    # off the lattice there is CCM off alone, and a setting on the way to another
    assert sum(later) <= 3
    n_asked = len(asked)
    again = play(order, SearchAdvisor.at(order, task))
    assert len(asked) == n_asked
    assert again.log == played.log


def test_what_is_not_on_the_lattice_is_asked_for_and_not_interpolated() -> None:
    law, here = own("Good"), LAWS.Good()
    order, task = order_under(f"{BAD}:Good")
    ask_over(order, task.lattice)
    between = Train(6.13, delay_ms=33.3, v1_delivers=0.0)
    assert float(law.gain(between, ANYBODY)) == float(here.gain(between, ANYBODY))


@pytest.mark.parametrize("name", [made.__name__ for made in LAWS.HARMLESS])
def test_what_a_law_does_to_its_process_stays_there(name: str) -> None:
    before = Path.cwd(), dict(os.environ), np.geterr(), np.median
    expected = LAWS.Good().gain(TRAINS, ANYBODY)
    assert own(name).gain(TRAINS, ANYBODY).tolist() == expected.tolist()
    assert (Path.cwd(), dict(os.environ), np.geterr(), np.median) == before


@pytest.mark.parametrize("name", FAILED)
def test_a_law_that_fails_is_told_in_one_line(name: str) -> None:
    with pytest.raises(LawFailedError) as failed:
        own(name).gain(TRAINS, ANYBODY)
    said = str(failed.value)
    assert said.startswith(f"law bad_laws.py:{name} ")
    assert FAILED[name] in said
    assert said.isprintable()


@pytest.mark.parametrize("name", [made.__name__ for made in LAWS.OVERDUE])
def test_a_law_that_does_not_answer_is_killed_once(
    name: str, asked: list[tuple[str, int]]
) -> None:
    law = own(name)
    told = f"law bad_laws.py:{name} failed: killed after 1 s without an answer"
    with laws_within(QUICK):
        for _ in range(2):
            with pytest.raises(LawFailedError, match=told):
                law.gain(TRAINS, ANYBODY)
    assert [kind for kind, _ in asked if kind == "gain"] == ["gain"]


def test_a_law_must_gain_nothing_where_no_lead_delivers() -> None:
    off = Train(TRAINS.amplitude_v, v1_delivers=0.0, v2_delivers=0.0)
    with pytest.raises(LawFailedError, match=r"must gain 0 where no lead.*got 0\.1"):
        own("GainsFromNothing").gain(off, ANYBODY)


def test_what_fails_for_one_patient_leaves_the_law_to_others() -> None:
    law, other = own("LeavesUnblocked"), LawInputs(Muscle(0.9))
    for _ in range(2):
        with pytest.raises(LawFailedError, match="ended with exit code 0"):
            law.gain(TRAINS, ANYBODY)
    expected = LAWS.Good().gain(TRAINS, other)
    assert law.gain(TRAINS, other).tolist() == expected.tolist()


def test_a_draw_that_fails_is_told_when_that_patient_is_asked_about() -> None:
    law = law_kind(f"{BAD}:DrawRaises").draw(np.random.default_rng(1))
    with pytest.raises(LawFailedError, match=r"LookupError: no such patient \(bad_l"):
        law.gain(TRAINS, ANYBODY)


def test_the_law_of_a_file_that_changed_is_not_asked(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(BAD.read_text(encoding="utf-8"))
    law: Any = law_kind(f"{file}:Good").typical()
    end_laws()
    file.write_text(BAD.read_text(encoding="utf-8").replace("0.08", "0.09"))
    with pytest.raises(LawFailedError, match="it is not what it was when the patient"):
        law.gain(TRAINS, ANYBODY)
    new: Any = law_kind(f"{file}:Good").typical()
    assert new.law.size_frac == 0.09


def test_a_host_that_was_killed_is_begun_again() -> None:
    law = own("Good")
    law.gain(TRAINS, ANYBODY)
    end_laws()
    other = replace(TRAINS, delay_ms=29.5)
    expected = LAWS.Good().gain(other, ANYBODY)
    assert law.gain(other, ANYBODY).tolist() == expected.tolist()


def test_the_code_of_a_law_runs_here_where_nothing_can_be_forked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(laws, "SUPPORTED", False)
    assert isinstance(laws.hosted_law(f"{BAD}:Good", ""), LawModule)
    before = run_in(in_this_process)
    run_in(before)
    assert before is laws.hosted_law


def test_no_file_at_all_is_no_law(tmp_path: Path) -> None:
    with pytest.raises(UnknownLawError, match=r"gone\.py cannot be read"):
        HostedLaw(f"{tmp_path}/gone.py:Law", "x" * 64).make()
