"""Least squares: from bedside values to the numbers of a circulation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import chi2

from harness.evidence.fit.measurements import Measurement
from harness.evidence.fit.quantities import QUANTITIES
from sim.heart.equilibrium import with_reflex_held
from sim.heart.parameters import FloatArray
from sim.patient import Patient, Targets, UnreachableTargetError, solve_patient
from sim.patient.personalize import OVERRIDES
from sim.patient.solve import adapted
from sim.sources import Source, sourced, unit_of
from sim.units import L_PER_ML, PCT_PER_FRAC

_STEP: Final = 1e-3  # of the Jacobian, in log space: far above the error of settling
_TOLERANCE: Final = 1e-8
_ROUGH: Final = 1e-3
_MOST_TRIALS: Final = 80
_AT_BOUND: Final = 1e-3
_LEAST_VALUE: Final = 1e-6
_NOT_TOLD: Final = "not told: held near the start, interval assumed"
_EVIDENCE: Final = "ccmlab-evidence"


@dataclass(frozen=True, slots=True)
class Unknown:
    """One number of the circulation that is fitted, and what it may be."""

    name: str
    title: str
    low: float
    high: float

    @property
    def unit(self) -> str:
        """Its unit, from its name."""
        return unit_of(self.name)


_RATE: Final = OVERRIDES["heart_rate_bpm"]
UNKNOWNS: Final = (
    Unknown("lv_elastance_mmhg_per_ml", "LV elastance E", 0.1, 10.0),
    Unknown("stressed_volume_ml", "stressed volume", 300.0, 4000.0),
    Unknown("systemic_resistance_mmhg_s_per_ml", "systemic resistance", 0.2, 5.0),
    Unknown(
        "systemic_arterial_compliance_ml_per_mmhg", "arterial compliance", 0.2, 6.0
    ),
    Unknown("lv_stiffness_per_ml", "LV filling curve, stiffness B", 0.003, 0.12),
    Unknown("heart_rate_bpm", "heart rate", _RATE.low, _RATE.high),
)
"""Fitted together, in log space; ranges are assumed, that of the rate a patient's."""


@dataclass(frozen=True, slots=True)
class FitRules:
    """When a number is said to be told by the data.

    A combination of the fitted numbers is unseen when the data leave it a relative SD
    above `told_below_pct`. A number that makes up `least_share_frac` or more of the
    unseen combinations, as a share of squared length, is not told, and neither is one
    with a relative SD above the limit. Such numbers stay within `prior_log_sd` of the
    start, twice as far as patients differ from each other; the others are free.
    """

    told_below_pct: float = sourced(50.0, _EVIDENCE, "C2, twice the CV", "assumed")
    least_share_frac: float = sourced(0.1, _EVIDENCE, "C2", "assumed")
    prior_log_sd: float = sourced(0.5, _EVIDENCE, "C2 patients, 2 x CV", "assumed")
    interval_z: float = sourced(1.96, "ccmlab-protocol", "5, 95 %", "derived")

    @property
    def least_singular_value(self) -> float:
        """A combination with a smaller singular value is unseen, SDs per e-fold."""
        return PCT_PER_FRAC / self.told_below_pct


@dataclass(frozen=True, slots=True)
class FittedUnknown:
    """One fitted number with its 95 % interval, and a note when it is not told."""

    name: str
    title: str
    unit: str
    value: float
    low: float
    high: float
    relative_sd_pct: float
    told: bool
    note: str


@dataclass(frozen=True, slots=True)
class Residual:
    """One bedside value beside that of the fitted patient."""

    quantity: str
    unit: str
    measured: float
    sd: float
    sd_given: bool
    fitted: float

    @property
    def in_sds(self) -> float:
        """Fitted less measured, in standard deviations."""
        return (self.fitted - self.measured) / self.sd


@dataclass(frozen=True, slots=True, eq=False)
class FittedPatient:
    """A fitted patient, how well each number is told, and what is left over.

    `singular_values` are those of the Jacobian of the data alone, in SDs per e-fold,
    one for each fitted number; `unseen` are the combinations (unit vectors over the
    fitted numbers' logarithms) whose singular value is below the rules' least.
    """

    patient: Patient
    estimates: tuple[FittedUnknown, ...]
    residuals: tuple[Residual, ...]
    singular_values: tuple[float, ...]
    unseen: tuple[tuple[float, ...], ...]
    misfit: float
    degrees: int
    rules: FitRules

    @property
    def not_told(self) -> tuple[FittedUnknown, ...]:
        """What the data cannot tell."""
        return tuple(row for row in self.estimates if not row.told)

    @property
    def misfit_probability(self) -> float:
        """Chance of so large a misfit from the stated errors; 1 with none to spare."""
        return float(chi2.sf(self.misfit, self.degrees)) if self.degrees > 0 else 1.0


