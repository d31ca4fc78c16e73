"""A search ends when tests are not worth their price, and says so."""

from collections.abc import Mapping
from functools import cache

import pytest

from harness.common.faults import ScenarioError
from harness.play.order import order_of, task_of
from harness.play.played import Played, play
from harness.play.run import run_scenario
from harness.play.scenario import Scenario, load_scenario
from harness.play.search import SearchAdvisor
from harness.play.stopping import Outlook, SearchEnd, SearchEnding, price_of_next
from harness.report.build import report_of
from harness.report.sections.method import ENDED
from harness.task.prices import FREE, Prices
from harness.truth.answer_key import truth_of
from sim.visit.record import TitrationEnd

PRICE = "search.stopping.points_per_minute"


def scenario(
    changes: Mapping[str, object] | None = None, name: str = "null_responder"
) -> Scenario:
    return load_scenario(name).changed({"engine": "table", **(changes or {})})


def played_by(asked: Scenario) -> Played:
    order = order_of(asked)
    task = task_of(asked.search, asked.device, order)
    return play(order, SearchAdvisor.at(order, task))


@cache
def played(name: str, price: float, strategy: str) -> Played:
    return played_by(scenario({PRICE: price, "search.strategy": strategy}, name))


def test_without_prices_nothing_is_asked_and_the_clock_ends_the_search() -> None:
    found = played("null_responder", 0.0, "cohort-bayes")
    assert found.ending == SearchEnding(SearchEnd.CLOCK)
    assert found.record.titration_end is TitrationEnd.CLOCK
    assert not FREE.stated


def test_a_price_ends_the_search_of_a_patient_without_response() -> None:
    free = played("null_responder", 0.0, "cohort-bayes")
    dear = played("null_responder", 0.03, "cohort-bayes")
    assert dear.ending.kind is SearchEnd.WORTH
    assert dear.record.titration_end is TitrationEnd.ADVISOR
    assert len(dear.record.tested) < len(free.record.tested)
    n = len(dear.record.tested)
    # until it ends it is the same search, test for test
    assert [t.settings for t in dear.record.tested] == [
        t.settings for t in free.record.tested[:n]
    ]
    outlook = dear.ending.outlook
    assert outlook is not None
    assert outlook.win_points <= outlook.price_points


def test_the_verification_stays_fixed() -> None:
    dear = played("first_visit", 0.01, "cohort-bayes").record
    assert dear.titration_end is TitrationEnd.ADVISOR
    assert (
        dear.verdict.pairs_planned
        == scenario(name="first_visit").visit.visit_plan.verification_pairs
    )
    assert (
        dear.verdict.pairs_done + dear.verdict.pairs_void == dear.verdict.pairs_planned
    )


def test_any_strategy_is_ended() -> None:
    asked = scenario({PRICE: 10.0, "search.strategy": "random"})
    found = played_by(asked)
    assert found.ending.kind is SearchEnd.WORTH
    assert len(found.record.tested) <= 1


def test_a_budget_that_is_spent_is_told_apart_from_a_price() -> None:
    changes = {"search.budget.evaluations": 4, PRICE: 1e-6}
    found = played_by(scenario(changes))
    assert found.ending.kind is SearchEnd.BUDGET


def test_the_price_of_a_test_is_what_tests_took_so_far() -> None:
    asked = scenario({PRICE: 0.5, "search.stopping.points_per_event": 2.0})
    order = order_of(asked)
    task = task_of(asked.search, asked.device, order)
    # before the first: as planned, and as often felt as is assumed
    assert price_of_next(task, ()) == pytest.approx(
        0.5 * task.expected.test_min + 2.0 * 0.05
    )
    prices = Prices(
        points_per_minute=0.1, points_per_event=1.0, points_per_1000_beats=3.0
    )
    found = prices.of_test(minutes=2.0, beats=150.0, n_events=1, n=3)
    assert found == pytest.approx(0.2 + 1.05 / 4 + 0.45)


def test_the_report_says_why_the_search_ended() -> None:
    asked = scenario({PRICE: 0.03, "search.strategy": "cohort-bayes"})
    run = run_scenario(asked)
    facts = {
        f.label: f.value for f in report_of(run, truth_of(run.played)).method.facts
    }
    assert "further tests were not worth their price" in str(facts[ENDED])
    assert "points" in str(facts[ENDED])


def test_an_ending_is_told_in_words() -> None:
    outlook = Outlook(1, 0.004, 0.02)
    told = SearchEnding.of(TitrationEnd.ADVISOR, SearchEnd.WORTH, outlook).text
    assert "1 more test could be expected to win 0.00 points, for 0.02 points" in told
    by_visit = SearchEnding.of(TitrationEnd.SAFETY, SearchEnd.FINISHED, None)
    assert by_visit.text == "ended for safety"


def test_a_wrong_price_is_a_fault_of_the_file() -> None:
    with pytest.raises(ScenarioError, match="points_per_minute: must be 0 to 10"):
        scenario({PRICE: -1.0})
    with pytest.raises(ScenarioError, match="points_per_minute"):
        scenario({"search.stopping.points_per_minut": 1.0})


def test_prices_stand_in_what_is_written_and_none_do_where_none_is_stated() -> None:
    assert "stopping" not in scenario().model_dump(mode="json")["search"]
    told = scenario({PRICE: 0.25}).model_dump(mode="json")["search"]["stopping"]
    assert told["points_per_minute"] == 0.25
