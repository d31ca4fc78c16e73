"""A pulse generator whose uneventful beats a kernel judges, many in a stretch."""

import numpy as np

from sim.device.events import Cause
from sim.device.judged import FloatArray, JudgedGenerator
from sim.device.timing import Timing
from sim.heart.judged import BEFORE, COUNTS
from sim.heart.stretching import CELL


class StretchingGenerator(JudgedGenerator):
    """The implanted device of a heart that plays stretches.

    A beat is judged by `beat`. Of a stretch, `ready` hands out what a kernel needs to
    judge as `beat` does, and `passed` takes note of what came of it.
    """

    _rules: FloatArray | None = None
    _rules_of: Timing | None = None

    @property
    def rules(self) -> FloatArray:
        """The timing in the order of `RULES`, then the cycles of each cause."""
        if self._rules is None or self._rules_of is not self._timing:
            self._rules, self._rules_of = self._timing_rules(), self._timing
        return self._rules

    def is_usual(self, at_s: float) -> bool:
        """Tell whether nothing of its own makes the beat at `at_s` an unusual one."""
        return self._leads_revision == self.leads.revision and super().is_usual(at_s)

    def ready(self, at_s: float, before: FloatArray, cell: FloatArray) -> Cause | None:
        """Write what a kernel needs; return what forbids trains, None if nothing does.

        Parameters
        ----------
        at_s
            Time of the first beat.
        before, cell : (6,), (4,)
            In the order of `sim.heart.judged.BEFORE` and `sim.heart.stretching.CELL`.
        """
        before[:] = self._last_events
        charge_mah = self.battery.charge_mah
        cell[:] = charge_mah, self._idle_mah_per_s, self._train_mah, self._last_beat_s
        return self._gate(at_s)

    def passed(
        self,
        n: int,
        gate: Cause | None,
        before: FloatArray,
        counts: FloatArray,
        cell: FloatArray,
    ) -> None:
        """Take note of a stretch.

        Parameters
        ----------
        n
            Its beats, one or more.
        gate, before, cell
            What `ready` returned and wrote, moved on.
        counts : (22,)
            In the order of `sim.heart.judged.COUNTS`.
        """
        self._remember(before)
        charge_mah, _, _, self._last_beat_s = cell.tolist()
        self.battery.left(charge_mah)
        self._count(n, gate, counts.tolist())


def room_before() -> FloatArray:
    """Return room for what `ready` writes of the last events."""
    return np.empty(len(BEFORE))


def room_cell() -> FloatArray:
    """Return room for what `ready` writes of the cell."""
    return np.empty(len(CELL))


def room_counts() -> FloatArray:
    """Return counts of nothing yet."""
    return np.zeros(len(COUNTS))
