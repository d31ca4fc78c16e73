"""A course: several visits of one patient over months, and what happens in between.

Each visit is a run like any other, of the order of the first with the patient and the
device of that day. The chronic law moves the patient, the daily life of the device
moves its charge and its counters; the settings left by one visit are what the next one
finds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from harness.common.alike import alike
from harness.common.tidy import ROWS_SHOWN, TidyTable
from harness.course.home import Alert, Home, Stretch, day_of
from harness.play.asked import asked_for, name_of
from harness.play.course_table import CourseTable
from harness.play.order import order_of
from harness.play.run import Run, run_order, without_beats
from harness.play.scenario import CourseScenario, Scenario, a_course
from harness.play.tables import PatientTable
from harness.task.limits import USUAL_LIMITS, StrategyLimits
from harness.truth.answer_key import ees_gain
from optimizers.problem import PastSearch
from sim.device.battery import LithiumCell
from sim.device.settings import Settings
from sim.heart.beating import settled
from sim.heart.train import Train
from sim.patient import Patient
from sim.patient.chronic import (
    SCORES,
    Condition,
    Memory,
    Scores,
    Traits,
    advance,
    condition,
    dose_factor,
    draw_traits,
    edv_ml,
    mean_traits,
    read,
    without_effect,
)
from sim.patient.solve import Targets, present_targets
from sim.streams import stream
from sim.units import DAYS_PER_MONTH, FRAC_PER_PCT, PCT_PER_FRAC
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice
from sim.visit.record import VisitRecord
from sim.visit.visit import Progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORST_SYMPTOM: Final = 10.0
_FACTORY: Final = Train(Settings().amplitude_v)


@dataclass(frozen=True, slots=True, eq=False)
class CourseVisit:
    """One visit: what went before, how the patient is and seems, and the run itself."""

    number: int
    month: float
    stretch: Stretch
    true: Condition
    seen: Condition
    run: Run


@dataclass(frozen=True, slots=True, eq=False)
class CoursePoint:
    """How the patient truly is on one day: the answer key of the course."""

    day: int
    true: Condition


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A finished course."""

    scenario: CourseScenario
    scenario_name: str
    seed: int
    traits: Traits
    visits: tuple[CourseVisit, ...]
    points: tuple[CoursePoint, ...]

    def __eq__(self, other: object) -> bool:
        """Tell whether all but the times is the same, down to the last beat."""
        return alike(self, other) if isinstance(other, Course) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.scenario_name, self.seed, len(self.visits)))

    def run(self, number: int) -> Run:
        """Return the run of a visit; the first is number 1."""
        runs = {visit.number: visit.run for visit in self.visits}
        if number not in runs:
            raise ValueError(f"number must be 1 to {len(runs)}, got {number}")
        return runs[number]

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """What the charger showed between the visits."""
        return tuple(a for visit in self.visits for a in visit.stretch.alerts)

    @property
    def table(self) -> TidyTable:
        """What each visit found and did, and what went before it: a row a visit."""
        return TidyTable.of_rows(visit_rows(self))

    def __repr__(self) -> str:
        told = [
            f"month {visit.month:g}: {visit.run.record.verdict.told}"
            for visit in self.visits
        ]
        name = self.scenario_name or self.scenario.title
        head = f"Course of {name}: seed {self.seed}, {len(told)} visits"
        return "\n".join([head, *told[:ROWS_SHOWN]])

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def plot(self, *, width: str = "double", keyed: bool = False) -> "Figure":
        """Return the figure: how patient and device fare over the months.

        Parameters
        ----------
        width
            "double" or "single" column of a journal.
        keyed
            Whether it shows how the patient truly was, between the visits too.
        """
        drawn = import_module("harness.course.figure")  # loads matplotlib
        figure: Figure = drawn.course_figure(self, width=width, keyed=keyed)
        return figure


