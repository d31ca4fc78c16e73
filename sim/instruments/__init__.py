"""What a clinician can read at the bedside, and the error of each reading.

A reading is never the truth: it carries breathing, slow waves, drift over the visit and
an error of its own. Slow waves and drift are functions of clock time; the error of a
reading is keyed by its number, so that strategies share noise as far as time allows.
"""

from sim.instruments.clock import Clock
from sim.instruments.errors import CuffError, ErrorModel, Errors, Seen, Wander
from sim.instruments.instruments import Instruments
from sim.instruments.reading import Pressures, Reading, Window, clean_beats
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
    "Readout",
    "Seen",
    "Wander",
    "Window",
    "add_readout",
    "beats_to_read",
    "beats_to_settle",
    "clean_beats",
    "readout",
]
