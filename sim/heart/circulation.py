"""A heart that beats: the closed loop of evidence C2, one call per beat."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from sim.heart import exact as at
from sim.heart.activation import atrial_forms, rise_table
from sim.heart.beats import N_WAVES, block_kernel
from sim.heart.parameters import VOLUMES, Circulation, FloatArray

__all__ = ["BEAT_FIELDS", "VOLUMES", "BeatHaemodynamics", "Heart", "Waveforms"]

SHORTEST_RR_S = 0.15
LONGEST_RR_S = 20.0


@dataclass(frozen=True, slots=True)
class BeatHaemodynamics:
    """What one beat did; the times are since its ventricular activation.

    A time is nan when the event did not happen in this beat. Aortic pressure is at the
    root: pressure of the arteries plus the drop across the valve.
    """

    sbp_mmhg: float
    dbp_mmhg: float
    map_mmhg: float
    pulse_pressure_mmhg: float
    edv_ml: float
    esv_ml: float
    sv_ml: float
    ef_frac: float
    lvedp_mmhg: float
    la_mean_mmhg: float
    pa_mean_mmhg: float
    ra_mean_mmhg: float
    dpdt_max_mmhg_per_s: float
    dpdt_min_mmhg_per_s: float
    stroke_work_mmhg_ml: float
    pva_mmhg_ml: float
    aortic_open_s: float
    aortic_close_s: float
    mitral_open_s: float
    mitral_close_s: float
    ejection_s: float

    @classmethod
    def from_row(cls, row: FloatArray) -> Self:
        """Return the beat written in a row of `BEAT_FIELDS`."""
        return cls(*row.tolist())


BEAT_FIELDS = tuple(item.name for item in fields(BeatHaemodynamics))


@dataclass(frozen=True, slots=True, eq=False)
class Waveforms:
    """Every pressure and volume of one beat, at each step and at its end.

    Attributes
    ----------
    time_s
        `(n,)`, since ventricular activation.
    pressures_mmhg
        `(n, 8)`, columns in the order of `VOLUMES`.
    volumes_ml
        `(n, 8)`, columns in the order of `VOLUMES`.
    aortic_mmhg, pulmonary_mmhg
        `(n,)`, at the root of aorta and pulmonary artery.
    haemodynamics
        The same beat in numbers.
    """

    time_s: FloatArray
    pressures_mmhg: FloatArray
    volumes_ml: FloatArray
    aortic_mmhg: FloatArray
    pulmonary_mmhg: FloatArray
    haemodynamics: BeatHaemodynamics

    def pressure_mmhg(self, name: str) -> FloatArray:
        """Return the pressure of one compartment, named as in `VOLUMES`."""
        return self.pressures_mmhg[:, VOLUMES.index(name)]

    def volume_ml(self, name: str) -> FloatArray:
        """Return the volume of one compartment, named as in `VOLUMES`."""
        return self.volumes_ml[:, VOLUMES.index(name)]


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


def fixed_numbers(circulation: Circulation) -> FloatArray:
    """Return what a kernel needs of a patient beside the rows, `(3,)`."""
    return np.array(
        [
            circulation.atrium_peak_s,
            circulation.atrium_tail_s,
            circulation.rv_share_of_contractility_frac,
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


_beat_of_one: Callable[..., None] = block_kernel(1)


class Heart:
    """One patient's circulation and the state it is in.

    Parameters
    ----------
    circulation
        Parameters.
    step_s
        Integration step; 1 ms keeps stroke volume within 1e-5.

    Examples
    --------
    >>> from sim.heart.parameters import NORMAL
    >>> heart = Heart(NORMAL)
    >>> row = heart.beat(NORMAL.rr_s)
    >>> len(row) == len(BEAT_FIELDS)
    True
    """

    def __init__(self, circulation: Circulation, *, step_s: float = 0.001) -> None:
        if not 1e-4 <= step_s <= 5e-3:
            raise ValueError(f"step_s must be 0.0001 to 0.005 s, got {step_s:g} s")
        self.circulation = circulation
        self.step_s = step_s
        self._forms = atrial_forms([circulation], step_s)
        self._rise = rise_table([circulation], step_s)
        self._fixed = fixed_numbers(circulation)[np.newaxis]
        self._block = parameter_rows(circulation).ravel()
        self._volumes = resting_volumes_ml(circulation)[np.newaxis]
        self._orders = np.zeros((1, at.N_ORDERS))
        self._orders[0, at.MITRAL_SHUT] = math.nan
        self._notes = np.empty((1, at.N_NOTES))
        self._no_wave = np.empty(0)
        self._since_atrial_s = circulation.av_delay_s
        self._last_rr_s = circulation.rr_s
        self._last_contractility = 1.0
        self._room_s = 0.0
        self._make_room(2.0)

    def _make_room(self, rr_s: float) -> None:
        self._room_s = rr_s
        n_records = int(rr_s / self.step_s) + 4
        self._atrial = np.empty(2 * n_records)
        self._trace = np.empty(4 * n_records)

    @property
    def volumes_ml(self) -> FloatArray:
        """Copy of the state, order of `VOLUMES`."""
        return self._volumes[0].copy()

    @volumes_ml.setter
    def volumes_ml(self, volumes_ml: FloatArray) -> None:
        volumes = np.asarray(volumes_ml, dtype=np.float64)
        if volumes.shape != (len(VOLUMES),) or not np.isfinite(volumes).all():
            raise ValueError(f"volumes_ml must be 8 finite volumes, got {volumes_ml}")
        self._volumes[0] = volumes

    def copy(self) -> Self:
        """Return an independent heart in the same state."""
        twin = type(self)(self.circulation, step_s=self.step_s)
        twin._volumes[:] = self._volumes
        twin._orders[:] = self._orders
        twin._since_atrial_s = self._since_atrial_s
        twin._last_rr_s = self._last_rr_s
        twin._last_contractility = self._last_contractility
        return twin

    def beat(
        self,
        rr_s: float,
        *,
        contractility: float = 1.0,
        resistance_scale: float = 1.0,
        venous_shift_ml: float = 0.0,
        atrial_onset_s: float | None = None,
        out: FloatArray | None = None,
    ) -> FloatArray:
        """Beat once; return the row of `BEAT_FIELDS`.

        Parameters
        ----------
        rr_s
            From this ventricular activation to the next, 0.15 to 20 s.
        contractility
            Multiplies LV elastance; RV elastance follows in part.
        resistance_scale
            Multiplies systemic arterial resistance.
        venous_shift_ml
            Raises the unstressed volume of the systemic veins.
        atrial_onset_s
            When the atria of the next beat contract, counted from this ventricular
            activation; nan for not at all; default one AV delay before the end.
        out
            Row to write into, else a new one.
        """
        return self._beat(
            rr_s,
            contractility,
            resistance_scale,
            venous_shift_ml,
            atrial_onset_s,
            np.empty((1, len(BEAT_FIELDS))) if out is None else out[np.newaxis],
            self._no_wave,
        )

    def _beat(
        self,
        rr_s: float,
        contractility: float,
        resistance_scale: float,
        venous_shift_ml: float,
        atrial_onset_s: float | None,
        out: FloatArray,
        wave: FloatArray,
    ) -> FloatArray:
        if not SHORTEST_RR_S <= rr_s <= LONGEST_RR_S:
            raise ValueError(f"rr_s must be 0.15 to 20 s, got {rr_s:g} s")
        if not (contractility > 0.0 and resistance_scale > 0.0):
            raise ValueError(
                "contractility and resistance_scale must be above 0, got "
                f"{contractility:g} and {resistance_scale:g}"
            )
        if rr_s > self._room_s:
            self._make_room(rr_s)
        if atrial_onset_s is None:
            atrial_onset_s = max(0.0, rr_s - self.circulation.av_delay_s)
        none = math.isnan(atrial_onset_s)
        self._orders[0, : at.TAIL_ENDS] = (
            rr_s,
            math.inf if none else atrial_onset_s,
            -self._since_atrial_s,
            self._last_rr_s,
            contractility,
            self._last_contractility,
            resistance_scale,
            venous_shift_ml,
        )
        _beat_of_one(
            self._block,
            self._rise,
            self._forms,
            self._atrial,
            self._trace,
            wave,
            self._orders,
            self._fixed,
            self._notes,
            self._volumes,
            out,
            self.step_s,
        )
        if none:
            self._since_atrial_s += rr_s
        else:
            self._since_atrial_s = rr_s - atrial_onset_s
        self._last_rr_s = rr_s
        self._last_contractility = contractility
        return out[0]

    def waveforms(
        self,
        rr_s: float,
        *,
        contractility: float = 1.0,
        resistance_scale: float = 1.0,
        venous_shift_ml: float = 0.0,
        atrial_onset_s: float | None = None,
    ) -> Waveforms:
        """Beat once, as `beat` does, and return every pressure and volume."""
        n_steps = int(rr_s / self.step_s + 1e-7)
        wave = np.empty((n_steps + 1, N_WAVES))
        row = self._beat(
            rr_s,
            contractility,
            resistance_scale,
            venous_shift_ml,
            atrial_onset_s,
            np.empty((1, len(BEAT_FIELDS))),
            wave.ravel(),
        )
        rows = self._block.reshape(at.N_ROWS, 2)
        wave[n_steps, :8] = rows[at.STATE : at.STATE + 4].ravel()
        wave[n_steps, 8:] = rows[at.PRESSURE : at.PRESSURE + 4].ravel()
        return self._waveforms(wave, rr_s, venous_shift_ml, row)

    def _waveforms(
        self, wave: FloatArray, rr_s: float, shift_ml: float, row: FloatArray
    ) -> Waveforms:
        c = self.circulation
        time_s = np.arange(len(wave)) * self.step_s
        time_s[-1] = rr_s
        # pairs (la ra) (lv rv) (sa pa) (pv sv) into the order of VOLUMES
        order = [0, 2, 1, 3, 4, 7, 5, 6]
        pressures, volumes = wave[:, 8:][:, order], wave[:, :8][:, order]
        volumes += [c.la_v0_ml, c.lv_v0_ml, c.ra_v0_ml, c.rv_v0_ml, 0, shift_ml, 0, 0]
        return Waveforms(
            time_s=time_s,
            pressures_mmhg=pressures,
            volumes_ml=volumes,
            aortic_mmhg=np.maximum(pressures[:, 1], pressures[:, 4]),
            pulmonary_mmhg=np.maximum(pressures[:, 3], pressures[:, 6]),
            haemodynamics=BeatHaemodynamics.from_row(row),
        )
