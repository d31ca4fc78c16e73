"""The name that somebody meant: by the clinic's words, by its beginning, by likeness.

Whoever refuses a name offers this one, in files, commands and code alike.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

SYNONYMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ef": "ejection_fraction_pct",
        "lvef": "ejection_fraction_pct",
        "ejectionfraction": "ejection_fraction_pct",
        "edv": "edv_ml",
        "lvedv": "edv_ml",
        "sbp": "sbp_mmhg",
        "systolic": "sbp_mmhg",
        "bloodpressure": "sbp_mmhg",
        "hr": "heart_rate_bpm",
        "heartrate": "heart_rate_bpm",
        "pulse": "heart_rate_bpm",
        "pvc": "pvc_per_hour",
        "pvcs": "pvc_per_hour",
        "sdnn": "sdnn_ms",
        "hrv": "sdnn_ms",
        "pr": "pr_ms",
        "qrs": "qrs_ms",
        "erp": "erp_ms",
        "rwave": "v1_mv",
        "pwave": "atrial_mv",
        "nyha": "nyha_class",
        "age": "age_years",
        "dyspnea": "dyspnoea",
        "mlwhfq": "mlwhfq_score",
        "map": "set_map_mmhg",
        "voltage": "amplitude_v",
        "amplitude": "amplitude_v",
        "pulsewidth": "phase_duration_ms",
        "pulses": "n_pulses",
        "delay": "delay_ms",
    }
)
"""Names by the words that a clinic uses, in small letters without marks."""


def meant_by(name: str) -> str:
    """Return the name that a word of the clinic stands for, else the word, lower case.

    >>> meant_by("LVEF")
    'ejection_fraction_pct'
    """
    asked = name.lower()
    return SYNONYMS.get("".join(c for c in asked if c.isalnum()), asked)


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return the known name that was most likely meant.

    >>> nearest_name("LVEF", ["edv_ml", "ejection_fraction_pct"])
    'ejection_fraction_pct'
    """
    names = list(known)
    asked = name.lower()
    meant = meant_by(name)
    if meant in names:
        return meant
    alike = [other for other in names if asked and other.lower().startswith(asked)]
    if alike:
        return alike[0]
    lower = {other.lower(): other for other in reversed(names)}
    return lower[get_close_matches(asked, list(lower), n=1, cutoff=0.0)[0]]
