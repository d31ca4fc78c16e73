"""Frames: what crosses is what was said, and nothing else is taken for a frame."""

import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from harness.play.host.frames import MOST_TEXT, Frame, FrameError, FrameLine
from harness.play.host.values import (
    observation_of,
    observation_told,
    problem_of,
    problem_told,
)
from optimizers.problem import Observation, Population, Problem
from sim.streams import generator_of, generator_told, move

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    mine, theirs = socket.socketpair()
    with mine, theirs:
        yield mine, theirs


def taken(end: socket.socket, *, most_arrays: int = 1 << 20) -> Frame:
    line = FrameLine(end, most_arrays=most_arrays)
    while True:
        frame = line.take()
        if frame is not None:
            return frame


def test_a_frame_arrives_as_it_was_said(ends: Ends) -> None:
    gain = np.arange(6.0).reshape(2, 3)
    said = Frame(7, "begin", {"text": "\ud800 ü", "nan": float("inf")}, {"gain": gain})
    ends[0].sendall(said.data)
    heard = taken(ends[1])
    assert (heard.number, heard.kind, heard.told) == (7, "begin", said.told)
    np.testing.assert_array_equal(heard.arrays["gain"], gain)


def test_two_frames_in_one_breath_are_two_frames(ends: Ends) -> None:
    ends[0].sendall(Frame(1, "a").data + Frame(2, "b").data)
    line = FrameLine(ends[1], most_arrays=0)
    first, second = line.take(), line.take()
    assert first is not None
    assert second is not None
    assert (first.kind, second.kind) == ("a", "b")


@pytest.mark.parametrize(
    "data",
    [
        b"y" * 100,
        struct.pack(">4sIQ", b"ccm1", MOST_TEXT + 1, 0),
        struct.pack(">4sIQ", b"ccm1", 2, 1 << 40),
        struct.pack(">4sIQ", b"ccm1", 2, 0) + b"[]",
        struct.pack(">4sIQ", b"ccm1", 4, 0) + b"\xff\xff\xff\xff",
    ],
    ids=["printed", "long text", "long arrays", "a list", "no text"],
)
def test_what_is_no_frame_is_refused_without_being_kept(
    ends: Ends, data: bytes
) -> None:
    ends[0].sendall(data)
    with pytest.raises(FrameError):
        taken(ends[1])


def test_a_host_may_send_no_arrays(ends: Ends) -> None:
    ends[0].sendall(Frame(1, "asked", {}, {"big": np.zeros(3)}).data)
    with pytest.raises(FrameError):
        taken(ends[1], most_arrays=0)


def test_an_array_of_objects_is_never_made(ends: Ends) -> None:
    text = b'{"number": 1, "kind": "a", "told": {}, "arrays": [["x", "|O", [1]]]}'
    ends[0].sendall(struct.pack(">4sIQ", b"ccm1", len(text), 8) + text + b"\0" * 8)
    with pytest.raises(FrameError):
        taken(ends[1])


@pytest.mark.parametrize(
    "text",
    [
        '{"number": 1e999, "kind": "a", "told": {}, "arrays": []}',
        '{"number": 1, "kind": "a", "told": [[]], "arrays": []}',
        '{"number": 1, "kind": "a", "told": {}, "arrays": [["x", "<f8", [1e999]]]}',
        '{"number": 1, "kind": "a", "told": {}, "arrays": [["x", "<f8", [HUGE]]]}',
        '{"number": 1, "kind": "a", "told": {}, "arrays": [["x", "<f8", [0, HUGE]]]}',
        '{"number": LONG, "kind": "a", "told": {}, "arrays": []}',
        '{"number": 1, "kind": "a", "told": DEEP, "arrays": []}',
    ],
    ids=[
        *("endless", "told is a list", "endless array", "huge array"),
        *("huge and empty", "huge number", "deep"),
    ],
)
def test_numbers_and_nesting_without_measure_are_no_frame(
    ends: Ends, text: str
) -> None:
    huge, long, deep = "9" * 400, "9" * 5000, f"{'[' * 100_000}{']' * 100_000}"
    text = text.replace("HUGE", huge).replace("LONG", long).replace("DEEP", deep)
    data = struct.pack(">4sIQ", b"ccm1", len(text), 0) + text.encode()
    threading.Thread(target=ends[0].sendall, args=(data,), daemon=True).start()
    with pytest.raises(FrameError):
        taken(ends[1])


def test_a_population_of_whole_numbers_crosses_as_numbers(problem: Problem) -> None:
    whole = np.zeros((2, problem.space.size), dtype=np.int64)
    _, arrays = problem_told(replace(problem, population=Population(whole, whole)))
    assert arrays["values"].dtype == arrays["sensation"].dtype == np.float64


def test_a_problem_crosses_with_its_rules_as_a_mask(problem: Problem) -> None:
    told, arrays = problem_told(problem)
    there = problem_of(told, arrays)
    assert there.space.axes == problem.space.axes
    np.testing.assert_array_equal(there.space.mask, problem.space.mask)
    assert there.space.size < there.space.mask.size  # else the rules are not seen
    assert (there.reference, there.budget) == (problem.reference, problem.budget)
    assert there.population is not None
    assert there.population.values.shape == (3, problem.space.size)


def test_an_observation_crosses_whole() -> None:
    seen = Observation(
        (1, 2), (1, 1), 0.1 + 0.2, channels={"sensation": 1.0}, minutes=2.5, beats=140
    )
    assert repr(observation_of(observation_told(seen))) == repr(seen)


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.Philox, np.random.MT19937])
def test_a_generator_goes_on_elsewhere_and_back(kind: type) -> None:
    here, twin = (np.random.Generator(kind(5)) for _ in range(2))
    for rng in (here, twin):
        rng.integers(9, dtype=np.uint32)  # leaves half a draw behind
    there = generator_of(generator_told(here))
    assert there.random(3).tolist() == twin.random(3).tolist()
    move(here, generator_told(there))
    assert here.random(3).tolist() == twin.random(3).tolist()
