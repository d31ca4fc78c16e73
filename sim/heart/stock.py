"""Numbers drawn beforehand, in blocks: a draw a beat would cost more than its rest."""

from sim.heart.parameters import FloatArray


class Stock:
    """Numbers drawn beforehand, taken from the front: one at a time or many at once."""

    def __init__(self, drawn: FloatArray) -> None:
        self._drawn = drawn
        self._next = 0

    def __len__(self) -> int:
        return len(self._drawn) - self._next

    @property
    def left(self) -> FloatArray:
        """What has not been taken; a view."""
        return self._drawn[self._next :]

    def take(self, n: int) -> FloatArray:
        """Return the next numbers."""
        self._next += n
        return self._drawn[self._next - n : self._next]
