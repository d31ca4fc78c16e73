"""The bedside without beats: uneventful ones are taken in a stride, by table.

SimPy decides how far a stride may go: to the beat that somebody waits for, or to the
next event of anybody else. Up to there nobody looks; whatever could stop a test, an
ectopic or a train that matters is left to the beat-by-beat rules of `Bedside`.
"""

from collections.abc import Generator
from typing import Final

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.device.events import BeatDecision, Cause
from sim.device.icd import Icd
from sim.device.striding import StridingGenerator
from sim.heart.beating import BEAT_COLUMNS
from sim.heart.conduction import Activation
from sim.heart.striding import (
    DEVICE,
    LEADS,
    Stride,
    Surroundings,
    TabledHeart,
    activation_of,
    leads_of,
)
from sim.instruments import Instruments
from sim.instruments.clock import GRID_S
from sim.units import S_PER_MS
from sim.visit.beatlog import CODE_OF, COLUMNS, DEVICE_COLUMNS, BeatLog, line_of
from sim.visit.bedside import Bedside
from sim.visit.record import BeatTable
from sim.visit.safety import Monitor, Stop

FloatArray = NDArray[np.float64]
LONGEST_STRIDE: Final = 256
"""Beats of one stride, when nobody waits for anything."""
LONGEST_ICD: Final = Icd().n_intervals
"""Beats that an ICD remembers."""
_FIRST_LINES: Final = 1024
_RECENT_PER_BEAT: Final = 4
"""How far back beats are looked for that are not ectopic, in those wanted."""
_ORIGIN: Final = BEAT_COLUMNS.index("origin")
_N_TIMES: Final = 2
_AT_S: Final = LEADS.index("at_s")
_TRAIN_END: Final = DEVICE.index("train_end_s")


def _same(ours: tuple[str, ...], theirs: dict[str, str]) -> tuple[list[int], list[int]]:
    """Return places of columns of the log, and of those that they are taken from."""
    places = [DEVICE_COLUMNS.index(name) for name in theirs]
    return places, [ours.index(name) for name in theirs.values()]


_OF_DEVICE: Final = _same(
    DEVICE,
    {name: name for name in ("delivered", "train_start_s", "train_end_s", "ls_s")}
    | {"v_s": "v_s", "a_sensed_s": "a_s"},
)
_OF_LEADS: Final = _same(
    LEADS,
    {name: name for name in ("atrial_s", "v1_s", "v2_s", "v1_mv", "v2_mv")},
)
_OF_STRIDE: Final = [
    DEVICE_COLUMNS.index(name) for name in ("cause", "setting_id", "arm_id")
]


class MonitorArrays(Instruments):
    """Instruments whose monitor keeps arrays, for a kernel to read."""

    monitor_drift: FloatArray
    monitor_error_mmhg: FloatArray

    def _set_up_monitor(self, drift: FloatArray, error_mmhg: FloatArray) -> None:
        self.monitor_drift, self.monitor_error_mmhg = drift, error_mmhg

    def _disturb_monitor(self, own: slice, mmhg: float) -> None:
        self.monitor_error_mmhg[own] += mmhg

    def monitored_sbp_mmhg(self, now_s: float, true_sbp_mmhg: float) -> float:
        """Return the systolic pressure on the monitor at one beat."""
        i = min(int(now_s * (1.0 / GRID_S)), self.monitor_drift.size - 1)
        shown = true_sbp_mmhg * self.monitor_drift[i] + self.monitor_error_mmhg[i]
        return float(shown)


