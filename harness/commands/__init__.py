"""The verbs of `ccmlab`, a file each; science is imported inside their bodies.

The life of a command. `harness.cli` lists it, so that help needs no import of what it
does. Its file declares what may be asked (`options`, and `asked` for a scenario with
changes) and calls one function of the room that does the work, under
`faults.one_clear_message`, which turns what a user can mend into one message. Results
go to stdout, talk to stderr (`speech`). No arithmetic and no rule stands in here.
"""
