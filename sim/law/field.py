"""The field laws: a smooth random surface over the settings; we do not know more.

How deep it is (tau) and how far it reaches (length) decide every result, and nobody
knows them: there are nine named cells, to be reported one by one and never mixed.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any, Final

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawInputs
from sim.law.shapes import current_share, lead_factor
from sim.law.sized import SizedLaw
from sim.law.spread import LogNormal
from sim.sources import sourced

_WAVES: Final = 64
_PATTERNS: Final = 2**32


@dataclass(frozen=True, slots=True)
class Box:
    """Where the surface lies: lowest, highest and number of values of each axis.

    What is programmed beyond it has the value at its border.
    """

    amplitude_v: tuple[float, float, int] = sourced(
        (4.5, 7.5, 7), "ccmlab-device", "1.2", "recalled"
    )
    phase_duration_ms: tuple[float, float, int] = sourced(
        (5.14, 6.60, 4), "ccmlab-device", "1.2", "recalled"
    )
    n_pulses: tuple[float, float, int] = sourced(
        (1.0, 3.0, 3), "ccmlab-device", "1.2", "recalled"
    )
    delay_ms: tuple[float, float, int] = sourced(
        (15.0, 45.0, 31), "ccmlab-device", "1.2", "recalled"
    )


BOX: Final = Box()


@dataclass(frozen=True, slots=True)
class Field(SizedLaw):
    """1 - tau (max f - f), f a smooth field of unit variance over four axes.

    f is a sum of random waves (random Fourier features of a Gaussian kernel), drawn by
    the number `pattern`, so that it is defined between the settings too; its maximum is
    that of the settings of the box. Everything is assumed, and that is the point. At
    tau 0.20 and a length of 0.2 or 0.5 the surface alone spreads the gain at factory
    settings by 5.7 and 4.6 points of dP/dt max, more than A16 (4.0): tau and length are
    what the cell is, and so it stays.
    """

    nominal_amplitude_v: float = sourced(7.5, "ccmlab-evidence", "A3 I1", "assumed")
    reference_impedance_ohm: float = sourced(
        550.0, "ccmlab-device", "table z_v1_ohm", "assumed"
    )
    tau_frac: float = sourced(0.1, "ccmlab-evidence", "A3 laws, field", "assumed")
    length_frac: float = sourced(0.5, "ccmlab-evidence", "A3 laws, field", "assumed")
    pattern: int = sourced(0, "ccmlab-evidence", "A3 laws, field", "assumed")

    @property
    def name(self) -> str:
        """That of the cell, such as `field-05-20`: tau 0.05, length 0.20."""
        return cell_name(self.tau_frac, self.length_frac)

    def shape(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the factor of the leads times the surface, eq. 47."""
        leads = lead_factor(self.two_lead_factor, train.n_leads)
        # eq. 47
        depth = self.highest - _field(self.pattern, self.length_frac, self.place(train))
        return np.asarray(leads * (1.0 - self.tau_frac * depth))

    @property
    def highest(self) -> float:
        """The highest f of the settings of the box."""
        return _highest(self.pattern, self.length_frac)

    def place(self, train: Train) -> FloatArray:
        """Return where trains lie in the box, each axis from 0 to 1, (..., 4)."""
        volts = self.nominal_amplitude_v * current_share(
            train,
            train.impedance_ohm,
            self.nominal_amplitude_v,
            self.reference_impedance_ohm,
        )
        axes = np.broadcast_arrays(
            _scaled(volts, BOX.amplitude_v),
            _scaled(train.phase_duration_ms, BOX.phase_duration_ms),
            _scaled(train.n_pulses, BOX.n_pulses),
            _scaled(train.delay_ms, BOX.delay_ms),
        )
        return np.stack(axes, axis=-1)


def cell_name(tau_frac: float, length_frac: float) -> str:
    """Return the name of a cell, both numbers in percent."""
    return f"field-{100 * tau_frac:02.0f}-{100 * length_frac:02.0f}"


def _scaled(value: Any, limits: tuple[float, float, int]) -> FloatArray:
    low, high, _ = limits
    share: FloatArray = np.clip((np.asarray(value) - low) / (high - low), 0.0, 1.0)
    return share


@lru_cache(maxsize=4096)
def _waves(pattern: int, length_frac: float) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(pattern)
    turns, phases = rng.standard_normal((4, _WAVES)), rng.uniform(size=_WAVES)
    return turns / length_frac, 2.0 * np.pi * phases


def _field(pattern: int, length_frac: float, place: FloatArray) -> FloatArray:
    turns, phases = _waves(pattern, length_frac)
    # eq. 48
    total = np.cos(place @ turns + phases).sum(axis=-1)
    height: FloatArray = np.sqrt(2.0 / _WAVES) * total
    return height


@lru_cache(maxsize=4096)
def _highest(pattern: int, length_frac: float) -> float:
    turns, phases = _waves(pattern, length_frac)
    sizes = (BOX.amplitude_v, BOX.phase_duration_ms, BOX.n_pulses, BOX.delay_ms)
    steps = [np.linspace(0.0, 1.0, n) for *_, n in sizes]
    # a wave over a grid is a product of one factor an axis: eq. 48 as a product of two
    # matrices, which is a hundred times as fast as a cosine for each setting
    volts, widths, pulses, delays = (
        np.exp(1j * np.outer(step, turn))
        for step, turn in zip(steps, turns, strict=True)
    )
    others = volts[:, None, None] * widths[None, :, None] * pulses[None, None]
    others = others.reshape(-1, _WAVES) * np.exp(1j * phases)
    return float(np.sqrt(2.0 / _WAVES) * (others @ delays.T).real.max())


@dataclass(frozen=True, slots=True)
class FieldCell:
    """One of the nine: how deep, how smooth, and the size that A16 then asks for."""

    tau_frac: float
    length_frac: float
    size: LogNormal

    @property
    def name(self) -> str:
        """Such as `field-05-20`: tau 0.05, length 0.20."""
        return cell_name(self.tau_frac, self.length_frac)

    @property
    def summary(self) -> str:
        """One line for a list."""
        return f"random surface, tau {self.tau_frac:g}, length {self.length_frac:g}"

    def typical(self) -> Field:
        """Return the law of a ready-made patient."""
        return replace(Field(), tau_frac=self.tau_frac, length_frac=self.length_frac)

    def draw(self, rng: np.random.Generator) -> Field:
        """Return the law of one patient, from a stream of its own."""
        size = float(self.size.of(rng.standard_normal()))
        pattern = int(rng.integers(_PATTERNS))
        return replace(self.typical(), g_one_lead_frac=size, pattern=pattern)


_TAUS: Final = (0.05, 0.10, 0.20)
_LENGTHS: Final = (0.2, 0.5, 1.0)
# mean and coefficient of variation of the size, in the order of the cells, from
# `python -m harness.evidence.law_sizes`
_SIZES: Final = (
    *(LogNormal(0.09, 0.28), LogNormal(0.087, 0.29), LogNormal(0.083, 0.29)),
    *(LogNormal(0.109, 0.24), LogNormal(0.1, 0.26), LogNormal(0.09, 0.28)),
    *(LogNormal(0.191, 0), LogNormal(0.143, 0), LogNormal(0.109, 0.2)),
)
CELLS: Final = tuple(
    FieldCell(*cell, size)
    for cell, size in zip(product(_TAUS, _LENGTHS), _SIZES, strict=True)
)
"""The nine fields; a result stands beside each, never over a mixture of them."""
