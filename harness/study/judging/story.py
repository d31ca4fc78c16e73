"""What stands beside the leaderboard, chapter by chapter in the order of reading."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.study.judging.board import Judged
from harness.study.judging.choices import gate_sheet, recommender_sheet
from harness.study.judging.constraints import constraint_sheet
from harness.study.judging.fronts import front_sheet
from harness.study.judging.knowledge import knowledge_sheet
from harness.study.judging.laws import law_sheet, tau_sheet
from harness.study.judging.readings import readings_sheet
from harness.study.judging.rivals import pair_sheet, rank_sheet
from harness.study.judging.sheets import TidySheet
from harness.study.judging.standing import contenders
from harness.study.judging.stopping import stopping_sheet
from harness.study.judging.trajectory import evaluations_by_visit
from harness.study.judging.transfer import transfer_sheet


@dataclass(frozen=True, slots=True, eq=False)
class Chapter:
    """Tables that answer one question."""

    title: str
    sheets: tuple[TidySheet, ...]


def chapters(judged: Judged, plan: str) -> tuple[Chapter, ...]:
    """Return the chapters of one plan at the budget of headlines; empty ones go.

    Who never came to an end is in none of them.
    """
    found = []
    for chapter in _chapters(judged, plan):
        sheets = tuple(sheet for sheet in chapter.sheets if sheet.rows)
        if sheets:
            found.append(Chapter(chapter.title, sheets))
    return tuple(found)


def _chapters(judged: Judged, plan: str) -> Iterator[Chapter]:
    able = contenders(judged, judged.main, plan)
    if not able:
        return
    everybody = contenders(judged, judged.everybody, plan)
    searches = evaluations_by_visit(judged.study.evaluations)
    yield Chapter("How sure is the order?", (rank_sheet(able), pair_sheet(able)))
    yield Chapter("Does it hold under every law?", (law_sheet(able), tau_sheet(able)))
    yield Chapter(
        "What is it worth to know people beforehand?", (knowledge_sheet(able),)
    )
    yield Chapter(
        "Search, recommender or gate: which of them does it?",
        (recommender_sheet(judged, plan), gate_sheet(judged, plan)),
    )
    named = judged.study.tables.study.get("contenders", ())
    yield Chapter("What do earlier patients teach?", (transfer_sheet(able, named),))
    yield Chapter(
        "When is a search worth no more?", (stopping_sheet(everybody, named),)
    )
    if judged.study.has_searches:
        yield Chapter(
            "What does it cost the patient?",
            (
                front_sheet(able, searches),
                constraint_sheet(everybody, searches),
                readings_sheet(able, searches),
            ),
        )
