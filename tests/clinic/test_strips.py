"""Pieces of the strips for a screen: the newest, without a gap, in little memory."""

import gc
import tracemalloc

import pytest

from harness.clinic.session import LiveSession
from harness.clinic.strips import KEPT_BEATS, KEPT_S, NEWEST_S, Strips
from harness.play.scenario import load_scenario
from harness.play.stream.live import LiveVisit
from harness.play.stream.messages import (
    BeatMessage,
    MarkerMessage,
    OpenedMessage,
    SamplesMessage,
)
from sim.units import S_PER_H

CHANNELS = ("ECG II", "EGM V1", "EGM V2", "ABP")
HZ = 250
EIGHT_HOURS_S = int(8 * S_PER_H)
WARM_S = 0.5 * S_PER_H
"""By then all that a live visit keeps of its newest messages is full."""
SLICE_S = 60.0
BEAT_BYTES = 600
"""A beat of the record: a row of 26 numbers of 8 bytes in an array that doubles, and a
line of 14 such numbers in one that grows by an eighth."""


@pytest.fixture(scope="module")
def opened() -> OpenedMessage:
    """Return the opening of a visit."""
    with LiveVisit.of(load_scenario("first_visit")) as live:
        message = live.messages()[0]
    assert isinstance(message, OpenedMessage)
    return message


def strips_of(opened: OpenedMessage) -> Strips:
    made = Strips()
    made.open(opened, "V2")
    return made


def second(at_s: int, first: int | None = None) -> SamplesMessage:
    """Return a second of samples, each its own number modulo 1000."""
    start = at_s * HZ if first is None else first
    told = tuple(k % 1000 for k in range(start, start + HZ))
    return SamplesMessage(
        at_s=at_s + 1.0, first=start, counts=dict.fromkeys(CHANNELS, told)
    )


def test_pieces_follow_each_other_without_a_gap(opened: OpenedMessage) -> None:
    strips = strips_of(opened)
    got: list[int] = []
    for at_s in range(5):
        strips.samples(second(at_s))
        piece = strips.unsent(newest_only=False)
        assert piece is not None
        assert piece["start_s"] * piece["hz"] == len(got)
        got += piece["ecg"]
    assert got == [k % 1000 for k in range(5 * HZ)]
    assert strips.unsent(newest_only=False) is None


def test_of_much_only_a_screen_is_sent(opened: OpenedMessage) -> None:
    strips = strips_of(opened)
    for at_s in range(60):
        strips.samples(second(at_s))
    piece = strips.unsent(newest_only=True)
    assert piece is not None
    assert len(piece["ecg"]) == NEWEST_S * HZ
    assert piece["start_s"] == 60 - NEWEST_S


def test_after_a_gap_the_strips_begin_anew(opened: OpenedMessage) -> None:
    strips = strips_of(opened)
    strips.samples(second(0))
    strips.unsent(newest_only=False)
    strips.samples(second(100))
    piece = strips.unsent(newest_only=False)
    assert piece is not None
    assert piece["start_s"] == 100.0
    assert strips.whole() == piece | {"trend": []}


def test_eight_hours_take_no_more_memory_than_a_minute(opened: OpenedMessage) -> None:
    strips = strips_of(opened)
    message = second(0)
    for at_s in range(EIGHT_HOURS_S):
        told = SamplesMessage(at_s=at_s, first=at_s * HZ, counts=message.counts)
        strips.samples(told)
        strips.beat(beat(at_s))
        strips.marker(train(at_s))
        strips.unsent(newest_only=True)
    assert len(strips._counts["ecg"]) <= (2 * KEPT_S + 1) * HZ
    assert len(strips._markers) <= 2 * KEPT_S + 2
    assert len(strips._trend) <= KEPT_BEATS


@pytest.mark.parametrize(
    "hours",
    [
        # traced, a quarter of an hour and the warming up take six seconds
        pytest.param(0.25, marks=pytest.mark.slow),
        pytest.param(8.0, marks=pytest.mark.soak),
    ],
)
def test_a_visit_that_goes_on_keeps_its_record_and_nothing_else(
    session: LiveSession, hours: float
) -> None:
    """Its person thinks, at the highest pace, and a window takes what is new."""
    tracemalloc.start()
    try:
        hurried(session, session.now_s + WARM_S)
        before, n_before = traced_bytes(), session.live.visit.bedside.n_beats
        hurried(session, session.now_s + hours * S_PER_H)
        grown = traced_bytes() - before
    finally:
        tracemalloc.stop()
    assert session.waits
    n_beats = session.live.visit.bedside.n_beats - n_before
    assert n_beats > 50 * 60 * hours
    assert grown < BEAT_BYTES * n_beats


def hurried(session: LiveSession, until_s: float) -> None:
    while session.now_s < until_s:
        session.hurry(session.now_s + SLICE_S)
        session.strips.unsent(newest_only=True)


def traced_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def beat(at_s: int) -> BeatMessage:
    return BeatMessage(
        at_s=at_s,
        beat=at_s,
        rr_s=1.0,
        heart_rate_bpm=60.0,
        ectopic=False,
        delivered=True,
        sbp_mmhg=120.0,
        dbp_mmhg=80.0,
        map_mmhg=95.0,
    )


def train(at_s: int) -> MarkerMessage:
    return MarkerMessage(
        at_s=at_s, marker="ccm", code="CCM", from_s=at_s + 0.1, to_s=at_s + 0.12, beat=0
    )
