"""Some patients by some settings: the truth of each, or what visits read of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import product
from math import nan, sqrt
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final, Literal, cast

import numpy as np
from matplotlib.figure import Figure

from harness.common.counting import Bar, Count
from harness.common.tidy import TidyTable
from harness.play.order import order_of, task_of
from harness.play.played import play
from harness.play.scenario import Scenario, load_scenario, one_visit
from harness.play.search import SearchAdvisor
from harness.play.settings_table import DEPENDENTS
from harness.study.sweep_figure import sweep_figure
from harness.task.lattice import PULSE, TRAIN_AXES
from harness.truth.answer_key import SOUND, ees_gain, reaching
from harness.truth.effect import ComparedTrains, Effect, effects
from sim.device.energy import energy_frac
from sim.device.settings import ConflictError, Settings, with_dependents
from sim.heart.sensation import INTOLERABLE_GRADE
from sim.heart.train import Train
from sim.patient import Cohort, Patient, phenotype
from sim.visit.record import Tested

Measure = Literal["truth", "visit"]
AT_ONCE: Final = {"truth": 16, "visit": 1}
"""Patients whose hearts are played together: enough to be quick, few to wait for."""
Grid = Mapping[str, Any]
"""Values of settings by name, one or several of each; every combination is meant."""
Rows = list[dict[str, Any]]


class Sweep(TidyTable):
    """What patients show at settings: a row for each pair, patient by patient.

    Columns are `patient` (its number), `name`, the settings that differ, then of the
    truth `ees_gain_pct`, `window_gain_pct`, `settled_gain_pct`, `utility_pct`,
    `energy_frac`, `sensation` and `tolerated`, of visits `n_read`, `gain_pct`,
    `standard_error_pct`, `sensation_grade`, `minutes` and `n_aborted`.
    """

    @property
    def measured(self) -> str:
        """Name of the column that the figure shows."""
        return "window_gain_pct" if "window_gain_pct" in self else "gain_pct"

    @property
    def varied(self) -> tuple[str, ...]:
        """Names of the settings that differ between rows."""
        return tuple(name for name in TRAIN_AXES if name in self)

    def plot(self, *, width: str = "double") -> Figure:
        """Return the figure: a curve a patient, and the median over all.

        The first setting that differs is the abscissa; each value of the others has
        its own median line.

        Parameters
        ----------
        width
            "double" or "single" column of a journal.
        """
        return sweep_figure(self, self.varied, self.measured, width=width)


@dataclass(frozen=True, slots=True, eq=False)
class _SweepKnown:
    """What every worker knows."""

    settings: tuple[Settings, ...]
    varied: tuple[str, ...]
    measure: Measure
    scenario: Scenario


def sweep(
    patients: Cohort | Patient | str | Iterable[Patient | str],
    settings: Settings | Iterable[Settings] | Grid,
    *,
    measure: Measure = "truth",
    scenario: Scenario | str | Path = "first_visit",
    jobs: int = 1,
    progress: Count | None = None,
    off_lattice: bool = False,
) -> Sweep:
    """Return what each patient shows at each of some settings, as a tidy table.

    Parameters
    ----------
    patients
        A cohort, a patient or several, or names of phenotypes.
    settings
        Settings, or values by name, such as `{"amplitude_v": [5.0, 6.0]}`, of which
        every combination is laid over the device as found.
    measure
        "truth": noise-free gains against the device as found. "visit": one visit of
        each patient, whose titration tests the settings in order, again and again while
        there is time; a setting that no pair could read has nan.
    scenario
        Gives the device as found, the plan of a visit, the weights of utility, the
        seed.
    jobs
        Processes; their number changes no value. With two or more a script stands under
        `if __name__ == "__main__":`.
    progress
        Called with the number of patients done and of all; a bar on standard error by
        default, once it takes over two seconds.
    off_lattice
        Whether the truth is told of settings too that no device takes.

    Raises
    ------
    ConflictError
        For settings that no device of the scenario's model can be programmed to.
    ValueError
        For settings in a visit that differ in anything but the train, for no patients
        or settings at all, and for `jobs` below 1.

    Examples
    --------
    >>> found = sweep(["hfref-ischaemic"], {"amplitude_v": [5.0, 7.5]})
    >>> found.varied, found.n_rows, bool(found["window_gain_pct"][1] > 0)
    (('amplitude_v',), 2, True)
    """
    scenario = (
        load_scenario(scenario) if not isinstance(scenario, Scenario) else scenario
    )
    one_visit(scenario, "a sweep reads one visit of each patient")
    if jobs < 1:
        raise ValueError(f"jobs must be 1 or more, got {jobs}")
    asked = _asked(settings, measure, scenario, off_lattice=off_lattice)
    people = _people(patients)
    if not (people and asked.settings):
        raise ValueError("a sweep needs one patient and one setting or more")
    n = AT_ONCE[measure]
    groups = [people[i : i + n] for i in range(0, len(people), n)]
    with Bar("patients") if progress is None else nullcontext(progress) as told:
        found = _played(groups, asked, jobs, told)
    return Sweep.of_rows(row for rows in found for row in rows)


def _people(
    patients: Cohort | Patient | str | Iterable[Patient | str],
) -> list[tuple[int, Patient]]:
    if isinstance(patients, Patient | str):
        patients = [patients]
    given = patients.patients if isinstance(patients, Cohort) else patients
    return [
        (number, phenotype(who) if isinstance(who, str) else who)
        for number, who in enumerate(given)
    ]


def _asked(
    settings: Settings | Iterable[Settings] | Grid,
    measure: Measure,
    scenario: Scenario,
    *,
    off_lattice: bool,
) -> _SweepKnown:
    if measure not in AT_ONCE:
        raise ValueError(
            f"measure must be one of {', '.join(AT_ONCE)}, got {measure!r}"
        )
    if off_lattice and measure == "visit":
        raise ValueError(
            "off_lattice is for the truth: a visit programs what a device takes"
        )
    found, model = scenario.found_device.settings, scenario.device.model
    if isinstance(settings, Settings):
        settings = [settings]
    listed = tuple(
        _combined(found, settings, scenario)
        if isinstance(settings, Mapping)
        else settings
    )
    for one in listed:
        wrong = one.off_lattice(model) + one.conflicts(model)
        if wrong and not off_lattice:
            raise ConflictError(wrong)
    differ = {name for one in listed for name, _, _ in found.changed(one)}
    varied = tuple(n for n in TRAIN_AXES if n in differ) or TRAIN_AXES[:1]
    if measure == "visit":
        scenario = _listing(scenario, listed, varied)
    return _SweepKnown(listed, varied, measure, scenario)


def _combined(found: Settings, values: Grid, scenario: Scenario) -> Iterator[Settings]:
    lists = [[v] if isinstance(v, str | int | float) else v for v in values.values()]
    for chosen in product(*lists):
        one = found.with_values(dict(zip(values, chosen, strict=True)))
        solved = scenario.device.dependents == "solved"
        yield with_dependents(one, scenario.device.model) if solved else one


def _listing(
    scenario: Scenario, listed: Sequence[Settings], varied: tuple[str, ...]
) -> Scenario:
    """Return the scenario whose search tests these settings, over and over."""
    found = scenario.found_device.settings
    searched = {*TRAIN_AXES, *DEPENDENTS}
    for one in listed:
        others = [n for n, _, _ in found.changed(one) if n not in searched]
        if others:
            raise ValueError(
                f"a visit tests settings that differ in {', '.join(TRAIN_AXES)} from "
                f"the device as found, these differ in {', '.join(others)} too"
            )
    given = [{name: getattr(one, name) for name in varied} for one in listed]
    changes: dict[str, object] = {
        "search.strategy": "listed",
        "search.listed": given,
        "search.axes": list(varied),
        "search.limits": {},
        "search.on_finish": "restart",
    }
    return scenario.changed(changes)


def _played(
    groups: Sequence[list[tuple[int, Patient]]],
    asked: _SweepKnown,
    jobs: int,
    told: Count,
) -> list[Rows]:
    """Return the rows of each group in order, whoever was ready first."""
    work = cast(
        Callable[[list[tuple[int, Patient]], _SweepKnown], Rows],
        _truth if asked.measure == "truth" else _visits,
    )
    n_all, n_done = sum(map(len, groups)), 0
    found: dict[int, Rows] = {}
    if jobs == 1:
        for place, group in enumerate(groups):
            found[place] = work(group, asked)
            n_done += len(group)
            told(n_done, n_all)
        return list(found.values())
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        places = {pool.submit(work, one, asked): i for i, one in enumerate(groups)}
        for future in as_completed(places):
            found[places[future]] = future.result()
            n_done += len(groups[places[future]])
            told(n_done, n_all)
    return [found[place] for place in range(len(groups))]


def _truth(people: list[tuple[int, Patient]], asked: _SweepKnown) -> Rows:
    scenario = asked.scenario
    orders = [order_of(scenario, patient=who) for _, who in people]
    train = _train(asked.settings)
    compared = [
        ComparedTrains(o.patient, ees_gain(o.patient, o.found.settings), train)
        for o in orders
    ]
    energy = np.array([energy_frac(one) for one in asked.settings])
    found = effects(compared, scenario.visit.visit_plan)
    return [
        row
        for (number, who), effect in zip(people, found, strict=True)
        for row in _true_rows(number, who, effect, energy, asked)
    ]


def _true_rows(
    number: int, who: Patient, effect: Effect, energy: Any, asked: _SweepKnown
) -> Iterator[dict[str, Any]]:
    utility = asked.scenario.search.objective.utility_pct(
        effect.window_gain_pct, energy, effect.sensation
    )
    for i, one in enumerate(asked.settings):
        yield {
            **_key(number, who, one, asked),
            "ees_gain_pct": float(effect.ees_gain_pct[i]),
            "window_gain_pct": float(effect.window_gain_pct[i]),
            "settled_gain_pct": float(effect.settled_gain_pct[i]),
            "utility_pct": float(utility[i]),
            "energy_frac": float(energy[i]),
            "sensation": float(effect.sensation[i]),
            "tolerated": bool(effect.sensation[i] < INTOLERABLE_GRADE),
        }


def _train(settings: Sequence[Settings]) -> Train:
    """Return the trains of settings that all sense on one lead; leads intact."""
    sensed = {one.ls_channel for one in settings}
    if len(sensed) > 1:
        raise ValueError("ls_channel must be the same in all settings of a sweep")

    def column(value: Callable[[Settings], float]) -> Any:
        return np.array([float(value(one)) for one in settings])

    train = Train(
        **{name: column(attrgetter(name)) for name in PULSE},
        v1_delivers=column(lambda one: one.delivers and "V1" in one.delivering),
        v2_delivers=column(lambda one: one.delivers and "V2" in one.delivering),
        sensed_at=sensed.pop(),
    )
    return reaching(train, SOUND)


def _visits(people: list[tuple[int, Patient]], asked: _SweepKnown) -> Rows:
    return [row for number, who in people for row in _visit(number, who, asked)]


def _visit(number: int, who: Patient, asked: _SweepKnown) -> Iterator[dict[str, Any]]:
    """Play the visit of one patient, numbered so that all have their own chance."""
    scenario = asked.scenario
    order = replace(order_of(scenario, patient=who), patient_index=number)
    task = task_of(scenario.search, scenario.device, order)
    record = play(order, SearchAdvisor.at(order, task)).record
    known = task.expected.knows_reference
    for one in asked.settings:
        values = {name: getattr(one, name) for name in asked.varied}
        tests = [t for t in record.tested if _is_at(t.settings, values)]
        row = _read(tests)
        if known and not tests and _is_at(record.reference, values):
            row |= {"gain_pct": 0.0, "standard_error_pct": 0.0}
        yield _key(number, who, one, asked) | row


def _read(tests: Sequence[Tested]) -> dict[str, Any]:
    """Return what the tests of one setting read; the error is that between them."""
    gains = [t.gain_pct for t in tests if t.completed and t.gain_pct == t.gain_pct]
    n = len(gains)
    return {
        "n_read": n,
        "gain_pct": fmean(gains) if n else nan,
        "standard_error_pct": stdev(gains) / sqrt(n) if n > 1 else nan,
        "sensation_grade": float(max((t.sensation_grade for t in tests), default=nan)),
        "minutes": sum(t.minutes for t in tests),
        "n_aborted": sum(not t.completed for t in tests),
    }


def _is_at(settings: Settings, values: Mapping[str, Any]) -> bool:
    return all(getattr(settings, name) == value for name, value in values.items())


def _key(
    number: int, who: Patient, one: Settings, asked: _SweepKnown
) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in asked.varied}
    return {"patient": number, "name": who.name, **values}
