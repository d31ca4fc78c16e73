"""What a visit of a study without beats costs, scored and all, by its search."""

from typing import Final

from bench.report import Row, timed_row
from bench.timing import timed
from harness.study.jobs import plan_of
from harness.study.plan import load_study
from harness.study.visit import scored

STUDY: Final = "engines"
N_PATIENTS: Final = 4
A_VISIT_S: Final = 0.02
"""Of a cheap search; the others may take what they think for beside it."""
CHEAP: Final = "a cheap search"
SEARCHES: Final = {
    CHEAP: ("random", "titration", "sweep"),
    "gp": ("gp",),
    "cohort-bayes": ("cohort-bayes",),
}


def rows() -> list[Row]:
    """Return a row for each kind of search."""
    return [_row(name, contenders) for name, contenders in SEARCHES.items()]


def _row(name: str, contenders: tuple[str, ...]) -> Row:
    study = load_study(STUDY)
    told = study.model_dump(mode="json", exclude_unset=True)
    told |= {"engine": "table", "contenders": list(contenders)}
    told["cohort"] |= {"n": N_PATIENTS}
    jobs = list(plan_of(type(study).model_validate(told)).jobs())

    def play_all() -> None:
        for job in jobs:
            scored(job)

    budget_s = A_VISIT_S if name == CHEAP else None
    a_visit = timed(play_all) / len(jobs)
    return timed_row(f"a visit by table, {name}", a_visit, "s", budget_s)
