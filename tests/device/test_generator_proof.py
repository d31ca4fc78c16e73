"""The timing machine against docs/device.md 2.2: every sequence of events, not samples.

A second reading of the rules, in whole milliseconds and without the generator's tables,
judges each beat beside the generator. From every state that can be reached, relative to
the next beat, every event of an alphabet is tried; equal states are tried once, so that
the states of depth n stand for all sequences of n beats. Where no new state comes any
more, the proof holds for sequences of any length over that alphabet.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from math import isnan
from typing import Any, Final, NamedTuple

import numpy as np
import pytest

from sim.device.battery import Battery
from sim.device.events import (
    INHIBITING,
    BeatDecision,
    BeatSignals,
    Cause,
    Counters,
)
from sim.device.generator import PulseGenerator
from sim.device.leads import Leads
from sim.device.settings import Settings

NEVER: Final = 10_000.0  # ms: longer ago than any limit that the rules compare with
NOW_S: Final = 100.0
NOISE_MS: Final = 86.0
LONGEST_MS: Final = 1000.0  # above every rate, AV limit and refractory period here
LONGEST_LS_MS: Final = 60.0  # above every post-LS refractory period
AFTER_V_MS: Final = 3.0


class Event(NamedTuple):
    """One beat as it reaches the leads, ms; `ls` and `late` count from V."""

    rr: float
    a_before: float | None
    v_seen: bool
    ls: float | None
    late: float | None
    noise: str


class State(NamedTuple):
    """What the past left, ms before the next V but for the counter."""

    a: float = NEVER
    v: float = NEVER
    ls: float = NEVER
    busy_from: float = NEVER
    busy_until: float = NEVER
    left: int = 0


class Judged(NamedTuple):
    """What becomes of a beat: times from its V in ms, None without."""

    cause: Cause
    train: float | None
    v_sensed: bool
    ls: float | None
    events: tuple[Cause, ...]
    state: State


@dataclass
class Rules:
    """The text of 2.2, read a second time."""

    s: Settings
    gate: Cause | None = None
    told: list[Cause] = field(default_factory=list)
    cycles: dict[Cause, int] = field(init=False)

    def __post_init__(self) -> None:
        self.cycles = {
            cause: int(getattr(self.s, f"inhibit_cycles_{cause.value.lower()}"))
            for cause in INHIBITING
        }

    def judge(self, before: State, event: Event) -> Judged:
        s, odo = self.s, self.s.mode == "ODO-LS-CCM"
        a, v, ls = before.a, before.v, before.ls
        left, self.told = before.left, []
        # on noise larger than the sensitivity of A (ODO) or V
        if event.noise == "V" or (event.noise == "A" and odo):
            self.told.append(Cause.NOISE)
        # on A (ODO only); va from the V before, aa from the A before
        if odo and event.a_before is not None:
            va, aa = v - event.a_before, a - event.a_before
            if s.pvarp_ms - NOISE_MS <= va < s.pvarp_ms:
                self.told.append(Cause.NOISE)
            elif va >= s.pvarp_ms and aa > 0.0:
                if aa < 60_000.0 / s.at_rate_bpm:
                    self.told.append(Cause.AT)
                a = event.a_before
        # on V
        v_sensed = False
        if event.v_seen:
            if s.vrp_ms - NOISE_MS <= v < s.vrp_ms:
                self.told.append(Cause.NOISE)
            elif v >= s.vrp_ms:
                v_sensed = True
                if odo and not 0.0 <= a < v:
                    self.told.append(Cause.PVC)
                elif odo and a < s.av_short_ms:
                    self.told.append(Cause.SHORT_AV)
                elif odo and a > s.av_long_ms:
                    self.told.append(Cause.LONG_AV)
                elif not odo and v < 60_000.0 / s.vt_rate_bpm:
                    self.told.append(Cause.VT)
                v = 0.0
        # on LS, of which a train and its balancing hide any
        sensed_ls = self._local(event, before, v_sensed, a)
        if sensed_ls is not None:
            ls = -sensed_ls
            opened, width = s.alert_start_ms, s.alert_width_ms
            inside = v_sensed and opened <= sensed_ls <= opened + width
            if not inside and not self.told:
                self.told.append(Cause.LS_OUT)
        if self.told:
            left = self._cycles(self.told[-1])
        in_window = sensed_ls is not None and v_sensed and not self.told
        armed, train = in_window and left == 0, None
        if armed:
            assert sensed_ls is not None
            train = max(sensed_ls + s.delay_ms, AFTER_V_MS)
        # on a later LS
        if (
            in_window
            and event.late is not None
            and event.late + ls >= s.post_ls_refractory_ms
        ):
            runs = armed and self.gate is None and train is not None
            hidden = (
                runs
                and train is not None
                and train <= event.late < train + s.train_ms + s.balancing_ms
            )
            if not hidden:
                ls = -event.late
                self.told.append(Cause.LS_OUT)
                left = self._cycles(Cause.LS_OUT)
                if train is None or event.late < train:
                    armed, train = False, None
        cause = self.gate or self._cause(v_sensed, armed, in_window)
        busy = (before.busy_from, before.busy_until)
        if cause is Cause.DELIVERED:
            assert train is not None
            busy = (-train, -(train + s.train_ms + s.balancing_ms))
        else:
            train = None
        state = State(a, v, ls, *busy, max(0, left - 1))
        return Judged(cause, train, v_sensed, sensed_ls, tuple(self.told), state)

    def _local(
        self, event: Event, before: State, v_sensed: bool, a: float
    ) -> float | None:
        s, ls = self.s, event.ls
        if ls is None or ls + before.ls < s.post_ls_refractory_ms:
            return None
        if -before.busy_from <= ls < -before.busy_until:
            return None
        if v_sensed and -s.ls_blank_pre_rv_ms < ls < s.ls_blank_post_rv_ms:
            return None
        odo = s.mode == "ODO-LS-CCM"
        if odo and -s.ls_blank_pre_a_ms < ls + a < s.ls_blank_post_a_ms:
            return None
        return ls

    def _cycles(self, cause: Cause) -> int:
        return self.cycles[cause]

    def _cause(self, v_sensed: bool, armed: bool, in_window: bool) -> Cause:
        if armed:
            return Cause.DELIVERED
        if self.told:
            return self.told[-1]
        if not v_sensed:
            return Cause.V_UNDERSENSED
        return Cause.INHIBITED if in_window else Cause.NO_LS


def later(state: State, rr: float) -> State:
    """Return a state as it is seen from a V that comes later.

    What is too long ago to matter is told as long ago, the order of A and V apart.
    """
    a, v, ls, busy_from, busy_until = (
        min(NEVER, round(ago + rr, 6)) for ago in state[:5]
    )
    if a > LONGEST_MS:
        a = NEVER if a >= v else NEVER - 1.0
    if v > LONGEST_MS:
        v = NEVER
    if ls > LONGEST_LS_MS:
        ls = NEVER
    if busy_until >= -min(n for n in LOCAL if n is not None):
        busy_from = busy_until = NEVER  # over before anything can be sensed
    return State(a, v, ls, busy_from, busy_until, state.left)


class Step(NamedTuple):
    """One beat: where it began, what the two readings made of it, what was counted."""

    settings: Settings
    gate: Cause | None
    state: State
    wanted: Judged
    made: BeatDecision
    after: State
    counted: tuple[int, int, int, int]
    drained_mah: float

    @property
    def train(self) -> float:
        return (self.made.train_start_s - NOW_S) * 1e3

    @property
    def busy_until(self) -> float:
        return self.train + self.settings.train_ms + self.settings.balancing_ms


class Machine:
    """The generator, put into a state and given one beat."""

    def __init__(self, settings: Settings, gate: Cause | None) -> None:
        self.settings, self.gate = settings, gate
        charge_frac = 0.0 if gate is Cause.BATTERY_LOW else 1.0
        leads = Leads(rng=np.random.default_rng(1))
        # therapy of five hours a day is spread over it: on at 0:00, off at 2:00
        self.device = PulseGenerator(
            settings, leads, Battery(charge_frac=charge_frac), time_of_day_s=7200.0
        )
        self.device.force_on = gate is not Cause.SCHEDULE_OFF
        if gate is Cause.PERMANENT_OFF:
            self.device.set_state("PERMANENT_OFF")
        elif gate is Cause.SAFE_MODE:
            self.device.enter_safe_mode()
        self.full = self.device.battery._charge_mah
        self.nothing = Counters()

    def step(self, wanted: Judged, state: State, event: Event) -> Step:
        """Play one beat from a state, which is set in the generator itself."""
        device = self.device
        device._last_a_s, device._last_v_s, device._last_ls_s = (
            float("-inf") if ago == NEVER else NOW_S - ago / 1e3 for ago in state[:3]
        )
        device._busy_from_s, device._busy_until_s = (
            NOW_S - ago / 1e3 for ago in state[3:5]
        )
        device._inhibit_left = state.left
        device._last_beat_s = NOW_S - event.rr / 1e3
        device.battery._charge_mah = self.full
        # half of a proof would go into asking an enumeration for its members again
        counters = device.counters = Counters(
            beats_by_cause=self.nothing.beats_by_cause.copy(),
            inhibitions=self.nothing.inhibitions.copy(),
        )
        made = device.beat(signals_of(event))
        after = State(
            min(NEVER, (NOW_S - device._last_a_s) * 1e3),
            min(NEVER, (NOW_S - device._last_v_s) * 1e3),
            min(NEVER, (NOW_S - device._last_ls_s) * 1e3),
            left=device._inhibit_left,
        )
        counted = (
            counters.beats,
            sum(counters.beats_by_cause.values()),
            counters.beats_by_cause[made.cause],
            sum(counters.inhibitions.values()),
        )
        drained = self.full - device.battery._charge_mah
        s, gate = self.settings, self.gate
        return Step(s, gate, state, wanted, made, after, counted, drained)


@cache
def signals_of(event: Event) -> BeatSignals:
    at = NOW_S
    a_s = None if event.a_before is None else at - event.a_before / 1e3
    ls_s = at + (event.ls or 0.0) / 1e3
    return BeatSignals(
        at_s=at,
        atrial_s=a_s,
        v1_s=at,
        v2_s=ls_s,
        atrial_mv=3.0,
        v1_mv=8.0 if event.v_seen else 0.1,
        v2_mv=9.0 if event.ls is not None else 0.1,
        noise=bool(event.noise),
        late_ls_s=None if event.late is None else at + event.late / 1e3,
        noise_mv=1.5 if event.noise == "A" else 9.0,  # A senses from 1.3 mV, V from 2
    )


ODO: Final = Settings().with_values({"mode": "ODO-LS-CCM", "at_rate_bpm": 110.0})
CYCLES: Final = {
    f"inhibit_cycles_{name}": n
    for n, name in enumerate(("ls_out", "pvc", "noise", "at"), start=1)
}
CASES: Final[Mapping[str, Settings]] = {
    "OVO": Settings(),
    "OVO, three pulses, long inhibition": Settings().with_values(
        {"n_pulses": 3, "inhibit_cycles_ls_out": 3, "inhibit_cycles_vt": 2}
    ),
    "ODO": ODO,
    "ODO, inhibition of 1 to 4 beats": ODO.with_values(CYCLES),
    "ODO, window before V": ODO.with_values(
        {"alert_start_ms": -20.0, "alert_width_ms": 30.0, "delay_ms": 40.0}
    ),
}
RR_MS: Final = (120.0, 200.0, 400.0, 800.0)  # refractory, noise window, fast, usual
ATRIAL: Final = (None, 170.0, 40.0, 500.0)  # none, usual, short AV, long AV
LOCAL: Final = (None, 10.0, 20.0, 60.0, -10.0)  # none, inside, on the edge, late, early
LATE: Final = (None, 35.0, 60.0, 250.0)  # none, before the train, within, after it


def alphabet(settings: Settings) -> tuple[Event, ...]:
    atrial = ATRIAL if settings.mode == "ODO-LS-CCM" else ATRIAL[:2]
    sounds = ("", "A", "V")
    return tuple(
        Event(*letters)
        for letters in product(RR_MS, atrial, (True, False), LOCAL, LATE, sounds)
    )


def reached(
    settings: Settings, gate: Cause | None, depth: int
) -> Iterator[tuple[int, State, Event, Judged]]:
    """Yield every state within a depth with every event and what becomes of it."""
    rules = Rules(settings, gate)
    by_rr = {rr: [e for e in alphabet(settings) if e.rr == rr] for rr in RR_MS}
    seen: set[tuple[float, State]] = set()
    edge = {State()}
    for level in range(depth):
        now = {(rr, later(state, rr)) for state in edge for rr in RR_MS} - seen
        seen |= now
        edge = set()
        for rr, state in sorted(now):
            for event in by_rr[rr]:
                wanted = rules.judge(state, event)
                yield level, state, event, wanted
                edge.add(wanted.state)


def near(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < 1e-4


def in_window(step: Step) -> bool:
    start, width = step.settings.alert_start_ms, step.settings.alert_width_ms
    return start - 1e-4 <= step.made.ls_latency_ms <= start + width + 1e-4


OF_EACH_BEAT: Final[Mapping[str, Callable[[Step], bool]]] = {
    "the cause is the one that 2.2 gives": lambda t: t.made.cause is t.wanted.cause,
    "V is sensed as 2.2 says": (
        lambda t: isnan(t.made.reference_s) != t.wanted.v_sensed
    ),
    "LS is sensed as 2.2 says": (lambda t: isnan(t.made.ls_s) == (t.wanted.ls is None)),
    "intervals are measured from what was sensed last": (
        lambda t: all(map(near, t.after[:3], t.wanted.state[:3]))
    ),
    "the newest event sets the counter, the beat takes one": (
        lambda t: t.after.left == t.wanted.state.left
    ),
    "a beat has one cause": lambda t: t.counted[:2] == (1, 1),
    "the row of the cause counts it": lambda t: t.counted[2] == 1,
    "each inhibiting event is counted once": (
        lambda t: t.counted[3] == len(t.wanted.events)
    ),
    "the battery never gains": lambda t: t.drained_mah >= 0.0,
}
OF_EACH_TRAIN: Final[Mapping[str, Callable[[Step], bool]]] = {
    "no train on an inhibited beat": (
        lambda t: t.state.left == 0 and t.wanted.train is not None
    ),
    "no train against mode, state, battery, magnet or schedule": (
        lambda t: t.gate is None
    ),
    "a train starts at max(LS + delay, V + 3 ms)": (
        lambda t: near(
            t.train, max(t.made.ls_latency_ms + t.settings.delay_ms, AFTER_V_MS)
        )
    ),
    "a train follows an LS inside the window": in_window,
    "no train outside the refractory window, which the noise window ends": (
        lambda t: t.busy_until < min(t.settings.pvarp_ms, t.settings.vrp_ms) - NOISE_MS
    ),
    "no train begins in another or its balancing": (
        lambda t: t.state.busy_until == NEVER or t.train >= -t.state.busy_until
    ),
    "a train costs charge": lambda t: t.drained_mah > 0.0,
}


def proved(
    settings: Settings, gate: Cause | None = None, depth: int = 1
) -> tuple[int, int, int]:
    """Check every step within a depth; return states, steps and levels that had any."""
    machine = Machine(settings, gate)
    states, steps, deepest = set(), 0, 0
    for level, state, event, wanted in reached(settings, gate, depth):
        step = machine.step(wanted, state, event)
        broken = [words for words, holds in OF_EACH_BEAT.items() if not holds(step)]
        if step.made.delivered:
            broken += [
                words for words, holds in OF_EACH_TRAIN.items() if not holds(step)
            ]
        assert not broken, (broken, event, step)
        states.add(state)
        steps, deepest = steps + 1, level + 1
    return len(states), steps, deepest


GATES: Final = (
    Cause.PERMANENT_OFF,
    Cause.SAFE_MODE,
    Cause.SCHEDULE_OFF,
    Cause.BATTERY_LOW,
)
NO_END: Final = 40
"""Deeper than new states come: what holds so far holds for sequences of any length."""


@pytest.mark.parametrize("case", CASES)
def test_every_sequence_of_two_beats_obeys_the_rules(
    case: str, record_property: Callable[[str, object], None]
) -> None:
    _, n_steps, depth = proved(CASES[case], depth=2)
    record_property("tried", n_steps)
    assert depth == 2


@pytest.mark.parametrize(
    "case",
    [
        "OVO",
        "OVO, three pulses, long inhibition",
        pytest.param("ODO", marks=pytest.mark.slow),
        pytest.param("ODO, window before V", marks=pytest.mark.slow),
        pytest.param("ODO, inhibition of 1 to 4 beats", marks=pytest.mark.soak),
    ],
)
def test_every_sequence_of_any_length_obeys_the_rules(
    case: str, record_property: Callable[[str, object], None]
) -> None:
    _, n_steps, depth = proved(CASES[case], depth=NO_END)
    record_property("tried", n_steps)
    assert depth < NO_END


@pytest.mark.parametrize("gate", GATES)
def test_no_sequence_of_beats_delivers_where_something_forbids_it(gate: Cause) -> None:
    assert proved(CASES["OVO"], gate, NO_END)[2] < NO_END


def test_a_rule_that_is_broken_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a counter be forgotten, as a fault of the generator would."""
    inhibit: Any = PulseGenerator._inhibit

    def forgetful(self: PulseGenerator, cause: Cause) -> None:
        inhibit(self, cause)
        self._inhibit_left = min(self._inhibit_left, 1)

    monkeypatch.setattr(PulseGenerator, "_inhibit", forgetful)
    with pytest.raises(AssertionError):
        proved(CASES["ODO, inhibition of 1 to 4 beats"], None, 2)
