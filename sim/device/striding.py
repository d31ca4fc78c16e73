"""A pulse generator that is told of many usual beats at once."""

from functools import cached_property
from typing import Final

import numpy as np

from sim.device.events import BeatDecision, BeatSignals, Cause
from sim.device.judged import FloatArray, JudgedGenerator
from sim.device.timing import Timing
from sim.heart.judged import BEFORE, RULES

_DELIVERED: Final = 0
_SENS_V, _SENS_LS = RULES.index("sens_v_mv"), RULES.index("sens_ls_mv")


class StridingGenerator(JudgedGenerator):
    """The implanted device of a heart that strides."""

    _is_ahead = False
    _rules: FloatArray
    _rules_of: tuple[Timing, int] | None = None

    @property
    def rules(self) -> FloatArray:
        """The timing in the order of `RULES` and cycles, as the leads are now."""
        of = self._timing, self.leads.revision
        if of != self._rules_of:
            if of not in self._read:
                self._read[of] = self._read_rules()
            self._rules, self._rules_of = self._read[of], of
        return self._rules

    @cached_property
    def _read(self) -> dict[tuple[Timing, int], FloatArray]:
        return {}

    def _read_rules(self) -> FloatArray:
        rules, v1, v2 = self._timing_rules(), self.leads.v1, self.leads.v2
        first, second = (v1, v2) if self._timing.reference_is_v1 else (v2, v1)
        for place, lead in ((_SENS_V, first), (_SENS_LS, second)):
            seen_frac = lead.sensing_frac
            rules[place] = rules[place] / seen_frac if seen_frac > 0.0 else np.inf
        return rules

    @property
    def before(self) -> FloatArray:
        """Its last events as `BEFORE`, which a stride moves on.

        They are ahead of its own until a beat comes that it judges itself.
        """
        if not self._is_ahead:
            self._room[:], self._is_ahead = self._last_events, True
        return self._room

    @cached_property
    def _room(self) -> FloatArray:
        return np.empty(len(BEFORE))

    def beat(self, signals: BeatSignals) -> BeatDecision:
        """Judge one beat, as `PulseGenerator.beat`."""
        if self._is_ahead:
            self._is_ahead = False
            self._remember(self._room)
        return super().beat(signals)

    def _forget_timing(self) -> None:
        if self._is_ahead:
            self._is_ahead = False
            self._remember(self._room)
        super()._forget_timing()

    def gate(self, at_s: float) -> Cause | None:
        """Return what forbids trains at this time, None when nothing does."""
        return self._gate(at_s)

    def passed(
        self,
        n: int,
        first_s: float,
        last_s: float,
        counts: FloatArray,
        gate: Cause | None,
    ) -> None:
        """Take note of beats that a stride has judged, one or more.

        Parameters
        ----------
        n, first_s, last_s
            How many, and the activations of the first and the last one.
        counts
            As `COUNTS` of `sim.heart.judged`.
        gate
            What forbade trains meanwhile, None for nothing.
        """
        knows_one = self._last_beat_s == self._last_beat_s
        since_s = self._last_beat_s if knows_one else first_s
        self.battery.drain(self._idle_mah_per_s * (last_s - since_s))
        self._last_beat_s, self._fresh = last_s, None
        told: list[float] = counts.tolist()
        self._count(n, gate, told)
        if told[_DELIVERED]:
            if self._leads_revision != self.leads.revision:
                self._price_train()
            self.battery.drain(told[_DELIVERED] * self._train_mah)
