"""The bedside without beats: uneventful ones are taken in a stride, by table.

SimPy decides how far a stride may go: to the beat that somebody waits for, or to the
next event of anybody else. Up to there nobody looks; whatever could stop a test, an
ectopic or a train that matters is left to the beat-by-beat rules of `Bedside`.
"""

from collections.abc import Generator
from functools import cached_property
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
    TRAINS,
    WATCH,
    Surroundings,
    TabledHeart,
    activation_of,
    leads_of,
)
from sim.instruments import Instruments
from sim.instruments.clock import GRID_S
from sim.units import S_PER_MS
from sim.visit.beatlog import CODE_OF, COLUMNS, BeatLog
from sim.visit.bedside import Bedside
from sim.visit.record import BeatTable
from sim.visit.safety import Monitor, Stop

FloatArray = NDArray[np.float64]
LONGEST_STRIDE: Final = 256
"""Beats of one stride, when nobody waits for anything."""
N_REMEMBERED: Final = Icd().n_intervals
"""Beats that an ICD remembers."""
_FIRST_LINES: Final = 1024
_RECENT_PER_BEAT: Final = 4
"""How far back beats are looked for that are not ectopic, in those wanted."""
_OF_VISIT: Final = ("cause", "setting_id", "arm_id")
_ORIGIN: Final = BEAT_COLUMNS.index("origin")
_N_TIMES: Final = 2
_AT_S: Final = LEADS.index("at_s")
_MONITORED: Final = WATCH.index("monitored_mmhg")
_TRAIN: Final = [DEVICE.index("train_start_s"), DEVICE.index("train_end_s")]


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
        self._leads, self._found, self._of_visit = (
            np.empty((_FIRST_LINES, len(names))) for names in (LEADS, DEVICE, _OF_VISIT)
        )

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
        leads, found = self.room(1)
        leads[0], found[0] = leads_of(activation), _found_of(decision)
        self.added(1, decision.cause, setting_id, arm_id)

    def room(self, n: int) -> tuple[FloatArray, FloatArray]:
        """Return where a stride may write the leads and the device of its beats."""
        while self._n + n > len(self._leads):
            self._leads, self._found, self._of_visit = (
                np.concatenate((kept, np.empty_like(kept)))
                for kept in (self._leads, self._found, self._of_visit)
            )
        own = slice(self._n, self._n + n)
        return self._leads[own], self._found[own]

    def added(self, n: int, cause: Cause, setting_id: int, arm_id: int) -> None:
        """Take note of beats that have been written."""
        self._of_visit[self._n : self._n + n] = CODE_OF[cause], setting_id, arm_id
        self._n += n

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

    def _device(self, name: str, first: int, last: int) -> FloatArray:
        kept, names = next(both for both in self._kept if name in both[1])
        values: FloatArray = kept[first:last, names.index(name)]
        return values

    @property
    def _kept(self) -> tuple[tuple[FloatArray, tuple[str, ...]], ...]:
        return (
            (self._found, DEVICE),
            (self._of_visit, _OF_VISIT),
            (self._leads, LEADS),
        )


def _found_of(decision: BeatDecision) -> tuple[float, ...]:
    return (
        decision.delivered,
        decision.train_start_s,
        decision.train_end_s,
        decision.ls_s,
        decision.reference_s,
        decision.atrial_s,
    )


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
        around = self._surroundings(gives_trains=cause is None)
        leads, found = self.log.room(around.n_most)
        n = self.heart.stride(now_s, around, leads, found)
        if not n:
            return 0
        self._monitored_sbp_mmhg = float(monitor.watch[_MONITORED])
        train_s, train_end_s = found[n - 1, _TRAIN].tolist()
        last = float(leads[n - 1, _AT_S]), train_s
        generator.passed(n, last, around.before, cause)
        monitor.passed(n, n if cause is None else 0, train_end_s)
        self.log.added(n, cause or Cause.DELIVERED, self._setting_id, self.arm_id)
        if self.icd is not None:
            for at_s in leads[max(0, n - N_REMEMBERED) : n, _AT_S].tolist():
                self.icd.beat(at_s)
        return n

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

    def _surroundings(self, *, gives_trains: bool) -> Surroundings:
        generator, around = self.generator, self._around
        n_most = LONGEST_STRIDE
        if self._waking:
            n_most = min(n_most, self._waking[0][0] - self.log.n_beats)
        around.n_most = n_most
        around.until_s = min(self.env.peek(), generator.gate_until_s)
        # a train that reaches no muscle provokes nothing, whenever it ends
        edge_s = self._edge_s if self._reaches_muscle else float("-inf")
        blanking_s = self.icd.blanking_s if self.icd is not None else float("inf")
        told = gives_trains, generator.is_blind, self._gain, edge_s, blanking_s
        around.device[:] = told
        around.rules, around.before = generator.rules, generator.before
        return around

    @cached_property
    def _edge_s(self) -> float:
        return self._late.edge_ms * S_PER_MS

    @cached_property
    def _around(self) -> Surroundings:
        return Surroundings(
            n_most=0,
            until_s=0.0,
            device=np.empty(len(TRAINS)),
            rules=self.generator.rules,
            before=self.generator.before,
            watch=self.monitor.watch,
            ring=self.monitor.ring,
            drift=self.instruments.monitor_drift,
            error_mmhg=self.instruments.monitor_error_mmhg,
            grid_per_s=1.0 / GRID_S,
        )