class PatientOverMonths:
    """The patient of a course: how it was at month 0, what months of dose have left."""

    def __init__(self, scenario: CourseScenario, first: VisitOrder) -> None:
        self.course = scenario.course
        self._table = scenario.patient
        self.patient = first.patient
        self.targets = present_targets(self.patient)
        self.start = _start(self.patient, self.targets, self.course)
        self.traits = replace(
            traits_of(self.patient, self.course, first.seed),
            ef_acute_pct=np.array([acute_ef_pct(self.patient)]),
        )
        self.memory = Memory.fresh(1)
        self.points: list[CoursePoint] = [CoursePoint(0, self.start)]

    def true(self) -> Condition:
        """Return how the patient is now, with CCM as it is in force."""
        return self._condition(self.memory)

    def true_ef_off_pct(self) -> float:
        """Return the ejection fraction that the heart has now without trains."""
        off = replace(self.memory, acute=0.0 * self.memory.acute)
        return float(self._condition(off).ef_pct[0])

    def _condition(self, memory: Memory) -> Condition:
        return condition(
            self.start,
            self.traits,
            memory,
            knowledge="blinded" if self.course.blinded else "treated",
            expectation=self.patient.profile.expectation,
        )

    def live(self, stretch: Stretch) -> None:
        """Let the days between two visits pass."""
        gain = share_of_factory_gain(self.patient, stretch.found.settings)
        for day in stretch.days:
            delivered = np.array([day.delivered_frac])
            dose = dose_factor(day.hours, delivered)
            if self.course.settings_matter:
                dose = dose * max(gain, 0.0)
            self.memory = advance(
                self.memory, 1.0 / DAYS_PER_MONTH, dose, acute=gain * delivered
            )
            self.points.append(CoursePoint(day.day + 1, self.true()))

    def now(self, true: Condition, seen: Condition) -> PatientTable:
        """Return the patient with the heart, class and symptoms of this day."""
        profile, ef_pct = self.patient.profile, self.true_ef_off_pct()
        points = float(round(seen.scores.mlwhfq_points[0]))
        worse = true.scores.mlwhfq_points[0] / max(profile.mlwhfq_score, 1.0)
        start = self.targets
        values = {
            "ejection_fraction_pct": ef_pct,
            "edv_ml": edv_ml(start.edv_ml, start.ejection_fraction_pct, ef_pct),
            "nyha_class": float(true.nyha_class[0]),
            "mlwhfq_score": points,
            "dyspnoea": min(WORST_SYMPTOM, float(profile.dyspnoea * worse)),
            "fatigue": min(WORST_SYMPTOM, float(profile.fatigue * worse)),
        }
        return self._table.grown(values)


def run_course(
    scenario: Scenario | str | Path,
    *,
    patient: Patient | str | None = None,
    settings: Settings | None = None,
    scenario_name: str = "",
    strategy: str = "",
    seed: int | None = None,
    limits: StrategyLimits = USUAL_LIMITS,
    progress: Progress | None = None,
    each: Callable[[CourseVisit], None] | None = None,
    recorded: bool = False,
) -> Course:
    """Play every visit of a course; ScenarioError for a scenario of one visit.

    Parameters
    ----------
    scenario
        A scenario with a table `[course]`, the name of a shipped one, or a path.
    patient, settings
        Who comes, a patient or the name of a phenotype, and how the device is found at
        month 0, in place of what the scenario says; the scenario of the course states
        them.
    scenario_name
        Under which name the reports show it; that of the scenario where it was named.
    strategy, seed
        Replace what the scenario says.
    limits
        What somebody else's strategy may use.
    progress
        Called with simulated seconds of the visit, phase and text, as in a run.
    each
        Called with each visit when it is played; the course then keeps no beats of it,
        so that its memory does not grow with the number of visits.
    recorded
        Whether each run keeps what was told at the bedside, for its folder.
    """
    scenario_name = scenario_name or name_of(scenario)
    scenario = a_course(asked_for(scenario, patient=patient, settings=settings))
    first = order_of(scenario, seed=seed)
    table, person = scenario.course, PatientOverMonths(scenario, first)
    home = Home(table, first.seed, table.visit_months[-1])
    left, since, visits = first.found, 0, []
    history: tuple[PastSearch, ...] = ()
    for number, month in enumerate(table.visit_months, 1):
        days = range(since, day_of(month))
        stretch = home.stay(person.patient, left, days, number - 1)
        person.live(stretch)
        true = person.true()
        seen = read(true, stream(first.seed, name="course", key=(2, number)))
        _tell_month(progress, number, table)
        who, found = scenario.patient, left
        if month > 0.0:  # as stated until a first day of treatment has passed
            who, found = person.now(true, seen), stretch.found
        run = run_order(
            replace(first, patient=who.patient, found=found, replicate=number - 1),
            visit_scenario(scenario, number, who),
            scenario_name=scenario_name,
            strategy=strategy,
            limits=limits,
            progress=progress,
            recorded=recorded,
            history=history,
        )
        history = (*history, run.played.past(same_patient=True))
        visit = CourseVisit(number, month, stretch, true, seen, run)
        if each is not None:
            each(visit)
            visit = replace(visit, run=without_beats(run))
        visits.append(visit)
        left, since = _left(run.record, stretch.found), day_of(month)
    traits, points = person.traits, tuple(person.points)
    return Course(scenario, scenario_name, first.seed, traits, tuple(visits), points)


