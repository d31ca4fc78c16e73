"""Turns an optimizer that calls its objective into a strategy that yields.

The optimizer runs in a worker thread, and the two sides take strict turns: while one
runs, the other waits, so that the caller's objects are only ever touched by the
caller's thread. The worker is stopped by an exception raised in the objective; it is a
BaseException, because optimizers catch Exception and pass this on.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from optimizers.problem import Asking, Observation
from optimizers.space import FloatArray, Point

Objective = Callable[[FloatArray], float]
"""Cost of a place in the optimizer's coordinates, lower is better, always finite."""

Minimizer = Callable[[Objective], object]
"""Runs an optimizer on an objective until it finishes or is stopped."""

THREAD_NAME: Final = "ccmlab-strategy"
JOIN_S: Final = 5.0
"""A worker that has not stopped by then is left to end as a daemon."""


class _StopWorker(BaseException):
    """Raised in the objective to leave the optimizer, whatever it catches."""


class Worker:
    """An optimizer in a thread, asked one place at a time."""

    def __init__(self, minimize: Minimizer) -> None:
        self._minimize = minimize
        self._asked: SimpleQueue[FloatArray | BaseException | None] = SimpleQueue()
        self._costs: SimpleQueue[float | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)

    def start(self) -> FloatArray | None:
        """Run until the optimizer wants a cost; None when it has finished."""
        self._thread.start()
        return self._wait()

    def answer(self, cost: float) -> FloatArray | None:
        """Give the cost asked for and run until the next; None when it has finished.

        Raises whatever the optimizer raised.
        """
        self._costs.put(cost)
        return self._wait()

    def stop(self) -> None:
        """Leave the optimizer and wait for the thread, at most `JOIN_S`."""
        if self._thread.ident is not None:
            self._costs.put(None)
            self._thread.join(JOIN_S)

    def _wait(self) -> FloatArray | None:
        asked = self._asked.get()
        if isinstance(asked, BaseException):
            raise asked
        return asked

    def _run(self) -> None:
        try:
            self._minimize(self._cost)
        except _StopWorker:
            return
        except BaseException as error:  # noqa: BLE001 passed on to the caller's thread
            self._asked.put(error)
        else:
            self._asked.put(None)

    def _cost(self, place: FloatArray) -> float:
        self._asked.put(place.copy())  # the optimizer may change its array later
        cost = self._costs.get()
        if cost is None:
            self._costs.put(None)  # for an optimizer that calls again while leaving
            raise _StopWorker
        return cost


def ask_for(
    minimize: Minimizer,
    *,
    to_point: Callable[[FloatArray], Point],
    to_cost: Callable[[Observation], float],
) -> Asking:
    """Yield the points an optimizer wants tested, until it finishes or is closed."""
    worker = Worker(minimize)
    try:
        place = worker.start()
        while place is not None:
            observation = yield to_point(place)
            place = worker.answer(to_cost(observation))
    finally:
        worker.stop()
    return None
