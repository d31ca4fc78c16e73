"""The SimPy processes of the programming visit, one module a phase.

The life of a visit. The patient arrives with a device as it was found, is checked in
and interrogated; what the counters explain is mended first. Titration then tests one
setting after another, each against the reference it came with, and an advisor, a search
or a person, says which is next. The best candidate is verified in pairs that nobody
has used for choosing, a verdict is spoken, the permanent settings are programmed and
proved by reading them back, and the patient leaves. The heart runs beneath all of it as
a process of its own, one event a beat, and a monitor may break off any phase; what
happened is written down as it happens, and the record is the only thing that is left.

Times are seconds of simulated time. Nothing in here knows what is true of the patient
but the parts that stand for patient and device.
"""
