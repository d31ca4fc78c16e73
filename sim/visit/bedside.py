"""The patient at the bedside: heart, device and monitor, one event a beat.

The life of a beat here. The heart says when and where it is activated; the generator
decides about a train; the monitor looks at the rhythm. A train that is delivered hands
the heart its gain, and may do harm: reach muscle that has recovered, capture the
atrium, be taken for beats by an ICD. The heart contracts and returns when the next beat
is due, the log keeps the row, and those who waited for so many beats are woken. There
is no tick: between two beats nothing happens to the patient.

What the monitor finds ends a test that is `guarded`, for the test's own sake; at any
other time it goes to whoever deals with findings.
"""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

import numpy as np
import simpy

from sim.device.generator import BeatDecision, BeatSignals, PulseGenerator
from sim.device.icd import Icd, ImplantedIcd
from sim.device.settings import Settings
from sim.heart.beating import BEAT_COLUMNS, BeatingHeart
from sim.heart.conduction import Activation
from sim.heart.contractility import AF, SINUS
from sim.instruments import Instruments, Reading, ReadingWindow
from sim.patient import Patient
from sim.sources import sourced
from sim.units import S_PER_H, S_PER_MIN, S_PER_MS
from sim.visit.beatlog import BeatLog
from sim.visit.safety import ATRIAL_CAPTURE, ICD_SHOCK, LATE_TRAIN, Monitor, Stop
from sim.visit.trains import gain_of

_SBP: Final = BEAT_COLUMNS.index("sbp_mmhg")

Waiting = Generator[simpy.Event, object, Stop | None]
Spending = Generator[simpy.Event, object, None]


@dataclass(frozen=True, slots=True)
class LateTrains:
    """What a train does that does not end well inside the refractory period."""

    capture_frac: float = sourced(0.3, "ccmlab-evidence", "A4", "assumed")
    latency_ms: float = sourced(20.0, "ccmlab-evidence", "A4", "assumed")
    run_frac: float = sourced(0.01, "ccmlab-evidence", "A4", "assumed")
    run_beats: int = sourced(5, "ccmlab-evidence", "A4", "assumed")
    edge_ms: float = sourced(30.0, "ccmlab-device", "2.3", "assumed")
    edge_rate_factor: float = sourced(2.0, "ccmlab-evidence", "A4", "assumed")


@dataclass(frozen=True, slots=True)
class AtrialCapture:
    """How a train that reaches the atrium leads to the next ventricular beat.

    The atrium is excited `latency_ms` after the train, and the node conducts it slower
    than a sinus beat.
    """

    latency_ms: float = sourced(20.0, "ccmlab-device", "2.1", "assumed")
    slower_pr_ms: float = sourced(100.0, "ccmlab-device", "2.1", "assumed")


