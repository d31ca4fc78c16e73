"""Turns an optimizer that calls its objective into a strategy that yields.

The optimizer runs in a worker thread, and the two sides take strict turns: while one
runs, the other waits, so that the caller's objects are only ever touched by the
caller's thread. The worker is stopped by an exception raised in the objective; it is a
BaseException, because optimizers catch Exception and pass this on.

The life of a question. The optimizer calls its objective in the worker; the place goes
into one queue, and the worker sleeps at the other. The caller's generator yields the
point, is sent the observation, puts its cost into the second queue and sleeps at the
first. A thread and not a second process: the objective closes over the caller's
objects. A thread and not a rewritten optimizer: what is compared is what SciPy ships.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

from optimizers.problem import Asking, Observation
from optimizers.space import FloatArray, Point

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

Objective = Callable[[FloatArray], float]
"""Cost of a place in the optimizer's coordinates, lower is better, always finite."""

Minimizer = Callable[[Objective], object]
"""Runs an optimizer on an objective until it finishes or is stopped."""

THREAD_NAME: Final = "ccmlab-strategy"
JOIN_S: Final = 5.0
"""A worker that has not stopped by then is left to end as a daemon."""


class _StopWorker(BaseException):
    """Raised in the objective to leave the optimizer, whatever it catches."""


class Worker(Generic[Asked, Answer]):
    """Work in a thread that asks a question at a time and waits for each answer.

    `work` is called in the thread with the function by which it asks.
    """

    def __init__(self, work: Callable[[Callable[[Asked], Answer]], object]) -> None:
        self._work = work
        self._asked: SimpleQueue[Asked | BaseException | None] = SimpleQueue()
        self._answers: SimpleQueue[Answer | None] = SimpleQueue()
        # a daemon, so that an optimizer that never asks again cannot hold the process
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)

    def start(self) -> Asked | None:
        """Run until the first question; None when the work is done."""
        self._thread.start()
        return self._wait()

    def answer(self, answer: Answer) -> Asked | None:
        """Give an answer and run until the next question; None when all is done.

        Raises whatever the work raised.
        """
        self._answers.put(answer)
        return self._wait()

    def stop(self) -> None:
        """Leave the work and wait for the thread, at most `JOIN_S`."""
        if self._thread.ident is not None:
            self._answers.put(None)
            self._thread.join(JOIN_S)

    def _wait(self) -> Asked | None:
        asked = self._asked.get()
        if isinstance(asked, BaseException):
            # in the caller's thread, where somebody can catch it
            raise asked
        return asked

    def _run(self) -> None:
        try:
            self._work(self._ask)
        # the caller asked for it and waits at no queue
        except _StopWorker:
            return
        except BaseException as error:  # noqa: BLE001 passed on to the caller's thread
            self._asked.put(error)
        else:
            self._asked.put(None)

    def _ask(self, question: Asked) -> Answer:
        self._asked.put(question)
        answer = self._answers.get()
        if answer is None:
            self._answers.put(None)  # for an optimizer that calls again while leaving
            raise _StopWorker
        return answer


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
