"""The visits that are judged together: one contender, plan and budget in one group."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.study.judging.numbers import FloatArray
from harness.study.judging.reading import Columns, StoredStudy
from harness.study.judging.weights import at_other_weights, best_valued
from harness.truth.landscape import FLAT_PCT, LEAST_SPAN_POINTS
from harness.truth.score import OTHER_ENERGY_WEIGHTS
from sim.units import PCT_PER_FRAC
from sim.visit.plan import VisitPlan

BoolArray = NDArray[np.bool_]
LEAST_PCT: Final = VisitPlan().least_relevant_gain_pct
SINUS: Final = "sinus"
AF: Final = "af"
GAIN: Final = "sinus, something to gain"
BY_HARM_ALONE: Final = ("null", "adverse")
"""Laws under which no setting is worth searching: judged by harm and verdict."""
COST: Final = ("minutes", "unpleasant_events", "beats", "n_tests", "n_evaluations")


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Patients whose visits are judged together, and which visits these are.

    `law` where all have one response law.
    """

    name: str
    title: str
    keep: BoolArray
    law: str = ""

    @property
    def by_harm(self) -> bool:
        """Whether harm, energy and verdict alone judge here."""
        return self.law in BY_HARM_ALONE


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """All visits of one contender under one plan and budget, in one group.

    `visits` are the columns of those visits; `patients` the sorted patients among
    them.
    """

    contender: str
    plan: str
    budget_min: float
    visits: Columns
    patients: NDArray[np.int64]
    place: NDArray[np.intp] = field(repr=False)

    def of(self, name: str) -> NDArray[Any]:
        """Return one column, a value a visit."""
        return self.visits[name]

    @property
    def done(self) -> BoolArray:
        """Which visits came to their end."""
        return np.asarray(self.visits["status"] == "done")

    def per_patient(self, name: str) -> FloatArray:
        """Return a column averaged over each patient's visits; nan where none has it.

        Returns
        -------
        (len(patients),)
        """
        values = self.visits[name].astype(np.float64)
        known = np.isfinite(values)
        sums = np.bincount(self.place[known], values[known], self.patients.size)
        counts = np.bincount(self.place[known], minlength=self.patients.size)
        with np.errstate(invalid="ignore"):
            return np.asarray(sums / counts)


def judged_visits(study: StoredStudy) -> Columns:
    """Return the visits as they are judged, with what that adds.

    A visit that did not come to its end counts as the reference kept: what it loses and
    gains is the reference's. What it cost is unknown, not 0. `reference_regret_pct` is
    what keeping the reference gives away, `least_relevant_gain_pct` the gain from which
    the study calls a setting better in a way that matters.
    """
    visits = dict(study.visits)
    planned = study.tables.study.get("visit", {})
    least_pct = float(planned.get("least_relevant_gain_pct", LEAST_PCT))
    visits["least_relevant_gain_pct"] = np.full(visits["key"].size, least_pct)
    done = np.asarray(visits["status"] == "done")
    for name in (
        "attainable_gain_pct",
        "off_gain_pct",
        "span_points",
        "reference_points_lost",
        *(best_valued(weight) for weight in OTHER_ENERGY_WEIGHTS),
    ):
        visits[name] = _known_of_patient(visits, name)
    visits["reference_regret_pct"] = reference_regret_pct(visits)
    for name in ("regret_pct", "final_regret_pct", "post_regret_pct"):
        if np.isfinite(visits[name][done]).any():
            kept = visits["reference_regret_pct"]
            visits[name] = np.where(done, visits[name], kept)
    for name in ("points_lost", "final_points_lost"):
        visits[name] = np.where(done, visits[name], visits["reference_points_lost"])
    for name in ("candidate_gain_pct", "final_gain_pct", "attained_frac"):
        visits[name] = np.where(done, visits[name], 0.0)
    for name in COST:
        visits[name] = np.where(done, visits[name].astype(np.float64), np.nan)
    able = visits["attainable_gain_pct"] >= FLAT_PCT
    visits["attained_frac"] = np.where(able, visits["attained_frac"], np.nan)
    visits["ask_ms"], visits["slowest_ask_ms"] = _asks(study, visits["key"])
    visits |= at_other_weights(visits, study.tables.study)
    return visits


def _known_of_patient(visits: Columns, name: str) -> FloatArray:
    """Return a truth; where a visit could not be scored, another of its patient's."""
    values: FloatArray = visits[name].copy()
    for row in np.flatnonzero(~np.isfinite(values)):
        same = visits["patient"] == visits["patient"][row]
        of_plan = same & (visits["plan"] == visits["plan"][row])
        for among in (of_plan, same):
            known = values[among & np.isfinite(values)]
            if known.size:
                values[row] = known[0]
                break
    return values


def reference_regret_pct(visits: Columns) -> FloatArray:
    """Return the regret of the settings as found; nan where the span is too small."""
    span = visits["span_points"]
    wide = span >= LEAST_SPAN_POINTS
    share = visits["reference_points_lost"] / np.where(wide, span, 1.0)
    return np.where(wide, PCT_PER_FRAC * share, np.nan)


def _asks(study: StoredStudy, keys: NDArray[Any]) -> tuple[FloatArray, FloatArray]:
    rows = {key: row for row, key in enumerate(study.timings["key"])}
    at = np.array([rows.get(key, -1) for key in keys], dtype=np.intp)
    if not rows:
        none = np.full(keys.size, np.nan)
        return none, none
    usual, slowest = (
        np.where(at >= 0, study.timings[name][at], np.nan)
        for name in ("ask_ms", "slowest_ask_ms")
    )
    return usual, slowest


def groups(visits: Columns) -> tuple[Group, ...]:
    """Return who is judged together; atrial fibrillation always apart."""
    in_af = visits["in_af"]
    searched = ~np.isin(visits["family"].astype(str), BY_HARM_ALONE)
    gains = (visits["span_points"] >= LEAST_SPAN_POINTS) & searched
    found = [
        Group(SINUS, "sinus rhythm, all patients", ~in_af),
        Group(GAIN, "sinus rhythm, patients with something to gain", ~in_af & gains),
    ]
    families = sorted(set(visits["family"][~in_af]))
    if len(families) > 1:
        found += [
            Group(
                f"{SINUS}, {family}",
                f"sinus rhythm, dose-response family {family}",
                ~in_af & np.asarray(visits["family"] == family),
                str(family),
            )
            for family in families
        ]
    found.append(Group(AF, "atrial fibrillation, all patients", in_af))
    return tuple(group for group in found if group.keep.any())


def cells(visits: Columns, group: Group) -> Iterator[Cell]:
    """Yield every cell of a group, by plan, budget and contender in order."""
    plans = dict.fromkeys(visits["plan"])
    for plan in plans:
        of_plan = group.keep & np.asarray(visits["plan"] == plan)
        for budget in np.unique(visits["budget_min"][of_plan]):
            of_budget = of_plan & (visits["budget_min"] == budget)
            for contender in sorted(set(visits["contender"][of_budget])):
                keep = of_budget & np.asarray(visits["contender"] == contender)
                yield cell({name: v[keep] for name, v in visits.items()})


def cell(visits: Columns) -> Cell:
    """Return visits of one contender, plan and budget as a cell."""
    patients, place = np.unique(visits["patient"], return_inverse=True)
    return Cell(
        str(visits["contender"][0]),
        str(visits["plan"][0]),
        float(visits["budget_min"][0]),
        visits,
        patients,
        place,
    )
