"""One Runge-Kutta step of the eight-volume loop, left and right heart side by side.

Evidence C2. Inside a step each valve is either open or closed, so the right-hand side
is smooth; the caller looks for the instant when a valve must turn (`beats.py`).

Every value is a vector (`simd.py`) of left hearts, then right hearts:

state      atrium and ventricle volume above V0; volume of the artery that leaves this
           ventricle and of the vein that enters this atrium; filling pressure
           `u = A (exp(B w) - 1)` of atrium and ventricle. The latter are states so that
           no exponential is needed: `du = B (u + A) dw`.
vessels    B of atrium, ventricle; B A of atrium, ventricle; 1 / compliance of artery,
           vein.
reach      conductance times a span of time: into the ventricle and out of it (0 when
           the valve is closed), from this artery, into this atrium.
activity   active elastance `phi E` and passive share `1 - phi` of atrium, ventricle.
"""

from sim.heart.jit import inlined
from sim.heart.simd import Vector, fma, spread, swap

Vectors = tuple[Vector, ...]


@inlined
def activity(
    phi: Vector, psi: Vector, atrial_elastance: Vector, ventricular_elastance: Vector
) -> Vectors:
    """Return the activity at ventricular activation phi, atrial activation psi."""
    one = spread(1.0, phi)
    return psi * atrial_elastance, one - psi, phi * ventricular_elastance, one - phi


@inlined
def pressures(state: Vectors, now: Vectors, vessels: Vectors) -> Vectors:
    """Return the pressures of atrium, ventricle, artery, vein, mmHg."""
    return (
        fma(now[1], state[4], now[0] * state[0]),
        fma(now[3], state[5], now[2] * state[1]),
        state[2] * vessels[4],
        state[3] * vessels[5],
    )


@inlined
def displacement(
    state: Vectors, pressure: Vectors, vessels: Vectors, reach: Vectors
) -> Vectors:
    """Return what the rates at this state move it by, and `du/dw` of both chambers."""
    (atrium, ventricle, artery, vein) = pressure
    filling = reach[0] * (atrium - ventricle)
    ejection = reach[1] * (ventricle - artery)
    through = reach[2] * (artery - swap(vein))
    back = reach[3] * (vein - atrium)
    return (
        back - filling,
        filling - ejection,
        ejection - through,
        swap(through) - back,
        fma(vessels[0], state[4], vessels[2]),
        fma(vessels[1], state[5], vessels[3]),
    )


@inlined
def displaced(state: Vectors, by: Vectors) -> Vectors:
    """Return the state moved by a displacement."""
    return (
        state[0] + by[0],
        state[1] + by[1],
        state[2] + by[2],
        state[3] + by[3],
        fma(by[4], by[0], state[4]),
        fma(by[5], by[1], state[5]),
    )


@inlined
def reaches(gates: Vectors, conductance: Vectors, span_s: float) -> Vectors:
    """Return the reach of valves and vessels over a span."""
    span = spread(span_s, gates[0])
    return (
        span * gates[0],
        span * gates[1],
        span * conductance[0],
        span * conductance[1],
    )


@inlined
def step(
    state: Vectors,
    first: Vectors,
    middle: Vectors,
    end: Vectors,
    vessels: Vectors,
    half: Vectors,
    whole: Vectors,
    sixth: Vectors,
) -> Vectors:
    """Return the state one classical Runge-Kutta step later.

    With displacements `d1, d2` over half a step, `d3` over a whole one, the sum of the
    method is `y + (d1 + 2 d2 + d3) / 3 + d4`, `d4` over a sixth. Volumes are summed as
    displacements, so that what leaves one is exactly what enters the next.

    Parameters
    ----------
    first
        `displacement` at the start over half a step.
    middle, end
        `activity` half-way and at the end.
    half, whole, sixth
        `reaches` over these parts of the step.
    """
    y2 = displaced(state, first)
    d2 = displacement(y2, pressures(y2, middle, vessels), vessels, half)
    y3 = displaced(state, d2)
    d3 = displacement(y3, pressures(y3, middle, vessels), vessels, whole)
    y4 = displaced(state, d3)
    d4 = displacement(y4, pressures(y4, end, vessels), vessels, sixth)
    two, third = spread(2.0, state[0]), spread(1.0 / 3.0, state[0])
    minus = spread(-1.0 / 3.0, state[0])
    base = (
        fma(third, fma(two, d2[0], first[0]) + d3[0], state[0]),
        fma(third, fma(two, d2[1], first[1]) + d3[1], state[1]),
        fma(third, fma(two, d2[2], first[2]) + d3[2], state[2]),
        fma(third, fma(two, d2[3], first[3]) + d3[3], state[3]),
        fma(third, fma(two, y3[4], y2[4]) + y4[4], minus * state[4]),
        fma(third, fma(two, y3[5], y2[5]) + y4[5], minus * state[5]),
    )
    return displaced(base, d4)
