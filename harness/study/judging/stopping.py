"""Searches that end when tests are not worth their price, beside those that go on.

Two contenders belong together where nothing but the stated prices tells them apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from harness.study.judging.cells import Cell
from harness.study.judging.numbers import Estimate, mean
from harness.study.judging.sheets import SheetColumn, TidySheet, Value
from harness.study.judging.twins import on_both, twins
from harness.study.judging.verdicts import verdict_rates

STOPPING: Final = "stopping"
"""What a contender's table of prices is called in a study."""

SAVED: Final = (
    *(("minutes", "minutes"), ("n_tests", "tests")),
    ("unpleasant_events", "unpleasant"),
)
LOST: Final = (("points_lost", "points"), ("final_points_lost", "final_points"))
RATES: Final = ("null_improved_pct", "wrong_improved_pct", "coverage_pct", "found_pct")


def stopping_sheet(
    cells: Sequence[Cell], contenders: Sequence[Mapping[str, Any]]
) -> TidySheet:
    """Return what each search that may end early saves, and what it gives away.

    Parameters
    ----------
    cells
        All patients of one plan and budget.
    contenders
        As the study's file has them, by their labels.
    """
    by_name = {one.contender: one for one in cells}
    rows = [
        _row(by_name[str(own["label"])], by_name[beside], own[STOPPING])
        for own, beside in twins(contenders, STOPPING)
        if str(own["label"]) in by_name and beside in by_name
    ]
    return TidySheet(
        STOPPING,
        "Searches that end when tests are not worth their price",
        "Each beside the search that goes on, on the same patients, all laws: what it "
        "saves a visit, and the points of utility that its choice, and what is "
        "programmed for good, lose more; paired means with 95 % bootstrap intervals. "
        "Verdicts are to err as often: how many without a gain end improved, how many "
        "improved have none, how often intervals cover, how often a relevant gain is "
        "shown; Wilson intervals, the search that goes on in the second column.",
        tuple(_columns()),
        tuple(rows),
    )


def _columns() -> Iterator[SheetColumn]:
    yield SheetColumn("contender", "Contender")
    yield SheetColumn("beside", "Beside")
    yield SheetColumn("prices", "Prices")
    for _, name in SAVED:
        digits = 2 if name == "unpleasant" else 1
        yield SheetColumn(f"{name}_saved", f"{name.capitalize()} saved", "", digits)
    yield SheetColumn("points_more", "Points lost more", "Of the search's choice.", 3)
    yield SheetColumn(
        "final_points_more", "Finally", "Of what was programmed for good.", 3
    )
    for name, head in zip(
        RATES,
        ("Null improved, %", "Improved without, %", "Covers, %", "Shown, %"),
        strict=True,
    ):
        yield SheetColumn(name, head, "", 1)
        yield SheetColumn(f"beside_{name}", "Going on", "", 1)


def _row(own: Cell, beside: Cell, prices: Mapping[str, Any]) -> dict[str, Value]:
    rates, others = verdict_rates(own), verdict_rates(beside)
    stated = [f"{k} {v:g}" for k, v in prices.items() if v and k.startswith("points")]
    row: dict[str, Value] = {
        "contender": own.contender,
        "beside": beside.contender,
        "prices": ", ".join(stated).replace("_", " "),
    }
    for column, name in SAVED:
        row[f"{name}_saved"] = _apart(beside, own, column)
    for column, name in LOST:
        row[f"{name}_more"] = _apart(own, beside, column)
    for name in RATES:
        row |= {name: rates[name], f"beside_{name}": others[name]}
    return row


def _apart(more: Cell, less: Cell, column: str) -> Estimate:
    """Return a mean difference on the patients that both saw."""
    mine, theirs = on_both(more, less, column)
    return mean(mine - theirs)
