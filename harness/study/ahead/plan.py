"""`ccmlab plan`: visits by table for each readout and plan, and what they come to."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from math import nan, sqrt
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from harness.common.counting import Bar, Count
from harness.common.tidy import TidyTable
from harness.play.scenario import Scenario, load_scenario, one_visit
from harness.study.ahead.apart import engine_gap
from harness.study.ahead.forecast import NO_DIFFERENCE, VERDICTS, Forecast
from harness.study.ahead.playing import (
    PHASE,
    Comer,
    PlannedCell,
    Whom,
    chunks,
    comers,
    visits_of,
)
from harness.study.judging.numbers import wilson
from sim.instruments import READOUTS, readout
from sim.visit.measuring import PLANS, expected_n_tests, measuring_plan
from sim.visit.measuring_noise import pair_sd_pct
from sim.visit.order import EngineName
from sim.visit.plan import PHASES
from sim.visit.verdict import least_detectable_gain_pct, power_to_show

USUAL_VISITS: Final = 20
GAINS_PCT: Final = (1.0, 2.0, 5.0)
"""True gains whose power is told."""

_AT_ONCE: Final = 5  # visits of a piece of work: some seconds at most
_RANGE: Final = (0.05, 0.95)
_TOGETHER: Final = ("equivalent", "inconclusive")
Rows = list[dict[str, Any]]


def plan(
    scenario: Scenario | str | Path,
    *,
    readouts: Sequence[str] = (),
    plans: Sequence[str] = (),
    visits: int = USUAL_VISITS,
    whom: Whom = "patient",
    engine: EngineName = "table",
    jobs: int = 1,
    progress: Count | None = None,
) -> Forecast:
    """Return what the visit of a scenario takes and can be expected to show.

    Parameters
    ----------
    scenario
        A scenario, the name of a shipped one, or a path.
    readouts, plans
        Names to compare; all that are known where none is given. The scenario's own
        always stand first.
    visits
        Visits of each readout and plan, 1 or more; each is another draw of all chance.
    whom
        "patient": the scenario's comes each time, as if known. "anybody": another
        virtual patient each time, of all response laws alike.
    engine
        "table" takes seconds, "beats" some times longer.
    jobs
        Processes; their number changes no value. With two or more a script stands under
        `if __name__ == "__main__":`.
    progress
        Called with the number of visits done and of all; a bar on standard error by
        default, once it takes over two seconds.

    Raises
    ------
    ScenarioError
        For a course of visits, and as for a file.
    ValueError
        For an unknown name, and for less than one visit.

    Examples
    --------
    >>> ahead = plan("first_visit", readouts=["cuff"], plans=["paired"], visits=2)
    >>> ahead.own, ahead.tests.n_rows
    (('finger-pressure', 'paired'), 2)
    """
    if isinstance(scenario, str | Path):
        scenario = load_scenario(scenario)
    one_visit(scenario, "plan the first of its visits from a scenario of one")
    if visits < 1:
        raise ValueError(f"visits must be 1 or more, got {visits}")
    if whom not in get_args(Whom):
        raise ValueError(f"whom must be 'patient' or 'anybody', got {whom!r}")
    check_named(readouts, plans)
    planned = scenario.visit.visit_plan
    cells = [
        PlannedCell.of(scenario, how, by, engine)
        for how in _with_own(planned.readout, readouts or READOUTS)
        for by in _with_own(planned.plan, plans or PLANS)
    ]
    who = comers(scenario, visits, whom)
    with Bar("visits") if progress is None else nullcontext(progress) as told:
        rows = _played(cells, who, jobs, told)
    return _forecast(scenario, cells, rows, whom=whom, engine=engine)


def check_named(readouts: Iterable[str], plans: Iterable[str]) -> None:
    """Raise ValueError for a readout or plan that is not known."""
    for name in readouts:
        readout(name)
    for name in plans:
        measuring_plan(name)


def _with_own(own: str, others: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([own, *others]))


def _played(
    cells: Sequence[PlannedCell], who: Sequence[Comer], jobs: int, told: Count
) -> list[Rows]:
    """Return the rows of each cell, in order, whichever was ready first."""
    work = [(place, part) for place in range(len(cells)) for part in _parts(who)]
    n_all, n_done = len(cells) * len(who), 0
    found: dict[int, Rows] = {}
    if jobs == 1:
        for number, (place, part) in enumerate(work):
            found[number] = visits_of(cells[place], part)
            n_done += len(part)
            told(n_done, n_all)
    else:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            asked = {
                pool.submit(visits_of, cells[place], part): number
                for number, (place, part) in enumerate(work)
            }
            for future in as_completed(asked):
                found[asked[future]] = future.result()
                n_done += len(found[asked[future]])
                told(n_done, n_all)
    rows: list[Rows] = [[] for _ in cells]
    for number, (place, _) in enumerate(work):
        rows[place] += found[number]
    return rows


def _parts(who: Sequence[Comer]) -> list[Sequence[Comer]]:
    return chunks(who, _AT_ONCE)


def _forecast(
    scenario: Scenario,
    cells: Sequence[PlannedCell],
    rows: Sequence[Rows],
    *,
    whom: Whom,
    engine: EngineName,
) -> Forecast:
    planned = scenario.visit.visit_plan
    each = list(zip(cells, rows, strict=True))
    everything = [row for of_cell in rows for row in of_cell]
    return Forecast(
        title=scenario.title,
        whom=whom,
        strategy=scenario.search.strategy,
        engine=engine,
        n_visits=len(rows[0]),
        own=(planned.readout, planned.plan),
        phases=TidyTable.of_rows(row for one in each for row in _phase_rows(*one)),
        tests=TidyTable.of_rows(_tests_row(*one) for one in each),
        verdicts=TidyTable.of_rows(row for one in each for row in _verdict_rows(*one)),
        power=TidyTable.of_rows(_power_rows(each)),
        visits=TidyTable.of_rows(everything),
    )


def _key(cell: PlannedCell) -> dict[str, Any]:
    return {"readout": cell.readout, "plan": cell.plan}


def _column(rows: Rows, name: str) -> NDArray[np.float64]:
    return np.array([row[name] for row in rows], dtype=np.float64)


def _phase_rows(cell: PlannedCell, rows: Rows) -> Iterator[dict[str, Any]]:
    for phase in PHASES:
        minutes = _column(rows, f"{PHASE}{phase}")
        low, high = np.quantile(minutes, _RANGE)
        yield _key(cell) | {
            "phase": phase,
            "minutes": float(minutes.mean()),
            "low_minutes": float(low),
            "high_minutes": float(high),
        }


def _gap(cell: PlannedCell, measure: str, name: str = "apart") -> dict[str, Any]:
    """Return how far the engine of the forecast lies apart: by beats not at all."""
    if cell.engine == "beats":
        return {name: nan, f"{name}_low": nan, f"{name}_high": nan, f"{name}_n": 0}
    gap = engine_gap(cell.readout, cell.plan, measure)
    return {
        name: gap.value,
        f"{name}_low": gap.low,
        f"{name}_high": gap.high,
        f"{name}_n": gap.n,
    }


def _tests_row(cell: PlannedCell, rows: Rows) -> dict[str, Any]:
    tests = _column(rows, "tests")
    low, high = np.quantile(tests, _RANGE)
    return {
        **_key(cell),
        "expected": expected_n_tests(cell.scenario.visit.visit_plan),
        "tests": float(tests.mean()),
        "low_tests": float(low),
        "high_tests": float(high),
        **_gap(cell, "tests"),
        "unpleasant_events": float(_column(rows, "unpleasant_events").mean()),
        **_gap(cell, "unpleasant_events", "unpleasant_apart"),
        "visit_minutes": float(_column(rows, "visit_minutes").mean()),
        **_gap(cell, "visit_minutes", "minutes_apart"),
    }


def _verdict_rows(cell: PlannedCell, rows: Rows) -> Iterator[dict[str, Any]]:
    for verdict in VERDICTS:
        n = sum(ended_as(row["verdict"], verdict) for row in rows)
        low, high = wilson(n, len(rows))
        yield _key(cell) | {
            "verdict": verdict,
            "chance": n / len(rows),
            "low": low,
            "high": high,
            "n_visits": len(rows),
            **_gap(cell, verdict),
        }


def ended_as(kind: str, verdict: str) -> bool:
    """Return whether a verdict of a visit is of a kind that is counted."""
    return kind == verdict or (verdict == NO_DIFFERENCE and kind in _TOGETHER)


def _power_rows(each: Sequence[tuple[PlannedCell, Rows]]) -> Iterator[dict[str, Any]]:
    """Yield the power of each readout: a verification is read alike in all plans."""
    for how in dict.fromkeys(cell.readout for cell, _ in each):
        cells = [(cell, rows) for cell, rows in each if cell.readout == how]
        planned = cells[0][0].scenario.visit.visit_plan
        n, least = planned.verification_pairs, planned.least_relevant_gain_pct
        usual = pair_sd_pct(planned)
        seen = _seen_sd_pct([row for _, rows in cells for row in rows])
        for gain in GAINS_PCT:
            yield {
                "readout": how,
                "n_pairs": n,
                "gain_pct": gain,
                "pair_sd_pct": usual,
                "power": power_to_show(gain, usual, n, least_gain_pct=least),
                "seen_pair_sd_pct": seen,
                "power_seen": power_to_show(gain, seen, n, least_gain_pct=least)
                if seen == seen
                else nan,
                "least_gain_pct": least_detectable_gain_pct(usual, n),
            }


def _seen_sd_pct(rows: Rows) -> float:
    """Return the root mean square spread of verification pairs, nan without any."""
    spreads = _column(rows, "pair_sd_pct")
    known = spreads[np.isfinite(spreads)]
    return sqrt(float(np.mean(known**2))) if known.size else nan
