"""A pulse generator that is told of many usual beats at once."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.device.events import INHIBITING, Cause
from sim.device.generator import PulseGenerator
from sim.device.timing import Timing
from sim.heart.judged import OUTCOMES, RULES

FloatArray = NDArray[np.float64]
CAUSES: Final = tuple(Cause)[: len(OUTCOMES)]
_INHIBITED: Final = tuple(Cause)[1 : 1 + len(INHIBITING)]
_NEAR_EMPTY_FRAC: Final = 0.001
"""Charge above the suspend voltage that no stride uses up."""


class StridingGenerator(PulseGenerator):
    """The implanted device of a heart that strides.

    Of beats that a stride has judged it is told afterwards (`passed`), and is then as
    if it had judged each of them.
    """

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
        timing, v1, v2 = self._timing, self.leads.v1, self.leads.v2
        values = {name: float(getattr(timing, name)) for name in RULES}
        first, second = (v1, v2) if timing.reference_is_v1 else (v2, v1)
        for name, lead in (("sens_v_mv", first), ("sens_ls_mv", second)):
            seen_frac = lead.sensing_frac
            values[name] = values[name] / seen_frac if seen_frac > 0.0 else np.inf
        cycles = [float(timing.inhibit_cycles[cause]) for cause in _INHIBITED]
        return np.array([*(values[name] for name in RULES), *cycles])

    @property
    def before(self) -> tuple[float, ...]:
        """Its last events, in the order of `sim.heart.judged.BEFORE`."""
        return (
            self._last_a_s,
            self._last_v_s,
            self._last_ls_s,
            self._busy_from_s,
            self._busy_until_s,
            self._inhibit_left,
        )

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
        counters = self.counters
        counters.beats += n
        if gate is not None:
            counters.beats_by_cause[gate] += n
        else:
            counters.eligible_beats += n
        if self._blind:
            return
        self._last_a_s, self._last_v_s, self._last_ls_s, *busy, left = before.tolist()
        self._busy_from_s, self._busy_until_s = busy
        self._inhibit_left = int(left)
        self._count(n, counts.tolist())

    def _count(self, n_beats: int, counts: list[float]) -> None:
        counters = self.counters
        *_, noise, atrial, ventricular, local = counts
        counters.atrial_noise += int(noise)
        counters.atrial_events += int(atrial)
        counters.ventricular_events += int(ventricular)
        counters.local_sense_events += int(local)
        if counts[0] == n_beats:  # each got its train, as nearly always
            counters.beats_by_cause[Cause.DELIVERED] += n_beats
        else:
            for cause, n in zip(CAUSES, counts, strict=False):
                counters.beats_by_cause[cause] += int(n)
            for cause, n in zip(_INHIBITED, counts[len(CAUSES) :], strict=False):
                counters.inhibitions[cause] += int(n)
        if counts[0]:
            if self._leads_revision != self.leads.revision:
                self._price_train()
            self.battery.drain(counts[0] * self._train_mah)
