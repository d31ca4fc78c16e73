"""One session at the programmer: link, edit, program, measure, and a log of it all."""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import simpy

from sim.device.lattice import Value, device_model
from sim.device.settings import Conflict, ConflictError, Settings
from sim.heart.sensation import INTOLERABLE_GRADE, reported_grade
from sim.visit.bedside import Bedside
from sim.visit.programmer.activity import HourlyActivity, activity_trace
from sim.visit.programmer.markers import MarkerStream
from sim.visit.programmer.observer import LogLine, Observer
from sim.visit.programmer.readout import (
    ChargerData,
    Impedances,
    Statistics,
    counter_rows,
    own_readout,
    read_charger,
    read_impedances,
)
from sim.visit.programmer.scan import (
    OVO,
    SensingTest,
    WindowProposal,
    amplitudes_of,
    propose_window,
    scan_beats,
)
from sim.visit.programmer.values import (
    ButtonState,
    ListChoice,
    PendingValue,
    list_choices,
    reasons_against,
    shown_values,
)
from sim.visit.programmer.wand import Link, LinkLostError, Wand
from sim.visit.record import Interrogation
from sim.visit.trains import felt_level

T = TypeVar("T")
Process = Generator[simpy.Event, object, None]
Reading = Generator[simpy.Event, object, T]


@dataclass(frozen=True, slots=True)
class SensationRow:
    """What the patient felt, 0 to 4, of one amplitude on one choice of leads."""

    ccm_channels: str
    amplitude_v: float
    grade: int


