"""What goes on record in a visit, turned into messages: what staff see, never more."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from itertools import count
from math import isfinite
from typing import Final

import numpy as np

from harness.play.stream.messages import (
    AlertMessage,
    BeatMessage,
    EndWord,
    InterrogationMessage,
    LogMessage,
    MarkerMessage,
    Message,
    Number,
    PairMessage,
    PhaseMessage,
    ReadingMessage,
    ResultMessage,
    SamplesMessage,
    Value,
    VerdictMessage,
    VitalsMessage,
    known,
)
from harness.play.stream.opening import CHANNELS
from harness.play.stream.person import PersonAdvisor
from harness.play.stream.strips import LiveStrips
from sim.device.events import BeatDecision
from sim.device.settings import Settings
from sim.heart.beating import BEAT_COLUMNS
from sim.heart.conduction import is_ectopic
from sim.heart.judged import DEVICE
from sim.instruments import Pressures
from sim.telemetry.channels import CountArray
from sim.telemetry.markers import MarkerTimes
from sim.telemetry.synthesis import FloatArray
from sim.units import rate_bpm
from sim.visit.beatlog import CAUSES
from sim.visit.plan import PHASES
from sim.visit.programmer.markers import markers_of
from sim.visit.record import (
    AdverseEvent,
    ArmRead,
    Ended,
    Event,
    Interrogation,
    Pair,
    ReadWindow,
    Tested,
    Told,
    Verdict,
    Vitals,
)
from sim.visit.visit import Visit

THERAPY: Final = (
    "mode",
    "ccm_mode",
    "ccm_channels",
    "amplitude_v",
    "phase_duration_ms",
    "n_pulses",
    "delay_ms",
)
NAMELESS: Final = "SIM"
"""Stands for the pseudonym, by which one who has the seeds could find the visit."""

NORMAL_95: Final = 1.959964
_RATE_BEATS: Final = 8
_WHITE_BLOCK: Final = 256
_OF_BEAT: Final = [
    BEAT_COLUMNS.index(name)
    for name in ("at_s", "rr_s", "origin", "sbp_mmhg", "dbp_mmhg", "map_mmhg")
]
_RR: Final = BEAT_COLUMNS.index("rr_s")
_DELIVERED: Final = DEVICE.index("delivered")

Emit = Callable[[Message], None]


def therapy(settings: Settings) -> dict[str, Value]:
    """Return what matters of some settings for the effect, by symbol."""
    return {name: getattr(settings, name) for name in THERAPY}


def all_values(settings: Settings) -> dict[str, Value]:
    """Return every value of some settings, by symbol."""
    return {item.name: getattr(settings, item.name) for item in fields(settings)}


class Teller:
    """Listens to a visit and emits its messages."""

    def __init__(
        self,
        visit: Visit,
        advisor: PersonAdvisor,
        emit: Emit,
        strips: LiveStrips | None,
    ) -> None:
        self._visit, self._advisor, self._emit = visit, advisor, emit
        self._strips, self._draws = strips, True
        self._shown: Pressures | None = None
        self._read_white: tuple[ReadWindow, FloatArray] | None = None
        self._white = np.empty((0, 2))
        self._white_block = -1
        visit.listeners.append(self._on_record)
        visit.bedside.watch(self._on_beat)

    def draw(self, on: bool) -> None:
        """Draw strips from now on or not; the newest are told when they are again."""
        was, self._draws = self._draws, on
        if on and not was and self._strips is not None and self._visit.bedside.n_beats:
            self._tell_samples(self._now_s, *self._strips.newest())

    @property
    def _now_s(self) -> float:
        return float(self._visit.env.now)

    def _on_record(self, told: Told) -> None:
        message = self._message_of(told)
        if message is not None:
            self._emit(message)

    def _message_of(self, told: Told) -> Message:
        if isinstance(told, Event):
            return self._log(told)
        if isinstance(told, ArmRead):
            return self._reading(told)
        if isinstance(told, Pair):
            return self._pair(told)
        if isinstance(told, Tested):
            return self._tested(told)
        if isinstance(told, Verdict):
            return self._verdict(told)
        if isinstance(told, AdverseEvent):
            return AlertMessage(
                at_s=told.at_s, alert=told.kind, text=told.text, action=told.action
            )
        if isinstance(told, Interrogation):
            return self._interrogation(told)
        return self._vitals(told)

    def _log(self, event: Event) -> Message:
        if event.kind == "phase":
            name, staff = event.phase, self._visit.plan.site.staff[event.phase]
            place = PHASES.index(name) + 1
            return PhaseMessage(at_s=event.at_s, name=name, place=place, staff=staff)
        text = event.text.replace(self._visit.order.pseudonym, NAMELESS)
        if self._is_blinded and event.kind == "pair":
            done = len(self._visit.findings.verification_pairs)
            text = f"verification pair {done} of {self._n_pairs_planned} read"
        return LogMessage(
            at_s=event.at_s, phase=event.phase, topic=event.kind, text=text
        )

    @property
    def _is_blinded(self) -> bool:
        """Whether nobody may look: from the first pair of the verification on."""
        found = self._visit.findings
        return self._visit.phase == "verification" and found.verdict is None

    @property
    def _n_pairs_planned(self) -> int:
        return self._visit.plan.verification_pairs

    def _reading(self, told: ArmRead) -> Message:
        arm, reading = told.arm, told.arm.reading
        shown = not reading.void and told.purpose != "verification"

        def seen(value: float) -> Number:
            return known(value) if shown else None

        return ReadingMessage(
            at_s=self._now_s,
            reading=reading.number,
            purpose=told.purpose,
            role=arm.role,
            settings=therapy(arm.settings),
            from_s=reading.start_s,
            to_s=reading.end_s,
            first_beat=self._visit.window.first,
            n_beats=reading.n_beats,
            n_used=reading.n_used,
            delivered_frac=reading.delivered_frac,
            void=reading.void,
            value=seen(reading.primary),
            sbp_mmhg=seen(reading.sbp_mmhg),
            dbp_mmhg=seen(reading.dbp_mmhg),
            map_mmhg=seen(reading.map_mmhg),
            heart_rate_bpm=seen(reading.heart_rate_bpm),
        )

    def _pair(self, pair: Pair) -> Message:
        gains = None if pair.purpose == "verification" else pair.gains
        return PairMessage(
            at_s=self._now_s,
            pair=pair.number,
            purpose=pair.purpose,
            gain_pct=None if gains is None else known(gains.primary_pct),
            void=pair.void,
        )

    def _tested(self, tested: Tested) -> Message:
        going_on = self._advisor.going_on
        gain = known(tested.gain_pct) if tested.completed else None
        reach = NORMAL_95 * tested.standard_error_pct
        has_limits = gain is not None and isfinite(reach)
        return ResultMessage(
            at_s=tested.end_s,
            test=tested.number,
            by=self._advisor.by,
            plan=(going_on.plan if going_on else "") or self._visit.plan.plan,
            asked=therapy(tested.asked),
            settings=therapy(tested.settings),
            ended=_ENDED[tested.ended],
            aborted=tested.aborted,
            filter_note=tested.filter_note,
            void=tested.pair.void if tested.pair is not None else "",
            gain_pct=gain,
            low_pct=gain - reach if has_limits and gain is not None else None,
            high_pct=gain + reach if has_limits and gain is not None else None,
            sensation_grade=tested.sensation_grade,
            n_ectopics=tested.n_ectopics,
            delivered_frac=tested.delivered_frac,
            energy_frac=tested.energy_frac,
            minutes=tested.minutes,
        )

    def _verdict(self, verdict: Verdict) -> Message:
        found = self._visit.findings
        candidate = found.choice.settings if found.choice else self._visit.reference
        gains = (pair.gains for pair in found.verification_pairs)
        return VerdictMessage(
            at_s=self._now_s,
            verdict=verdict.kind,
            reason=verdict.reason,
            candidate=therapy(candidate),
            gain_pct=known(verdict.gain_pct),
            low_pct=known(verdict.ci95_pct[0]),
            high_pct=known(verdict.ci95_pct[1]),
            pairs_done=verdict.pairs_done,
            pairs_void=verdict.pairs_void,
            gains_pct=tuple(None if g is None else g.primary_pct for g in gains),
            best_single_reading_pct=known(verdict.best_single_reading_pct),
        )

    def _interrogation(self, read: Interrogation) -> Message:
        return InterrogationMessage(
            at_s=read.at_s,
            settings=all_values(read.settings),
            battery_pct=read.battery_pct,
            days_since_charge=read.days_since_charge,
            impedance_v1_ohm=known(read.impedance_v1_ohm),
            impedance_v2_ohm=known(read.impedance_v2_ohm),
            r_wave_v1_mv=known(read.r_wave_v1_mv),
            r_wave_v2_mv=known(read.r_wave_v2_mv),
            p_wave_mv=known(read.p_wave_mv),
            delivered_frac=read.delivered_frac,
            counters=dict(read.counters),
            alerts=read.alerts,
        )

    def _vitals(self, vitals: Vitals) -> Message:
        return VitalsMessage(**asdict(vitals))

    @contextmanager
    def in_stretches(self) -> Iterator[None]:
        """Let beats be played in stretches and told of afterwards: nobody is waiting.

        What is told is the same.
        """
        bedside = self._visit.bedside
        bedside.unwatch(self._on_beat)
        bedside.followers.append(self._on_beats)
        try:
            yield
        finally:
            bedside.followers.remove(self._on_beats)
            bedside.watch(self._on_beat)

    def _on_beat(self, _: BeatDecision) -> None:
        self._on_beats(self._visit.bedside.n_beats - 1)

    def _on_beats(self, first: int) -> None:
        """Tell of the beats from `first` on, which have been played."""
        visit, bedside = self._visit, self._visit.bedside
        seen = visit.telemetry and visit.programmer.wand.linked
        judged = bedside.log.judged(first).tolist()
        beats = bedside.heart.beats
        rows = beats[first : first + len(judged), _OF_BEAT].tolist()
        begun = max(0, first - _RATE_BEATS)  # of the first beat that a rate needs
        rr = beats[begun : first + len(judged), _RR].copy()
        for beat, row, device in zip(count(first), rows, judged, strict=False):
            at_s, rr_s, origin, *true = row
            before, self._shown = self._shown, self._shown_of(beat, at_s, rr_s, true)
            self._emit(
                BeatMessage(
                    at_s=at_s,
                    beat=beat,
                    rr_s=float(rr[beat - 1 - begun]) if beat else None,
                    heart_rate_bpm=_rate_bpm(
                        rr[max(0, beat - _RATE_BEATS - begun) : beat - begun]
                    ),
                    ectopic=is_ectopic(int(origin)),
                    delivered=device[_DELIVERED] > 0.0 if seen else None,
                    sbp_mmhg=None if before is None else before.sbp_mmhg,
                    dbp_mmhg=None if before is None else before.dbp_mmhg,
                    map_mmhg=None if before is None else before.map_mmhg,
                )
            )
            if seen:
                self._tell_markers(at_s, beat, device)
            if self._strips is not None:
                self._draw(self._strips, at_s, beat)

    def _draw(self, strips: LiveStrips, at_s: float, beat: int) -> None:
        if self._draws:
            self._tell_samples(at_s, *strips.add(beat, self._shown))
        else:
            strips.pass_over(beat, self._shown)

    def _tell_samples(self, at_s: float, first: int, counts: CountArray) -> None:
        if len(counts):
            columns = counts.T.tolist()
            named = {
                shape.name: tuple(column)
                for shape, column in zip(CHANNELS, columns, strict=True)
            }
            self._emit(SamplesMessage(at_s=at_s, first=first, counts=named))

    def _tell_markers(self, at_s: float, beat: int, device: Sequence[float]) -> None:
        _, train_start_s, train_end_s, ls_s, v_s, a_s, cause = device
        times = MarkerTimes(a_s, v_s, ls_s, train_start_s, train_end_s)
        for mark in markers_of(times, CAUSES[int(cause)], beat):
            self._emit(
                MarkerMessage(
                    at_s=at_s,
                    marker=mark.kind,
                    code=mark.code,
                    from_s=mark.at_s,
                    to_s=mark.end_s,
                    beat=beat,
                )
            )

    def _shown_of(
        self, beat: int, at_s: float, rr_s: float, true_mmhg: Sequence[float]
    ) -> Pressures | None:
        """Return what the monitor will show of a beat, None without a signal."""
        middle_s, true = at_s + 0.5 * rr_s, Pressures(*true_mmhg)
        return self._visit.instruments.shown_mmhg(middle_s, true, self._white_of(beat))

    def _white_of(self, beat: int) -> tuple[float, float]:
        """Return the white errors of a beat: of the reading it belongs to, if any."""
        visit, window = self._visit, self._visit.window
        place = beat - window.first
        if 0 <= place < window.n_beats:
            if self._read_white is None or self._read_white[0] != window:
                drawn = visit.instruments.white_of_reading(
                    window.number, window.n_beats
                )
                self._read_white = window, drawn
            white = self._read_white[1]
            return float(white[0, place]), float(white[1, place])
        block, place = divmod(beat, _WHITE_BLOCK)
        if block != self._white_block:
            rng = visit.rng("monitor", block)
            self._white = rng.standard_normal((_WHITE_BLOCK, 2))
            self._white_block = block
        return float(self._white[place, 0]), float(self._white[place, 1])


def _rate_bpm(rr_s: FloatArray) -> Number:
    """Return the rate of some beats, as the monitor shows it; None of none."""
    n = len(rr_s)
    return rate_bpm(float(np.add.reduce(rr_s)) / n) if n else None


_ENDED: Final[Mapping[Ended, EndWord]] = {
    Ended.DONE: "done",
    Ended.FELT: "felt",
    Ended.STOPPED: "stopped",
    Ended.REFUSED: "refused",
}
