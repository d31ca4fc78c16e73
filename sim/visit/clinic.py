"""The visit as it goes on: who is there, what has been seen, the clock and the log."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
import simpy

from sim.device.battery import Battery
from sim.device.generator import PulseGenerator, State
from sim.device.leads import Leads
from sim.device.settings import Settings
from sim.heart.beating import BeatingHeart, heart_streams
from sim.instruments import Instruments, beats_to_read, beats_to_settle, readout
from sim.patient import Patient
from sim.streams import stream
from sim.units import H_PER_DAY, S_PER_H, S_PER_MIN
from sim.visit.bedside import Bedside
from sim.visit.measuring_noise import arm_s
from sim.visit.plan import FoundDevice as FoundDevice
from sim.visit.plan import VisitPlan
from sim.visit.programmer import Programmer, settings_text
from sim.visit.record import (
    AdverseEvent,
    Arm,
    Check,
    Choice,
    Event,
    Interrogation,
    Pair,
    PhaseTime,
    Symptoms,
    Tested,
    Verdict,
    Vitals,
)
from sim.visit.safety import URGENT, SafetyFilter
from sim.visit.thresholds import draw_thresholds

HORIZON_S: Final = 4.5 * S_PER_H
Progress = Callable[[float, str, str], None]


class Advisor(Protocol):
    """Whoever proposes settings: a search, a person at a page, a script."""

    def begin(self, reference: Settings, n_tests: int) -> None:
        """Take note of what is compared with, and of the tests there is time for."""

    def propose(self) -> Settings | None:
        """Return the settings to test next, or None when there is nothing more."""

    def learn(self, tested: Tested) -> None:
        """Take what was seen."""

    def recommend(self) -> Choice:
        """Return the candidate when the clock has run out."""


@dataclass(slots=True)
class Findings:
    """What the steps of the visit have put on record so far."""

    vitals: list[Vitals] = field(default_factory=list)
    symptoms: list[Symptoms] = field(default_factory=list)
    checklist: list[Check] = field(default_factory=list)
    as_found: Interrogation | None = None
    as_left: Interrogation | None = None
    sensing: list[str] = field(default_factory=list)
    response_pairs: list[Pair] = field(default_factory=list)
    sham_pair: Pair | None = None
    tested: list[Tested] = field(default_factory=list)
    choice: Choice | None = None
    verification_pairs: list[Pair] = field(default_factory=list)
    verdict: Verdict | None = None
    final_checks: list[Check] = field(default_factory=list)
    adverse_events: list[AdverseEvent] = field(default_factory=list)
    observation_text: str = ""


class Visit:
    """One programming visit while it goes on.

    `reference` is the setting that everything is compared with: the settings as found,
    once sensing has been mended. `ended_for_safety` ends the titration, `not_titrated`
    says why it was not begun.
    """

    def __init__(
        self,
        patient: Patient,
        plan: VisitPlan,
        found: FoundDevice,
        *,
        advisor: Advisor,
        seed: int,
        replicate: int = 0,
        patient_index: int = 0,
        progress: Progress | None = None,
    ) -> None:
        self.env = simpy.Environment()
        self.patient = patient
        self.plan = plan
        self.found = found
        self.advisor = advisor
        self.seed = seed
        self.replicate = replicate
        self.patient_index = patient_index
        self.findings = Findings()
        self.reference = found.settings
        self.ended_for_safety = ""
        self.not_titrated = ""
        self.events: list[Event] = []
        self.phases: list[PhaseTime] = []
        self.phase = ""
        self.n_pairs = 0
        self.n_arms = 0
        self.reference_arms: list[Arm] = []  # of plans that read settings alone
        self.titration_end_s = float("inf")
        self.ectopy_baseline = (0, 0.0)
        self.ectopy_since_beat = 0
        self._progress = progress
        self._set_up()

    def rng(self, name: str, *key: int) -> np.random.Generator:
        """Return one named random stream of this visit."""
        return stream(
            self.seed,
            name=name,
            patient=self.patient_index,
            replicate=self.replicate,
            key=key,
        )

    def _set_up(self) -> None:
        patient, plan, found = self.patient, self.plan, self.found
        self.readout = readout(plan.readout)
        self.instruments = Instruments(
            self.readout,
            breathing_hz=patient.rhythm.breathing_hz,
            rng_drift=self.rng("drift"),
            rng_of_reading=lambda number: self.rng("reading_error", number),
            horizon_s=HORIZON_S,
            noise_scale=plan.noise_scale,
        )
        battery = Battery(
            charge_frac=found.charge_frac,
            last_recharge_s=-found.days_since_charge * H_PER_DAY * S_PER_H,
        )
        leads = Leads(rng=self.rng("leads"))
        leads.set_fault("V1", found.v1_fault)
        leads.set_fault("V2", found.v2_fault)
        generator = PulseGenerator(
            found.settings,
            leads,
            battery,
            found.model,
            time_of_day_s=found.arrival_h * S_PER_H,
        )
        put_into_state(generator, found.state)
        unread_s = found.since_last_visit_days * H_PER_DAY * S_PER_H
        generator.last_download_s = -unread_s
        heart = BeatingHeart(
            patient.heart,
            heart_streams(
                self.seed, patient=self.patient_index, replicate=self.replicate
            ),
            HORIZON_S,
        )
        self.bedside = Bedside(
            self.env,
            patient,
            heart,
            generator=generator,
            instruments=self.instruments,
            rng_device_ectopy=self.rng("device_ectopy"),
            on_finding=self.seen_outside_a_test,
        )
        self.programmer = Programmer(
            self.bedside,
            self.rng("site"),
            programming_s=plan.programming_s,
            note=self.note,
        )
        self.filter = SafetyFilter(found.settings.amplitude_v, 0.0, 0.0)
        self._rng_sensation = self.rng("sensation")
        self._rng_symptoms = self.rng("symptoms")
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
    def settle_beats(self) -> int:
        """Beats that each arm waits before it is read."""
        return beats_to_settle(self.readout, self.plan.settle_beats)

    @property
    def read_beats(self) -> int:
        """Beats that each arm is read for; more in atrial fibrillation."""
        in_af = self.patient.in_atrial_fibrillation
        return beats_to_read(self.readout, self.plan.read_beats, in_af=in_af)

    @property
    def expected_pair_sd_pct(self) -> float:
        """Spread between pairs to plan with."""
        planned = self.plan.expected_pair_sd_pct
        scale = self.plan.noise_scale
        return planned or max(scale * self.readout.expected_pair_sd_pct, 0.05)

    @property
    def off(self) -> Settings:
        """The reference with CCM switched off."""
        return replace(self.reference, ccm_mode="OFF")

    @property
    def rng_sensation(self) -> np.random.Generator:
        """Stream of what the patient feels."""
        return self._rng_sensation

    @property
    def rng_symptoms(self) -> np.random.Generator:
        """Stream of symptoms, their expectation term and the cuff at rest."""
        return self._rng_symptoms

    def note(self, kind: str, text: str) -> None:
        """Put one line into the visit's log."""
        self.events.append(Event(float(self.env.now), self.phase, kind, text))
        if self._progress is not None and kind != "programmer":
            self._progress(float(self.env.now), self.phase, text)

    def adverse(self, kind: str, text: str, action: str) -> None:
        """Record an adverse event with what was done about it."""
        event = AdverseEvent(float(self.env.now), kind, text, action)
        self.findings.adverse_events.append(event)
        self.note("adverse event", f"{kind}: {text}; {action}")

    def seen_outside_a_test(self, reason: str) -> None:
        """Deal with what the monitor shows while no pair is being read."""
        at = settings_text(self.programmer.programmed)
        if reason not in URGENT:
            self.adverse(reason, f"outside a test, at {at}", "patient watched on")
            return
        self.programmer.urgent_off()
        self.bedside.heart.rhythm.end_run()
        self.ended_for_safety = reason
        self.adverse(reason, f"outside a test, at {at}", "urgent off")

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
        in_af = self.patient.in_atrial_fibrillation
        return arm_s(self.plan, rr_s=rr_s, in_af=in_af)


def put_into_state(generator: PulseGenerator, state: State) -> None:
    """Let a device that works be in the state in which it was found."""
    if state == "PERMANENT_OFF":
        generator.set_state(state)
    elif state == "DOWN":
        generator.go_down()
    elif state == "SAFE_MODE":
        generator.enter_safe_mode()
