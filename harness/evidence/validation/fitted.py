"""What agreement with a finding is worth: fitted, same source, built in, predicted.

Where a number of the model was set with the row in view, agreement predicts nothing.
That list is kept true by a test that reads the source of every number of the model.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal

from sim.patient.chronic import FITTED_ROWS as CHRONIC_ROWS
from sim.sources import Source

FITTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        **CHRONIC_ROWS,
        "A01": "factor of a second lead; scale of laboratory preparations",
        "A02": "factor of a second lead; scale of laboratory preparations",
        "A03": "factor of a second lead; scale of laboratory preparations",
        "A04": "scale of laboratory preparations; slope of the switch weak_hearts",
        "A05": "slope of the switch weak_hearts",
        "A06": "slope of the switch weak_hearts",
        "A07": "slope of the switch weak_hearts",
        "A08": "range of the beta-blockade factor",
        "A11": "fast memory of the CCM effect",
        "A12": "threshold of the dose law",
        "A13": "negative gain far from the best delay",
        "A14": "best delay of the dose law",
        "A15": "slow return of the CCM effect",
        "A16": "size of the gain of one lead, and its spread",
        "A22": "centre of the sensation thresholds",
        "A23": "oxygen use: cost of the area, and its fall under CCM",
        "A31": "slow memory of the CCM effect",
        "B40": "schedule of the device",
        "B41": "schedule of the device",
        "C01": "age of the cohort",
        "C02": "age of the cohort; shares of men and of atrial fibrillation",
        "C03": "EF of the cohort",
        "C04": "EF of the cohort",
        "C05": "peak VO2 of the cohort",
        "C06": "MLWHFQ of the cohort",
        "C07": "end-diastolic volume of the cohort and the phenotypes",
        "C08": "volumes of the phenotypes",
        "C09": "shares of men and of ischaemic patients of the cohort",
        "C10": "QRS limit of the cohort",
        "C11": "rate, pressures, QRS, walk of the cohort",
        "C12": "named cohort of that trial",
        "D06": "force-frequency in heart failure",
        "D08": "potentiation after an ectopic, heart failure",
        "D09": "potentiation after an ectopic, normal",
        "D10": "baroreflex, heart failure weaker than normal",
        "D11": "baroreflex, heart failure weaker than normal",
        "E01": "law of the daily count of PVCs",
        "E03": "how unevenly ectopics come in time",
        "E07": "bands of heart rate variability; waves of the drawn ECG",
        "F01": "amplitudes of the device",
        "F02": "phase durations of the device",
        "F03": "pulse numbers of the device",
        "F04": "delays of the device",
        "F08": "how often the patient charges",
        "M01": "normal circulation",
        "M02": "failing circulation",
        "N01": "breathing of dP/dt max",
        "N02": "drift of a session",
        "N03": "wander and slow waves",
        "N04": "wander and slow waves",
        "N11": "share of the systolic error that the diastolic pressure has",
        "N12": "white error of a pressure read by catheter",
        "N17": "learning of the six-minute walk",
        "N18": "fluctuation of the six-minute walk",
        "N20": "error of EF",
        "X02": "factor of a second lead",
        "X03": "slope of the switch weak_hearts",
    }
)
"""By row: the numbers that were set with it in view."""

SAME_SOURCE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "B12": "pools B11's trial with its forerunner",
        "B18": "the number of B13, of a trial with the same controls",
        "N19": "the number of N18",
    }
)
"""Rows that repeat the data or the number of a fitted row, and which."""

BY_CONSTRUCTION: Final[Mapping[str, str]] = MappingProxyType(
    {
        "D02": "ratio that follows from the EF and pressures solved for",
        "D03": "ratio that follows from the EF and pressures solved for",
        "D04": "ratio that follows from the EF and pressures solved for",
        "F05": "arithmetic of the pulse",
        "F06": "arithmetic of the pulse",
        "F07": "arithmetic of the pulse",
        "M03": "an earlier program of the same equations",
        "M04": "an earlier program of the same equations",
        "M06": "an earlier program of the same equations",
        "N09": "arithmetic of picking a winner, no part of the model runs",
        "X01": "the true gain is set to the published one",
    }
)
"""Rows whose answer is built in, and how."""

Kind = Literal["fitted", "same source", "by construction", "predicted"]
KINDS: Final[tuple[Kind, ...]] = (
    *("predicted", "same source", "by construction", "fitted"),
)


def kind_of(row: str) -> Kind:
    """Return what agreement with a row is worth."""
    if row in FITTED:
        return "fitted"
    if row in SAME_SOURCE:
        return "same source"
    return "by construction" if row in BY_CONSTRUCTION else "predicted"


def why_kind(row: str) -> str:
    """Return what was set from a row, repeats it or builds it in; else nothing."""
    return {**FITTED, **SAME_SOURCE, **BY_CONSTRUCTION}.get(row, "")


_E: Final = "ccmlab-evidence"
_P: Final = "ccmlab-protocol"
_DOSE: Final = ("A12", "A13", "A14", "A16")
_COHORT: Final = (
    *("C01", "C02", "C03", "C04", "C05", "C06", "C07", "C09", "C10", "C11"),
)
ROWS_OF_PLACE: Final[Mapping[tuple[str, str], tuple[str, ...]]] = MappingProxyType(
    {
        (_E, "A2"): ("A11", "A15", "A31"),
        (_E, "A3"): _DOSE,
        (_E, "A3 I0"): ("A12",),
        (_E, "A3 K"): ("A01", "A02", "A03", "X02"),
        (_E, "A3 di"): ("A13", "A14"),
        (_E, "A3 dn"): ("A13",),
        (_E, "A3 g_i"): ("A16",),
        (_E, "A4"): ("A22",),
        (_E, "B cohort QRS"): ("C10", "C11"),
        (_E, "B virtual cohort"): _COHORT,
        (_E, "C2"): ("M01", "M02"),
        (_E, "C2 E lv HFrEF"): ("M02",),
        (_E, "C2 Ge HF"): ("D10", "D11"),
        (_E, "C2 HR"): ("M02",),
        (_E, "C2 HR HFrEF"): ("M02",),
        (_E, "C2 b HF"): ("D06",),
        (_E, "C2 baroreflex HF"): ("D10", "D11"),
        (_E, "C2 baroreflex normal"): ("D10", "D11"),
        (_E, "C2 normal"): ("D09",),
        (_E, "C2 operating point, normal"): ("M01",),
        (_E, "C2 outputs"): ("M02",),
        (_E, "C2 p HF"): ("D08",),
        (_E, "E PVCs"): ("E01",),
        (_E, "E PVCs, 870 a day"): ("E01",),
        (_P, "2, calibration"): ("N03", "N04"),
        (_P, "6"): ("A08",),
        (_P, "6, high dose"): ("A08",),
        (_P, "6, without"): ("A08",),
        (_P, "6, without beta-blocker"): ("A08",),
        ("dpdt-noise-2014", "abstract: drift first to last baseline"): ("N02",),
        ("dpdt-noise-2014", "abstract: respiratory variation"): ("N01",),
        ("impulse-safety-2024", "recharge weekly"): ("F08",),
        ("mohri2003", "abstract, A04-A07"): ("X03",),
        ("mcsharry2003", "Table I, at 60 beats per minute, as a share of R"): ("E07",),
    }
)
"""Rows behind a place that names none itself, or none of all; see docs/model.md."""

ON_NO_ROW: Final = (
    *("0 finding 4", "A3 I1", "A3 k", "A3 s", "A3 t", "A3 w", "A3, no effect"),
    *("A3 family plateau", "A3 family sharp", "A3 laws, "),
    *(
        "B chart",
        "B chronic law",
        "B named cohorts",
        "B, but",
        "C2 MVO2",
        "C2 b",
        "C2 r(n)",
    ),
    *("C2 settled beat", "C2 Waveforms"),
    *("E AF", "E Conduction", "E ECGSYN", "E HRV", "E PVCs, the most"),
)
"""How places of docs/model.md begin whose numbers no row set: assumed or recalled."""

SET_BY_TABLE: Final = ("B40", "B41", "F01", "F02", "F03", "F04")
"""Rows that are the table of device parameters, whose numbers are not fields."""

_ROW: Final = re.compile(r"\b([A-F]|N)(\d\d)(?:-\1?(\d\d))?(?!\d)")


def rows_named(place: str) -> Iterator[str]:
    """Yield the ids that a place names, ranges written out.

    >>> list(rows_named("B21-B24; B26"))
    ['B21', 'B22', 'B23', 'B24', 'B26']
    """
    for letter, first, last in _ROW.findall(place):
        for number in range(int(first), int(last or first) + 1):
            yield f"{letter}{number:02d}"


def rows_of(sources: Iterable[Source]) -> set[str]:
    """Return every row that the sources of some numbers rest on."""
    found: set[str] = set()
    for source in sources:
        found.update(rows_named(source.place))
        found.update(ROWS_OF_PLACE.get((source.reference, source.place), ()))
    return found
