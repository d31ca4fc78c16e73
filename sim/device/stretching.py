"""A pulse generator whose uneventful beats a kernel judges, many in a stretch."""

from typing import Final

import numpy as np

from sim.device.events import Cause
from sim.device.generator import PulseGenerator
from sim.device.timing import Timing
from sim.heart.judged import BEFORE, COUNTS, OUTCOMES, RULES
from sim.heart.parameters import FloatArray
from sim.heart.stretching import CELL

_NEAR_EMPTY_FRAC: Final = 0.001
"""Charge above the suspend voltage that no stretch uses up."""
_OUTCOMES: Final = tuple(Cause(name) for name in OUTCOMES)
_N_OUTCOMES: Final = len(OUTCOMES)
_FIRST_EVENT: Final = COUNTS.index("atrial_noise")
_INHIBITS: Final = tuple(
    Cause(name.removeprefix("inhibited_")) for name in COUNTS[_N_OUTCOMES:_FIRST_EVENT]
)


class StretchingGenerator(PulseGenerator):
    """The implanted device of a heart that plays stretches.

    A beat is judged by `beat`. Of a stretch, `ready` hands out what a kernel needs to
    judge as `beat` does, and `passed` takes note of what came of it.
    """

    _rules: FloatArray | None = None
    _rules_of: Timing | None = None

    @property
    def rules(self) -> FloatArray:
        """The timing in the order of `RULES`, then the cycles of each cause."""
        timing = self._timing
        if self._rules is None or self._rules_of is not timing:
            values = [float(getattr(timing, name)) for name in RULES]
            cycles = [float(timing.inhibit_cycles[cause]) for cause in _INHIBITS]
            self._rules, self._rules_of = np.array(values + cycles), timing
        return self._rules

    @property
    def is_blind(self) -> bool:
        """Whether it senses nothing."""
        return self._blind

    def is_usual(self, at_s: float) -> bool:
        """Tell whether nothing of its own makes the beat at `at_s` an unusual one."""
        battery = self.battery
        return (
            not self._magnet_on
            and at_s >= self.off_until_s
            and self._leads_revision == self.leads.revision
            and (battery.suspended or battery.left_frac > _NEAR_EMPTY_FRAC)
        )

    def ready(self, at_s: float, before: FloatArray, cell: FloatArray) -> Cause | None:
        """Write what a kernel needs; return what forbids trains, None if nothing does.

        Parameters
        ----------
        at_s
            Time of the first beat.
        before, cell : (6,), (4,)
            In the order of `sim.heart.judged.BEFORE` and `sim.heart.stretching.CELL`.
        """
        before[:] = (
            self._last_a_s,
            self._last_v_s,
            self._last_ls_s,
            self._busy_from_s,
            self._busy_until_s,
            self._inhibit_left,
        )
        charge_mah = self.battery.charge_mah
        cell[:] = charge_mah, self._idle_mah_per_s, self._train_mah, self._last_beat_s
        return self._gate(at_s)

    def gated_until_s(self, gate: Cause | None) -> float:
        """Return until when the clock alone leaves the gate as it is."""
        asks_clock = gate is None or gate is Cause.SCHEDULE_OFF
        return self._clock.until_s if asks_clock else float("inf")

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
        a_s, v_s, ls_s, busy_from_s, busy_until_s, left = before.tolist()
        self._last_a_s, self._last_v_s, self._last_ls_s = a_s, v_s, ls_s
        self._busy_from_s, self._busy_until_s = busy_from_s, busy_until_s
        self._inhibit_left = int(left)
        charge_mah, _, _, self._last_beat_s = cell.tolist()
        self.battery.left(charge_mah)
        self._count(n, gate, [int(count) for count in counts.tolist()])

    def _count(self, n: int, gate: Cause | None, counts: list[int]) -> None:
        counters, outcomes = self.counters, self.counters.beats_by_cause
        counters.beats += n
        if gate is None:
            counters.eligible_beats += n
            for cause, count in zip(_OUTCOMES, counts, strict=False):
                outcomes[cause] += count
        else:
            outcomes[gate] += n
        inhibited = counts[_N_OUTCOMES:_FIRST_EVENT]
        for cause, count in zip(_INHIBITS, inhibited, strict=True):
            counters.inhibitions[cause] += count
        noise, atrial, ventricular, local = counts[_FIRST_EVENT:]
        counters.atrial_noise += noise
        counters.atrial_events += atrial
        counters.ventricular_events += ventricular
        counters.local_sense_events += local


def room_before() -> FloatArray:
    """Return room for what `ready` writes of the last events."""
    return np.empty(len(BEFORE))


def room_cell() -> FloatArray:
    """Return room for what `ready` writes of the cell."""
    return np.empty(len(CELL))


def room_counts() -> FloatArray:
    """Return counts of nothing yet."""
    return np.zeros(len(COUNTS))