def _tell_month(progress: Progress | None, number: int, table: CourseTable) -> None:
    if progress is not None:
        months = table.visit_months
        of = f"visit {number} of {len(months)}"
        progress(0.0, of, f"month {months[number - 1]:g}")


def traits_of(patient: Patient, course: CourseTable, seed: int) -> Traits:
    """Return how the patient of a course responds; not at all where CCM does nothing.

    Both leads and the null phenotype: no gain in a beat, none over months (assumed).
    """
    ischaemic = np.array([patient.profile.aetiology == "ischaemic"])
    if course.traits == "average":
        traits = mean_traits(ischaemic)
    else:
        traits = draw_traits(ischaemic, stream(seed, name="course", key=(0,)))
    if patient.gain(_FACTORY) == 0.0:
        return without_effect(traits)
    return traits


def acute_ef_pct(patient: Patient) -> float:
    """Return the points of ejection fraction that trains of factory settings add."""
    gain = ees_gain(patient, Settings())
    off, on = (settled(patient.heart, now).haemodynamics for now in (0.0, gain))
    return PCT_PER_FRAC * (on.ef_frac - off.ef_frac)


def share_of_factory_gain(patient: Patient, settings: Settings) -> float:
    """Return the acute gain of settings over that of the factory settings."""
    factory = ees_gain(patient, Settings())
    return ees_gain(patient, settings) / factory if factory else 0.0


def visit_scenario(
    scenario: CourseScenario, number: int, patient: PatientTable
) -> CourseScenario:
    """Return what the report says of one visit: its title, and who came."""
    months = scenario.course.visit_months
    of = f"visit {number} of {len(months)}, month {months[number - 1]:g}"
    told = {"title": f"{scenario.title}: {of}", "patient": patient}
    return scenario.model_copy(update=told)


def _left(record: VisitRecord, found: FoundDevice) -> FoundDevice:
    """Return the device as a visit leaves it.

    CCM left off for safety stays off until the next visit, which switches it on again.
    An empty device is charged before the patient leaves (assumed).
    """
    left, settings = record.as_left, record.final
    empty = left.battery_pct * FRAC_PER_PCT <= LithiumCell().suspend_frac
    before = record.reference
    stopped = before.delivers and not settings.delivers
    if stopped:
        settings = replace(settings, mode=before.mode, ccm_mode=before.ccm_mode)
    return replace(
        found,
        settings=settings,
        state="PERMANENT_OFF" if stopped else "ACTIVE",
        days_since_charge=0.0 if empty else left.days_since_charge,
        charge_frac=1.0 if empty else left.battery_pct * FRAC_PER_PCT,
    )


def _start(patient: Patient, targets: Targets, course: CourseTable) -> Condition:
    profile = patient.profile
    scores = (
        profile.mlwhfq_score,
        course.peak_vo2_ml_per_kg_min,
        course.walk_m,
    )
    return Condition(
        np.array([targets.ejection_fraction_pct]),
        Scores(*(np.array([value]) for value in scores)),
        np.array([profile.nyha_class]),
    )


def visit_rows(course: Course) -> Iterator[dict[str, str | int | float | None]]:
    """Yield what each visit found and did, and what went before it."""
    for visit in course.visits:
        record, days = visit.run.record, visit.stretch.days
        n_days, verdict = len(days), record.verdict
        scores = {
            f"{name}_{kind}": float(getattr(state.scores, name)[0])
            for name in SCORES
            for kind, state in (("seen", visit.seen), ("true", visit.true))
        }
        trains = sum(day.n_trains for day in days)
        yield {
            "visit": visit.number,
            "month": visit.month,
            "ef_pct_seen": float(visit.seen.ef_pct[0]),
            "ef_pct_true": float(visit.true.ef_pct[0]),
            **scores,
            "nyha_class": int(visit.true.nyha_class[0]),
            "days_before": n_days,
            "delivered_frac": _mean([day.delivered_frac for day in days]),
            "trains_per_day": trains / n_days if n_days else None,
            "days_suspended": sum(day.suspended for day in days),
            "n_charges": len(visit.stretch.recharges),
            "battery_pct_found": record.as_found.battery_pct,
            "delivered_frac_shown": record.as_found.delivered_frac,
            "v1_fault": visit.stretch.found.v1_fault,
            "v2_fault": visit.stretch.found.v2_fault,
            "amplitude_v_found": visit.stretch.found.settings.amplitude_v,
            "amplitude_v_left": record.final.amplitude_v,
            "delay_ms_left": record.final.delay_ms,
            "hours_per_day_left": record.final.ccm_hours_per_day,
            "verdict": verdict.kind,
            "gain_pct": verdict.gain_pct,
            "alerts": "; ".join(a.text for a in visit.stretch.alerts),
        }


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
