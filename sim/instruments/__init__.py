"""What a clinician can read at the bedside, and the error of each reading.

A reading is never the truth: it carries breathing, slow waves, drift over the visit and
an error of its own. Slow waves and drift are functions of clock time; the error of a
reading is keyed by its number, so that strategies share noise as far as time allows.
"""

from sim.instruments.errors import CuffError, Errors
from sim.instruments.instruments import Instruments
from sim.instruments.reading import Reading, Window, clean_beats
from sim.instruments.readouts import (
    BEAT_COLUMN,
    READOUTS,
    RULES,
    Readout,
    ReadQuantity,
    Sensor,
    beats_to_read,
    beats_to_settle,
    readout,
)

__all__ = [
    "BEAT_COLUMN",
    "READOUTS",
    "RULES",
    "CuffError",
    "Errors",
    "Instruments",
    "ReadQuantity",
    "Reading",
    "Readout",
    "Sensor",
    "Window",
    "beats_to_read",
    "beats_to_settle",
    "clean_beats",
    "readout",
]