class Bedside:
    """Runs the heart with the device in it, and wakes whoever waits for beats.

    `stop` is set, and every wait ends, when the monitor stops a guarded test.
    While nothing is guarded, what the monitor sees is handed to `on_finding`.
    `captures_atrium` tells whether trains of some settings reach the atrium; while that
    is being `probed`, a captured atrium is no finding. `followers` are told of beats
    that have been played, one or a stretch of them: the number of the first.
    """

    def __init__(
        self,
        env: simpy.Environment,
        patient: Patient,
        heart: BeatingHeart,
        *,
        generator: PulseGenerator,
        instruments: Instruments,
        rng_device_ectopy: np.random.Generator,
        on_finding: Callable[[Stop], None],
        late: LateTrains | None = None,
    ) -> None:
        self.env = env
        self.patient = patient
        self.heart = heart
        self.generator = generator
        self.instruments = instruments
        self.monitor = self._monitor()
        self.guarded = False
        self.stop: Stop | None = None
        self.arm_id = -1
        self.log = self._log()
        self.n_late_trains = 0
        self.n_atrial_captures = 0
        self.captures_atrium: Callable[[Settings], bool] = lambda settings: False
        self.probed = False
        profile = patient.profile
        self.icd: ImplantedIcd | None = None
        if profile.has_icd:
            self.icd = ImplantedIcd(Icd(), profile.icd_distance_cm)
        self.interference_until_s = float("-inf")
        self.interference_mv = float("inf")
        self.followers: list[Callable[[int], None]] = []
        self._watchers: list[Callable[[BeatDecision], None]] = []
        self._rng = rng_device_ectopy
        self._on_finding = on_finding
        self._told: set[tuple[Stop, int]] = set()
        self._late = late or LateTrains()
        self._capture = AtrialCapture()
        self._monitored_sbp_mmhg = float("nan")
        self._waking: list[tuple[int, int, simpy.Event]] = []
        self._n_waits = 0
        self._stopped = env.event()
        self._settings: dict[Settings, int] = {}
        self.settings_changed()
        self.process = env.process(self._run())

    def _monitor(self) -> Monitor:
        return Monitor()

    def _log(self) -> BeatLog:
        return BeatLog(self.heart)

    @property
    def n_beats(self) -> int:
        """Beats so far."""
        return self.log.n_beats

    @property
    def settings(self) -> Settings:
        """The programmed settings."""
        return self.generator.settings

    @property
    def programmed(self) -> tuple[Settings, ...]:
        """All settings so far, each once; a beat's `setting_id` counts them."""
        return tuple(self._settings)

    def settings_changed(self) -> None:
        """Look up what the newly programmed settings do to the muscle."""
        settings = self.generator.settings
        leads = self.generator.leads
        self._gain = gain_of(self.patient, settings, leads)
        self._leads_revision = leads.revision
        self._reaches_muscle = bool(leads.working(settings))
        self._reaches_atrium = self._reaches_muscle and self.captures_atrium(settings)
        self._setting_id = self._settings.setdefault(settings, len(self._settings))
        self._edge_per_beat = self._edge_chance()

    def _edge_chance(self) -> float:
        rhythm = self.patient.rhythm
        per_beat = rhythm.pvc_per_hour / S_PER_H / rhythm.heart_rate_bpm * S_PER_MIN
        return (self._late.edge_rate_factor - 1.0) * per_beat

    def _run(self) -> Generator[simpy.Event, None, None]:
        while True:
            yield self.env.timeout(self._beat())

    def _beat(self) -> float:
        now_s = float(self.env.now)
        activation = self.heart.activate(now_s)
        decision = self.generator.beat(self._signals(activation))
        ectopic = activation.origin != SINUS and activation.origin != AF
        stop = self.monitor.beat(now_s, self._monitored_sbp_mmhg, ectopic)
        if self.icd is not None:
            self.icd.beat(now_s)
        gain, provoked, captured_s = 0.0, 0, None
        if decision.delivered:
            gain, provoked, captured_s = self._delivered(decision, activation)
            stop = self._shock(decision, now_s) or stop
        rr_s = self.heart.contract(gain, provoked, captured_s)
        self.log.add(activation, decision, self._setting_id, self.arm_id)
        self._monitored_sbp_mmhg = self.instruments.monitored_sbp_mmhg(
            now_s, float(self.heart.last[_SBP])
        )
        if stop is not None:
            self._found(stop)
        self._wake()
        for watcher in self._watchers:
            watcher(decision)
        for follower in self.followers:
            follower(self.log.n_beats - 1)
        return rr_s

    def _wake(self) -> None:
        """Wake who has waited for the beats there are now."""
        while self._waking and self._waking[0][0] <= self.log.n_beats:
            heappop(self._waking)[-1].succeed()

    def _signals(self, activation: Activation) -> BeatSignals:
        disturbed = activation.at_s < self.interference_until_s
        return BeatSignals(
            at_s=activation.at_s,
            atrial_s=activation.atrial_s,
            v1_s=activation.v1_s,
            v2_s=activation.v2_s,
            atrial_mv=activation.atrial_mv,
            v1_mv=activation.v1_mv,
            v2_mv=activation.v2_mv,
            noise=disturbed,
            noise_mv=self.interference_mv if disturbed else math.inf,
        )

    def _delivered(
        self, decision: BeatDecision, activation: Activation
    ) -> tuple[float, int, float | None]:
        """Return the gain of a train, and the ectopics that it provokes."""
        # a lead may have failed since the settings were programmed
        if self._leads_revision != self.generator.leads.revision:
            self.settings_changed()
        provoked, captured_s = 0, None
        if self._reaches_muscle:
            provoked, captured_s = self._provoked(decision, activation)
        if self._reaches_atrium and provoked == 0 and activation.origin == SINUS:
            self._capture_atrium(decision, activation)
        self.monitor.train(decision.train_end_s)
        return self._gain, provoked, captured_s

    def _shock(self, train: BeatDecision, at_s: float) -> Stop | None:
        """Return that the ICD shocks because it took trains for beats, or None."""
        start_s, end_s = train.train_start_s, train.train_end_s
        if self.icd is None or end_s - at_s <= self.icd.blanking_s:
            return None
        shocks = self.icd.train(at_s, start_s, end_s, self.settings.amplitude_v)
        return ICD_SHOCK if shocks else None

    def _capture_atrium(self, decision: BeatDecision, activation: Activation) -> None:
        """Let the atrium follow the train, and the ventricle follow the atrium."""
        self.n_atrial_captures += 1
        pr_ms = self.patient.conduction.pr_ms + self._capture.slower_pr_ms
        after_train_s = (self._capture.latency_ms + pr_ms) * S_PER_MS
        after_s = decision.train_end_s + after_train_s - activation.at_s
        self.heart.rhythm.advance(after_s)
        if not self.probed:
            self._found_once(ATRIAL_CAPTURE)

    def _provoked(
        self, decision: BeatDecision, activation: Activation
    ) -> tuple[int, float | None]:
        """Return how many ectopics a train provokes, and when it captured at once."""
        late = self._late
        over_s = decision.train_end_s - activation.refractory_end_s
        if over_s < -late.edge_ms * S_PER_MS:
            return 0, None
        # both, always: what one train does must not shift the draws of the next
        chance, kind = self._rng.random(2)
        if over_s < 0.0:
            return int(chance < self._edge_per_beat), None
        self.n_late_trains += 1
        self._found_once(LATE_TRAIN)
        if chance >= late.capture_frac:
            return 0, None
        after_s = decision.train_end_s + late.latency_ms * S_PER_MS - activation.at_s
        return (late.run_beats if kind < late.run_frac else 1), after_s

    def _found_once(self, stop: Stop) -> None:
        """Tell of something once for each setting."""
        if (stop, self._setting_id) not in self._told:
            self._told.add((stop, self._setting_id))
            self._found(stop)

    def _found(self, stop: Stop) -> None:
        # else the same fall of pressure would be found again at the next beat
        self.monitor.forget_pressure()
        if not self.guarded:
            self._on_finding(stop)
        elif self.stop is None:
            # the first finding ends a test: what follows has come of it
            self.stop = stop
            self._end_waits()

    def _end_waits(self) -> None:
        self._stopped.succeed()

    def break_off(self, stop: Stop) -> bool:
        """Break off the test that is going on; False when there is none."""
        if self.guarded:
            self._found(stop)
        return self.guarded

    def watch(self, watcher: Callable[[BeatDecision], None]) -> None:
        """Hand what the device made of each beat to a marker channel or an observer.

        Each is played by itself, then; `followers` let uneventful ones be played in a
        stretch.
        """
        self._watchers.append(watcher)

    def unwatch(self, watcher: Callable[[BeatDecision], None]) -> None:
        """End what `watch` began."""
        self._watchers.remove(watcher)

    def interfere(self, for_s: float, noise_mv: float = float("inf")) -> None:
        """Let electromagnetic interference reach the leads for some seconds.

        `noise_mv` is its size on a bipolar lead, by default any size. What has begun
        before goes on until its own end.
        """
        until_s = float(self.env.now) + for_s
        self.interference_until_s = max(self.interference_until_s, until_s)
        self.interference_mv = noise_mv

    def wait_beats(self, n: int) -> Waiting:
        """Wait for the activation of `n` more beats; return what stopped it, if any.

        Several may wait at a time, each for its own beat.
        """
        if n <= 0:
            return self.stop
        wake = self.env.event()
        self._n_waits += 1  # keeps the order of who waits for the same beat
        heappush(self._waking, (self.n_beats + n, self._n_waits, wake))
        yield wake | self._stopped
        return self.stop

    def wait_s(self, seconds: float) -> Waiting:
        """Wait for some seconds; return what stopped it, if any."""
        yield self.env.timeout(seconds) | self._stopped
        return self.stop

    def spend_s(self, seconds: float) -> Spending:
        """Spend some seconds that nothing cuts short."""
        yield self.env.timeout(seconds)

    def take_over(self) -> None:
        """Learn that the visit is played to its end, and nobody else sets the clock."""

    def resume(self) -> None:
        """Take note that a stop has been dealt with."""
        self.stop = None
        self.monitor.forget_pressure()
        self._stopped = self.env.event()

    def window(self, first: int, n: int, *, link_lost: bool = False) -> ReadingWindow:
        """Return the `n` true beats from `first` on, for an instrument to read."""
        expects_ccm = self.settings.delivers
        return self.log.window(first, n, expects_ccm=expects_ccm, link_lost=link_lost)

    def read(self, first: int, n: int, *, link_lost: bool = False) -> Reading:
        """Let the instruments read the `n` beats from `first` on, the last ones."""
        return self.instruments.read(self.window(first, n, link_lost=link_lost))

    def recent_starts_s(self, n: int) -> list[float]:
        """Return when the last `n` beats that were not ectopic began."""
        return self.log.recent_starts_s(n)

    def recent_activations(self, n: int) -> list[Activation]:
        """Return the last `n` activations that were not ectopic."""
        return self.log.recent_activations(n)
