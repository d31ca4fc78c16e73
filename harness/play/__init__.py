"""A scenario becomes a visit that was played. Nothing here knows the truth.

The life of a visit: `scenario` and `tables` read and check the files; `order` makes a
`VisitOrder` of them (the world's) and a `Task` (the search's); `search` is the strategy
at the bedside, and `host` gives one that is not ours a process of its own; `played`
lets order and search meet and keeps what happened; `run` adds how the visit of a
scenario was made; `environment` gives the place of the strategy to an agent. Whoever
judges asks `harness.truth`, which nothing here imports.
"""
