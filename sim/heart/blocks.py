"""How the patients of a block lie in memory for the kernels of `beats.py`."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from sim.heart import exact as at
from sim.heart.activation import atrial_forms, rise_table
from sim.heart.beats import N_VOLUMES, ends
from sim.heart.parameters import Circulation, FloatArray


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


def fixed_numbers(circulation: Circulation, n_records: int) -> FloatArray:
    """Return what a kernel needs of a patient beside the rows, `(N_FIXED,)`."""
    return np.array(
        [
            circulation.atrium_peak_s,
            circulation.atrium_tail_s,
            circulation.rv_share_of_contractility_frac,
            2.0 * n_records - 4.0,  # half steps that have four table points around
        ]
    )


def resting_volumes_ml(circulation: Circulation) -> FloatArray:
    """Return a plausible state that holds the stressed volume, order of `VOLUMES`.

    A start for `settle`, not a settled state: every share is a rough one.
    """
    shares = np.array([0.05, 0.11, 0.04, 0.11, 0.10, 0.38, 0.06, 0.15])
    c = circulation
    unstressed = np.array([c.la_v0_ml, c.lv_v0_ml, c.ra_v0_ml, c.rv_v0_ml, 0, 0, 0, 0])
    volumes: FloatArray = unstressed + shares / shares.sum() * c.stressed_volume_ml
    return volumes


class Block:
    """The parameters and the state of a few patients who beat together.

    Attributes
    ----------
    people
        Everything below in one flat array, as the kernel takes it.
    rows, fixed, orders, notes, volumes
        Views of it: `(N_ROWS, 2, n)`, then one row per patient.
    """

    def __init__(self, circulations: Sequence[Circulation], step_s: float) -> None:
        n = len(circulations)
        self.rise = rise_table(circulations, step_s)
        self.forms = atrial_forms(circulations, step_s)
        stops = ends(n)
        self.people = np.zeros(stops[-1])
        rows, fixed, orders, notes, volumes = np.split(self.people, stops[:-1])
        self.rows = rows.reshape(at.N_ROWS, 2, n)
        self.fixed = fixed.reshape(n, at.N_FIXED)
        self.orders = orders.reshape(n, at.N_ORDERS)
        self.notes = notes.reshape(n, at.N_NOTES)
        self.volumes = volumes.reshape(n, N_VOLUMES)
        n_records = len(self.rise) // (3 * n)
        for j, circulation in enumerate(circulations):
            self.rows[:, :, j] = parameter_rows(circulation)
            self.fixed[j] = fixed_numbers(circulation, n_records)
            self.volumes[j] = resting_volumes_ml(circulation)
            self.orders[j, at.RESISTANCE_SCALE] = 1.0
            self.orders[j, at.CONTRACTILITY] = 1.0
            self.orders[j, at.PAST_BEAT] = circulation.rr_s
            self.orders[j, at.PAST_ONSET] = -circulation.av_delay_s
            self.orders[j, at.PAST_CONTRACTILITY] = 1.0
            self.orders[j, at.MITRAL_SHUT] = math.nan
        self._step_s = step_s
        self.room_s = 0.0
        self.make_room(2.0)

    def make_room(self, rr_s: float) -> None:
        """Let beats up to this long fit."""
        if rr_s > self.room_s:
            n_steps = int(rr_s / self._step_s) + 2
            self.room = np.empty((6 * n_steps + 8) * len(self.volumes))
            self.room_s = rr_s