class StridingMonitor(Monitor):
    """A monitor whose last pressures a stride moves on.

    `watch` and `ring` are what a stride is handed; between strides the pressures are
    those of `Monitor`.
    """

    def __init__(self) -> None:
        super().__init__()
        n = self._rules.pressure_beats
        least_mmhg = max(self._rules.least_sbp_mmhg, self._rules.collapse_sbp_mmhg)
        limits = least_mmhg, self._rules.sbp_fall_mmhg
        self.watch = np.array([*limits, np.nan, 0.0])
        self.ring = np.empty(2 * n)
        self._in_ring = False

    def hand_over(self, monitored_mmhg: float) -> None:
        """Let `watch` and `ring` hold what has been seen, and the pressure to come."""
        self.watch[2] = monitored_mmhg
        if self._in_ring:
            return
        self._in_ring = True
        self.watch[3] = len(self._pressures)
        self.ring[: len(self._pressures)] = self._pressures

    def passed(self, n_beats: int, n_trains: int, train_end_s: float) -> None:
        """Take note of usual beats and of the trains that they got."""
        self._ectopic_run = 0 if n_beats else self._ectopic_run
        if not n_trains:
            return
        self._harmless += n_trains - (self._train_end_s != self._train_end_s)
        if self._harmless > self._rules.tied_span_trains:
            self._tied = 0
        self._train_end_s = train_end_s

    def beat(self, start_s: float, sbp_mmhg: float, ectopic: bool) -> Stop | None:
        """Take one beat, as `Monitor.beat`."""
        self._take_back()
        return super().beat(start_s, sbp_mmhg, ectopic)

    def forget_pressure(self) -> None:
        """Start the pressure comparison anew."""
        self._in_ring = False
        super().forget_pressure()

    def _take_back(self) -> None:
        if not self._in_ring:
            return
        super().forget_pressure()
        self._in_ring = False
        n_seen, size = int(self.watch[3]), self.ring.size
        oldest_first = np.roll(self.ring, -n_seen) if n_seen >= size else self.ring
        seen: list[float] = oldest_first[: min(n_seen, size)].tolist()
        half = self._rules.pressure_beats
        self._pressures.extend(seen)
        self._recent_sum = sum(seen[-half:])
        self._before_sum = sum(seen[:-half])


class StridingLog(BeatLog):
    """A log in arrays, so that a stride is written at once; none of it is for keeps."""

    def __init__(self, heart: TabledHeart) -> None:
        super().__init__(heart)
        self._n = 0
        self._table = np.empty((_FIRST_LINES, len(DEVICE_COLUMNS)))
        self._leads = np.empty((_FIRST_LINES, len(LEADS)))

    @property
    def n_beats(self) -> int:
        """Beats so far."""
        return self._n

    def add(
        self,
        activation: Activation,
        decision: BeatDecision,
        setting_id: int,
        arm_id: int,
    ) -> None:
        """Write the line of the beat that the heart has just made."""
        own = self._room(1)
        self._table[own] = line_of(activation, decision, setting_id, arm_id)
        self._leads[own] = leads_of(activation)

    def add_stride(self, beats: Stride, cause: Cause, setting: int, arm: int) -> None:
        """Write the lines of the beats that the heart has just taken in a stride."""
        own = self._room(beats.n_beats)
        lines = self._table[own]
        lines[:, _OF_DEVICE[0]] = beats.found[:, _OF_DEVICE[1]]
        lines[:, _OF_LEADS[0]] = beats.leads[:, _OF_LEADS[1]]
        lines[:, _OF_STRIDE] = CODE_OF[cause], setting, arm
        self._leads[own] = beats.leads

    def line(self, beat: int) -> tuple[float, ...]:
        """Return what the device did of one beat, in the order of `DEVICE_COLUMNS`."""
        return tuple(self._table[beat].tolist())

    def table(self) -> BeatTable:
        """Return no beat: they are not integrated, and not for keeps."""
        return BeatTable(COLUMNS, np.empty((0, len(COLUMNS))))

    def recent_activations(self, n: int) -> list[Activation]:
        """Return the last `n` activations that were not ectopic, fewer at first."""
        low = max(0, self._n - _RECENT_PER_BEAT * n)
        own = np.flatnonzero(~self.ectopic(low, self._n))[-n:] + low
        origins = self._heart.beats[own, _ORIGIN]
        both = zip(self._leads[own], origins.tolist(), strict=True)
        return [activation_of(leads, int(origin)) for leads, origin in both]

    def _room(self, n: int) -> slice:
        while self._n + n > len(self._table):
            self._table = np.concatenate((self._table, np.empty_like(self._table)))
            self._leads = np.concatenate((self._leads, np.empty_like(self._leads)))
        self._n += n
        return slice(self._n - n, self._n)

    def _device(self, name: str, first: int, last: int) -> FloatArray:
        values: FloatArray = self._table[first:last, DEVICE_COLUMNS.index(name)]
        return values


