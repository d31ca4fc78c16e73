"""Findings that the simulator cannot speak to, each with the reason why."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_STRIP: Final = "isolated muscle: the model's smallest part is a ventricle in the loop"
_PACING: Final = "biventricular pacing and its activation sequence are not in the model"
_SURVIVAL: Final = "deaths and admissions are not simulated"
_ACTION: Final = "the action potential and fibrillation are not in the model"
_DAYS: Final = "differences from day to day of this measurement are not in the model"

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "A09": _STRIP,
        "A10": _STRIP,
        "A14": f"{_STRIP}; its 40 ms delay was in view when di was assumed",
        "A19": _PACING,
        "A20": _PACING,
        "A21": "a condition of the study, used as the amplitude of A22",
        "A24": "no coronary circulation in the model",
        "A25": "the abstract prints an index of work per oxygen in mmHg mL/m2, which"
        " is no unit of it: not commensurable",
        "A28": _ACTION,
        "A29": _ACTION,
        "A30": "the chronic law is of patients, and the untreated do not decline in it",
        "B16": _SURVIVAL,
        "B25": _SURVIVAL,
        "B29": _SURVIVAL,
        "B30": _SURVIVAL,
        "B31": _SURVIVAL,
        "D05": "a cut-off for deciding, not a response to reproduce",
        "D07": "potentiation follows ectopic beats only, not a pause after fast pacing",
        "D12": "ventricular volumes are in the model, echo dimensions are not",
        "E04": _SURVIVAL,
        "E05": "a cut-off for mortality, and deaths are not simulated",
        "E06": "activation times at two leads are in the model, a map of it is not",
        "F09": "Safe Mode happens when a scenario says so, not at a rate",
        "N06": "an AV delay in CRT: no such curve in the model; N08 compares the ratio",
        "N07": "an AV delay in CRT: no such curve in the model; N08 compares the ratio",
        "N10": "the signal of an AV delay in CRT: not commensurable with that of CCM",
        "N15": _DAYS,
        "N16": _DAYS,
        "N17": f"{_DAYS}: walks are read once a visit, months apart",
        "N21": "no impedance cardiography, and no number in the abstract",
    }
)
