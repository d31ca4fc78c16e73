"""A pulse generator of whose beats kernels judge many at once."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.device.events import Cause
from sim.device.generator import PulseGenerator
from sim.heart.judged import COUNTS, OUTCOMES, RULES

FloatArray = NDArray[np.float64]
NEAR_EMPTY_FRAC: Final = 0.001
"""Charge above the suspend voltage that many beats together do not use up."""
CAUSES: Final = tuple(Cause(name) for name in OUTCOMES)
_FIRST_EVENT: Final = COUNTS.index("atrial_noise")
_INHIBITS: Final = tuple(
    Cause(name.removeprefix("inhibited_"))
    for name in COUNTS[len(OUTCOMES) : _FIRST_EVENT]
)


class JudgedGenerator(PulseGenerator):
    """The implanted device of a heart that plays many beats at once.

    A beat by itself is judged by `beat`. Of beats that `sim.heart.judged` has judged it
    takes note, and is then as if it had judged each of them.
    """

    @property
    def is_blind(self) -> bool:
        """Whether it senses nothing."""
        return self._blind

    def is_usual(self, at_s: float) -> bool:
        """Tell whether nothing but the rules decides about the beat at `at_s`."""
        battery = self.battery
        return (
            not self._magnet_on
            and at_s >= self.off_until_s
            and (battery.suspended or battery.left_frac > NEAR_EMPTY_FRAC)
        )

    def gated_until_s(self, gate: Cause | None) -> float:
        """Return until when the clock alone leaves the gate as it is."""
        asks_clock = gate is None or gate is Cause.SCHEDULE_OFF
        return self._clock.until_s if asks_clock else float("inf")

    def _timing_rules(self) -> FloatArray:
        """Return the timing in the order of `RULES`, then the cycles of each cause."""
        timing = self._timing
        values = [float(getattr(timing, name)) for name in RULES]
        return np.array(
            values + [float(timing.inhibit_cycles[cause]) for cause in _INHIBITS]
        )

    @property
    def _last_events(self) -> tuple[float, ...]:
        """Its last events, in the order of `sim.heart.judged.BEFORE`."""
        return (
            self._last_a_s,
            self._last_v_s,
            self._last_ls_s,
            self._busy_from_s,
            self._busy_until_s,
            self._inhibit_left,
        )

    def _remember(self, before: FloatArray) -> None:
        """Take the last events, in the order of `sim.heart.judged.BEFORE`."""
        self._last_a_s, self._last_v_s, self._last_ls_s, *busy, left = before.tolist()
        self._busy_from_s, self._busy_until_s = busy
        self._inhibit_left = int(left)

    def _count(self, n_beats: int, gate: Cause | None, told: Sequence[float]) -> None:
        """Count beats: what forbade trains, and `sim.heart.judged.COUNTS`."""
        counters = self.counters
        counters.beats += n_beats
        if gate is not None:
            counters.beats_by_cause[gate] += n_beats
        else:
            counters.eligible_beats += n_beats
        noise, atrial, ventricular, local = told[_FIRST_EVENT:]
        counters.atrial_noise += int(noise)
        counters.atrial_events += int(atrial)
        counters.ventricular_events += int(ventricular)
        counters.local_sense_events += int(local)
        if told[0] == n_beats:  # each got its train, as nearly always
            counters.beats_by_cause[Cause.DELIVERED] += n_beats
            return
        if gate is None:
            for cause, n in zip(CAUSES, told, strict=False):
                counters.beats_by_cause[cause] += int(n)
        inhibited = told[len(CAUSES) : _FIRST_EVENT]
        for cause, n in zip(_INHIBITS, inhibited, strict=True):
            counters.inhibitions[cause] += int(n)
