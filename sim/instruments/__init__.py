"""What a clinician can read at the bedside, and the error of each reading.

The life of a reading. A window of true beats is handed over when the last of them has
happened. Beats that ectopy or lost telemetry spoil are left out (`clean_beats`), whole
breaths are kept, and the mean is taken: that number only lives inside `Instruments`.
Breath, slow waves, drift and an error of its own are laid over it, and what comes out,
a `Reading` with its number of beats, or none where too few were clean, is all that the
clinic, the search and the report ever see.

A reading is never the truth: it carries breathing, slow waves, drift over the visit and
an error of its own. Slow waves and drift are functions of clock time; the error of a
reading is keyed by its number, so that strategies share noise as far as time allows.
"""

from sim.instruments.clock import Clock
from sim.instruments.errors import CuffError, ErrorModel, Errors, Seen, Wander
from sim.instruments.instruments import Instruments
from sim.instruments.reading import Pressures, Reading, ReadingWindow, clean_beats
from sim.instruments.readouts import (
    READOUTS,
    RULES,
    Readout,
    add_readout,
    beats_to_read,
    beats_to_settle,
    readout,
)

__all__ = [
    "READOUTS",
    "RULES",
    "Clock",
    "CuffError",
    "ErrorModel",
    "Errors",
    "Instruments",
    "Pressures",
    "Reading",
    "ReadingWindow",
    "Readout",
    "Seen",
    "Wander",
    "add_readout",
    "beats_to_read",
    "beats_to_settle",
    "clean_beats",
    "readout",
]
