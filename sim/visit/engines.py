"""What a visit is played by: every beat integrated, or many by table."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sim.device.generator import PulseGenerator
from sim.device.striding import StridingGenerator
from sim.heart.beating import BeatingHeart
from sim.heart.striding import TabledHeart
from sim.instruments import Instruments
from sim.instruments.striding import StridingInstruments
from sim.visit.bedside import Bedside
from sim.visit.order import EngineName
from sim.visit.striding import StridingBedside


@dataclass(frozen=True, slots=True)
class Engine:
    """The kinds of heart, device, instruments and bedside that go together."""

    title: str
    heart: type[BeatingHeart]
    generator: type[PulseGenerator]
    instruments: type[Instruments]
    bedside: type[Bedside]


ENGINES: Final[Mapping[EngineName, Engine]] = MappingProxyType(
    {
        "beats": Engine(
            "every beat of the circulation integrated",
            BeatingHeart,
            PulseGenerator,
            Instruments,
            Bedside,
        ),
        "table": Engine(
            "beats by a table of the patient's circulation, many in a stride; none is"
            " kept",
            TabledHeart,
            StridingGenerator,
            StridingInstruments,
            StridingBedside,
        ),
    }
)
