"""
The truth of every setting
==========================

Utility along each axis of the search, with the others at their best and as found.
"""

from harness import landscape, load_scenario
from optimizers import Axis, Space

scenario = load_scenario("first_visit")
space = Space(
    (
        Axis("amplitude_v", "V", (4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5)),
        Axis("delay_ms", "ms", tuple(float(ms) for ms in range(15, 46))),
    )
)
truth = landscape(scenario.patient.patient, scenario.found_device.settings, space)
figure = truth.plot()
