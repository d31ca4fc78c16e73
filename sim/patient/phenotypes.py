"""The ready-made patients: bedside values, rhythm and chart of each."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sim.heart.contractility import Contractility
from sim.heart.parameters import HFREF, NORMAL
from sim.heart.reflex import Reflex
from sim.heart.rhythm import RhythmParameters
from sim.law.muscle import Muscle
from sim.law.null import Null
from sim.names import nearest_name
from sim.patient.patient import Patient, Profile
from sim.patient.solve import Targets, present_targets, solve_patient
from sim.patient.table import STATED, patient_of_table, read_file, read_table
from sim.sources import Source, Standing

ENTRY_POINT_GROUP: Final = "ccmlab.phenotypes"
_COHORT: Final = "B virtual cohort"
_MEDIANS: Final = Source("ccmlab-evidence", f"{_COHORT}; C07, C08, C11", "assumed")


@dataclass(frozen=True, slots=True)
class Phenotype:
    """One ready-made patient; unless `solved`, its circulation is yet to be solved.

    `source` is where the bedside values in `targets` come from.
    """

    title: str
    targets: Targets
    patient: Patient
    solved: bool = False
    source: Source = _MEDIANS


def _from(place: str, standing: Standing, *names: str) -> dict[str, Source]:
    return {name: Source("ccmlab-evidence", place, standing) for name in names}


def _hfref(name: str, places: Mapping[str, str], **parts: object) -> Patient:
    """Return a patient; `places` says where numbers of its own come from."""
    sources = _from("E PVCs E01, class of the day count", "assumed", _PVC)
    for number, place in places.items():
        sources |= _from(place, "assumed", number)
    patient = Patient(name, name, HFREF, sources=sources)
    return replace(patient, **parts)  # type: ignore[arg-type]


_PVC: Final = "rhythm.pvc_per_hour"
_AGE: Final = "profile.age_years"
_CHART: Final = (
    _AGE,
    "profile.nyha_class",
    "profile.dyspnoea",
    "profile.fatigue",
    "profile.mlwhfq_score",
    "profile.spo2_pct",
    "profile.icd_distance_cm",
)

_NORMAL: Final = Patient(
    "normal",
    "normal",
    NORMAL,
    contractility=Contractility(
        potentiation_frac=0.03, force_frequency_frac=0.015, reference_rate_bpm=68.0
    ),
    reflex=Reflex(
        rr_gain_ms_per_mmhg=9.0,
        resistance_per_mmhg=-0.010,
        unstressed_ml_per_mmhg=6.0,
        elastance_per_mmhg=-0.004,
    ),
    muscle=Muscle(beta_block_factor=1.0 / 0.6),
    rhythm=RhythmParameters(heart_rate_bpm=68.0, sdnn_ms=50.0, pvc_per_hour=0.5),
    profile=Profile(
        age_years=45.0,
        nyha_class=1,
        dyspnoea=0.0,
        fatigue=0.0,
        mlwhfq_score=0.0,
        spo2_pct=98.0,
        icd_distance_cm=0.0,
        has_icd=False,
        ccm_indicated=False,
        aetiology="none",
        indication="none: a healthy adult, for teaching and for checks of the model",
        medication=(),
    ),
    sources=(
        _from("C2 normal", "assumed", "contractility.potentiation_frac")
        | _from("C2 normal", "assumed", "contractility.force_frequency_frac")
        | _from(
            "C2 baroreflex normal",
            "assumed",
            "reflex.rr_gain_ms_per_mmhg",
            "reflex.resistance_per_mmhg",
            "reflex.unstressed_ml_per_mmhg",
            "reflex.elastance_per_mmhg",
        )
        | _from("E HRV, a healthy adult", "assumed", "rhythm.sdnn_ms", _PVC)
        | _from("B, but a healthy adult", "assumed", *_CHART)
        | {
            "muscle.beta_block_factor": Source(
                "ccmlab-protocol", "6, without beta-blocker", "assumed"
            )
        }
    ),
)

_NON_ISCHAEMIC: Final = Profile(
    age_years=57.0,
    mlwhfq_score=45.0,
    aetiology="non-ischaemic",
)
_FIBRILLATING: Final = Profile(
    age_years=68.0,
    rhythm_text="permanent atrial fibrillation",
    medication=(*Profile().medication, "oral anticoagulant"),
)

PHENOTYPES: Final[Mapping[str, Phenotype]] = MappingProxyType(
    {
        "normal": Phenotype(
            "healthy adult, no indication for CCM",
            Targets(60.0, 125.0, 120.0, 68.0),
            _NORMAL,
            source=Source("ccmlab-evidence", "C2 operating point, normal", "assumed"),
        ),
        "hfref-ischaemic": Phenotype(
            "ischaemic cardiomyopathy, sinus rhythm",
            Targets(30.0, 220.0, 117.0, 74.0),
            _hfref("hfref-ischaemic", {}, rhythm=RhythmParameters(pvc_per_hour=24.0)),
        ),
        "hfref-nonischaemic": Phenotype(
            "dilated cardiomyopathy, sinus rhythm",
            Targets(26.5, 249.0, 115.0, 76.0),
            _hfref(
                "hfref-nonischaemic",
                {_AGE: _COHORT, "profile.mlwhfq_score": _COHORT},
                rhythm=RhythmParameters(pvc_per_hour=12.0),
                profile=_NON_ISCHAEMIC,
            ),
        ),
        "hfref-af": Phenotype(
            "reduced ejection fraction with permanent atrial fibrillation",
            Targets(30.0, 232.0, 114.0, 80.0),
            _hfref(
                "hfref-af",
                {_AGE: _COHORT},
                rhythm=RhythmParameters(kind="af", pvc_per_hour=18.0),
                profile=_FIBRILLATING,
            ),
        ),
        "hfref-frequent-pvc": Phenotype(
            "reduced ejection fraction with thousands of ectopics a day",
            Targets(28.0, 235.0, 114.0, 74.0),
            _hfref(
                "hfref-frequent-pvc", {}, rhythm=RhythmParameters(pvc_per_hour=300.0)
            ),
        ),
        "hfref-null": Phenotype(
            "as hfref-ischaemic, but CCM does nothing: the check for false claims",
            Targets(30.0, 220.0, 117.0, 74.0),
            _hfref(
                "hfref-null",
                {"response.gain_frac": "A3, no effect by construction"},
                response=Null(gain_frac=0.0),
                rhythm=RhythmParameters(pvc_per_hour=24.0),
            ),
        ),
    }
)
"""By name; the targets are cohort medians (evidence B; C07, C08, C11)."""


def known_phenotypes() -> Mapping[str, Phenotype]:
    """Return every phenotype by name: shipped ones first, then installed plug-ins.

    A plug-in is an entry point of the group `ccmlab.phenotypes`: a `Phenotype`, or the
    path of a patient file in TOML that starts from a shipped phenotype. A ValueError
    names an entry point that is neither, PatientTableError the faults of its file.
    """
    found = dict(PHENOTYPES)
    for entry in _entries(tuple(sys.path)):
        found.setdefault(entry.name, _plugged_in(entry.name, entry.value))
    return MappingProxyType(found)


@cache
def phenotype(name: str) -> Patient:
    """Return a ready-made patient, solved to the targets of its phenotype.

    Raises
    ------
    ValueError
        For an unknown name, with the nearest known one.
    """
    known = PHENOTYPES if name in PHENOTYPES else known_phenotypes()
    if name not in known:
        near = nearest_name(name, known)
        raise ValueError(
            f"phenotype must be one of {', '.join(known)}, got {name!r}"
            f" (did you mean {near!r}?)"
        )
    made = known[name]
    return made.patient if made.solved else solve_patient(made.patient, made.targets)


@cache
def _entries(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return what distributions on this path bring; a scenario asks more than once."""
    return tuple(entry_points(group=ENTRY_POINT_GROUP))


@cache
def _plugged_in(name: str, value: str) -> Phenotype:
    loaded: object = EntryPoint(name, value, ENTRY_POINT_GROUP).load()
    if isinstance(loaded, Phenotype):
        return loaded
    if not isinstance(loaded, str | Path):
        raise ValueError(
            f"entry point {name} of {ENTRY_POINT_GROUP} must be a Phenotype or the path"
            f" of a patient file, got {type(loaded).__name__} from {value}"
        )
    folder = Path(loaded).parent
    table = read_table(read_file(loaded), str(loaded), PHENOTYPES, folder)
    patient = replace(patient_of_table(table, phenotype), name=name, phenotype=name)
    title = table.get("title", f"from {Path(loaded).name}")
    targets = present_targets(patient)
    return Phenotype(title, targets, patient, solved=True, source=STATED)
