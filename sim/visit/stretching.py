"""The bedside where uneventful beats are played in a stretch, as they are one by one.

SimPy decides how far a stretch may go: to the beat that somebody waits for, or to the
next event of anybody else. Up to there nobody looks. Where somebody watches each beat,
every one is played by itself.
"""

from collections.abc import Generator
from functools import cached_property
from typing import Final

import numpy as np
import simpy

from sim.device.events import Cause
from sim.device.stretching import (
    StretchingGenerator,
    room_before,
    room_cell,
    room_counts,
)
from sim.heart.judged import DEVICE, LEADS
from sim.heart.parameters import FloatArray
from sim.heart.stretching import MONITOR, TRAINS, Bystanders, StretchingHeart
from sim.instruments.clock import GRID_S
from sim.units import S_PER_MS
from sim.visit.beatlog import CODE_OF
from sim.visit.bedside import Bedside
from sim.visit.safety import Monitor
from sim.visit.stepping import SteppedEnvironment

LONGEST_STRETCH: Final = 256
"""Beats of one stretch, when nobody waits for anything."""
_DELIVERED, _TRAIN_END = DEVICE.index("delivered"), DEVICE.index("train_end_s")
_CAUSE: Final = DEVICE.index("cause")
_AT: Final = LEADS.index("at_s")
_SEEN: Final = MONITOR.index("n_seen")
_MONITORED: Final = MONITOR.index("monitored_mmhg")
_N_TIMES: Final = 2


class StretchingMonitor(Monitor):
    """A monitor that takes the pressures and trains of a stretch at once.

    `limits` and `ring` are what a kernel is handed, as `MONITOR` and the pressures.
    """

    def __init__(self) -> None:
        super().__init__()
        rules = self._rules
        self.limits = np.zeros(len(MONITOR))
        told = rules.least_sbp_mmhg, rules.collapse_sbp_mmhg, rules.sbp_fall_mmhg
        self.limits[:_MONITORED] = told
        self.ring = np.empty(2 * rules.pressure_beats)

    def ready(self, monitored_mmhg: float) -> None:
        """Let `limits` and `ring` hold what has been seen, and the pressure to come."""
        n_seen = len(self._pressures)
        sums = self._recent_sum, self._before_sum
        self.limits[_MONITORED:] = monitored_mmhg, n_seen, *sums
        self.ring[:n_seen] = self._pressures

    def passed(self, delivered: FloatArray, train_end_s: FloatArray) -> float:
        """Take note of a stretch; return the pressure that is monitored now, mmHg.

        Parameters
        ----------
        delivered, train_end_s : (n,)
            Whether each beat got a train, and when that ended.
        """
        monitored_mmhg, n_seen, *sums = self.limits[_MONITORED:].tolist()
        self._recent_sum, self._before_sum = sums
        size = self.ring.size
        ring, first = self.ring.tolist(), int(n_seen) % size
        self._pressures.clear()
        if n_seen < size:
            self._pressures.extend(ring[:first])
        else:
            self._pressures.extend(ring[first:] + ring[:first])
        self._ectopic_run = 0
        for end_s in train_end_s[delivered > 0.0].tolist():
            self.train(end_s)
        return float(monitored_mmhg)


class StretchingBedside(Bedside):
    """A bedside at which uneventful beats are played in a stretch."""

    env: SteppedEnvironment
    heart: StretchingHeart
    generator: StretchingGenerator
    monitor: StretchingMonitor

    def _monitor(self) -> Monitor:
        return StretchingMonitor()

    def _run(self) -> Generator[simpy.Event, None, None]:
        while True:
            now_s = float(self.env.now)
            if not self._stretch(now_s):
                yield self.env.timeout(self._beat())
                continue
            last_s, rr_s = self.heart.last[:_N_TIMES].tolist()
            if last_s > now_s:
                yield self.env.at(last_s)
            self._wake()
            yield self.env.timeout(rr_s)

    def _stretch(self, now_s: float) -> int:
        """Play the uneventful beats from now on; return how many, which may be none."""
        if not self._is_quiet(now_s):
            return 0
        around, generator = self._around, self.generator
        gate = generator.ready(now_s, around.before, around.cell)
        self._tell(gate)
        leads, found = self._leads, self._judged
        found[:, _CAUSE] = CODE_OF[gate or Cause.DELIVERED]
        n = self.heart.stretch(now_s, around, leads, found)
        if not n:
            return 0
        generator.passed(n, gate, around.before, around.counts, around.cell)
        leads, found = leads[:n], found[:n]
        self.log.add_many(leads, found, self._setting_id, self.arm_id)
        trains = found[:, _DELIVERED], found[:, _TRAIN_END]
        self._monitored_sbp_mmhg = self.monitor.passed(*trains)
        if self.icd is not None:
            for at_s in leads[:, _AT].tolist():
                self.icd.beat(at_s)
        for follower in self.followers:
            follower(self.log.n_beats - n)
        return n

    def _is_quiet(self, now_s: float) -> bool:
        """Tell whether nothing around makes the beat of now an unusual one."""
        return (
            now_s >= self.interference_until_s
            and not self._watchers
            and not self._reaches_atrium
            and self._leads_revision == self.generator.leads.revision
            and self.heart.beats_as_usual
            and self.generator.is_usual(now_s)
        )

    def _tell(self, gate: Cause | None) -> None:
        """Write down for the kernel what is around the heart now."""
        generator, around = self.generator, self._around
        n_most = LONGEST_STRETCH
        if self._waking:
            n_most = min(n_most, self._waking[0][0] - self.log.n_beats)
        around.n_most = n_most
        around.until_s = min(self.env.peek(), generator.gated_until_s(gate))
        # a train that reaches no muscle provokes nothing, whenever it ends
        edge_s = self._edge_s if self._reaches_muscle else float("-inf")
        blanking_s = self.icd.blanking_s if self.icd is not None else float("inf")
        v1, v2 = generator.leads.v1, generator.leads.v2
        around.device[:] = (
            *(gate is None, generator.is_blind, self._gain, edge_s, blanking_s),
            *(v1.sensing_frac, v2.sensing_frac),
        )
        around.rules = generator.rules
        around.counts.fill(0.0)
        self.monitor.ready(self._monitored_sbp_mmhg)

    @cached_property
    def _edge_s(self) -> float:
        return self._late.edge_ms * S_PER_MS

    @cached_property
    def _leads(self) -> FloatArray:
        return np.empty((LONGEST_STRETCH, len(LEADS)))

    @cached_property
    def _judged(self) -> FloatArray:
        return np.empty((LONGEST_STRETCH, len(DEVICE)))

    @cached_property
    def _around(self) -> Bystanders:
        return Bystanders(
            n_most=0,
            until_s=0.0,
            device=np.empty(len(TRAINS)),
            cell=room_cell(),
            monitor=self.monitor.limits,
            rules=self.generator.rules,
            before=room_before(),
            counts=room_counts(),
            ring=self.monitor.ring,
            drift=self.instruments.monitor_drift,
            error_mmhg=self.instruments.monitor_error_mmhg,
            grid_per_s=1.0 / GRID_S,
        )
