"""What no reader may conclude: the same for every visit, shown with the method."""

from typing import Final

from harness.report.section import Section

STATED: Final = (
    "Everything here is simulated: patient, device, readings and staff. It describes "
    "no person and supports no decision about one.",
    "How contractility depends on the CCM settings is a documented assumption; no "
    "published curve exists for most of it.",
    "The reading is an acute pressure surrogate. It can also rise by vasoconstriction "
    "or rate, and there is no evidence that it predicts outcome.",
    "Symptom scores within one visit are mostly expectation; they never enter the "
    "choice of settings.",
    "The observation is minutes long: rare or late events cannot be excluded by it.",
    "Ranges and timing rules follow public manual pages; values marked recalled or "
    "assumed in the table of sources may differ in the real device.",
    "The ECG is drawn from the beat table with fixed wave shapes; it is not a model of "
    "conduction in the torso.",
)


LIMITS: Final = Section(name="limits", build=lambda case: STATED)
