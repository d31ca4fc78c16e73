"""The debrief: of one world with the report, and doubt where the class had reason."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.archive.replaying import replay
from harness.clinic.debrief import doubtful, reading_says, reveal
from harness.play.run import Run
from harness.play.stream.actions import Action, ActionLog
from harness.play.stream.commands import HandOver, Inject, RunTest
from harness.report.case import Case
from harness.report.parts import fact_text
from harness.report.sections.answer_key import POINTS_LOST, answer_key_part
from harness.truth.answer_key import truth_of
from harness.truth.score import Scorer
from sim.visit.happenings import Happening

TITRATES_S = 2400.0
"""Within the titration of the short visit."""
INTERPOLATED_PCT = 0.02
"""By so much a curve through a few gains may miss one played in full."""


@pytest.fixture(scope="module")
def loosened(short: Callable[..., ActionLog]) -> Run:
    """Return a visit whose heart fibrillates and whose lead comes loose on the way."""
    happenings = (
        Happening("lead fault", lead="V1", fault="dislodged"),
        Happening("fibrillation begins"),
    )
    deeds = [HandOver(), *(Inject(happening) for happening in happenings)]
    refused = RunTest(prediction="falls")  # the strategy is at work
    actions = tuple(Action(TITRATES_S, deed) for deed in (*deeds, refused))
    return replay(replace(short(), actions=actions))


def test_candidate_and_best_are_of_one_world_when_a_lead_came_loose(
    loosened: Run,
) -> None:
    played = loosened.played
    assert played.record.choice is not None
    known, scorer = truth_of(played), Scorer.of(played)
    candidate = played.record.choice.settings
    assert scorer.patient.in_atrial_fibrillation
    assert scorer.faults == ("dislodged", "none")
    gain = scorer.gain_pct(candidate)
    assert gain == pytest.approx(known.window_gain_pct, abs=INTERPOLATED_PCT)
    assert scorer.points_lost(candidate) >= -INTERPOLATED_PCT


def test_the_debrief_says_what_the_answer_key_of_the_report_says(
    loosened: Run,
) -> None:
    assert loosened.actions is not None
    told = reveal(loosened.actions, loosened.played, {})
    key = answer_key_part(Case(loosened, truth_of(loosened.played)))
    (you,) = (row for row in told.rows if row.who.startswith("you"))
    lost = fact_text(key.facts, POINTS_LOST)
    assert lost.startswith(f"{you.lost_points:.2f}")
    assert "end" in key.statement


def test_doubt_is_at_the_test_after_a_prediction_that_was_not_borne_out(
    short: Callable[..., ActionLog],
) -> None:
    record = replay(replace(short(), person=False)).record
    first, second = record.tested[:2]
    said = reading_says(first)
    wrong = "falls" if said == "rises" else "rises"
    assert first.completed
    assert doubtful(record, {first.number: said}) is None
    assert doubtful(record, {}) is None
    assert doubtful(record, {first.number: wrong}) == second
    assert doubtful(record, {record.tested[-1].number: wrong}) is None


def test_a_command_that_was_refused_is_nobodys_prediction(loosened: Run) -> None:
    assert loosened.actions is not None
    refused = [a for a in loosened.actions.actions if isinstance(a.command, RunTest)]
    assert len(refused) == 1
    told = reveal(loosened.actions, loosened.played, {})
    assert not any(row.who.startswith("hands over") for row in told.rows)
