"""What a patient with other numbers would do at a scenario's visit."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.common.faults import Fault, ScenarioError
from harness.evidence.sensitivity.ranges import HEART, IMPEDANCE, PAIRED, Range, ranges
from harness.evidence.sensitivity.stand_ins import (
    FittedQuadratic,
    fit_curve,
    improved_probability,
)
from harness.play.order import order_of, task_of
from harness.play.scenario import Scenario
from harness.task.lattice import PULSE, lattice_train
from harness.truth.answer_key import window_gain_pct
from sim.device.settings import Settings
from sim.heart.beating import settled
from sim.heart.parameters import FloatArray
from sim.heart.repeating import ImplausibleHeartError, NotSettledError
from sim.heart.sensation import INTOLERABLE_GRADE, sensation_level
from sim.heart.train import Train
from sim.patient import Patient
from sim.patient.solve import adapted
from sim.units import PCT_PER_FRAC
from sim.visit.measuring_noise import pair_sd_pct
from sim.visit.plan import VisitPlan

ELASTANCE: Final = "circulation.lv_elastance_mmhg_per_ml"
BASELINE: Final = "muscle.baseline_elastance_mmhg_per_ml"
RATE: Final = "rhythm.heart_rate_bpm"
FOLLOW_RATE: Final = ("circulation.heart_rate_bpm", "contractility.reference_rate_bpm")
LEAST_STEP: Final = 0.005
LEAST_GAIN: Final = -0.5  # a muscle that loses more is not simulated
FEWEST_LIVING_FRAC: Final = 0.5
_BEND: Final = 0.2

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Output:
    """One answer of the study."""

    name: str
    title: str
    unit: str


OUTPUTS: Final = (
    Output("settled_systolic_gain_pct", "settled systolic gain at nominal", "%"),
    Output("best_amplitude_v", "amplitude of the best setting", "V"),
    Output("best_delay_ms", "delay of the best setting", "ms"),
    Output("window_gain_pct", "window gain of the best setting", "%"),
    Output("improved_probability_frac", 'probability of "improved"', "1"),
)
"""The best setting is that of the highest settled gain among those not felt."""


@dataclass(frozen=True, slots=True, eq=False)
class StudiedCase:
    """What is fixed: patient at the centre, plan, settings that may be chosen.

    `train` holds every setting of the lattice, then the reference, then the nominal
    one; its impedance is that at the centre.
    """

    patient: Patient
    plan: VisitPlan
    pair_sd_pct: float
    train: Train
    ranges: tuple[Range, ...]

    @property
    def family(self) -> str:
        """Name of the response law, an assumption."""
        return self.patient.response.name


@dataclass(frozen=True, slots=True, eq=False)
class Doses:
    """Gains of LV elastance of many draws, `(n,)` each, and the best settings."""

    nominal: FloatArray
    reference: FloatArray
    best: FloatArray
    amplitude_v: FloatArray
    delay_ms: FloatArray


def question(scenario: Scenario) -> StudiedCase:
    """Return what a scenario asks."""
    order = order_of(scenario)
    patient, reference = order.patient, order.found.settings
    task = task_of(scenario.search, scenario.device, order)
    space = task.lattice.around(reference).space
    train, nominal, on = lattice_train(reference, space), Settings(), reference.delivers
    columns: dict[str, Any] = {
        name: np.array(
            [*getattr(train, name), getattr(reference, name), getattr(nominal, name)]
        )
        for name in PULSE
    }
    for name, lead in (("v1_delivers", "V1"), ("v2_delivers", "V2")):
        own = float(lead in reference.delivering)
        columns[name] = np.array([*getattr(train, name), own * on, own])
    return StudiedCase(
        patient,
        order.plan,
        pair_sd_pct(order.plan),
        Train(**columns, sensed_at=reference.ls_channel),
        ranges(patient.response),
    )


def draws(asked: StudiedCase, u: FloatArray) -> dict[str, FloatArray]:
    """Return the values `(n,)` of every varied number at draws `(n, d)` in 0 to 1."""
    return {
        row.name: row.values(row.own(asked.patient), u[:, i])
        for i, row in enumerate(asked.ranges)
    }


def decides_dose(row: Range) -> bool:
    """Tell whether a varied number changes gains of elastance, or what is felt."""
    return row.name == ELASTANCE or not _decides_heart(row)


def _decides_heart(row: Range) -> bool:
    return row.name.partition(".")[0] not in (
        "response",
        "muscle",
        "sensation",
        "leads",
    )


def doses(asked: StudiedCase, values: Mapping[str, FloatArray]) -> Doses:
    """Return gains and best settings of draws, by the dose law alone."""
    n = len(values[ELASTANCE])
    rows = np.array([_dose(asked, values, i) for i in range(n)])
    return Doses(*rows.T)


def _dose(
    asked: StudiedCase, values: Mapping[str, FloatArray], i: int
) -> tuple[float, float, float, float, float]:
    patient = _with(asked.patient, _law(asked, values, i))
    train = asked.train
    if IMPEDANCE in values:
        ohm = float(values[IMPEDANCE][i])
        train = replace(train, v1_ohm=ohm, v2_ohm=ohm)
    gains = np.maximum(patient.gain(train), LEAST_GAIN)
    felt = sensation_level(patient.sensation, train)[:-2] >= INTOLERABLE_GRADE
    ranked = np.where(felt, -np.inf, gains[:-2])
    best = int(np.argmax(ranked))
    if felt[best]:
        best = len(gains) - 2  # nothing is tolerated: the reference stays
    chosen = np.asarray(train.amplitude_v)[best], np.asarray(train.delay_ms)[best]
    return gains[-1], gains[-2], gains[best], *chosen


def _law(
    asked: StudiedCase, values: Mapping[str, FloatArray], i: int
) -> dict[str, float]:
    changes = {
        row.name: float(values[row.name][i])
        for row in asked.ranges
        if not _decides_heart(row) and row.name != IMPEDANCE
    }
    own = asked.patient
    ratio = values[ELASTANCE][i] / own.circulation.lv_elastance_mmhg_per_ml
    baseline = own.muscle.baseline_elastance_mmhg_per_ml
    return {**changes, BASELINE: baseline * float(ratio)}


def heart_of(asked: StudiedCase, values: Mapping[str, FloatArray], i: int) -> Patient:
    """Return the patient with the heart of draw `i`, at rest at its own pressure."""
    changes = {
        row.name: float(values[row.name][i])
        for row in asked.ranges
        if _decides_heart(row)
    }
    changes |= dict.fromkeys(FOLLOW_RATE, changes[RATE])
    return adapted(_with(asked.patient, changes))


def _with(patient: Patient, changes: Mapping[str, float]) -> Patient:
    parts: dict[str, dict[str, float]] = defaultdict(dict)
    for name, value in changes.items():
        part, _, field = name.partition(".")
        parts[part][field] = value
    made = {part: replace(getattr(patient, part), **own) for part, own in parts.items()}
    return replace(patient, **made)


@dataclass(frozen=True, slots=True, eq=False)
class HeartCurves:
    """Curves of pressure gain per gain of elastance, for hearts of all kinds."""

    settled: FittedQuadratic
    window: FittedQuadratic
    n_left_out: int

    def outputs(self, asked: StudiedCase, at: FloatArray, given: Doses) -> FloatArray:
        """Return `OUTPUTS` of draws, `(s, n)`, from coordinates and gains."""
        nominal = given.nominal * self.settled(_settled_inputs(at, given))
        step = given.best - given.reference
        window = step * self.window(_window_inputs(at, given))
        plan = asked.plan
        improved = improved_probability(
            window,
            asked.pair_sd_pct,
            plan.verification_pairs,
            plan.least_relevant_gain_pct,
        )
        return np.stack((nominal, given.amplitude_v, given.delay_ms, window, improved))


def coordinates(asked: StudiedCase, u: FloatArray) -> FloatArray:
    """Return the coordinates `(n, h)` of the numbers that decide the heart."""
    rows = [(i, row) for i, row in enumerate(asked.ranges) if _decides_heart(row)]
    return np.stack([row.coordinate(u[:, i]) for i, row in rows], axis=1)


def _bent(gains: FloatArray) -> FloatArray:
    """Return gains on the scale on which their effect saturates evenly, `(n,)`."""
    bent: FloatArray = np.arcsinh(gains / _BEND)
    return bent


def _settled_inputs(at: FloatArray, given: Doses) -> FloatArray:
    return np.column_stack((at, _bent(given.nominal)))


def _window_inputs(at: FloatArray, given: Doses) -> FloatArray:
    return np.column_stack((at, _bent(given.best), _bent(given.reference)))


def fit_hearts(asked: StudiedCase, u: FloatArray, progress: Progress) -> HeartCurves:
    """Simulate hearts at draws `(n, d)` and fit the curves through them.

    Hearts that could not live are left out and counted. Raises ScenarioError when
    fewer than half live.
    """
    values, at = draws(asked, u), coordinates(asked, u)
    given = doses(asked, values)
    step = given.best - given.reference
    # gains too near to each other tell nothing about a slope
    near = np.abs(step) < LEAST_STEP
    given = replace(
        given, best=np.where(near, given.reference + LEAST_STEP, given.best)
    )
    told = np.full((len(u), 2), np.nan)
    for i in range(len(u)):
        if i % 64 == 0:
            progress(f"simulating hearts: {i} of {len(u)}")
        try:
            told[i] = _slopes(asked, heart_of(asked, values, i), given, i)
        except (ImplausibleHeartError, NotSettledError):
            continue
    lived = np.isfinite(told).all(axis=1)
    if lived.mean() < FEWEST_LIVING_FRAC:
        fault = f"only {lived.sum()} of {len(u)} hearts drawn around it could live"
        raise ScenarioError("sensitivity", [Fault("patient", fault)])
    return HeartCurves(
        _curve(_settled_inputs(at, given), told[:, 0], given.nominal, lived),
        _curve(_window_inputs(at, given), told[:, 1], step, lived),
        int((~lived).sum()),
    )


def _curve(
    inputs: FloatArray, values: FloatArray, weight: FloatArray, keep: NDArray[np.bool_]
) -> FittedQuadratic:
    n_heart = len(HEART)
    paired = [i for i, row in enumerate(HEART) if row.name in PAIRED]
    paired += range(n_heart, inputs.shape[1])  # and the gains
    return fit_curve(inputs[keep], values[keep], paired=paired, weight=weight[keep])


def _slopes(
    asked: StudiedCase, patient: Patient, given: Doses, i: int
) -> tuple[float, float]:
    """Return settled and window gain in percent, each per gain of elastance."""
    nominal, best, reference = (
        float(gains[i]) for gains in (given.nominal, given.best, given.reference)
    )
    rest = settled(patient.heart).haemodynamics.sbp_mmhg
    driven = nominal if abs(nominal) > LEAST_STEP else LEAST_STEP
    raised = settled(patient.heart, driven).haemodynamics.sbp_mmhg
    slope = PCT_PER_FRAC * (raised / rest - 1.0) / driven
    window = window_gain_pct(patient, asked.plan, best, reference)
    return slope, window / (best - reference)
