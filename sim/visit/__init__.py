"""The SimPy processes of the programming visit, one module a phase.

The life of a visit: an `order.VisitOrder` says who comes, with which device, for what;
`checklist.run_visit` makes a `visit.Visit` of it, the state while it goes on, and takes
it through eleven steps, each a generator that puts its part into `Visit.findings`; an
`advisor.Advisor`, a search or a person, proposes settings between them;
`record.VisitRecord` is what is left.

What the counters explain is mended first. Titration then tests one setting after
another, each against the reference. The best candidate is verified in pairs that nobody
has used for choosing, a verdict is spoken, the permanent settings are programmed and
proved by reading them back. The heart runs beneath all of it as a process of its own,
one event a beat, and a monitor may break off any phase.

Times are seconds of simulated time. Nothing in here knows what is true of the patient
but the parts that stand for patient and device.
"""
