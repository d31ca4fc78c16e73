"""A clinic's day: rooms, people and programmers, for visits played beforehand.

The life of a day. The visits are played first, each once (`playing`), and `jobs` keeps
of them what a clinic has to give: phases with staff, place and programmer. `booking`
draws who comes and how late, each patient from a stream of their own, so that another
plan meets the same patients. `play` then lets them through: a visit takes a place and
asks its `team` for everybody that a stage needs at once, waits, works, and gives back.
What lasts is the visit's own time; what a day adds is waiting. `replicate` plays many
days of each plan, `measures` counts what came of them, the differences between plans
taken day by day.

`scenario` and `tables` read the file, `site` and `clinic` say what is there; `archive`,
`page`, `figures`, `gantt` and `words` tell it, `run` is the command.
"""
