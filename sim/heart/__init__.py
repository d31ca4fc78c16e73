"""The heart: pure kernels on floats and arrays, and the values they run on.

The life of a beat. `rhythm` has drawn when it arises and from where, and `conduction`
tells when each lead sees it (`BeatingHeart.activate`). The device then decides about a
train; nothing in here knows how. Told the train's gain, the heart contracts
(`BeatingHeart.contract`): `control` reads from memory and reflex what steers this beat,
`circulation` ejects it in one kernel call, and memory and reflex are moved on, so that
a train strengthens the beats after its own, never itself. The interval returned is when
the next beat arises; whoever drives the heart waits that long and activates again.

Three things are called after the heart, and each has one name. `HeartParts` are the
frozen numbers of a patient's heart. `ClosedLoop` is the circulation alone, with eight
volumes for a state, told from outside how strongly to beat; `ClosedLoopBatch` is many.
`BeatingHeart` joins loop, rhythm, conduction, memory and reflex through a visit.

Two kinds of rest. A *repeating* beat (`repeating`) is that of a loop at a constant
contractility, reflex left out. A *settled* heart (`equilibrium`) has reflex and memory
at rest too; `with_reflex_held` is the step between, the reflex fixed by the caller.

The kernels, from the inside out: `simd` (vectors), `steps` (one Runge-Kutta step),
`exact` (a step with a corner in it), `beats` (a whole beat), `blocks` (the memory they
share). They are compiled by `jit`; a changed line in any recompiles all.
"""