class StridingBedside(Bedside):
    """A bedside at which uneventful beats are taken in a stride."""

    heart: TabledHeart
    generator: StridingGenerator
    instruments: MonitorArrays
    monitor: StridingMonitor
    log: StridingLog

    def _monitor(self) -> Monitor:
        return StridingMonitor()

    def _log(self) -> BeatLog:
        return StridingLog(self.heart)

    def recent_activations(self, n: int) -> list[Activation]:
        """Return the last `n` activations that were not ectopic."""
        return self.log.recent_activations(n)

    def _run(self) -> Generator[simpy.Event, None, None]:
        while True:
            now_s = float(self.env.now)
            n_beats = self._stride(now_s)
            if not n_beats:
                yield self.env.timeout(self._beat())
                continue
            last_s, rr_s = self.heart.last[:_N_TIMES].tolist()
            if last_s > now_s:
                yield self.env.timeout(last_s - now_s)
            self._wake()
            yield self.env.timeout(rr_s)

    def _stride(self, now_s: float) -> int:
        """Take the uneventful beats from now on; return how many, which may be none."""
        if not self._is_quiet(now_s):
            return 0
        generator, monitor = self.generator, self.monitor
        cause = generator.gate(now_s)
        monitor.hand_over(self._monitored_sbp_mmhg)
        around = self._surroundings(cause is None)
        beats = self.heart.stride(now_s, around)
        if not beats.n_beats:
            return 0
        self._monitored_sbp_mmhg = float(monitor.watch[2])
        delivers = around.delivers and not around.is_blind
        n_trains = beats.n_beats if delivers else 0
        generator.passed(beats, around.before, None if delivers else cause)
        monitor.passed(beats.n_beats, n_trains, float(beats.found[-1, _TRAIN_END]))
        known = Cause.DELIVERED if cause is None else cause
        self.log.add_stride(beats, known, self._setting_id, self.arm_id)
        if self.icd is not None:
            for at_s in beats.leads[-LONGEST_ICD:, _AT_S].tolist():
                self.icd.beat(at_s)
        return beats.n_beats

    def _is_quiet(self, now_s: float) -> bool:
        """Tell whether nothing around makes the beat of now an unusual one."""
        return (
            now_s >= self.interference_until_s
            and not self._watchers
            and not self._reaches_atrium
            and self._leads_revision == self.generator.leads.revision
            and self.heart.rhythm.is_usual
            and self.generator.is_usual(now_s)
        )

    def _surroundings(self, delivers: bool) -> Surroundings:
        generator, monitor, instruments = self.generator, self.monitor, self.instruments
        n_most = LONGEST_STRIDE
        if self._waking:
            n_most = min(n_most, self._waking[0][0] - self.log.n_beats)
        never_s = float("-inf")
        return Surroundings(
            n_most=n_most,
            until_s=min(self.env.peek(), generator.gate_until_s),
            delivers=delivers,
            is_blind=generator.is_blind,
            gain=self._gain,
            # a train that reaches no muscle provokes nothing, whenever it ends
            edge_s=self._late.edge_ms * S_PER_MS if self._reaches_muscle else never_s,
            blanking_s=self.icd.blanking_s if self.icd is not None else float("inf"),
            rules=generator.rules,
            before=generator.before,
            watch=monitor.watch,
            ring=monitor.ring,
            drift=instruments.monitor_drift,
            error_mmhg=instruments.monitor_error_mmhg,
            grid_per_s=1.0 / GRID_S,
        )