def fit_patient(
    measurements: Sequence[Measurement],
    base: Patient,
    *,
    name: str = "fitted",
    rules: FitRules | None = None,
) -> FittedPatient:
    """Fit a patient's circulation to bedside values at rest with CCM off.

    Parameters
    ----------
    measurements
        At least those that are required; each weighs by its standard deviation.
    base
        Gives everything that is not fitted.
    name
        Of the fitted patient.
    rules
        When a number is told.

    Raises
    ------
    ImplausibleHeartError, NotSettledError
        When the best fit is no heart that could live.
    """
    rules = rules or FitRules()
    problem = _Problem(tuple(measurements), _start(measurements, base))
    everything = np.full(len(UNKNOWNS), rules.prior_log_sd)
    at = problem.solve(everything, tolerance=_ROUGH)
    told = _told(problem.jacobian(at), rules)
    # a prior on what the data tell would only pull it away from them
    prior = np.where(told, np.inf, everything)
    at = problem.solve(prior, at)
    slopes = problem.jacobian(at)
    values, directions = _seen(slopes)
    rows = _estimates(at, _log_sd(slopes, prior), told, rules)
    residuals = problem.residuals(at)
    return FittedPatient(
        patient=_finished(problem.patient(at), rows, measurements, name),
        estimates=rows,
        residuals=residuals,
        singular_values=tuple(values.tolist()),
        unseen=tuple(
            tuple(direction.tolist())
            for value, direction in zip(values, directions, strict=True)
            if value < rules.least_singular_value
        ),
        misfit=float(sum(row.in_sds**2 for row in residuals)),
        degrees=max(0, len(residuals) - int(told.sum())),
        rules=rules,
    )


