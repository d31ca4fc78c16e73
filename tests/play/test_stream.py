"""The stream tells a visit once, in order, by its schema, and nothing that is true."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from math import inf
from pathlib import Path
from statistics import fmean
from typing import TypeGuard

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.archive.strips import recording_of
from harness.play.run import Run, run_scenario
from harness.play.scenario import Scenario, load_scenario
from harness.play.stream.live import LiveVisit
from harness.play.stream.messages import (
    BeatMessage,
    LogMessage,
    Message,
    OpenedMessage,
    PairMessage,
    ReadingMessage,
    ResultMessage,
    SamplesMessage,
    VerdictMessage,
    as_json,
    from_json,
    schema,
    schema_text,
)
from harness.play.stream.opening import SAMPLING_HZ
from harness.play.stream.transcript import Scribe, Transcript
from sim.telemetry.channels import MONITOR
from sim.telemetry.synthesis import FloatArray
from sim.visit.record import VisitRecord

PUBLISHED = Path(__file__).parents[2] / "docs" / "stream.schema.json"
SHORT = {
    "visit.titration_min": 8.0,
    "visit.verification_pairs": 2,
    "visit.observation_min": 1.0,
    "visit.response_pairs": 1,
    "patient.override": {"g_two_leads": 0.3, "sensation_threshold_v": 9.0},
    "search.gate_probability": 0.0,
}


@cache
def short() -> Scenario:
    return load_scenario("first_visit").changed(SHORT)


@cache
def whole() -> VisitRecord:
    return run_scenario(short()).record


@cache
def transcribed() -> tuple[Run, Transcript]:
    run = run_scenario(short(), recorded=True)
    assert run.transcript is not None
    return run, run.transcript


@cache
def lived() -> tuple[LiveVisit, tuple[Message, ...]]:
    live = LiveVisit.of(short(), strips=False)
    told = list(live.messages())
    live.listen(told.append)
    live.advance(float("inf"))
    return live, tuple(told)


@cache
def recorded() -> tuple[str, ...]:
    """Return the lines of a visit with its strips, up to the end of its first test."""
    with LiveVisit.of(short()) as live:
        lines = [as_json(message) for message in live.messages()]
        live.listen(lambda message: lines.append(as_json(message)))
        while not live.visit.findings.tested:
            live.step()
    return tuple(lines)


def is_same(one: VisitRecord, other: VisitRecord) -> bool:
    return (
        one.beats.rows.tobytes() == other.beats.rows.tobytes()
        and one.events == other.events
        and repr(one.tested) == repr(other.tested)  # nan is like nan here
        and repr(one.verdict) == repr(other.verdict)
    )


def test_a_visit_stepped_event_by_event_is_the_visit_played_at_once() -> None:
    live = LiveVisit.of(short(), strips=False)
    while not live.over:
        live.step()
    assert is_same(live.record, whole())


@settings(max_examples=3)
@given(st.lists(st.floats(0.01, 900.0), min_size=1, max_size=12))
def test_a_visit_advanced_in_any_pieces_is_the_visit_played_at_once(
    pieces_s: list[float],
) -> None:
    live = LiveVisit.of(short(), strips=False)
    for piece_s in pieces_s:
        live.advance(live.now_s + piece_s)
    live.advance(float("inf"))
    assert is_same(live.record, whole())


def told_of(live: LiveVisit, go_on: Callable[[], None]) -> tuple[bytes, int, int]:
    """Return what a visit tells, how many events it takes, and how many beats."""
    scribe, n_events, step = Scribe(), 0, live.visit.env.step

    def counted() -> None:
        nonlocal n_events
        n_events += 1
        step()

    for message in live.messages():
        scribe(message)
    live.listen(scribe)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live.visit.env, "step", counted)
        while not live.over:
            go_on()
    return scribe.transcript.lines, n_events, live.visit.bedside.n_beats


@pytest.mark.parametrize("who", ["hfref-ischaemic", "hfref-frequent-pvc", "hfref-af"])
def test_beats_of_a_stretch_are_told_as_each_by_itself_at_a_third_of_the_events(
    who: str,
) -> None:
    scenario = short().changed({"patient.phenotype": who, "patient.override": {}})
    at_once, stepped = (LiveVisit.of(scenario, strips=False) for _ in range(2))
    lines, n_events, n_beats = told_of(at_once, lambda: at_once.advance(inf))
    one_by_one, n_steps, n_stepped = told_of(stepped, stepped.step)
    assert lines == one_by_one
    assert n_stepped == n_beats <= n_steps
    assert n_events < n_beats / 3


def test_a_message_is_made_once_and_numbered_in_place() -> None:
    live = LiveVisit.of(short(), strips=False)
    heard: list[Message] = []
    live.listen(heard.append)
    live.advance(600.0)
    kept = live.messages(since=1)
    assert len(kept) == len(heard) > 0
    assert all(one is other for one, other in zip(kept, heard, strict=True))


def test_the_clock_stands_where_it_was_advanced_to() -> None:
    live = LiveVisit.of(short())
    live.advance(1.23)
    assert live.now_s == 1.23
    assert live.next_event_s > 1.23


def test_messages_are_numbered_without_a_gap_and_in_the_order_of_time() -> None:
    _, told = lived()
    assert [message.number for message in told] == list(range(1, len(told) + 1))
    assert all(a.at_s <= b.at_s for a, b in pairwise(told))


def test_every_message_is_of_the_published_schema_and_reads_back() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), "run make schema"
    _, told = lived()
    validator = jsonschema.Draft202012Validator(schema())
    for message in {message.kind: message for message in told}.values():
        validator.validate(json.loads(as_json(message)))
        assert from_json(as_json(message)) == message


def test_every_beat_is_told_once() -> None:
    live, told = lived()
    beats = [m.beat for m in told if isinstance(m, BeatMessage)]
    # the visit ends within the last beat, which is activated but not of the record
    assert beats == list(range(live.visit.bedside.n_beats))


def test_the_numbers_of_the_table_follow_from_the_stream_alone() -> None:
    _, told = lived()
    lines = [as_json(message) for message in told]
    readings = list[ReadingMessage]()
    gains = list[float]()
    for message in map(from_json, lines):
        if isinstance(message, ReadingMessage) and message.purpose == "titration":
            readings.append(message)
        elif isinstance(message, ResultMessage):
            gains.append(gain_of(readings))
            readings.clear()
    table = [tested.gain_pct for tested in whole().tested]
    assert gains == pytest.approx(table, rel=1e-12, nan_ok=True)


def gain_of(readings: list[ReadingMessage]) -> float:
    """Return what R X R say by the definition of a pair, percent."""
    before, tested, after = (reading.value for reading in readings)
    assert before is not None
    assert tested is not None
    assert after is not None
    return 100.0 * (tested / (0.5 * (before + after)) - 1.0)


def test_what_the_monitor_shows_of_a_window_is_what_was_read_of_it() -> None:
    live, told = lived()
    shown = {m.beat - 1: m.sbp_mmhg for m in told if isinstance(m, BeatMessage)}
    read = [m for m in told if isinstance(m, ReadingMessage) and m.value is not None]
    compared = 0
    for message in read:
        # of a window the reading takes the last whole breaths, here all readable
        first = message.first_beat + message.n_beats - message.n_used
        values = [shown[beat] for beat in range(first, first + message.n_used)]
        known = [value for value in values if value is not None]
        if len(known) == message.n_used and is_clean(live, message):
            compared += 1
            assert fmean(known) == pytest.approx(message.value, rel=1e-9)
    assert compared > 10


def is_clean(live: LiveVisit, message: ReadingMessage) -> bool:
    """Tell whether no ectopic beat was near the window of a reading."""
    first, last = message.first_beat, message.first_beat + message.n_beats
    return not live.visit.bedside.log.ectopic(first - 2, last + 2).any()


def test_the_monitor_never_shows_the_true_pressure() -> None:
    live, told = lived()
    true = live.visit.bedside.log.table().column("sbp_mmhg")
    beats = [m for m in told if isinstance(m, BeatMessage) and m.sbp_mmhg is not None]
    assert all(m.sbp_mmhg != true[m.beat - 1] for m in beats)


def drawn_again(told: Sequence[Message], channel: str) -> FloatArray:
    """Return one trace of a recorded stream, in its unit."""
    opened = told[0]
    assert isinstance(opened, OpenedMessage)
    scale = {shape.name: shape.counts_per_unit for shape in opened.channels}[channel]
    pieces = [m for m in told if isinstance(m, SamplesMessage)]
    ends = [m.first + len(m.counts[channel]) for m in pieces]
    assert [m.first for m in pieces] == [0, *ends[:-1]], "neither gap nor overlap"
    return np.concatenate([m.counts[channel] for m in pieces]) / scale


@pytest.mark.slow
def test_strips_drawn_from_the_recorded_stream_show_what_was_read() -> None:
    told = list(map(from_json, recorded()))
    opened = told[0]
    assert isinstance(opened, OpenedMessage)
    pressure = drawn_again(told, "ABP")
    first = [round(m.at_s * opened.sampling_hz) for m in told if is_beat(m)]
    peaks = [float(pressure[a:b].max(initial=0.0)) for a, b in pairwise(first)]
    unread = [m.beat - 1 for m in told if is_beat(m) and m.sbp_mmhg is None]
    ectopic = [m.beat for m in told if is_beat(m) and m.ectopic]
    above = []
    for message in (m for m in told if isinstance(m, ReadingMessage) and m.value):
        end = message.first_beat + message.n_beats
        used = range(end - message.n_used, end)
        near = range(used.start - 2, used.stop + 3)
        if not (set(unread) & set(used) or set(ectopic) & set(near)):
            above.append(fmean(peaks[beat] for beat in used) - message.value)
    # the highest of some samples with noise of 0.2 mmHg stands a little above the peak
    assert len(above) > 4
    assert above == pytest.approx([0.3] * len(above), abs=0.3)


def is_beat(message: Message) -> TypeGuard[BeatMessage]:
    return isinstance(message, BeatMessage)


def test_nobody_can_look_at_the_verification_before_its_end() -> None:
    _, told = lived()
    over = next(i for i, m in enumerate(told) if isinstance(m, VerdictMessage))
    before = told[:over]
    pairs = [m for m in before if isinstance(m, PairMessage | ReadingMessage)]
    hidden = [m for m in pairs if m.purpose == "verification"]
    assert hidden, "the visit verifies something"
    assert all(
        (m.gain_pct if isinstance(m, PairMessage) else m.value) is None for m in hidden
    )
    texts = [m.text for m in before if isinstance(m, LogMessage)]
    assert [t for t in texts if t.startswith("verification pair:")] == []


def test_no_message_has_seed_pseudonym_phenotype_or_title() -> None:
    live, told = lived()
    text = "\n".join(as_json(m) for m in told if not isinstance(m, BeatMessage))
    hidden = (
        live.record.pseudonym,
        live.order.patient.phenotype,
        live.order.patient.name,
        short().title,
    )
    assert [word for word in hidden if word and word in text] == []


def test_the_monitors_trace_of_a_folder_is_that_of_the_live_strip() -> None:
    """Drawn at once from what the beats were told to show, and piece by piece."""
    told = [from_json(line) for line in recorded()]
    live = np.concatenate(
        [m.counts["ABP"] for m in told if isinstance(m, SamplesMessage)]
    )
    run, transcript = transcribed()
    assert is_same(run.record, whole())
    noise = run.facts.scenario.visit.strip_noise.disturbance
    strips = recording_of(run.record, SAMPLING_HZ, noise, transcript.shown_mmhg)
    place = [channel.name for channel in strips.channels].index(MONITOR)
    at_once = strips.counts(0, len(live))[:, place]
    np.testing.assert_array_equal(live, at_once)


def test_a_transcript_is_the_stream_but_for_the_samples() -> None:
    _, told = lived()
    _, transcript = transcribed()
    lines = transcript.lines.decode().splitlines()
    assert lines == [as_json(message) for message in told]
    beats = [m for m in told if isinstance(m, BeatMessage)]
    shown = transcript.shown_mmhg
    assert shown.shape == (len(beats), 3)
    assert np.isnan(shown[-1]).all()
    for beat, (sbp, dbp, _) in zip(beats[1:], shown.tolist(), strict=False):
        assert (sbp, dbp) == (beat.sbp_mmhg, beat.dbp_mmhg) or beat.sbp_mmhg is None
