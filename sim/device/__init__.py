"""The implanted device: settings and their rules, pulse generator, battery, leads.

The life of a train. `settings` were programmed, whole or not at all, and `timing` has
turned them into seconds. The heart hands over a beat (`events.BeatSignals`), and
`generator` asks of each event in it what the tables in `rules` say: was it sensed, does
it inhibit. A local sense inside the open alert window arms a train; mode, state,
battery, magnet or `schedule` may still forbid it. One that is delivered starts a delay
after the local sense, drains the battery by what the leads take, and hides local events
until it and its balancing are over. The decision goes back (`events.BeatDecision`),
and whoever runs the visit asks what the muscle makes of it. Every beat ends in exactly
one cause of the counters, delivered or why not: that is all the clinic can read.

`lattice` knows which values a model can be set to, `energy` what settings cost a day,
`icd` what another device beside this one takes trains for.
"""