def _seen(slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return singular values `(p,)`, 0 for want of data, and their directions."""
    values = np.zeros(slopes.shape[1])
    _, found, directions = np.linalg.svd(slopes)
    values[: len(found)] = found
    return values, directions


def _told(slopes: FloatArray, rules: FitRules) -> NDArray[np.bool_]:
    """Return which numbers the data tell, `(p,)`."""
    values, directions = _seen(slopes)
    seen = values >= rules.least_singular_value
    share = (directions[~seen] ** 2).sum(axis=0)
    variance = ((directions[seen] / values[seen, None]) ** 2).sum(axis=0)
    limit = rules.told_below_pct / PCT_PER_FRAC
    told: NDArray[np.bool_] = (share < rules.least_share_frac) & (variance < limit**2)
    return told


def _log_sd(slopes: FloatArray, prior_log_sd: FloatArray) -> FloatArray:
    """Return the standard deviation of each logarithm, data and prior, `(p,)`."""
    rows = np.concatenate((slopes, np.diag(1.0 / prior_log_sd)))
    _, values, directions = np.linalg.svd(rows, full_matrices=False)
    spread = directions / np.maximum(values, _LEAST_VALUE)[:, None]
    sd: FloatArray = np.sqrt((spread**2).sum(axis=0))
    return sd


def _start(measurements: Sequence[Measurement], base: Patient) -> Patient:
    """Return the heart to start from: the base solved for volumes and pressure."""
    given = {row.quantity: row.value for row in measurements}
    edv_ml = given["EDV"]
    pumped_ml = given.get("SV", edv_ml - given.get("ESV", edv_ml))
    ef_pct = given.get("EF", PCT_PER_FRAC * pumped_ml / edv_ml)
    targets = Targets(ef_pct, edv_ml, given["SBP"], given["HR"])
    try:
        return solve_patient(base, targets)
    except UnreachableTargetError:
        return base


def observed(patient: Patient) -> dict[str, float]:
    """Return what the bedside would show of a settled patient, by quantity."""
    beat = with_reflex_held(patient.heart, strict=False).haemodynamics
    rate_bpm = patient.circulation.heart_rate_bpm
    return {
        "SBP": beat.sbp_mmhg,
        "DBP": beat.dbp_mmhg,
        "HR": rate_bpm,
        "EF": PCT_PER_FRAC * beat.ef_frac,
        "EDV": beat.edv_ml,
        "PCWP": beat.la_mean_mmhg,
        "CO": beat.sv_ml * rate_bpm * L_PER_ML,
        "dP/dt max": beat.dpdt_max_mmhg_per_s,
        "MAP": beat.map_mmhg,
        "ESV": beat.esv_ml,
        "SV": beat.sv_ml,
    }


@dataclass(frozen=True, slots=True)
class _Problem:
    """The misfit as a function of the logarithms of the unknowns."""

    measurements: tuple[Measurement, ...]
    start: Patient

    @property
    def centre(self) -> FloatArray:
        """Logarithms of the unknowns at the start, `(p,)`."""
        return np.log([getattr(self.start.circulation, u.name) for u in UNKNOWNS])

    def patient(self, at: FloatArray) -> Patient:
        """Return the patient at a point."""
        # exp(log(35)) is less than 35: no number may leave its range by rounding
        pairs = zip(UNKNOWNS, np.exp(at).tolist(), strict=True)
        values = [min(max(value, u.low), u.high) for u, value in pairs]
        names = [unknown.name for unknown in UNKNOWNS]
        return _with_circulation(self.start, dict(zip(names, values, strict=True)))

    def misses(self, at: FloatArray) -> FloatArray:
        """Return fitted less measured in standard deviations, `(m,)`."""
        seen = observed(self.patient(at))
        rows = self.measurements
        return np.array([(seen[row.quantity] - row.value) / row.sd for row in rows])

    def jacobian(self, at: FloatArray) -> FloatArray:
        """Return the slopes of `misses` by central differences, `(m, p)`."""
        steps = _STEP * np.eye(len(at))
        columns = [self.misses(at + h) - self.misses(at - h) for h in steps]
        return np.stack(columns, axis=1) / (2.0 * _STEP)

    def solve(
        self,
        prior_log_sd: FloatArray,
        at: FloatArray | None = None,
        *,
        tolerance: float = _TOLERANCE,
    ) -> FloatArray:
        """Return the best point, with a prior around the start where it is finite."""
        centre = self.centre
        weights = 1.0 / prior_log_sd
        low = np.log([unknown.low for unknown in UNKNOWNS])
        high = np.log([unknown.high for unknown in UNKNOWNS])

        def rows(point: FloatArray) -> FloatArray:
            return np.concatenate((self.misses(point), weights * (point - centre)))

        def slopes(point: FloatArray) -> FloatArray:
            return np.concatenate((self.jacobian(point), np.diag(weights)))

        first = np.clip(centre if at is None else at, low + _STEP, high - _STEP)
        found: FloatArray = least_squares(
            rows,
            first,
            jac=slopes,
            bounds=(low, high),
            x_scale=1.0,
            xtol=tolerance,
            ftol=tolerance,
            gtol=tolerance,
            max_nfev=_MOST_TRIALS,
        ).x
        return found

    def residuals(self, at: FloatArray) -> tuple[Residual, ...]:
        """Return each measurement beside what the patient at a point shows."""
        seen = observed(self.patient(at))
        return tuple(
            Residual(
                row.quantity,
                QUANTITIES[row.quantity].unit,
                row.value,
                row.sd,
                row.sd_given,
                seen[row.quantity],
            )
            for row in self.measurements
        )


def _with_circulation(patient: Patient, values: dict[str, float]) -> Patient:
    rate_bpm = values["heart_rate_bpm"]
    return replace(
        patient,
        circulation=replace(patient.circulation, **values),
        rhythm=replace(patient.rhythm, heart_rate_bpm=rate_bpm),
        contractility=replace(patient.contractility, reference_rate_bpm=rate_bpm),
    )


def _estimates(
    at: FloatArray, log_sd: FloatArray, told: NDArray[np.bool_], rules: FitRules
) -> tuple[FittedUnknown, ...]:
    columns = (UNKNOWNS, at.tolist(), log_sd.tolist(), told.tolist())
    return tuple(
        _estimate(unknown, where, sd, told=is_told, rules=rules)
        for unknown, where, sd, is_told in zip(*columns, strict=True)
    )


def _estimate(
    unknown: Unknown, at: float, log_sd: float, *, told: bool, rules: FitRules
) -> FittedUnknown:
    reach = rules.interval_z * log_sd
    note = "" if told else _NOT_TOLD
    value = min(max(float(np.exp(at)), unknown.low), unknown.high)
    for bound, word in ((unknown.low, "lowest"), (unknown.high, "highest")):
        if abs(at - np.log(bound)) < _AT_BOUND:
            told = False
            note = f"at the {word} value allowed, {bound:g} {unknown.unit}"
    return FittedUnknown(
        name=unknown.name,
        title=unknown.title,
        unit=unknown.unit,
        value=value,
        low=float(np.exp(at - reach)),
        high=float(np.exp(at + reach)),
        relative_sd_pct=PCT_PER_FRAC * log_sd,
        told=told,
        note=note,
    )


def _finished(
    patient: Patient,
    rows: Sequence[FittedUnknown],
    measurements: Sequence[Measurement],
    name: str,
) -> Patient:
    """Return the patient under its own name, each number with where it comes from."""
    given = ", ".join(row.quantity for row in measurements)
    fitted = Source("measurements", f"fitted to {given}", "fitted")
    assumed = Source("measurements", "not told by the data, base patient", "assumed")
    follow = ("rhythm.heart_rate_bpm", "contractility.reference_rate_bpm")
    sources = dict.fromkeys(follow, fitted)
    for row in rows:
        sources[f"circulation.{row.name}"] = fitted if row.told else assumed
    patient = replace(patient, name=name, sources={**patient.sources, **sources})
    return adapted(patient)
