"""Studies: many visits of a cohort, by several strategies, plans and budgets.

The life of a row. `plan` reads what a study varies, and `jobs` lists its visits in an
order that never changes: each `visit.Job` has a key, a hash of all that determines it,
so that a row is known before it is played. `runner` asks the `ledger` which keys are
missing and hands those out in `chunks`, to threads here or on a `cluster`; each thread
has a `watched` child process, and `child` is what that one does: play the visit, score
it against the truth, answer with a row (`outcome`), or say how it came to nothing. A
visit that hangs or takes its process with it costs itself alone: it is tried again in
a new child, and scored as if the reference had been kept if it does so again. The
parent alone writes the ledger; when nothing is missing, `tables` writes its rows in the
order of the plan, whoever played them and whenever.

`play_study` is the command, `salvage` mends a damaged ledger, `facts` says what numbers
depend on, `check_strategy` stands one strategy beside the others; `judging` and
`exports` read the tables. `ahead` counts visits before one is had; it keeps none.
"""
