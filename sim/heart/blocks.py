"""How the patients of a block lie in memory for the kernels of `beats.py`."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from sim.heart import exact as at
from sim.heart.activation import n_records
from sim.heart.beats import N_VOLUMES, ends
from sim.heart.parameters import Circulation, FloatArray

CACHE_LINE = 8
"""Doubles in a cache line."""


def parameter_rows(circulation: Circulation) -> FloatArray:
    """Return the rows of a block that a patient brings along, `(N_ROWS, 2)`."""
    c = circulation
    rows = np.zeros((at.N_ROWS, 2))
    by_row: Mapping[int, tuple[float, float]] = {
        at.BASE_ELASTANCE: (c.la_elastance_mmhg_per_ml, c.ra_elastance_mmhg_per_ml),
        at.BASE_ELASTANCE + 1: (
            c.lv_elastance_mmhg_per_ml,
            c.rv_elastance_mmhg_per_ml,
        ),
        at.STIFFNESS: (c.la_stiffness_mmhg, c.ra_stiffness_mmhg),
        at.STIFFNESS + 1: (c.lv_stiffness_mmhg, c.rv_stiffness_mmhg),
        at.UNSTRESSED: (c.la_v0_ml, c.ra_v0_ml),
        at.UNSTRESSED + 1: (c.lv_v0_ml, c.rv_v0_ml),
        at.VESSELS: (c.la_stiffness_per_ml, c.ra_stiffness_per_ml),
        at.VESSELS + 1: (c.lv_stiffness_per_ml, c.rv_stiffness_per_ml),
        at.VESSELS + 4: (
            1.0 / c.systemic_arterial_compliance_ml_per_mmhg,
            1.0 / c.pulmonary_arterial_compliance_ml_per_mmhg,
        ),
        # the vein that enters the left atrium is the pulmonary one
        at.VESSELS + 5: (
            1.0 / c.pulmonary_venous_compliance_ml_per_mmhg,
            1.0 / c.systemic_venous_compliance_ml_per_mmhg,
        ),
        at.CONDUCTANCE + 1: (
            1.0 / c.pulmonary_venous_resistance_mmhg_s_per_ml,
            1.0 / c.systemic_venous_resistance_mmhg_s_per_ml,
        ),
        at.BASE_CONDUCTANCE: (
            1.0 / c.systemic_resistance_mmhg_s_per_ml,
            1.0 / c.pulmonary_resistance_mmhg_s_per_ml,
        ),
        at.OPEN: (
            1.0 / c.mitral_resistance_mmhg_s_per_ml,
            1.0 / c.tricuspid_resistance_mmhg_s_per_ml,
        ),
        at.OPEN + 1: (
            1.0 / c.aortic_resistance_mmhg_s_per_ml,
            1.0 / c.pulmonary_valve_resistance_mmhg_s_per_ml,
        ),
    }
    for index, values in by_row.items():
        rows[index] = values
    for chamber in range(2):
        stiffness, curvature = at.STIFFNESS + chamber, at.VESSELS + chamber
        rows[at.VESSELS + 2 + chamber] = rows[stiffness] * rows[curvature]
    return rows


def fixed_numbers(circulation: Circulation, step_s: float) -> FloatArray:
    """Return what a kernel needs of a patient beside the rows, `(N_FIXED,)`."""
    return np.array(
        [
            circulation.atrium_peak_s,
            circulation.atrium_tail_s,
            circulation.rv_share_of_contractility_frac,
            # half steps that have four table points around
            2.0 * n_records(circulation, step_s),
        ]
    )


def resting_volumes_ml(circulation: Circulation) -> FloatArray:
    """Return a mild state that holds the stressed volume, order of `VOLUMES`.

    A start for `settle`, not a settled state: veins and relaxed chambers share one
    pressure, the arteries are above it by what is usual.
    """
    c = circulation
    least_ml = sum(_stressed_ml(c, 0.0))
    if c.stressed_volume_ml < least_ml:
        raise ValueError(
            f"stressed_volume_ml must be at least {least_ml:.0f} mL, which fills the "
            f"arteries, got {c.stressed_volume_ml:g} mL"
        )
    low_mmhg, high_mmhg = 0.0, 1e3
    for _ in range(50):  # each round halves the interval
        middle_mmhg = 0.5 * (low_mmhg + high_mmhg)
        if sum(_stressed_ml(c, middle_mmhg)) < c.stressed_volume_ml:
            low_mmhg = middle_mmhg
        else:
            high_mmhg = middle_mmhg
    volumes_ml = np.array(_stressed_ml(c, low_mmhg))
    # the last digits go to the largest store
    volumes_ml[5] += c.stressed_volume_ml - volumes_ml.sum()
    volumes_ml[:4] += [c.la_v0_ml, c.lv_v0_ml, c.ra_v0_ml, c.rv_v0_ml]
    return volumes_ml


def _stressed_ml(c: Circulation, pressure_mmhg: float) -> tuple[float, ...]:
    def chamber_ml(stiffness_mmhg: float, per_ml: float) -> float:
        return math.log1p(pressure_mmhg / stiffness_mmhg) / per_ml

    return (
        chamber_ml(c.la_stiffness_mmhg, c.la_stiffness_per_ml),
        chamber_ml(c.lv_stiffness_mmhg, c.lv_stiffness_per_ml),
        chamber_ml(c.ra_stiffness_mmhg, c.ra_stiffness_per_ml),
        chamber_ml(c.rv_stiffness_mmhg, c.rv_stiffness_per_ml),
        c.systemic_arterial_compliance_ml_per_mmhg * (pressure_mmhg + 80.0),
        c.systemic_venous_compliance_ml_per_mmhg * pressure_mmhg,
        c.pulmonary_arterial_compliance_ml_per_mmhg * (pressure_mmhg + 8.0),
        c.pulmonary_venous_compliance_ml_per_mmhg * pressure_mmhg,
    )


def aligned(size: int) -> FloatArray:
    """Return zeros that begin on a cache line; a vector across two lines is slow."""
    room = np.zeros(size + CACHE_LINE)
    skip = -room.ctypes.data // room.itemsize % CACHE_LINE
    part: FloatArray = room[skip : skip + size]
    return part


def lined_up(n_rows: int, size: int) -> FloatArray:
    """Return zeros, `(n_rows, size or a little more)`, each row on a cache line."""
    wide = -(-size // CACHE_LINE) * CACHE_LINE
    return aligned(n_rows * wide).reshape(n_rows, wide)


class Block:
    """The parameters and the state of a few patients who beat together.

    Attributes
    ----------
    people
        Everything below in one flat array, as the kernel takes it.
    rows, fixed, orders, notes, volumes
        Views of it: `(N_ROWS, 2, n)`, then one row per patient.
    """

    def __init__(
        self,
        circulations: Sequence[Circulation],
        step_s: float,
        people: FloatArray | None = None,
    ) -> None:
        n = len(circulations)
        stops = ends(n)
        self.people = aligned(stops[-1]) if people is None else people[: stops[-1]]
        rows, fixed, orders, notes, volumes = np.split(self.people, stops[:-1])
        self.rows = rows.reshape(at.N_ROWS, 2, n)
        self.fixed = fixed.reshape(n, at.N_FIXED)
        self.orders = orders.reshape(n, at.N_ORDERS)
        self.notes = notes.reshape(n, at.N_NOTES)
        self.volumes = volumes.reshape(n, N_VOLUMES)
        for j, circulation in enumerate(circulations):
            self.rows[:, :, j] = parameter_rows(circulation)
            self.fixed[j] = fixed_numbers(circulation, step_s)
            self.volumes[j] = resting_volumes_ml(circulation)
            self.orders[j, at.RESISTANCE_SCALE] = 1.0
            self.orders[j, at.CONTRACTILITY] = 1.0
            self.orders[j, at.PAST_BEAT] = circulation.rr_s
            self.orders[j, at.PAST_ONSET] = -circulation.av_delay_s
            self.orders[j, at.PAST_CONTRACTILITY] = 1.0
            self.orders[j, at.MITRAL_SHUT] = math.nan


def room_for(rr_s: float, step_s: float, patients: int) -> FloatArray:
    """Return room for the trace of a block's beats up to this long."""
    return aligned(4 * (int(rr_s / step_s) + 2) * patients)
