"""How often a search ran against what it may not do: felt, stopped, refused."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from harness.study.judging.cells import Cell
from harness.study.judging.numbers import FloatArray, mean, rate_pct
from harness.study.judging.outcomes import known
from harness.study.judging.sheets import SheetColumn, TidySheet, Value
from harness.study.judging.trajectory import Evaluations

VIOLATIONS: Final = ("felt", "stopped", "refused")
"""Ends of a test: felt too much, stopped for safety, refused by the safety filter."""


def constraint_sheet(cells: Sequence[Cell], evaluations: Evaluations) -> TidySheet:
    """Return violations of each contender's searches, a visit."""
    rows = [_row(one, evaluations) for one in cells]
    return TidySheet(
        "constraints",
        "Tests against a constraint",
        "Apart from what is won: tests a visit that the patient felt too much, that "
        "were stopped for safety, or that the safety filter refused; means over all "
        "patients with 95 % bootstrap intervals. A refused test costs nobody anything "
        "but a question.",
        (
            SheetColumn("contender", "Contender"),
            *(
                SheetColumn(f"{kind}_mean", f"{kind.capitalize()}, a visit")
                for kind in VIOLATIONS
            ),
            SheetColumn("tests_mean", "Tests, a visit", "", 1),
            SheetColumn(
                "any_pct", "Visits with felt or stopped, %", "Wilson interval.", 0
            ),
        ),
        tuple(row for row in rows if row),
    )


def _row(own: Cell, evaluations: Evaluations) -> dict[str, Value]:
    counts = {kind: np.full(own.place.size, np.nan) for kind in VIOLATIONS}
    for row in np.flatnonzero(own.done):
        ended = evaluations.of(own.of("key")[row], "ended")
        for kind in VIOLATIONS:
            counts[kind][row] = np.count_nonzero(ended == kind)
    finished = own.done
    if not finished.any():
        return {}
    unpleasant = (counts["felt"] + counts["stopped"])[finished] > 0.0
    return {
        "contender": own.contender,
        **{f"{kind}_mean": mean(_known(own, kind, counts[kind])) for kind in counts},
        "tests_mean": mean(known(own.per_patient("n_tests"))),
        "any_pct": rate_pct(unpleasant, own.of("patient")[finished]),
    }


def _known(own: Cell, name: str, values: FloatArray) -> FloatArray:
    """Return the mean of each patient whose visits came to their end."""
    return known(replace(own, visits={name: values}).per_patient(name))
