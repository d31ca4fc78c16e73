"""The visit as it goes on: who is there, what has been seen, the clock and the log.

Everything that the phases share and that changes stands here, and nothing decides here:
a phase reads it, waits, and puts what it found into `findings`. One object, because a
person may take over in the middle and has to find all that the search knew.
"""

from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import numpy as np
import simpy

from sim.device.generator import PulseGenerator
from sim.device.settings import Settings
from sim.heart.beating import BeatingHeart, heart_streams
from sim.instruments import beats_to_read, beats_to_settle, readout
from sim.units import S_PER_H, S_PER_MIN
from sim.visit.advisor import Advisor
from sim.visit.engines import ENGINES
from sim.visit.happenings import Happened
from sim.visit.implant import found_generator
from sim.visit.measuring_noise import arm_s
from sim.visit.order import VisitOrder
from sim.visit.programmer import Programmer, settings_text
from sim.visit.record import (
    AdverseEvent,
    Arm,
    Event,
    Findings,
    PhaseTime,
    ReadWindow,
    Told,
)
from sim.visit.safety import SafetyFilter, Stop
from sim.visit.stepping import SteppedEnvironment
from sim.visit.thresholds import draw_thresholds

HORIZON_S: Final = 4.5 * S_PER_H
"""Rhythm and noise are drawn up to here beforehand, so that what a search does to the
length of a visit changes neither."""

Progress = Callable[[float, str, str], None]
Work = Generator[simpy.Event, object, None]


