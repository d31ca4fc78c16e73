"""The visit as it is lived: stepped, commanded, told as one stream of messages.

The life of a live visit: `live.LiveVisit` makes the visit of a scenario and steps it;
`commands` are what a person may ask for, `person` the advisor who waits for them;
`telling` turns what happens at the bedside into `messages`, the only thing that leaves
this room; `actions` is the log from which the visit is played again; `pacer` sleeps
between the events. Everything that is told is what staff can see: readings with their
errors, never the truth behind them.
"""
