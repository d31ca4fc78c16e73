"""The verbs of `ccmlab`, a file each; science is imported inside their bodies.

The life of a command. `harness.cli` lists it, so that help needs no import of what it
does; its file reads options (`options`), asks for what it lacks (`asked`), and calls
one function of the room that does the work, under `faults.one_clear_message`, which
turns every error of `harness.common` into one message and exit code 2. Results go to
stdout, talk to stderr (`speech`). No arithmetic and no rule stands in here.
"""
