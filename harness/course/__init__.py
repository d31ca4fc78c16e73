"""Several visits of one patient over months: played, written, shown; and trials.

The life of a course. The first visit is that of a scenario. Its permanent settings go
`home` with the patient, day by day: trains are delivered or lost, the patient charges
or forgets to, a lead may fail, the device raises alerts. The chronic law moves the
patient meanwhile, by the dose that was delivered and not by the one programmed. At the
next visit the first one's order is taken with the patient of that day and the device as
those days left it (`play`); nothing else is carried over, and no search is told the
truth of before. `archive` writes a run a visit and the tables over the months, `figure`
and `page` show them.

`trial` plays the chronic law alone, with the design of published trials.
"""
