"""Find the beat that repeats itself, and refuse a heart that could not be alive.

A loop left alone takes a hundred beats to come to rest to 1e-8 mL, as volume moves
slowly between the veins and the others. Anderson acceleration takes ten. It is no
simulation of how a heart settles: only its end means something.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np

from sim.carried import Carried
from sim.heart.circulation import BeatHaemodynamics, ClosedLoop
from sim.heart.parameters import VOLUMES, Circulation, FloatArray

MEMORY = 5
TRUST_ML = 60.0
"""Furthest jump of an accelerated volume: beyond it the beats are no straight line."""


class NotSettledError(Carried, RuntimeError):
    """The circulation still changes from beat to beat."""

    def __init__(
        self, volume: str, change_ml: float, *, tol: float, n_beats: int, who: str = ""
    ) -> None:
        self.volume, self.change_ml = volume, change_ml
        super().__init__(
            f"volume {volume}{who} still changes by {change_ml:.3g} mL a beat after "
            f"{n_beats} beats, allowed {tol:.3g} mL"
        )


class ImplausibleHeartError(Carried, ValueError):
    """A quantity of the settled beat is outside what a living adult shows."""

    def __init__(self, quantity: str, value: float, low: float, high: float) -> None:
        self.quantity, self.value, self.allowed = quantity, value, (low, high)
        super().__init__(f"{quantity} is {value:.4g}, must be {low:g} to {high:g}")


PLAUSIBLE: Mapping[str, tuple[float, float]] = {
    "sv_ml": (5.0, 250.0),
    "sbp_mmhg": (40.0, 300.0),
    "dbp_mmhg": (15.0, 200.0),
    "map_mmhg": (25.0, 230.0),
    "edv_ml": (20.0, 700.0),
    "ef_frac": (0.03, 0.95),
    "lvedp_mmhg": (0.0, 80.0),
    "la_mean_mmhg": (0.0, 70.0),
    "ra_mean_mmhg": (-5.0, 50.0),
    "pa_mean_mmhg": (2.0, 120.0),
    "dpdt_max_mmhg_per_s": (100.0, 8000.0),
}
"""Inclusive limits, wide enough for whoever can come to a clinic (assumed)."""


@dataclass(frozen=True, slots=True, eq=False)
class RepeatingBeat:
    """A beat that repeats itself."""

    volumes_ml: FloatArray
    haemodynamics: BeatHaemodynamics
    n_beats: int


def check_plausible(
    haemodynamics: BeatHaemodynamics,
    limits: Mapping[str, tuple[float, float]] = PLAUSIBLE,
) -> None:
    """Raise ImplausibleHeartError for the first quantity outside its limits."""
    known = {item.name for item in fields(haemodynamics)}
    for quantity, (low, high) in limits.items():
        if quantity not in known:
            raise ValueError(f"{quantity} is no quantity of BeatHaemodynamics")
        value = getattr(haemodynamics, quantity)
        if not low <= value <= high:
            raise ImplausibleHeartError(quantity, value, low, high)


def anderson(
    beat: Callable[[FloatArray], FloatArray],
    start_ml: FloatArray,
    tol: float,
    max_beats: int,
) -> tuple[FloatArray, FloatArray, int]:
    """Solve `beat(x) = x`; return x, the last change, and the number of beats.

    Anderson acceleration: the next state is the combination, with weights that sum to
    1, of the latest beats whose changes cancel best. Such a combination keeps the total
    volume, which the map leaves free.
    """
    states: list[FloatArray] = []
    changes: list[FloatArray] = []
    at = start_ml
    for n in range(1, max_beats + 1):
        after = beat(at)
        change = after - at
        if float(np.abs(change).max()) <= tol or not np.isfinite(after).all():
            return after, change, n
        states, changes = [*states[-MEMORY:], after], [*changes[-MEMORY:], change]
        at = combined(states, changes)
    return at, change, max_beats


def combined(states: list[FloatArray], changes: list[FloatArray]) -> FloatArray:
    """Return the next state of Anderson acceleration, `(8,)`, from the latest ones."""
    if len(states) < 2:
        return states[-1]
    base, newest = changes[-1], states[-1]
    spread = np.stack([base - change for change in changes[:-1]], axis=1)
    weights = np.linalg.lstsq(spread, base, rcond=1e-10)[0]
    moves = np.stack([newest - state for state in states[:-1]], axis=1)
    jump: FloatArray = moves @ weights
    size = float(np.abs(jump).max())
    candidate: FloatArray = newest - jump * min(1.0, TRUST_ML / max(size, 1e-300))
    return candidate if (candidate > 0.0).all() else newest


def repeating_beat(
    circulation: Circulation,
    *,
    rr_s: float | None = None,
    contractility: float = 1.0,
    resistance_scale: float = 1.0,
    venous_shift_ml: float = 0.0,
    start_ml: FloatArray | None = None,
    step_s: float = 0.001,
    tol: float = 1e-8,
    max_beats: int = 400,
) -> RepeatingBeat:
    """Return the beat that repeats itself at a constant interval.

    Parameters
    ----------
    rr_s
        Default: the circulation's own rate.
    contractility, resistance_scale, venous_shift_ml
        As for `ClosedLoop.beat`.
    start_ml
        Volumes to start from, which also fix the total volume.
    tol
        Largest change of any volume over the beat, mL.

    Raises
    ------
    NotSettledError
        When a volume still changes by more after `max_beats` beats.
    ImplausibleHeartError
        When the settled beat is that of a dead or emptied heart.
    """
    heart = ClosedLoop(circulation, step_s=step_s)
    if start_ml is not None:
        heart.volumes_ml = start_ml
    interval_s = circulation.rr_s if rr_s is None else rr_s

    def once() -> FloatArray:
        return heart.beat(
            interval_s,
            contractility=contractility,
            resistance_scale=resistance_scale,
            venous_shift_ml=venous_shift_ml,
        )

    def beat(volumes_ml: FloatArray) -> FloatArray:
        heart.volumes_ml = volumes_ml
        once()
        return heart.volumes_ml

    # the first beat sets the tails of the beat before; from then on only volumes count
    _, change, n_beats = anderson(beat, beat(heart.volumes_ml), tol, max_beats)
    worst = int(np.argmax(np.where(np.isfinite(change), np.abs(change), np.inf)))
    if not abs(change[worst]) <= tol:
        raise NotSettledError(
            VOLUMES[worst], float(change[worst]), tol=tol, n_beats=n_beats
        )
    haemodynamics = BeatHaemodynamics.from_row(once())
    check_plausible(haemodynamics)
    return RepeatingBeat(heart.volumes_ml, haemodynamics, n_beats)
