"""What a site has and how its day goes, where a scenario does not say otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, get_args

from sim.sources import Source, sourced

PROTOCOL: Final = "ccmlab-protocol"
Role = Literal["medical assistant", "nurse", "device specialist", "physician"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
PHYSICIAN: Final[Role] = "physician"


@dataclass(frozen=True, slots=True)
class PublishedTime:
    """Staff time of an in-person visit for a cardiac device, summed over the staff."""

    low_min: float = sourced(37.8, "seiler2021", "abstract, in person", "measured")
    high_min: float = sourced(51.0, "seiler2021", "abstract, in person", "measured")


@dataclass(frozen=True, slots=True)
class Hours:
    """When the clinic is open, by the clock; each person has one break."""

    opens_h: float = sourced(8.0, PROTOCOL, "8, hours", "assumed")
    closes_h: float = sourced(17.0, PROTOCOL, "8, hours", "assumed")
    break_from_h: float = sourced(11.5, PROTOCOL, "8, hours", "assumed")
    break_min: float = sourced(30.0, PROTOCOL, "8, hours", "assumed")


@dataclass(frozen=True, slots=True)
class Coming:
    """Who comes, and how punctually; lateness is normal, below 0 is early.

    `urgent_frac` is the share of unscheduled visits among all.
    """

    no_show_frac: float = sourced(0.10, PROTOCOL, "8, who comes", "assumed")
    late_mean_min: float = sourced(-5.0, PROTOCOL, "8, who comes", "assumed")
    late_sd_min: float = sourced(10.0, PROTOCOL, "8, who comes", "assumed")
    urgent_frac: float = sourced(0.07, "boriani2011", "abstract", "measured")


@dataclass(frozen=True, slots=True)
class Places:
    """Where patients are: programming rooms, and chairs for the observation."""

    rooms: int = sourced(2, PROTOCOL, "8, sites", "assumed")
    chairs: int = sourced(2, PROTOCOL, "8, sites", "assumed")
    turnover_min: float = sourced(5.0, PROTOCOL, "8, sites", "assumed")


@dataclass(frozen=True, slots=True)
class Equipment:
    """What is shared between the rooms."""

    programmers: int = sourced(1, PROTOCOL, "8, sites", "assumed")


@dataclass(frozen=True, slots=True)
class Admission:
    """Admission for heart failure management, after the observation.

    A nurse hands over, then the patient waits for the ward's bed or for transport.
    """

    admit_frac: float = sourced(0.01, PROTOCOL, "8, admission", "assumed")
    admit_stopped_frac: float = sourced(0.5, PROTOCOL, "8, admission", "assumed")
    handover_min: float = sourced(15.0, PROTOCOL, "8, admission", "assumed")
    transport_min: float = sourced(45.0, PROTOCOL, "8, admission", "assumed")


@dataclass(frozen=True, slots=True)
class Staff:
    """How many there are of each profession."""

    medical_assistant: int = sourced(1, PROTOCOL, "8, sites", "assumed")
    nurse: int = sourced(1, PROTOCOL, "8, sites", "assumed")
    device_specialist: int = sourced(2, PROTOCOL, "8, sites", "assumed")
    physician: int = sourced(1, PROTOCOL, "8, sites", "assumed")


MayDo = Mapping[Role, tuple[Role, ...]]


def _may_do(**more: tuple[Role, ...]) -> MayDo:
    own: dict[Role, tuple[Role, ...]] = {role: (role,) for role in ROLES}
    for role in ROLES:
        own[role] += more.get(role.replace(" ", "_"), ())
    return MappingProxyType(own)


@dataclass(frozen=True, slots=True)
class DaySite:
    """One kind of site: its places, equipment, staff, and who may do whose work."""

    name: str
    places: Places = field(default_factory=Places)
    equipment: Equipment = field(default_factory=Equipment)
    staff: Staff = field(default_factory=Staff)
    may_do: MayDo = field(default_factory=_may_do)
    admission: Admission = field(default_factory=Admission)
    sources: Mapping[str, Source] = field(default_factory=dict)


DAY_SITES: Final[Mapping[str, DaySite]] = MappingProxyType(
    {
        "device-clinic": DaySite(
            name="device-clinic",
            may_do=_may_do(nurse=("medical assistant",)),
        ),
        "hospital-outpatient": DaySite(
            name="hospital-outpatient",
            places=Places(rooms=3, chairs=4, turnover_min=8.0),
            equipment=Equipment(programmers=2),
            staff=Staff(nurse=2, device_specialist=3, physician=2),
            may_do=_may_do(nurse=("medical assistant",), device_specialist=("nurse",)),
            admission=Admission(
                admit_stopped_frac=1.0, handover_min=10.0, transport_min=20.0
            ),
        ),
        "ambulatory-surgical-center": DaySite(
            name="ambulatory-surgical-center",
            places=Places(rooms=2, chairs=3, turnover_min=15.0),
            staff=Staff(nurse=2, device_specialist=2),
            may_do=_may_do(device_specialist=("nurse",)),
            admission=Admission(admit_stopped_frac=1.0, transport_min=60.0),
        ),
    }
)

MODELS: Final = (PublishedTime, Hours, Coming, Places, Equipment, Staff, Admission)
"""Everything of a day that holds numbers, to be listed with their sources."""
