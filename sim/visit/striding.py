"""The bedside without beats: they are taken in a stride, by table.

Where the clock is stepped from outside, SimPy decides how far a stride may go: to the
beat that somebody waits for, or to the next event of anybody else. In a visit that is
played to its end by itself (`take_over`) there is nobody else: who waits for beats or
seconds moves the clock itself, without an event. Up to there nobody looks; whatever
could stop a test is left to the beat-by-beat rules of `Bedside`.
"""

import sys
from bisect import bisect_left
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
from sim.heart.judged import ALERT, COUNTS, DEVICE, LEADS, WATCH
from sim.heart.striding import (
    DEVICE_NOW,
    Surroundings,
    TabledHeart,
    activation_of,
    leads_of,
)
from sim.instruments import Reading
from sim.instruments.clock import GRID_S
from sim.instruments.striding import StridingInstruments
from sim.units import S_PER_MS
from sim.visit.beatlog import CODE_OF, COLUMNS, BeatLog
from sim.visit.bedside import Bedside, Spending, Waiting
from sim.visit.record import BeatTable
from sim.visit.safety import Monitor, Stop
from sim.visit.stepping import SteppedEnvironment

FloatArray = NDArray[np.float64]
LONGEST_STRIDE: Final = 256
"""Beats of one stride, when nobody waits for anything."""
N_REMEMBERED: Final = Icd().n_intervals
"""Beats that an ICD remembers."""
_FIRST_LINES: Final = 8192
_RECENT_PER_BEAT: Final = 4
"""How far back beats are looked for that are not ectopic, in those wanted."""
_ORIGIN: Final = BEAT_COLUMNS.index("origin")
_N_TIMES: Final = 2
_AT_S: Final = LEADS.index("at_s")
_MONITORED: Final = WATCH.index("monitored_mmhg")
_N_LIMITS: Final = ALERT.index("ectopic_run")
_NO_WAIT: Final = float("inf")
_NO_BEAT: Final = sys.maxsize


