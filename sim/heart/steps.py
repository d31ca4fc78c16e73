"""One Runge-Kutta step of the eight-volume loop, left and right heart side by side.

Equations 9 to 14 of docs/model.md. Inside a step each valve is either open or closed,
so the right-hand side is smooth; the caller looks for the instant when a valve must
turn (`beats.py`), and `exact.py` splits the step there. Both hearts obey the same
equations with other numbers, hence one vector for both: the processor does left and
right, of every patient of a block, in one instruction.

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
    # eq. 9: what multiplies w, and what multiplies u
    return psi * atrial_elastance, one - psi, phi * ventricular_elastance, one - phi


@inlined
def chamber_pressures(state: Vectors, now: Vectors) -> Vectors:
    """Return the pressures of atrium and ventricle, mmHg."""
    return (
        # eq. 9, with u for A (exp(B w) - 1)
        fma(now[1], state[4], now[0] * state[0]),
        fma(now[3], state[5], now[2] * state[1]),
    )


@inlined
def displacement(
    filling_pressure: Vectors, pressure: Vectors, vessels: Vectors, reach: Vectors
) -> Vectors:
    """Return what the rates at a state move it by, and `du/dw` of both chambers."""
    (atrium, ventricle, artery, vein) = pressure
    # eq. 11: no max(0, .) here, for a closed valve has reach 0
    filling = reach[0] * (atrium - ventricle)
    ejection = reach[1] * (ventricle - artery)
    # eq. 12; the artery of one heart feeds the vein of the other, hence the swap
    through = reach[2] * (artery - swap(vein))
    back = reach[3] * (vein - atrium)
    return (
        # eq. 14
        back - filling,
        filling - ejection,
        ejection - through,
        swap(through) - back,
        fma(vessels[0], filling_pressure[0], vessels[2]),
        fma(vessels[1], filling_pressure[1], vessels[3]),
    )


@inlined
def pushed(
    chambers: Vectors,
    artery: Vector,
    vein: Vector,
    now: Vectors,
    vessels: Vectors,
    by: Vectors,
) -> Vectors:
    """Return the pressures after a displacement, from those before it.

    Straight from pressure to pressure, by way of stiffness, is half as long a chain of
    instructions as by way of the volumes; the processor waits for this chain.
    """
    return (
        fma(fma(now[1], by[4], now[0]), by[0], chambers[0]),
        fma(fma(now[3], by[5], now[2]), by[1], chambers[1]),
        # eq. 10
        fma(vessels[4], by[2], artery),
        fma(vessels[5], by[3], vein),
    )


@inlined
def filled(state: Vectors, by: Vectors) -> Vectors:
    """Return the filling pressures of atrium and ventricle after a displacement."""
    return fma(by[4], by[0], state[4]), fma(by[5], by[1], state[5])


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
    pressure: Vectors,
    first: Vectors,
    middle: Vectors,
    end: Vectors,
    vessels: Vectors,
    half: Vectors,
    whole: Vectors,
    sixth: Vectors,
) -> tuple[Vectors, Vectors]:
    """Return state and pressures one classical Runge-Kutta step later.

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
    artery, vein = pressure[2], pressure[3]
    rest = chamber_pressures(state, middle)
    u2 = filled(state, first)
    p2 = pushed(rest, artery, vein, middle, vessels, first)
    d2 = displacement(u2, p2, vessels, half)
    u3 = filled(state, d2)
    p3 = pushed(rest, artery, vein, middle, vessels, d2)
    d3 = displacement(u3, p3, vessels, whole)
    u4 = filled(state, d3)
    p4 = pushed(chamber_pressures(state, end), artery, vein, end, vessels, d3)
    # over a sixth of the step, the weight that the sum below gives it
    d4 = displacement(u4, p4, vessels, sixth)
    two, third = spread(2.0, state[0]), spread(1.0 / 3.0, state[0])
    # u2 and u4 hold u already, so that the sum of the displacements needs -u / 3
    minus = spread(-1.0 / 3.0, state[0])
    base = (
        fma(third, fma(two, d2[0], first[0]) + d3[0], state[0]),
        fma(third, fma(two, d2[1], first[1]) + d3[1], state[1]),
        fma(third, fma(two, d2[2], first[2]) + d3[2], state[2]),
        fma(third, fma(two, d2[3], first[3]) + d3[3], state[3]),
        fma(third, fma(two, u3[0], u2[0]) + u4[0], minus * state[4]),
        fma(third, fma(two, u3[1], u2[1]) + u4[1], minus * state[5]),
    )
    after = (
        base[0] + d4[0],
        base[1] + d4[1],
        base[2] + d4[2],
        base[3] + d4[3],
        fma(d4[4], d4[0], base[4]),
        fma(d4[5], d4[1], base[5]),
    )
    # pressures of the sum, then pushed by d4: as in `pushed`, the shorter chain
    rest = chamber_pressures(base, end)
    artery, vein = base[2] * vessels[4], base[3] * vessels[5]
    return after, pushed(rest, artery, vein, end, vessels, d4)
