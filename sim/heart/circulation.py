"""One patient's closed loop: volumes that go round, one call a beat.

The loop is told everything that steers a beat and returns what the beat did; between
calls it keeps eight volumes, and of the beat before what still acts in the next: the
tail of its activation, its atrial contraction, when the mitral valve shut. It knows no
rhythm, memory or reflex: `beating` and `equilibrium` bring those. Equations 7 to 14 of
docs/model.md; the arithmetic is in `beats`.
"""

import math
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from sim.heart import exact as at
from sim.heart.activation import rise_table
from sim.heart.beats import N_WAVES, beat_of_one
from sim.heart.blocks import Block, room_for
from sim.heart.parameters import VOLUMES, Circulation, FloatArray

__all__ = ["BEAT_FIELDS", "VOLUMES", "BeatHaemodynamics", "ClosedLoop", "Waveforms"]

# below the shortest, the beat ends while the ventricle still shortens; above the
# longest, the trace would need memory that no rhythm of ours asks for
SHORTEST_RR_S = 0.15
LONGEST_RR_S = 20.0
_NO_WAVE = np.empty(0)


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


class ClosedLoop:
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
    >>> heart = ClosedLoop(NORMAL)
    >>> row = heart.beat(NORMAL.rr_s)
    >>> len(row) == len(BEAT_FIELDS)
    True
    """

    def __init__(self, circulation: Circulation, *, step_s: float = 0.001) -> None:
        if not 1e-4 <= step_s <= 5e-3:
            raise ValueError(f"step_s must be 0.0001 to 0.005 s, got {step_s:g} s")
        self.circulation = circulation
        self.step_s = step_s
        self._block = Block([circulation], step_s)
        self._rise = rise_table([circulation], step_s)
        self.room_s = 0.0
        self.make_room(2.0)

    def make_room(self, rr_s: float) -> None:
        """Make room for a beat that lasts so long, as `room_s` tells."""
        # room grows and never shrinks: to allocate each time would cost a beat more
        if rr_s > self.room_s:
            self.room_s = rr_s
            self._trace = room_for(rr_s, self.step_s, 1)

    @property
    def for_kernels(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """The first four arguments of `beat_of_one`: a beat without its waves."""
        return self._block.people, self._rise, self._trace, _NO_WAVE

    @property
    def volumes_ml(self) -> FloatArray:
        """Copy of the state, order of `VOLUMES`."""
        volumes: FloatArray = self._block.volumes[0].copy()
        return volumes

    @volumes_ml.setter
    def volumes_ml(self, volumes_ml: FloatArray) -> None:
        volumes = np.asarray(volumes_ml, dtype=np.float64)
        if volumes.shape != (len(VOLUMES),) or not np.isfinite(volumes).all():
            raise ValueError(f"volumes_ml must be 8 finite volumes, got {volumes_ml}")
        self._block.volumes[0] = volumes

    def copy(self) -> Self:
        """Return an independent heart in the same state."""
        twin = type(self)(self.circulation, step_s=self.step_s)
        # one array holds state and parameters, so that a copy is one move
        twin._block.people[:] = self._block.people
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
            np.empty(len(BEAT_FIELDS)) if out is None else out,
            _NO_WAVE,
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
        self.make_room(rr_s)
        if atrial_onset_s is None:
            atrial_onset_s = max(0.0, rr_s - self.circulation.av_delay_s)
        elif math.isnan(atrial_onset_s):
            # an onset that never comes; nan would compare false wherever a kernel looks
            atrial_onset_s = math.inf
        beat_of_one(
            self._block.people,
            self._rise,
            self._trace,
            wave,
            out,
            self.step_s,
            rr_s,
            atrial_onset_s,
            contractility,
            resistance_scale,
            venous_shift_ml,
        )
        return out

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
        # a whole number of steps may come out a rounding error short
        n_steps = int(rr_s / self.step_s + 1e-7)
        wave = np.empty((n_steps + 1, N_WAVES))
        row = self._beat(
            rr_s,
            contractility,
            resistance_scale,
            venous_shift_ml,
            atrial_onset_s,
            np.empty(len(BEAT_FIELDS)),
            wave.ravel(),
        )
        rows = self._block.rows
        wave[n_steps, :8] = rows[at.STATE : at.STATE + 4].ravel()
        wave[n_steps, 8:] = rows[at.PRESSURE : at.PRESSURE + 4].ravel()
        return self._waveforms(wave, rr_s, venous_shift_ml, row)

    def _waveforms(
        self, wave: FloatArray, rr_s: float, shift_ml: float, row: FloatArray
    ) -> Waveforms:
        c = self.circulation
        time_s = np.arange(len(wave), dtype=np.float64) * self.step_s
        time_s[-1] = rr_s
        # pairs (la ra) (lv rv) (sa pa) (pv sv) into the order of VOLUMES
        order = [0, 2, 1, 3, 4, 7, 5, 6]
        pressures, volumes = wave[:, 8:][:, order], wave[:, :8][:, order]
        # kernels count chambers above V0 and the shifted veins from their new zero
        volumes += [c.la_v0_ml, c.lv_v0_ml, c.ra_v0_ml, c.rv_v0_ml, 0, shift_ml, 0, 0]
        return Waveforms(
            time_s=np.asarray(time_s, dtype=np.float64),
            pressures_mmhg=pressures,
            volumes_ml=volumes,
            aortic_mmhg=np.maximum(pressures[:, 1], pressures[:, 4]),
            pulmonary_mmhg=np.maximum(pressures[:, 3], pressures[:, 6]),
            haemodynamics=BeatHaemodynamics.from_row(row),
        )
