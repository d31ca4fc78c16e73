"""The last answer to a question, kept for who asks it again.

A recommender asks of a log what the strategy asks of it next. Whoever takes a kept
answer must not change it.
"""

from collections.abc import Callable
from operator import is_
from typing import Generic, TypeVar

T = TypeVar("T")


class LastAnswer(Generic[T]):
    """Keeps one answer beside the very objects that it was asked of."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: tuple[tuple[object, ...], T] | None = None

    def to(self, asked: tuple[object, ...], work: Callable[[], T]) -> T:
        """Return the answer; worked out anew unless the last was asked of the same.

        Equal objects are not the same: to compare would cost what is saved.
        """
        if self._kept is not None:
            known, answer = self._kept
            if len(known) == len(asked) and all(map(is_, known, asked)):
                return answer
        answer = work()
        self._kept = asked, answer
        return answer
