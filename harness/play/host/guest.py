"""What a host does: reads the strategy's code, runs its generator, answers in frames.

Everything a strategy does to its process (closed descriptors, patched modules, signal
handlers) is done to this one, which is gone after the visit. The host of a response law
has another guest, `law_guest`.
"""

import os
import resource
import socket
import sys
from collections.abc import Callable, Generator, Mapping
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from harness.play.host.frames import CLOSED, MOST_ARRAYS, MOST_TOLD, Frame, FrameLine
from harness.play.host.values import observation_of, problem_of
from optimizers.asked import checked_point
from optimizers.problem import (
    Asking,
    BudgetSpent,
    Problem,
    Strategy,
    StrategyError,
    StrategyFailedError,
    error_told,
)
from optimizers.registry import load_strategy
from sim.streams import generator_of, generator_told

Answer = tuple[str, Mapping[str, Any]]


def serve(end: socket.socket) -> None:
    """Answer until the other end is closed; never returns."""
    mine = os.getpid()
    # a copy that the strategy forks must not speak in its name
    os.register_at_fork(after_in_child=end.close)
    line = FrameLine(end, most_arrays=MOST_ARRAYS, most_text=MOST_TOLD)
    guest: Lodger = _Guest()
    try:
        while True:
            frame = line.take()
            if frame is not None:
                if frame.kind == "law":
                    guest = import_module("harness.play.host.law_guest").LawGuest()
                answer = guest.answer(frame)
                if os.getpid() != mine:
                    os._exit(0)
                end.sendall(answer.data)
    except EOFError:
        os._exit(0)
    except BaseException:  # noqa: BLE001 there is nobody left who could be told
        os._exit(0 if os.getpid() != mine else CLOSED)


class Lodger(Protocol):
    """Who lives in a host."""

    def answer(self, frame: Frame) -> Frame:
        """Return the answer to one frame; whatever is raised is an answer."""


class _Guest:
    """The strategy that is run, and how far it is."""

    def __init__(self) -> None:
        self._run: Strategy | None = None
        self._running: Asking | None = None
        self._problem: Problem | None = None
        self._rng = np.random.default_rng(0)

    def answer(self, frame: Frame) -> Frame:
        """Return the answer to one frame; whatever is raised is an answer."""
        kind, told = self._told(frame)
        return Frame(frame.number, kind, told)

    def _told(self, frame: Frame) -> Answer:
        try:
            return self._answer(frame)
        except StrategyError as error:
            return "wrong", {"text": str(error)}
        except StrategyFailedError as error:
            return "raised", {"text": error.told}
        except BaseException as error:  # noqa: BLE001 anybody's code runs here
            return "raised", {"text": error_told(error)}

    def _answer(self, frame: Frame) -> Answer:
        match frame.kind:
            case "load":
                return self._load(frame.told)
            case "begin":
                return self._begin(frame)
            case "tell":
                seen = observation_of(frame.told)
                return self._step(lambda running: running.send(seen))
            case "spent":
                return self._step(lambda running: running.throw(BudgetSpent()))
            case "check":
                return self._check(str(frame.told["check"]))
            case "close":
                return self._close()
        raise ValueError(f"no question: {frame.kind}")

    def _load(self, told: Mapping[str, Any]) -> Answer:
        limit_memory(int(told["memory_bytes"]))
        sys.path[:] = told["path"]
        try:
            self._run = load_strategy(told["source"])
        except ValueError as error:
            return "raised", {"text": str(error)}
        return "loaded", {}

    def _check(self, name: str) -> Answer:
        if self._run is None:
            raise ValueError("nothing was loaded")
        kit = import_module("optimizers.conformance")  # it brings SciPy
        return "checked", {"problem": kit.finding(name, self._run).problem}

    def _begin(self, frame: Frame) -> Answer:
        if self._run is None:
            raise ValueError("nothing was loaded")
        self._running = None  # of a run before, which ended or failed
        self._problem = problem_of(frame.told["problem"], frame.arrays)
        self._rng = generator_of(frame.told["rng"])
        running = self._run(self._problem, self._rng)
        if not isinstance(running, Generator):
            raise StrategyError(
                "a strategy must be a generator function, this one returned "
                f"{running!r}"
            )
        self._running = running
        return self._step(next)

    def _step(self, go_on: Callable[[Asking], object]) -> Answer:
        """Let the strategy go on, and tell what it asks or chooses."""
        running, problem = self._running, self._problem
        if running is None or problem is None:
            raise ValueError("nothing was begun")
        try:
            asked = go_on(running)
        except StopIteration as stop:
            choice = stop.value
            chosen = None if choice is None else checked_point(choice, problem)
            return "returned", {"point": chosen, "rng": generator_told(self._rng)}
        except BudgetSpent:
            return "passed", {"rng": generator_told(self._rng)}
        return "asked", {"point": checked_point(asked, problem)}

    def _close(self) -> Answer:
        if self._running is not None:
            self._running.close()
            self._running = None
        return "closed", {"rng": generator_told(self._rng)}


def limit_memory(n_bytes: int) -> None:
    """Let no allocation pass that makes this process, or one it starts, larger."""
    # on Linux what is reserved and never written (a GPU's, say) is not counted
    kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    _, hard = resource.getrlimit(kind)
    most = n_bytes if hard == resource.RLIM_INFINITY else min(n_bytes, hard)
    resource.setrlimit(kind, (most, most))