class Visit:
    """One programming visit while it goes on.

    `reference` is the setting that everything is compared with: the settings as found,
    once sensing has been mended. `ended_for_safety` ends the titration, `not_titrated`
    says why it was not begun. `rng_sensation` and `rng_symptoms` draw what the patient
    feels and tells, each reading the next number of its stream.

    Who listens (`listeners`) is told of everything that staff see when it goes on
    record. `telemetry` tells whether markers are shown. While an advisor ponders, what
    is put on the `desk` is done at the programmer, one thing after another; it may ask
    for tests by each of `plans_on_offer`, by default the visit's plan alone.
    `happened` is what befell patient and device, `felt_grade` what the patient has said
    to feel since the last test began.
    """

    def __init__(
        self,
        order: VisitOrder,
        advisor: Advisor,
        progress: Progress | None = None,
    ) -> None:
        self.env = SteppedEnvironment()
        self.order = order
        self.patient = order.patient
        self.plan = order.plan
        self.found = order.found
        self.advisor = advisor
        self.findings = Findings()
        self.reference = order.found.settings
        self.ended_for_safety = ""
        self.not_titrated = ""
        self.events: list[Event] = []
        self.phases: list[PhaseTime] = []
        self.phase = ""
        self.n_pairs = 0
        self.n_arms = 0
        self.reference_arms: list[Arm] = []  # of plans that read settings alone
        self.titration_end_s = float("inf")  # no clock runs before the titration
        self.ectopy_baseline = (0, 0.0)  # how many, in how many seconds of watching
        self.ectopy_since_beat = 0
        self.telemetry = False
        self.listeners: list[Callable[[Told], None]] = []
        self.desk: deque[Callable[[], Work]] = deque()
        self.pondered = False
        self.window = ReadWindow(-1, 0, 0)
        self.happened: list[Happened] = []
        self.felt_grade = 0
        self.n_pondered = 0
        self.plans_on_offer: tuple[str, ...] = ()
        self._progress = progress
        self._woken = self.env.event()
        self._set_up()

    def rng(self, name: str, *key: int) -> np.random.Generator:
        """Return one named random stream of this visit."""
        return self.order.rng(name, *key)

    def _set_up(self) -> None:
        order, found = self.order, self.found
        self.readout = readout(self.plan.readout)
        engine = ENGINES[order.engine]
        self.instruments = engine.instruments(
            self.readout,
            breathing_hz=self.patient.rhythm.breathing_hz,
            rng_drift=self.rng("drift"),
            rng_of_reading=lambda number: self.rng("reading_error", number),
            horizon_s=HORIZON_S,
            noise_scale=self.plan.noise_scale,
        )
        self.bedside = engine.bedside(
            self.env,
            self.patient,
            _heart(order, engine.heart),
            generator=found_generator(order, engine.generator),
            instruments=self.instruments,
            rng_device_ectopy=self.rng("device_ectopy"),
            on_finding=self.seen_outside_a_test,
        )
        self.programmer = Programmer(
            self.bedside,
            self.rng("site"),
            programming_s=self.plan.programming_s,
            note=self.note,
        )
        self.filter = SafetyFilter(found.settings.amplitude_v, 0.0, 0.0)
        self.rng_sensation = self.rng("sensation")
        self.rng_symptoms = self.rng("symptoms")
        self.thresholds = draw_thresholds(
            self.rng("site", 1), lead_site=found.lead_site
        )
        # asked anew at each programming, so that a replaced threshold counts
        self.bedside.captures_atrium = lambda settings: self.thresholds.captures_atrium(
            settings
        )
        self.bedside.settings_changed()

    @property
    def may_titrate(self) -> bool:
        """Whether nothing speaks against trying settings."""
        return not (self.ended_for_safety or self.not_titrated)

    @property
    def generator(self) -> PulseGenerator:
        """The implanted device."""
        return self.bedside.generator

    @property
    def in_atrial_fibrillation(self) -> bool:
        """Whether the atria fibrillate now."""
        return self.bedside.heart.rhythm.is_af

    @property
    def settle_beats(self) -> int:
        """Beats that each arm waits before it is read."""
        return beats_to_settle(self.readout, self.plan.settle_beats)

    @property
    def read_beats(self) -> int:
        """Beats that each arm is read for; more in atrial fibrillation."""
        in_af = self.in_atrial_fibrillation
        return beats_to_read(self.readout, self.plan.read_beats, in_af=in_af)

    @property
    def expected_pair_sd_pct(self) -> float:
        """Spread between pairs to plan with."""
        planned = self.plan.expected_pair_sd_pct
        scale = self.plan.noise_scale
        # a spread of 0, of exact readings, would make any difference certain
        return planned or max(scale * self.readout.expected_pair_sd_pct, 0.05)

    @property
    def off(self) -> Settings:
        """The reference with CCM switched off."""
        return replace(self.reference, ccm_mode="OFF")

    def note(self, kind: str, text: str) -> None:
        """Put one line into the visit's log."""
        self.events.append(Event(float(self.env.now), self.phase, kind, text))
        self.tell(self.events[-1])
        # every button pressed is on the log, but too much to be told as it happens
        if self._progress is not None and kind != "programmer":
            self._progress(float(self.env.now), self.phase, text)

    def tell(self, told: Told) -> None:
        """Tell who listens of something that has gone on record."""
        for listener in self.listeners:
            listener(told)

    def wake(self) -> None:
        """Let an advisor who ponders be asked again."""
        if not self._woken.triggered:
            self._woken.succeed()

    def ponder(self, at_most_s: float = float("inf")) -> Work:
        """Wait until somebody wakes the visit; do what has been put on the desk."""
        self._woken = self.env.event()
        waits = [self._woken]
        if at_most_s < float("inf"):
            waits.append(self.env.timeout(at_most_s))
        self.pondered = True
        self.n_pondered += 1
        yield simpy.AnyOf(self.env, waits)
        self.pondered = False
        while self.desk:
            yield from self.desk.popleft()()

    def adverse(self, kind: str, text: str, action: str) -> None:
        """Record an adverse event with what was done about it."""
        event = AdverseEvent(float(self.env.now), kind, text, action)
        self.findings = replace(
            self.findings, adverse_events=(*self.findings.adverse_events, event)
        )
        self.tell(event)
        self.note("adverse event", f"{kind}: {text}; {action}")

    def seen_outside_a_test(self, stop: Stop) -> None:
        """Deal with what the monitor shows while no pair is being read."""
        at = settings_text(self.programmer.programmed)
        if not stop.urgent:
            self.adverse(stop.text, f"outside a test, at {at}", "patient watched on")
            return
        self.programmer.urgent_off()
        # a run ends with the therapy, whatever began it: no defibrillation is played
        self.bedside.heart.rhythm.end_run()
        self.ended_for_safety = stop.text
        self.adverse(stop.text, f"outside a test, at {at}", "urgent off")

    @contextmanager
    def in_phase(self, name: str) -> Generator[None, None, None]:
        """Time one phase of the visit."""
        self.phase = name
        start_s = float(self.env.now)
        staff = self.plan.site.staff[name]
        self.note("phase", f"{name} begins ({staff})")
        yield
        end_s = float(self.env.now)
        self.phases.append(PhaseTime(name, start_s, end_s, staff))

    @property
    def arm_s(self) -> float:
        """Expected time of one arm: programming, settling, reading."""
        rr_s = S_PER_MIN / self.patient.rhythm.heart_rate_bpm
        in_af = self.in_atrial_fibrillation
        return arm_s(self.plan, rr_s=rr_s, in_af=in_af)


def _heart(order: VisitOrder, kind: type[BeatingHeart]) -> BeatingHeart:
    streams = heart_streams(
        order.seed, patient=order.patient_index, replicate=order.replicate
    )
    return kind(order.patient.heart, streams, HORIZON_S)