class Programmer:
    """The clinician's side of the device. Commands are processes that take time.

    Parameters
    ----------
    bedside
        Patient and device.
    rng
        Draws the losses of the wand link.
    programming_s
        Time that one command takes.
    note
        Writes kind and text of every command into the visit's log.

    Attributes
    ----------
    waits_for_link
        Whether a command without the wand waits until it is back, as staff in a visit
        do, instead of raising LinkLostError.
    """

    def __init__(
        self,
        bedside: Bedside,
        rng: np.random.Generator,
        *,
        programming_s: float,
        note: Callable[[str, str], None],
        link: Link | None = None,
    ) -> None:
        self.programming_s = programming_s
        self.wand = Wand(link or Link(), rng)
        self._bedside = bedside
        self._undo: list[Settings] = []
        self._pending: Settings | None = None
        self._recorded_cause = ""
        self._log: list[LogLine] = []
        self._stream: MarkerStream | None = None
        # lifetime: what the session counts goes on through a reset of the statistics
        self._at_start = bedside.generator.lifetime_counters()
        self._write = note
        self.waits_for_link = False
        self._relinked = bedside.env.event()
        self._off_waits = False
        self._n_off = 0

    @property
    def programmed(self) -> Settings:
        """Settings that are in the device now."""
        return self._bedside.settings

    @property
    def pending_settings(self) -> Settings:
        """Settings on the screen: the programmed ones with what has been edited."""
        return self._pending or self.programmed

    @property
    def log(self) -> tuple[LogLine, ...]:
        """Everything done in this session; lines are only ever added."""
        return tuple(self._log)

    @property
    def button(self) -> ButtonState:
        """The program button: "idle", "ready" (flashing), "disabled" on conflict."""
        if self.pending_settings == self.programmed:
            return "idle"
        return "disabled" if self.conflicts(self.pending_settings) else "ready"

    def link(self) -> Process:
        """Put the wand over the device; raises LinkLostError when no attempt holds."""
        self.wand.linked = True
        yield from self._command()
        self._note("wand linked")
        # before whoever waited for the link: they then find that CCM was switched off
        if self._off_waits:
            self.urgent_off()
        # an event happens once: who loses the link after this waits for another
        self._relinked.succeed()
        self._relinked = self._bedside.env.event()

    def until_linked(self) -> Process:
        """Wait until the wand has its link."""
        while not self.wand.linked:
            yield self._relinked

    def interrogate(self) -> Reading[Interrogation]:
        """Read the present settings, state, battery, leads and counters."""
        yield from self._command()
        self._note("interrogated")
        return own_readout(self._bedside)

    def edit(self, values: Mapping[str, Value]) -> None:
        """Change values on the screen; a ValueError offers the nearest name."""
        self._pending = self.pending_settings.with_values(values)

    def cancel(self) -> None:
        """Drop what was edited."""
        self._pending = None

    def values(self) -> tuple[PendingValue, ...]:
        """Return the whole screen: each value black, blue or red, with reasons."""
        return shown_values(self.programmed, self.pending_settings, self._model)

    def pending(self, settings: Settings) -> tuple[PendingValue, ...]:
        """Return the values that programming would change, conflicts marked."""
        rows = shown_values(self.programmed, settings, self._model)
        return tuple(row for row in rows if row.programmed != row.pending)

    def choices(self, name: str) -> tuple[ListChoice, ...]:
        """Return the choice list of one parameter, each value with its conflicts."""
        return list_choices(self.pending_settings, name, self._model)

    def conflicts(self, settings: Settings) -> tuple[Conflict, ...]:
        """Return why settings would be refused."""
        return reasons_against(settings, self._model)

    def program(self, settings: Settings | None = None) -> Process:
        """Program all values at once and confirm them, or none with ConflictError.

        Without `settings`, those on the screen.
        """
        # what is refused costs no time: the button is disabled, nothing is sent
        wanted = settings or self.pending_settings
        if wrong := self.conflicts(wanted):
            raise ConflictError(wrong)
        if (yield from self._command_unless_off("not programmed")):
            self._switch(wanted)

    @property
    def can_undo(self) -> bool:
        """Whether anything was programmed that could be taken back."""
        return bool(self._undo)

    def undo(self) -> Process:
        """Go back to the values before the last program command."""
        if not self._undo:
            raise ValueError("there is nothing to undo")
        if (yield from self._command_unless_off("not undone")):
            # not by _switch: a step back is none that could be taken back again
            self._take_over(self._undo.pop())

    def urgent_off(self) -> None:
        """Switch CCM off at once, by one button; LinkLostError without the wand.

        Where commands wait for the link, it is done as soon as the wand is back.
        """
        if self.waits_for_link and not self.wand.linked:
            self._off_waits = True
            self._note("urgent off waits for the wand")
            return
        self._require_link()
        self._off_waits = False
        self._n_off += 1
        self._undo.append(self.programmed)
        self._bedside.generator.urgent_off()
        self._bedside.settings_changed()
        self._pending = None
        self._note("urgent off: mode OOO")

    def ccm_on(self) -> Process:
        """Program Timed and end Permanent Off; StateError while the device is down."""
        yield from self._command()
        if self._bedside.generator.state == "PERMANENT_OFF":
            self._note("CCM on: Permanent Off ended")
        self._bedside.generator.set_state("ACTIVE")
        self._switch(replace(self.programmed, ccm_mode="TIMED"))

    def ccm_stop(self) -> Process:
        """Program CCM Off; events go on being sensed and counted."""
        yield from self._command()
        self._switch(replace(self.programmed, ccm_mode="OFF"))

    def markers(self) -> MarkerStream:
        """Enter marker mode, or retry it after its error; LinkLostError unlinked."""
        self._require_link()
        # a stream in error stays so for whoever reads it: a retry is another stream
        if self._stream is not None:
            self._stream.stop()
            self._bedside.unwatch(self._stream.beat)
        self._stream = MarkerStream()
        self._bedside.watch(self._stream.beat)
        self._note("marker mode")
        return self._stream

    def take_wand_away(self) -> None:
        """Lose the link at once: markers end, commands fail until `link()`."""
        self.wand.remove()
        self._link_lost("wand removed")

    def statistics(self) -> Reading[Statistics]:
        """Read the counters: of this session and since the last reset."""
        yield from self._command()
        generator = self._bedside.generator
        session = generator.lifetime_counters().since(self._at_start)
        now = generator.read_counters()
        self._note("statistics read")
        return Statistics(counter_rows(session), counter_rows(now), now.delivered_pct)

    def reset_statistics(self) -> Process:
        """Set the device's counters to zero; those of the session go on."""
        yield from self._command()
        self._bedside.generator.reset_counters()
        self._note("statistics reset")

    def impedance(self) -> Reading[Impedances]:
        """Measure the impedance of both leads."""
        yield from self._command()
        measured = read_impedances(self._bedside)
        self._note(f"impedance V1 {measured.v1_ohm:g}, V2 {measured.v2_ohm:g} ohm")
        return measured

    def sensing_test(self, n_beats: int = 20) -> Reading[SensingTest]:
        """Measure P wave, R wave and local sense over the next beats."""
        yield from self._command()
        yield from self._bedside.wait_beats(n_beats)
        seen = scan_beats(self._bedside, n_beats)
        has_own = device_model(self._model).has_ls_sensitivity
        test = amplitudes_of(self.programmed, seen, has_own_ls_sensitivity=has_own)
        self._note(f"sensing test over {n_beats} beats: R {test.r_wave.mean_mv:.1f} mV")
        return test

    def scan_local_sense(self, n_beats: int = 60) -> Reading[WindowProposal]:
        """Watch the local-sense latency of the next beats and propose the window.

        ValueError when a lead senses nothing.
        """
        yield from self._command()
        yield from self._bedside.wait_beats(n_beats)
        seen = scan_beats(self._bedside, n_beats)
        is_ovo = self.programmed.mode == OVO
        window = propose_window(seen.sensed_latency_ms, ovo=is_ovo)
        self._note(
            f"local sense {window.low_ms:.0f} to {window.high_ms:.0f} ms: window from"
            f" {window.alert_start_ms:g} ms, {window.alert_width_ms:g} ms wide proposed"
        )
        return window

    def sensation_test(
        self,
        amplitudes_v: Iterable[float],
        rng: np.random.Generator,
        *,
        leads: Iterable[str] = ("V1+V2",),
        n_beats: int = 10,
    ) -> Reading[tuple[SensationRow, ...]]:
        """Ask what is felt, amplitude by amplitude upwards, on each choice of leads.

        It stops at the first grade that is not tolerated (2) and programs the values
        from before again. `rng` draws the error of reporting.
        """
        before, rows = self.programmed, list[SensationRow]()
        rising_v = sorted(amplitudes_v)
        for channels in leads:
            for amplitude_v in rising_v:
                # of what was programmed before, so that no row hangs on the last one
                values = {"ccm_channels": channels, "amplitude_v": amplitude_v}
                yield from self.program(before.with_values(values))
                yield from self._bedside.wait_beats(n_beats)
                rows.append(SensationRow(channels, amplitude_v, self._felt(rng)))
                if rows[-1].grade >= INTOLERABLE_GRADE:
                    break
        yield from self.program(before)
        self._note(f"sensation test of {len(rows)} settings")
        return tuple(rows)

    def record_cause(self) -> str:
        """Write down why the device is down, as must be done before its reset."""
        generator = self._bedside.generator
        if generator.state not in ("DOWN", "SAFE_MODE"):
            raise ValueError(f"the device is not down: its state is {generator.state}")
        self._recorded_cause = generator.down_cause
        self._note(f"state {generator.state}: {generator.down_cause}")
        return self._recorded_cause

    def reset_device(self) -> Process:
        """Clear DOWN or Safe Mode; CCM stays off. ValueError without `record_cause`."""
        if not self._recorded_cause:
            raise ValueError("record the cause first: record_cause()")
        try:
            yield from self._command()
        except LinkLostError:
            self._note("Reset Device Error: retry or cancel")
            raise
        self._bedside.generator.reset()
        self._recorded_cause = ""
        self._note("Reset Device OK")

    def charger(self) -> Reading[ChargerData]:
        """Read battery, charging log and the charger's error code."""
        yield from self._command()
        return read_charger(self._bedside)

    def activity(
        self, rng: np.random.Generator, *, n_days: int = 7
    ) -> Reading[tuple[HourlyActivity, ...]]:
        """Read the activity sensor's memory of the last days, hour by hour."""
        yield from self._command()
        nyha_class = self._bedside.patient.profile.nyha_class
        return activity_trace(nyha_class, rng, n_days=n_days)

    def clock_s(self) -> float:
        """Return the device's time of day, seconds since midnight."""
        return self._bedside.generator.clock_s(float(self._bedside.env.now))

    def set_clock(self, time_of_day_s: float) -> Process:
        """Set the device's clock, which the daily schedule follows."""
        yield from self._command()
        now_s = float(self._bedside.env.now)
        self._bedside.generator.set_clock(time_of_day_s, now_s)
        self._note(f"clock set to {time_of_day_s:g} s after midnight")

    def observer(self) -> Observer:
        """Return a view for who may listen and look but not command."""
        return Observer(self, self._bedside)

    def reading_link_lost(self) -> bool:
        """Tell whether the wand lost its link during one reading."""
        is_lost = not self.wand.carries_reading()
        if is_lost and self._stream is not None:
            self._stream.fail()
        return is_lost

    @property
    def _model(self) -> str:
        return self._bedside.generator.model

    def _felt(self, rng: np.random.Generator) -> int:
        bedside = self._bedside
        level = felt_level(bedside.patient, self.programmed, bedside.generator.leads)
        return reported_grade(bedside.patient.sensation, level, rng)

    def _require_link(self) -> None:
        if not self.wand.linked:
            raise LinkLostError("the wand is not over the device: link() first")

    def _require_or_await_link(self) -> Process:
        if self.waits_for_link and not self.wand.linked:
            self._note("waits for the wand")
            yield from self.until_linked()
        self._require_link()

    def _command(self) -> Process:
        # one line carries both: no marker comes while a command is on it
        stream = self._stream or MarkerStream()
        with stream.paused():
            for _ in range(self.wand.link.most_retries):
                yield from self._require_or_await_link()
                yield from self._bedside.spend_s(self.programming_s)
                # taken away in the middle: the time is spent and nothing was sent
                if not self.wand.linked:
                    continue
                if self.wand.carries_command():
                    return
                self._link_lost("wand link lost, command repeated")
                yield from self._bedside.spend_s(self.wand.link.retry_s)
        raise LinkLostError(
            f"no link in {self.wand.link.most_retries} attempts: nothing was changed"
        )

    def _command_unless_off(self, otherwise: str) -> Reading[bool]:
        """Send a command; False, which is noted, when CCM was switched off meanwhile.

        Who switches off means it, also when it comes in the middle of a command.
        """
        n_off = self._n_off
        yield from self._command()
        is_off = self._n_off > n_off
        if is_off:
            self._note(f"{otherwise}: CCM was switched off meanwhile")
        return not is_off

    def _link_lost(self, text: str) -> None:
        self._note(text)
        if self._stream is not None:
            self._stream.fail()

    def _switch(self, settings: Settings) -> None:
        self._undo.append(self.programmed)
        self._take_over(settings)

    def _take_over(self, settings: Settings) -> None:
        changes = self.programmed.changed(settings)
        self._bedside.generator.program(settings)
        self._bedside.settings_changed()
        self._pending = None
        text = ", ".join(f"{name} {old} -> {new}" for name, old, new in changes)
        self._note(f"programmed and confirmed: {text or 'the same values again'}")

    def _note(self, text: str) -> None:
        self._log.append(LogLine(float(self._bedside.env.now), text))
        self._write("programmer", text)
