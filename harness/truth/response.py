"""What a heart shows at each gain of elastance: curves, many hearts at once.

All that the muscle feels of a setting is one number, the steady gain of LV elastance.
The gain that a visit would read and the settled one are smooth in it on either side of
0, where the memory of a train that weakens takes another pace. Each side is a parabola
through three gains that are played in full; at the reference the gain is 0 unplayed.

What was played is kept on disk, under all that decides it, so that the next study of
the same patients plays none of it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Final, NamedTuple

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from harness.common.kept import Shelf, made_by
from harness.truth.answer_key import (
    arm_gains,
    gain_read_pct,
    schedule_of,
)
from sim.heart.beating import settled
from sim.heart.crowd import Crowd
from sim.heart.equilibrium import Equilibrium
from sim.instruments import readout
from sim.patient import Patient
from sim.units import PCT_PER_FRAC
from sim.visit.plan import VisitPlan

FloatArray = NDArray[np.float64]
STEP_S: Final = 0.002
"""Integration step: twice that of a visit moves no gain by 0.0003 %."""
SHORT: Final = 0.03
"""Gains from 0 to here are a straight line, to 0.02 %."""
_INNER: Final = (0.25, 0.75)
_NONE: Final = 1e-12
_MADE_BY: Final = ("sim", "harness/truth/response.py", "harness/truth/answer_key.py")
_KEPT: Final = Shelf("responses", 16_384)


@dataclass(frozen=True, slots=True, eq=False)
class GainCurve:
    """A quantity over the gain of elastance, in parts below and above 0."""

    below: Polynomial
    above: Polynomial

    def __call__(self, gain: FloatArray | float) -> FloatArray:
        """Return the quantity at some gains."""
        gain = np.asarray(gain)
        value: FloatArray = np.where(gain < 0.0, self.below(gain), self.above(gain))
        return value


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """What a heart shows at each gain of elastance, against one reference, percent."""

    window_pct: GainCurve
    settled_pct: GainCurve


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Whose response is asked for: against which gain, between which two.

    `low` is 0 or below, `high` 0 or above; the curves hold in between, and at
    `reference_gain`.
    """

    patient: Patient
    reference_gain: float
    low: float
    high: float

    @classmethod
    def over(
        cls, patient: Patient, reference_gain: float, gains: FloatArray
    ) -> "Asked":
        """Ask for a curve over some gains, CCM off and the reference."""
        met = (0.0, reference_gain, float(gains.min()), float(gains.max()))
        return cls(patient, reference_gain, min(met), max(met))

    @property
    def sides(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Gains that are played, of the part below 0 and of that above."""
        return self._side(self.low), self._side(self.high)

    @property
    def nodes(self) -> tuple[float, ...]:
        """Every gain that is played, each once."""
        return tuple(dict.fromkeys(gain for side in self.sides for gain in side))

    def _side(self, end: float) -> tuple[float, ...]:
        if abs(end) < _NONE:
            return (0.0,)
        if abs(end) < SHORT:
            return (0.0, end)
        inside = _INNER[0] <= self.reference_gain / end <= _INNER[1]
        return (0.0, self.reference_gain if inside else 0.5 * end, end)


class NodeGains(NamedTuple):
    """What a heart showed at each node of what was asked, `(nodes,)`, percent."""

    window_pct: tuple[float, ...]
    settled_pct: tuple[float, ...]


def responses(asked: Sequence[Asked], plan: VisitPlan) -> list[Response]:
    """Return the response of each patient under one plan, all hearts side by side."""
    keys = [_key(one, plan) for one in asked]
    found = [_kept(key, len(one.nodes)) for key, one in zip(keys, asked, strict=True)]
    missing = [place for place, played in enumerate(found) if played is None]
    new = played_at_nodes([asked[place] for place in missing], plan) if missing else []
    for place, played in zip(missing, new, strict=True):
        found[place] = played
        if keys[place]:
            _KEPT.put(keys[place], json.dumps(played).encode())
    pairs = zip(asked, found, strict=True)
    return [_response(one, played) for one, played in pairs if played is not None]


def _key(asked: Asked, plan: VisitPlan) -> str:
    """Return the hash of all that decides what a heart shows; empty to keep nothing."""
    sources, heart = made_by(*_MADE_BY), asked.patient.heart
    if sources is None:
        return ""
    schedule = schedule_of(asked.patient, plan)
    told = [sources, STEP_S, readout(plan.readout).beat_column, asdict(schedule)]
    told += [asdict(heart), asked.reference_gain, asked.nodes]
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _kept(key: str, n_nodes: int) -> NodeGains | None:
    content = _KEPT.get(key) if key else None
    if content is None:
        return None
    played = NodeGains(*(tuple(values) for values in json.loads(content)))
    return played if all(len(values) == n_nodes for values in played) else None


def _response(asked: Asked, played: NodeGains) -> Response:
    return Response(*(_curve(asked, values) for values in played))


def played_at_nodes(asked: Sequence[Asked], plan: VisitPlan) -> list[NodeGains]:
    """Play the nodes of each patient under one plan, all hearts side by side."""
    rest = [settled(one.patient.heart, one.reference_gain) for one in asked]
    windows = _windows_pct(asked, plan, rest)
    found = []
    for one, window, start in zip(asked, windows, rest, strict=True):
        heart = one.patient.heart
        nodes = [settled(heart, gain, near=start) for gain in one.nodes]
        sbp = np.array([node.haemodynamics.sbp_mmhg for node in nodes])
        at_rest = PCT_PER_FRAC * (sbp / start.haemodynamics.sbp_mmhg - 1.0)
        in_window = tuple(float(window[node]) for node in one.nodes)
        found.append(NodeGains(in_window, tuple(at_rest.tolist())))
    return found


def _curve(asked: Asked, values: Sequence[float]) -> GainCurve:
    """Return the parabolas through the values at the nodes."""
    known = dict(zip(asked.nodes, values, strict=True))
    return GainCurve(*(_through(side, known) for side in asked.sides))


def _through(side: Sequence[float], known: dict[float, float]) -> Polynomial:
    values = [known[gain] for gain in side]
    width = max(abs(gain) for gain in side) or 1.0
    domain, degree = [-width, width], len(side) - 1
    return Polynomial.fit(list(side), values, degree, domain=domain)


def _windows_pct(
    asked: Sequence[Asked], plan: VisitPlan, rest: Sequence[Equilibrium]
) -> list[dict[float, float]]:
    """Return the window gain at the nodes of each patient; 0 at the reference."""
    plays = [
        (number, gain)
        for number, one in enumerate(asked)
        for gain in one.nodes
        if gain != one.reference_gain
    ]
    found = [{one.reference_gain: 0.0} for one in asked]
    if not plays:
        return found
    schedules = [schedule_of(one.patient, plan) for one in asked]
    arms = [arm_gains(schedules[n], gain, asked[n].reference_gain) for n, gain in plays]
    crowd = Crowd(
        [asked[n].patient.heart for n, _ in plays],
        [rest[n] for n, _ in plays],
        step_s=STEP_S,
    )
    beats = crowd.played(arms, readout(plan.readout).beat_column)
    for (n, gain), values in zip(plays, beats, strict=True):
        found[n][gain] = gain_read_pct(schedules[n], values)
    return found
