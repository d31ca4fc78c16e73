"""A pulse generator that is told of many usual beats at once."""

from typing import Final

import numpy as np

from sim.device.events import Cause
from sim.device.judged import FloatArray, JudgedGenerator
from sim.device.timing import Timing
from sim.heart.judged import RULES

_DELIVERED: Final = 0
_SENS_V, _SENS_LS = RULES.index("sens_v_mv"), RULES.index("sens_ls_mv")


class StridingGenerator(JudgedGenerator):
    """The implanted device of a heart that strides."""

    _rules: dict[tuple[Timing, int], FloatArray] | None = None

    @property
    def rules(self) -> FloatArray:
        """The timing in the order of `RULES` and cycles, as the leads are now."""
        if self._rules is None:
            self._rules = {}
        of = (self._timing, self.leads.revision)
        if of not in self._rules:
            self._rules[of] = self._read_rules()
        return self._rules[of]

    def _read_rules(self) -> FloatArray:
        rules, v1, v2 = self._timing_rules(), self.leads.v1, self.leads.v2
        first, second = (v1, v2) if self._timing.reference_is_v1 else (v2, v1)
        for place, lead in ((_SENS_V, first), (_SENS_LS, second)):
            seen_frac = lead.sensing_frac
            rules[place] = rules[place] / seen_frac if seen_frac > 0.0 else np.inf
        return rules

    @property
    def before(self) -> tuple[float, ...]:
        """Its last events, in the order of `sim.heart.judged.BEFORE`."""
        return self._last_events

    def gate(self, at_s: float) -> Cause | None:
        """Return what forbids trains at this time, None when nothing does."""
        return self._gate(at_s)

    def passed(
        self,
        n: int,
        first_s: float,
        last_s: float,
        before: FloatArray,
        counts: FloatArray,
        gate: Cause | None,
    ) -> None:
        """Take note of beats that a stride has judged, one or more.

        Parameters
        ----------
        n, first_s, last_s
            How many, and the activations of the first and the last one.
        before, counts
            As `BEFORE` and `COUNTS` of `sim.heart.judged`.
        gate
            What forbade trains meanwhile, None for nothing.
        """
        knows_one = self._last_beat_s == self._last_beat_s
        since_s = self._last_beat_s if knows_one else first_s
        self.battery.drain(self._idle_mah_per_s * (last_s - since_s))
        self._last_beat_s, self._fresh = last_s, None
        # a device that senses nothing has judged nothing
        if not self._blind:
            self._remember(before)
        self._count(n, gate, counts)
        if counts[_DELIVERED]:
            if self._leads_revision != self.leads.revision:
                self._price_train()
            self.battery.drain(float(counts[_DELIVERED]) * self._train_mah)
