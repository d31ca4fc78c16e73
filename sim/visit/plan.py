"""What is decided before the patient comes in: the site, the clock, the pairs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from sim.device.generator import State
from sim.device.leads import Fault, LeadModel, LeadOhms, Leads, LeadSite
from sim.device.settings import Settings
from sim.sources import sourced
from sim.units import S_PER_MIN

PROTOCOL: Final = "ccmlab-protocol"

PHASES: Final = (
    "check-in",
    "exam",
    "interrogation",
    "sensing",
    "response test",
    "titration",
    "verification",
    "permanent programming",
    "re-interrogation",
    "observation",
    "report",
)


Paper = Literal["a4", "letter"]


@dataclass(frozen=True, slots=True)
class Site:
    """Where the visit takes place: who is there and how long the fixed steps take.

    `place_of_service` lists descriptive codes as neutral metadata, never a choice;
    `lead` examines and signs, `reader` works the programmer, `paper` is what its
    printer holds.
    """

    name: str
    title: str
    place_of_service: str
    lead: str
    reader: str
    # the places of service are those of a list of the United States
    paper: Paper = "letter"
    check_in_min: float = sourced(8.0, PROTOCOL, "3, step 1", "assumed")
    exam_min: float = sourced(8.0, PROTOCOL, "3, step 2", "assumed")
    interrogation_min: float = sourced(6.0, PROTOCOL, "3, step 3", "assumed")
    sensing_min: float = sourced(4.0, PROTOCOL, "3, step 4", "assumed")
    rest_min: float = sourced(5.0, PROTOCOL, "3, step 7", "assumed")
    final_checks_min: float = sourced(8.0, PROTOCOL, "3, step 8", "assumed")
    re_interrogation_min: float = sourced(2.0, PROTOCOL, "3, step 9", "assumed")
    report_min: float = sourced(6.0, PROTOCOL, "3, step 11", "assumed")

    @property
    def staff(self) -> Mapping[str, str]:
        """Who is there, by phase."""
        both = f"{self.lead} and {self.reader}"
        return {
            "check-in": "medical assistant",
            "exam": self.lead,
            "interrogation": self.reader,
            "sensing": self.reader,
            "response test": self.reader,
            "titration": both,
            "verification": self.reader,
            "permanent programming": both,
            "re-interrogation": self.reader,
            "observation": "nurse",
            "report": self.lead,
        }


SITES: Final[Mapping[str, Site]] = MappingProxyType(
    {
        "device-clinic": Site(
            name="device-clinic",
            title="Device clinic",
            place_of_service="11 or 19 (recalled)",
            lead="heart failure physician",
            reader="device specialist",
        ),
        "hospital-outpatient": Site(
            name="hospital-outpatient",
            title="Hospital outpatient department",
            place_of_service="19 or 22 (recalled)",
            lead="electrophysiologist",
            reader="cardiac device nurse",
            check_in_min=12.0,
            exam_min=10.0,
            interrogation_min=7.0,
            report_min=8.0,
        ),
        "ambulatory-surgical-center": Site(
            name="ambulatory-surgical-center",
            title="Ambulatory surgical center",
            place_of_service="24 (recalled)",
            lead="electrophysiologist",
            reader="industry-independent device nurse",
            check_in_min=15.0,
            exam_min=9.0,
            rest_min=6.0,
            final_checks_min=10.0,
        ),
    }
)


def site(name: str) -> Site:
    """Return a site by its name; a ValueError offers the nearest one."""
    if name not in SITES:
        near = get_close_matches(name, SITES, n=1, cutoff=0.0)
        raise ValueError(
            f"site must be one of {', '.join(SITES)}, got {name!r}"
            f" (did you mean {near[0]!r}?)"
        )
    return SITES[name]


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """The device as the patient brings it in.

    `since_last_visit_days` scales the counters, `charge_frac` is the cell's charge,
    `arrival_h` the time of day at check-in, which the schedule depends on. Since the
    last visit, the leads were intact and the device active until the last `fault_frac`
    of the time, and the battery was suspended for `suspended_frac` of it. Leads at a
    "basal" site are near the atrium.
    """

    settings: Settings = field(default_factory=Settings)
    model: str = "CCM X11"
    state: State = "ACTIVE"
    v1_fault: Fault = "none"
    v2_fault: Fault = "none"
    days_since_charge: float = sourced(
        4.0, "ccmlab-device", "1.5", "assumed", allowed=(0.0, 60.0)
    )
    since_last_visit_days: float = sourced(
        30.0, "ccmlab-device", "4", "assumed", allowed=(1.0, 3650.0)
    )
    charge_frac: float = sourced(
        0.7, "ccmlab-device", "1.5", "assumed", allowed=(0.0, 1.0)
    )
    arrival_h: float = sourced(
        8.45, "ccmlab-protocol", "3", "assumed", allowed=(0.0, 24.0)
    )
    fault_frac: float = sourced(
        1.0, "ccmlab-device", "6", "assumed", allowed=(0.0, 1.0)
    )
    suspended_frac: float = sourced(
        0.0, "ccmlab-device", "1.5", "assumed", allowed=(0.0, 0.98)
    )
    lead_site: LeadSite = "mid-septum"

    def leads(self, rng: np.random.Generator) -> Leads:
        """Return the leads with their faults; `rng` as `Leads` takes it."""
        leads = Leads(rng=rng)
        leads.set_fault("V1", self.v1_fault)
        leads.set_fault("V2", self.v2_fault)
        return leads

    @property
    def lead_ohms(self) -> LeadOhms:
        """Impedance of the leads at rest, with their faults."""
        lead = LeadModel()
        return LeadOhms(lead.ohm_with(self.v1_fault), lead.ohm_with(self.v2_fault))


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """The visit as an experiment: how it is read and when it is believed.

    `plan` names a measuring plan of `sim.visit.measuring`; `alternate-every` reads the
    reference before every `tests_per_reference` tests, `replicates` repeats a pair up
    to `most_replicates` times until its mean has the standard error `target_se_pct`.
    """

    site: Site = field(default_factory=lambda: SITES["device-clinic"])
    readout: str = "finger-pressure"
    plan: str = "paired"
    tests_per_reference: int = sourced(
        4, PROTOCOL, "2, measuring plans", "assumed", allowed=(1, 100)
    )
    target_se_pct: float = sourced(
        1.2, PROTOCOL, "2, measuring plans", "assumed", allowed=(0.05, 50.0)
    )
    most_replicates: int = sourced(
        4, PROTOCOL, "2, measuring plans", "assumed", allowed=(1, 20)
    )
    titration_min: float = sourced(
        40.0, PROTOCOL, "3, step 6", "assumed", allowed=(0.0, 240.0)
    )
    response_pairs: int = sourced(3, PROTOCOL, "2", "assumed", allowed=(0, 20))
    verification_pairs: int = sourced(
        10, PROTOCOL, "3, step 7", "assumed", allowed=(2, 60)
    )
    settle_beats: int | None = sourced(None, PROTOCOL, "2", "assumed", allowed=(0, 600))
    read_beats: int | None = sourced(None, PROTOCOL, "2", "assumed", allowed=(4, 600))
    programming_s: float = sourced(5.0, PROTOCOL, "2", "assumed", allowed=(0.0, 120.0))
    question_s: float = sourced(25.0, PROTOCOL, "2", "assumed", allowed=(0.0, 300.0))
    baseline_min: float = sourced(10.0, PROTOCOL, "4", "assumed", allowed=(1.0, 60.0))
    safety_rest_s: float = sourced(
        60.0, PROTOCOL, "4", "assumed", allowed=(0.0, 1800.0)
    )
    observation_min: float = sourced(
        15.0, PROTOCOL, "3, step 10", "assumed", allowed=(0.0, 240.0)
    )
    least_relevant_gain_pct: float = sourced(
        1.0, PROTOCOL, "5", "assumed", allowed=(0.0, 20.0)
    )
    equivalence_margin_pct: float = sourced(
        1.5, PROTOCOL, "5", "assumed", allowed=(0.0, 20.0)
    )
    expected_pair_sd_pct: float | None = sourced(
        None, PROTOCOL, "2", "assumed", allowed=(0.0, 50.0)
    )
    noise_scale: float = sourced(1.0, PROTOCOL, "2", "assumed", allowed=(0.0, 10.0))

    @property
    def titration_s(self) -> float:
        """Time given to the search, seconds."""
        return self.titration_min * S_PER_MIN
