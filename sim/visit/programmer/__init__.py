"""The programmer: everything a clinician does to the device through the wand.

The life of a value. It is edited, and stands as pending beside the programmed one, with
the reason where it may not be programmed (`values`). Programming needs the link that
the `wand` holds, which may be lost on the way, takes its seconds, and is done whole or
not at all; the device as interrogated afterwards is the proof, not the screen. All that
is a `session`, which logs what was done. `readout` is what the device tells, `scan` and
`markers` what it senses, `activity` how much the patient moved; an `observer` sees a
session and commands nothing; `presets` keeps settings in a file.
"""

from sim.telemetry.markers import Marker
from sim.visit.programmer.activity import ActivitySensor, HourlyActivity, activity_trace
from sim.visit.programmer.markers import MarkerStream
from sim.visit.programmer.observer import LogLine, Observer
from sim.visit.programmer.presets import Preset, PresetError, load_preset, save_preset
from sim.visit.programmer.readout import ChargerData, Impedances, Statistics
from sim.visit.programmer.scan import (
    SensedAmplitude,
    SensingTest,
    WindowProposal,
    propose_window,
)
from sim.visit.programmer.session import Programmer, SensationRow
from sim.visit.programmer.values import (
    ListChoice,
    PendingValue,
    settings_text,
    share_text,
)
from sim.visit.programmer.wand import Link, LinkLostError, Wand

__all__ = [
    "ActivitySensor",
    "ChargerData",
    "HourlyActivity",
    "Impedances",
    "Link",
    "LinkLostError",
    "ListChoice",
    "LogLine",
    "Marker",
    "MarkerStream",
    "Observer",
    "PendingValue",
    "Preset",
    "PresetError",
    "Programmer",
    "SensationRow",
    "SensedAmplitude",
    "SensingTest",
    "Statistics",
    "Wand",
    "WindowProposal",
    "activity_trace",
    "load_preset",
    "propose_window",
    "save_preset",
    "settings_text",
    "share_text",
]
