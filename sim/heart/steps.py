"""One Runge-Kutta step of the eight-volume loop, left and right heart side by side.

Evidence C2. Inside a step each valve is either open or closed, so the right-hand side
is smooth; the caller looks for the instant when a valve must turn (`beats.py`).

Every value is a vector (`simd.py`) of left hearts, then right hearts:

state      atrium and ventricle volume above V0; volume of the artery that leaves this
           ventricle and of the vein that enters this atrium; filling pressure
           `u = A (exp(B w) - 1)` of atrium and ventricle. The latter are states so that
           no exponential is needed: `du/dt = B (u + A) dw/dt`.
vessels    B of atrium, ventricle; B A of atrium, ventricle; 1 / compliance of artery,
           vein; conductance from this artery, into this atrium.
gates      conductance into the ventricle and out of it, 0 when the valve is closed.
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
    return (
        psi * atrial_elastance,
        one - psi,
        phi * ventricular_elastance,
        one - phi,
    )


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
def rates(
    state: Vectors, pressure: Vectors, vessels: Vectors, gates: Vectors
) -> Vectors:
    """Return the time derivative of the state, per second."""
    (atrium, ventricle, artery, vein) = pressure
    filling = gates[0] * (atrium - ventricle)
    ejection = gates[1] * (ventricle - artery)
    through = vessels[6] * (artery - swap(vein))
    back = vessels[7] * (vein - atrium)
    atrial = back - filling
    ventricular = filling - ejection
    return (
        atrial,
        ventricular,
        ejection - through,
        swap(through) - back,
        fma(vessels[0], state[4], vessels[2]) * atrial,
        fma(vessels[1], state[5], vessels[3]) * ventricular,
    )


@inlined
def moved(state: Vectors, rate: Vectors, by: Vector) -> Vectors:
    """Return `state + by * rate`."""
    return (
        fma(by, rate[0], state[0]),
        fma(by, rate[1], state[1]),
        fma(by, rate[2], state[2]),
        fma(by, rate[3], state[3]),
        fma(by, rate[4], state[4]),
        fma(by, rate[5], state[5]),
    )


@inlined
def step(
    state: Vectors,
    first: Vectors,
    middle: Vectors,
    end: Vectors,
    vessels: Vectors,
    gates: Vectors,
    step_s: float,
) -> Vectors:
    """Return the state one classical Runge-Kutta step later.

    Parameters
    ----------
    first
        `rates` at the start of the step.
    middle, end
        `activity` half-way and at the end.
    """
    whole = spread(step_s, state[0])
    half = spread(0.5 * step_s, state[0])
    at = moved(state, first, half)
    second = rates(at, pressures(at, middle, vessels), vessels, gates)
    at = moved(state, second, half)
    third = rates(at, pressures(at, middle, vessels), vessels, gates)
    at = moved(state, third, whole)
    fourth = rates(at, pressures(at, end, vessels), vessels, gates)
    two = spread(2.0, state[0])
    twice = moved(moved(first, second, two), third, two)
    total = moved(twice, fourth, spread(1.0, state[0]))
    return moved(state, total, spread(step_s / 6.0, state[0]))
