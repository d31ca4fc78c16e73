"""One virtual patient: every true number, frozen, each with its source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from sim.heart.conduction import ConductionParameters
from sim.heart.contractility import Contractility
from sim.heart.parameters import Circulation, FloatArray
from sim.heart.parts import HeartParts
from sim.heart.reflex import Reflex
from sim.heart.rhythm import RhythmParameters
from sim.heart.sensation import Sensation
from sim.heart.train import Train
from sim.law.muscle import Muscle
from sim.law.response_law import LawInputs, ResponseLaw
from sim.law.saturating import Saturating
from sim.showing import html_table
from sim.sources import Source, SourcedNumber, provenance, sourced

_COHORT = "B virtual cohort"

Aetiology = Literal["ischaemic", "non-ischaemic", "none"]
"""Cause of the heart failure; "none" is a healthy heart."""

AETIOLOGY_TEXT: Final[Mapping[Aetiology, str]] = MappingProxyType(
    {
        "ischaemic": "ischaemic cardiomyopathy",
        "non-ischaemic": "non-ischaemic dilated cardiomyopathy",
        "none": "none",
    }
)
"""What the chart writes of each cause."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the chart says of the patient; scores of symptoms are 0 none to 10 worst.

    `expectation` is how much of a symptom score the patient loses for merely being
    treated. `icd_distance_cm` is from the nearest CCM lead, 0 without an ICD.
    """

    age_years: float = sourced(62.0, "ccmlab-evidence", _COHORT, "assumed")
    sex: str = "male"
    nyha_class: int = sourced(3, "borggrefe2008", "abstract, C04", "measured")
    dyspnoea: float = sourced(5.0, "ccmlab-evidence", _COHORT, "assumed")
    fatigue: float = sourced(5.0, "ccmlab-evidence", _COHORT, "assumed")
    mlwhfq_score: float = sourced(50.0, "ccmlab-evidence", _COHORT, "assumed")
    expectation: float = sourced(1.0, "ccmlab-evidence", "0 finding 4", "assumed")
    spo2_pct: float = sourced(96.0, "ccmlab-evidence", _COHORT, "assumed")
    icd_distance_cm: float = sourced(4.0, "ccmlab-device", "2.3 ICD", "assumed")
    has_icd: bool = True
    ccm_indicated: bool = True
    aetiology: Aetiology = "ischaemic"
    indication: str = "heart failure with reduced ejection fraction, NYHA III"
    rhythm_text: str = "sinus rhythm"
    medication: tuple[str, ...] = (
        "beta-blocker",
        "sacubitril/valsartan",
        "mineralocorticoid antagonist",
        "SGLT2 inhibitor",
    )

    @property
    def aetiology_text(self) -> str:
        """The cause of the heart failure, as the chart writes it."""
        return AETIOLOGY_TEXT[self.aetiology]


@dataclass(frozen=True, slots=True)
class Patient:
    """One virtual patient. Everything in it is true, and hidden from the clinic.

    `sources` gives, by dotted field name, the source of numbers that are not a field's
    default: solved, fitted or overridden ones.
    """

    name: str
    phenotype: str
    circulation: Circulation
    contractility: Contractility = field(default_factory=Contractility)
    reflex: Reflex = field(default_factory=Reflex)
    response: ResponseLaw = field(default_factory=Saturating)
    muscle: Muscle = field(default_factory=Muscle)
    rhythm: RhythmParameters = field(default_factory=RhythmParameters)
    conduction: ConductionParameters = field(default_factory=ConductionParameters)
    sensation: Sensation = field(default_factory=Sensation)
    profile: Profile = field(default_factory=Profile)
    sources: Mapping[str, Source] = field(default_factory=dict, hash=False)

    def __repr__(self) -> str:
        facts = ", ".join(f"{name} {value}" for name, value in self.facts.items())
        return f"Patient {self.name!r}: {facts}"

    def _repr_html_(self) -> str:
        return html_table(("", ""), self.facts.items(), f"Patient {self.name}")

    @property
    def facts(self) -> Mapping[str, str]:
        """What tells one patient from another at a glance; all of it true."""
        profile, rhythm = self.profile, self.rhythm
        kind = "atrial fibrillation" if self.in_atrial_fibrillation else "sinus rhythm"
        return {
            "phenotype": self.phenotype,
            "age": f"{profile.age_years:.0f} years",
            "sex": profile.sex,
            "NYHA": str(profile.nyha_class),
            "aetiology": profile.aetiology,
            "rhythm": f"{kind}, {rhythm.heart_rate_bpm:.0f}/min",
            "ectopics": f"{rhythm.pvc_per_hour:.0f}/h",
            "response law": self.response.name,
            "felt from": f"{self.sensation.felt_v:.3g} V",
        }

    @property
    def heart(self) -> HeartParts:
        """The parts that make beats."""
        return HeartParts(
            self.circulation,
            self.contractility,
            self.reflex,
            self.rhythm,
            self.conduction,
        )

    @property
    def law_inputs(self) -> LawInputs:
        """What a response law may know of the patient."""
        return LawInputs(self.muscle, self.rhythm, self.conduction)

    def gain(self, train: Train) -> FloatArray:
        """Return what a train does to this muscle, as `ResponseLaw.gain`."""
        return self.response.gain(train, self.law_inputs)

    @property
    def breathing_hz(self) -> float:
        """Breaths per second, of the heart rate's and of the readings' breathing."""
        return self.rhythm.breathing_hz

    @property
    def in_atrial_fibrillation(self) -> bool:
        """Whether the atria fibrillate, so that no P wave can be sensed."""
        return self.rhythm.kind == "af"

    def provenance(self) -> list[SourcedNumber]:
        """List every number of the patient with its source."""
        return provenance(self)
