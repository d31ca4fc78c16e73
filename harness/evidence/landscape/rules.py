"""Rules of three numbers that need no reading: an amplitude, a width and a delay.

A rule programs the highest tolerated amplitude up to its own, at its width and its
delay, with two pulses on both leads; where none is tolerated, CCM is left off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.task.lattice import LEADS
from harness.truth.landscape import Landscape
from optimizers import rules
from optimizers.space import Axis, Space
from sim.device.lattice import place_of
from sim.device.settings import Settings
from sim.visit.start import STARTING

FloatArray = NDArray[np.float64]
AMPLITUDE: Final = "amplitude_v"


@dataclass(frozen=True, slots=True)
class Rule:
    """Highest amplitude, phase duration and delay.

    The default is the factory's: its settings brought down to what is tolerated.
    """

    amplitude_v: float = STARTING.amplitude_v
    phase_duration_ms: float = STARTING.phase_duration_ms
    delay_ms: float = STARTING.delay_ms

    @property
    def text(self) -> str:
        """The three numbers, for a reader."""
        return (
            f"up to {self.amplitude_v:g} V, {self.phase_duration_ms:g} ms, "
            f"{self.delay_ms:g} ms"
        )


FACTORY: Final = Rule()
TEXTBOOK: Final = Rule(phase_duration_ms=rules.TEXTBOOK["phase_duration_ms"])
"""The widest pulse there is, else as the factory."""
HELD: Final[Mapping[str, float]] = MappingProxyType(
    {
        "n_pulses": float(STARTING.n_pulses),
        LEADS: place_of(LEADS, Settings().ccm_channels),
    }
)
"""Axes that no rule decides on: the factory's value where they are searched."""


@dataclass(frozen=True, slots=True, eq=False)
class RuleBook:
    """Every rule that a space allows, in a fixed order; the last is CCM off.

    A value that the space does not search is the reference's, whatever the rule says.
    """

    space: Space

    @property
    def rules(self) -> list[Rule | None]:
        """The rules; None is CCM off."""
        axes = {axis.name: axis.values for axis in self.space.axes}
        found: list[Rule | None] = []
        for at in np.argwhere(self._possible()).tolist():
            named = dict(zip(self._names, at, strict=True))
            values: dict[str, Any] = {n: axes[n][i] for n, i in named.items()}
            found.append(Rule(**values))
        return [*found, None]

    def utilities(self, truth: Landscape) -> FloatArray:
        """Return the true utility of what each rule programs for one patient, (n,)."""
        tolerated = self._dense(truth, truth.tolerated.astype(np.float64)) > 0.0
        worth = self._dense(truth, truth.utility_pct)
        found = np.where(tolerated, worth, truth.off_gain_pct)
        if AMPLITUDE in self.space.names:
            for level in range(1, len(found)):
                lower = found[level - 1]
                found[level] = np.where(tolerated[level], worth[level], lower)
        return np.append(found[self._possible()], truth.off_gain_pct)

    def number_of(self, rule: Rule) -> int:
        """Return the place of the rule nearest to one."""
        axes = {axis.name: axis for axis in self.space.axes}
        wanted = [_nearest(axes[name], getattr(rule, name)) for name in self._names]
        rows = np.argwhere(self._possible())
        apart = np.abs(rows - np.array(wanted)).sum(axis=1)
        return int(np.argmin(apart))

    def row_of(self, truth: Landscape, rule: Rule) -> int | None:
        """Return the row of what one rule programs; None where CCM is left off."""
        fits = truth.tolerated.copy()
        for place, axis in enumerate(self.space.axes):
            own = truth.points[:, place]
            if axis.name == AMPLITUDE:
                fits &= np.array(axis.values)[own] <= rule.amplitude_v
            else:
                is_held = axis.name in HELD
                wanted = HELD[axis.name] if is_held else getattr(rule, axis.name)
                fits &= own == _nearest(axis, wanted)
        rows = np.flatnonzero(fits)
        if not rows.size:
            return None
        if AMPLITUDE not in self.space.names:
            return int(rows[0])
        level = truth.points[rows, self.space.names.index(AMPLITUDE)]
        return int(rows[np.argmax(level)])

    @property
    def _names(self) -> list[str]:
        """The axes that a rule sets, the amplitude's first."""
        others = [n for n in self.space.names if n not in (AMPLITUDE, *HELD)]
        return [AMPLITUDE, *others] if AMPLITUDE in self.space.names else others

    def _possible(self) -> NDArray[np.bool_]:
        return np.asarray(self._ordered(self.space.mask))

    def _dense(self, truth: Landscape, values: FloatArray) -> FloatArray:
        lattice = np.full(self.space.shape, np.nan)
        lattice[tuple(truth.points.T)] = values
        return np.asarray(self._ordered(lattice))

    def _ordered(self, lattice: NDArray[Any]) -> NDArray[Any]:
        """Return a lattice at the values that are held, its axes as `_names`."""
        names = list(self.space.names)
        for axis in self.space.axes:
            if axis.name in HELD:
                place = names.index(axis.name)
                lattice = lattice.take(_nearest(axis, HELD[axis.name]), axis=place)
                names.remove(axis.name)
        return lattice.transpose([names.index(name) for name in self._names])


def _nearest(axis: Axis, value: float) -> int:
    """Return the place of the value of an axis that is nearest to one."""
    return int(np.argmin(np.abs(np.array(axis.values) - value)))


def best_rule(losses: FloatArray) -> int:
    """Return the rule that loses least over some patients, mean of points.

    `losses` is `(patients, rules)`.
    """
    return int(np.argmin(losses.mean(axis=0)))


def fitted_losses(losses: FloatArray) -> tuple[FloatArray, Sequence[int]]:
    """Return what the best rule of the other half loses for each patient, and which.

    Patients of even number are one half, those of odd number the other.
    """
    even = np.arange(losses.shape[0]) % 2 == 0
    found, chosen = np.empty(losses.shape[0]), []
    for half in (even, ~even):
        rule = best_rule(losses[~half])
        found[half] = losses[half, rule]
        chosen.append(rule)
    return found, chosen
