"""The SimPy processes of the programming visit, one module a phase.

The life of a visit: an `order.VisitOrder` says who comes, with which device, for what;
`checklist.run_visit` makes a `visit.Visit` of it, the state while it goes on, and takes
it through eleven steps, each a generator that puts its part into `Visit.findings`; an
`advisor.Advisor` proposes settings between them; `record.VisitRecord` is what is left.
"""
