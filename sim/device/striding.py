"""A pulse generator that is told of many usual beats at once."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.device.events import Cause
from sim.device.generator import PulseGenerator
from sim.device.timing import Timing
from sim.heart.striding import RULES

FloatArray = NDArray[np.float64]
_NEAR_EMPTY_FRAC: Final = 0.001
"""Charge above the suspend voltage that no stride uses up."""


class StridingGenerator(PulseGenerator):
    """The implanted device of a heart that strides: it judges beats one by one.

    Of beats that are all usual it is told afterwards (`passed`), and is then as if it
    had judged each of them.
    """

    _rules: FloatArray | None = None
    _rules_of: tuple[Timing, int] | None = None

    @property
    def rules(self) -> FloatArray:
        """The timing in the order of `RULES`, as the leads are now."""
        of = (self._timing, self.leads.revision)
        if self._rules is None or self._rules_of != of:
            self._rules, self._rules_of = self._read_rules(), of
        return self._rules

    def _read_rules(self) -> FloatArray:
        timing, v1, v2 = self._timing, self.leads.v1, self.leads.v2
        values = {name: float(getattr(timing, name)) for name in RULES}
        first, second = (v1, v2) if timing.reference_is_v1 else (v2, v1)
        for name, lead in (("sens_v_mv", first), ("sens_ls_mv", second)):
            seen_frac = lead.sensing_frac
            values[name] = values[name] / seen_frac if seen_frac > 0.0 else np.inf
        return np.array([values[name] for name in RULES])

    @property
    def before(self) -> FloatArray:
        """Its last events, in the order of `sim.heart.striding.BEFORE`."""
        events = self._last_a_s, self._last_v_s, self._last_ls_s, self._busy_until_s
        return np.array(events)

    @property
    def is_blind(self) -> bool:
        """Whether it senses nothing."""
        return self._blind

    def is_usual(self, at_s: float) -> bool:
        """Tell whether nothing of its own makes the beat at `at_s` an unusual one."""
        battery = self.battery
        return (
            self._inhibit_left == 0
            and not self._magnet_on
            and at_s >= self.off_until_s
            and (battery.suspended or battery.left_frac > _NEAR_EMPTY_FRAC)
        )

    def gate(self, at_s: float) -> Cause | None:
        """Return what forbids trains at this time, None when nothing does."""
        return self._gate(at_s)

    @property
    def gate_until_s(self) -> float:
        """Until when its schedule stays as it is."""
        return self._clock.until_s

    def passed(
        self, n: int, last: tuple[float, float], before: FloatArray, cause: Cause | None
    ) -> None:
        """Take note of usual beats, one or more.

        Parameters
        ----------
        n
            How many.
        last
            Activation of the last one, and when its train began.
        before
            The last events after them, in the order of `sim.heart.striding.BEFORE`.
        cause
            What forbade trains meanwhile, None where each got one.
        """
        counters = self.counters
        counters.beats += n
        counters.eligible_beats += n if cause is None else 0
        counters.beats_by_cause[cause or Cause.DELIVERED] += n
        at_s, train_s = last
        if self._last_beat_s == self._last_beat_s:
            self.battery.drain(self._idle_mah_per_s * (at_s - self._last_beat_s))
        self._last_beat_s, self._fresh = at_s, None
        if self._blind:
            return
        counters.atrial_events += n if self._timing.is_odo else 0
        counters.ventricular_events += n
        counters.local_sense_events += n
        self._last_a_s, self._last_v_s, self._last_ls_s, _ = before.tolist()
        if cause is None:
            if self._leads_revision != self.leads.revision:
                self._price_train()
            self.battery.drain(n * self._train_mah)
            self._occupy(train_s)
