"""Who stands in the tables beside the leaderboard."""

from harness.study.judging.board import Judged
from harness.study.judging.cells import Cell, Group, cells


def contenders(judged: Judged, group: Group, plan: str) -> list[Cell]:
    """Return the cells of a group at the budget of headlines, best first.

    Who never came to an end is none of them.
    """
    wanted = (plan, judged.budget_in(plan))
    found = [
        one
        for one in cells(judged.visits, group)
        if (one.plan, one.budget_min) == wanted and one.done.any()
    ]
    lines = judged.table(group.name, *wanted)
    rank = {line.contender: line.rank for line in lines}
    return sorted(found, key=lambda one: rank[one.contender])
