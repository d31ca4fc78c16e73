"""A strategy or law of somebody else's, in a process of its own: the host.

The life of a host. A visit's process keeps one small process, the nursery, which holds
Python, numpy and `optimizers`, and nothing of patients. For each visit the nursery
forks a warden, and the warden forks the host: a session of its own, in which the
strategy's file is read and its generator runs. The visit and the host speak in frames
over a socket: the problem once, then observations one way and points the other, as
values. The warden stands by: it keeps the last of what is printed, tells how the host
ended, and when the visit is over, or its process gone, it ends the host and every
process that came of it.

    visit ---- nursery          one for each process that plays visits
      |           |
      |         warden          one for a visit; adopts whatever loses its parent
      |           |
      +-------- host            the strategy

A response law of somebody's own has a host too, one for each process that plays visits,
whoever is asked about; `laws` tells its life.

On this side are `hosted` (the strategy as the search sees it), `laws` (a law as the
patient has it), `line` (one host: asked, timed, ended) and `nursery`; on the other
`nurse` (forks), `warden`, `guest` and `law_guest`. Both know `frames`, `values` and
`law_values`.

This guards against accidents, not against malice: a strategy is code that runs with the
rights of whoever plays the visit. It cannot reach the patient by mistake; it can read
files, use the network, and look for the visit's process if it means to.
"""