class StridingMonitor(Monitor):
    """A monitor whose last pressures a stride moves on.

    `alert`, `watch` and `ring` are what a stride is handed. They are ahead of what
    `Monitor` holds until it is asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        rules, n = self._rules, self._rules.pressure_beats
        least_mmhg = max(rules.least_sbp_mmhg, rules.collapse_sbp_mmhg)
        limits = least_mmhg, rules.sbp_fall_mmhg
        self.alert = np.empty(len(ALERT))
        self.alert[:_N_LIMITS] = (
            rules.run_beats,
            rules.tied_trains,
            rules.tied_span_trains,
            rules.tied_within_ms * S_PER_MS,
            rules.sustained_vt_s,
        )
        self.watch = np.array([*limits, np.nan, 0.0])
        self.ring = np.empty(2 * n)
        self._in_ring = self._in_alert = False

    def hand_over(self, monitored_mmhg: float) -> None:
        """Let the arrays hold what has been seen, and the pressure to come."""
        if not self._in_alert:
            self._in_alert = True
            self.alert[_N_LIMITS:] = (
                self._ectopic_run,
                self._run_start_s,
                self._tied,
                self._n_tied,
                self._harmless,
                self._train_end_s,
            )
        self.watch[2] = monitored_mmhg
        if self._in_ring:
            return
        self._in_ring = True
        self.watch[3] = len(self._pressures)
        self.ring[: len(self._pressures)] = self._pressures

    def beat(self, start_s: float, sbp_mmhg: float, ectopic: bool) -> Stop | None:
        """Take one beat, as `Monitor.beat`."""
        self._take_alert_back()
        self._take_back()
        return super().beat(start_s, sbp_mmhg, ectopic)

    def train(self, end_s: float) -> None:
        """Take the end of a train, as `Monitor.train`."""
        self._take_alert_back()
        super().train(end_s)

    def take_tied(self) -> int:
        """Return how many ectopics followed a train at once since the last call."""
        self._take_alert_back()
        return super().take_tied()

    def forget_pressure(self) -> None:
        """Start the pressure comparison anew."""
        self._in_ring = False
        super().forget_pressure()

    def _take_alert_back(self) -> None:
        if not self._in_alert:
            return
        self._in_alert = False
        seen: list[float] = self.alert[_N_LIMITS:].tolist()
        run, start_s, tied, n_tied, harmless, self._train_end_s = seen
        if start_s != self._run_start_s:
            self._run_start_s, self._sustained_told = start_s, False
        self._ectopic_run, self._tied, self._n_tied = int(run), int(tied), int(n_tied)
        self._harmless = int(harmless)

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
        self._n = self._n_searched = 0
        self._ectopics: list[int] = []
        self.leads, self.found = (
            np.empty((_FIRST_LINES, len(names))) for names in (LEADS, DEVICE)
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
        self.make_room(1)
        self.leads[self._n], self.found[self._n] = (
            leads_of(activation),
            _found_of(decision),
        )
        self._n += 1

    def judged(self, first: int) -> FloatArray:
        """Return what the device made of the beats from `first` on, as `DEVICE`."""
        return self.found[first : self._n]

    def n_ectopic(self, first: int = 0) -> int:
        """Return how many beats from `first` on were ectopic."""
        if self._n_searched < self._n:
            own = np.flatnonzero(self.ectopic(self._n_searched, self._n))
            self._ectopics += (own + self._n_searched).tolist()
            self._n_searched = self._n
        return len(self._ectopics) - bisect_left(self._ectopics, first)

    def make_room(self, n: int) -> None:
        """Let `leads` and `found` have lines for `n` beats more."""
        while self._n + n > len(self.leads):
            self.leads, self.found = (
                np.concatenate((kept, np.empty_like(kept)))
                for kept in (self.leads, self.found)
            )

    def added(self, n: int) -> None:
        """Take note of beats that a stride has written."""
        self._n += n

    def table(self) -> BeatTable:
        """Return no beat: they are not integrated, and not for keeps."""
        return BeatTable(COLUMNS, np.empty((0, len(COLUMNS))))

    def recent_activations(self, n: int) -> list[Activation]:
        """Return the last `n` activations that were not ectopic, fewer at first."""
        own = self.recent(n)
        origins = self._heart.beats[own, _ORIGIN]
        both = zip(self.leads[own], origins.tolist(), strict=True)
        return [activation_of(leads, int(origin)) for leads, origin in both]

    def recent(self, n: int) -> NDArray[np.intp]:
        """Return the lines of the last `n` beats that were not ectopic."""
        low = max(0, self._n - _RECENT_PER_BEAT * n)
        return np.flatnonzero(~self.ectopic(low, self._n))[-n:] + low

    def _device(self, name: str, first: int, last: int) -> FloatArray:
        values: FloatArray = self.found[first:last, DEVICE.index(name)]
        return values


def _found_of(decision: BeatDecision) -> tuple[float, ...]:
    return (
        decision.delivered,
        decision.train_start_s,
        decision.train_end_s,
        decision.ls_s,
        decision.reference_s,
        decision.atrial_s,
        CODE_OF[decision.cause],
    )


class StridingBedside(Bedside):
    """A bedside at which beats are taken in a stride."""

    env: SteppedEnvironment
    heart: TabledHeart
    generator: StridingGenerator
    instruments: StridingInstruments
    monitor: StridingMonitor
    log: StridingLog
    _alone = False
    _due_s = _last_s = 0.0
    _told_device: tuple[object, ...] = ()
    _icd_told = 0

    def _monitor(self) -> Monitor:
        return StridingMonitor()

    def _log(self) -> BeatLog:
        return StridingLog(self.heart)

    def recent_activations(self, n: int) -> list[Activation]:
        """Return the last `n` activations that were not ectopic."""
        return self.log.recent_activations(n)

    def recent_starts_s(self, n: int) -> list[float]:
        """Return when the last `n` beats that were not ectopic began."""
        starts_s: list[float] = self.log.leads[self.log.recent(n), _AT_S].tolist()
        return starts_s

    def read(self, first: int, n: int, *, link_lost: bool = False) -> Reading:
        """Let the instruments read the `n` beats from `first` on, the last ones."""
        return self.instruments.read_beats(
            self.heart.beats,
            self.log.found,
            first,
            lambda: self.window(first, n, link_lost=link_lost),
            expects_ccm=self.settings.delivers,
            link_lost=link_lost,
        )

    def take_over(self) -> None:
        """Let who waits move the clock: nothing else has any business with it."""
        self._alone = True

    def wait_beats(self, n: int) -> Waiting:
        """Wait for the activation of `n` more beats; return what stopped it, if any."""
        if not self._alone:
            return (yield from super().wait_beats(n))
        if n > 0:
            self._go_on(self.log.n_beats + n, _NO_WAIT)
        return self.stop

    def wait_s(self, seconds: float) -> Waiting:
        """Wait for some seconds; return what stopped it, if any."""
        if not self._alone:
            return (yield from super().wait_s(seconds))
        self._go_on(_NO_BEAT, float(self.env.now) + seconds)
        return self.stop

    def spend_s(self, seconds: float) -> Spending:
        """Spend some seconds that nothing cuts short."""
        if not self._alone:
            yield from super().spend_s(seconds)
            return
        until_s = float(self.env.now) + seconds
        self._go_on(_NO_BEAT, until_s, to_the_end=True)

    def _go_on(self, n_beats: int, until_s: float, *, to_the_end: bool = False) -> None:
        """Play up to a beat or a time, whichever is first, or to what stops a test."""
        while self.stop is None or to_the_end:
            due_s, left = self._due_s, n_beats - self.log.n_beats
            if left <= 0:
                return
            if due_s >= until_s:
                self.env.set_clock(until_s)
                return
            n = self._stride(due_s, min(left, LONGEST_STRIDE), until_s)
            if n:
                self._due_s = self.heart.due_s
                self.env.set_clock(self._last_s)
            else:
                self.env.set_clock(due_s)
                self._due_s = due_s + self._beat()

    def _end_waits(self) -> None:
        if not self._alone:
            super()._end_waits()

    def _run(self) -> Generator[simpy.Event, None, None]:
        while not self._alone:
            now_s, n_most = float(self.env.now), LONGEST_STRIDE
            if self._waking:
                n_most = min(n_most, self._waking[0][0] - self.log.n_beats)
            n_beats = self._stride(now_s, n_most, self.env.peek())
            if not n_beats:
                yield self.env.timeout(self._beat())
                continue
            last_s, rr_s = self.heart.last[:_N_TIMES].tolist()
            if last_s > now_s:
                yield self.env.timeout(last_s - now_s)
            self._wake()
            yield self.env.timeout(rr_s)
        yield self.env.event()  # never: an end would be an event, and one too many

    def _beat(self) -> float:
        self._tell_icd()
        self._icd_told += 1
        return super()._beat()

    def _tell_icd(self) -> None:
        """Let the ICD sense the beats of strides, as far back as it remembers."""
        n = self.log.n_beats
        if self.icd is not None and self._icd_told < n:
            first = max(self._icd_told, n - N_REMEMBERED)
            for at_s in self.log.leads[first:n, _AT_S].tolist():
                self.icd.beat(at_s)
        self._icd_told = n

    def _stride(self, now_s: float, n_most: int, until_s: float) -> int:
        """Take the beats from now on; return how many, which may be none."""
        if not self._is_quiet(now_s):
            return 0
        generator, monitor, log = self.generator, self.monitor, self.log
        gate = generator.gate(now_s)
        monitor.hand_over(self._monitored_sbp_mmhg)
        around = self._surroundings(gate)
        log.make_room(n_most)
        until_s = min(until_s, generator.gated_until_s(gate))
        n = self.heart.stride(now_s, until_s, n_most, around, log.leads, log.found)
        if not n:
            return 0
        self._monitored_sbp_mmhg = float(monitor.watch[_MONITORED])
        log.added(n)
        self._last_s = float(log.leads[log.n_beats - 1, _AT_S])
        generator.passed(n, now_s, self._last_s, around.counts, gate)
        return n

    def _is_quiet(self, now_s: float) -> bool:
        """Tell whether nothing around makes the beat of now an unusual one."""
        return (
            now_s >= self.interference_until_s
            and not self._watchers
            and not self.followers
            and not self._reaches_atrium
            and self._leads_revision == self.generator.leads.revision
            and self.heart.rhythm.is_usual
            and self.generator.is_usual(now_s)
        )

    def _surroundings(self, gate: Cause | None) -> Surroundings:
        generator, around = self.generator, self._around
        told = gate, generator.is_blind, self._gain, self._reaches_muscle
        # a list is written into an array more slowly than two strides are made
        if told != self._told_device:
            self._told_device = told
            around.device[:] = (
                gate is None,
                generator.is_blind,
                self._gain,
                # a train that reaches no muscle provokes nothing, whenever it ends
                self._edge_s if self._reaches_muscle else float("-inf"),
                self._icd_deaf_s,
                CODE_OF[gate or Cause.DELIVERED],
            )
        around.rules, around.before = generator.rules, generator.before
        around.counts.fill(0.0)
        return around

    @property
    def _icd_deaf_s(self) -> float:
        """How long after a beat an ICD takes no train for one."""
        return self.icd.blanking_s if self.icd is not None else float("inf")

    @cached_property
    def _edge_s(self) -> float:
        return self._late.edge_ms * S_PER_MS

    @cached_property
    def _around(self) -> Surroundings:
        return Surroundings(
            device=np.empty(len(DEVICE_NOW)),
            rules=self.generator.rules,
            before=self.generator.before,
            counts=np.empty(len(COUNTS)),
            alert=self.monitor.alert,
            watch=self.monitor.watch,
            ring=self.monitor.ring,
            drift=self.instruments.monitor_drift,
            error_mmhg=self.instruments.monitor_error_mmhg,
            grid_per_s=1.0 / GRID_S,
        )
