"""How far the forecasts of the two engines lie apart: the same visits by either.

`python -m harness.evidence.engines_ahead [VISITS [READOUT...]]` plays so many visits of
each readout and measuring plan by both engines, another virtual patient each time, and
writes the table that stands beside what `ccmlab plan` says; where readouts are named,
the rows of the others stay.
"""

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from harness.common.csv import csv_bytes
from harness.common.files import replace_file
from harness.play.scenario import load_scenario
from harness.study.ahead.apart import APART_FILE
from harness.study.ahead.forecast import VERDICTS
from harness.study.ahead.plan import check_named, ended_as
from harness.study.ahead.playing import PlannedCell, comers, visits_of
from harness.study.judging.numbers import Estimate, mean, wilson
from sim.instruments import READOUTS
from sim.visit.measuring import PLANS

SCENARIO: Final = "first_visit"
USUAL_VISITS: Final = 8
COUNTED: Final = ("tests", "unpleasant_events", "visit_minutes")
Rows = list[dict[str, Any]]


def apart_rows(
    n_visits: int,
    readouts: Sequence[str],
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of some readouts, from as many visits by each plan."""
    scenario = load_scenario(SCENARIO)
    who = comers(scenario, n_visits, "anybody")
    for how in readouts:
        for by in PLANS:
            say(f"{how}, {by}")
            table = visits_of(PlannedCell.of(scenario, how, by, "table"), who)
            beats = visits_of(PlannedCell.of(scenario, how, by, "beats"), who)
            for measure, found in differences(table, beats):
                yield {"readout": how, "plan": by, "measure": measure} | _row(found)


def differences(table: Rows, beats: Rows) -> Iterator[tuple[str, Estimate]]:
    """Yield each measure with its mean paired difference, table less beats."""
    for measure in COUNTED:
        yield measure, _apart(*(_numbers(rows, measure) for rows in (table, beats)))
    for verdict in VERDICTS:
        ours, theirs = (
            np.array([float(ended_as(row["verdict"], verdict)) for row in rows])
            for rows in (table, beats)
        )
        yield verdict, _or_none_seen(_apart(ours, theirs))


def _or_none_seen(found: Estimate) -> Estimate:
    """Return a difference of shares; where no visit differs, what may be all the same.

    A bootstrap of zeros has no width: the limits are those of a share of 0 then.
    """
    if not (found.value == found.low == found.high == 0.0):
        return found
    most = wilson(0, found.n)[1]
    return replace(found, low=-most, high=most)


def _numbers(rows: Rows, measure: str) -> Any:
    return np.array([row[measure] for row in rows], dtype=np.float64)


def _apart(table: Any, beats: Any) -> Estimate:
    return mean(np.asarray(table - beats))


def _row(found: Estimate) -> dict[str, Any]:
    return {
        "apart": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
    }


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main(visits: str = str(USUAL_VISITS), *readouts: str) -> None:
    """Write the table again, or its rows of some readouts."""
    check_named(readouts, ())
    named = readouts or tuple(READOUTS)
    kept: list[dict[str, Any]] = []
    if APART_FILE.is_file():
        with APART_FILE.open(encoding="utf-8", newline="") as file:
            kept = [row for row in csv.DictReader(file) if row["readout"] not in named]
    replace_file(APART_FILE, csv_bytes([*kept, *apart_rows(int(visits), named, _say)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
