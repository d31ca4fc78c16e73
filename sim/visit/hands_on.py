"""A device in a patient with nothing planned: for scripts that use the programmer."""

from collections.abc import Generator
from typing import Any, TypeVar, cast

import simpy

from sim.patient import Patient
from sim.visit.advisor import Nobody
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.programmer import Programmer
from sim.visit.visit import Visit

T = TypeVar("T")


class HandsOn:
    """Patient, device and programmer, one command after the other.

    The heart beats on while a command runs. `visit` gives everything else: bedside,
    generator, random streams. The daily schedule is suspended, as in a visit.

    Parameters
    ----------
    patient, found
        Who comes, and the device as found.
    seed
        Root of every random stream.
    """

    def __init__(
        self, patient: Patient, found: FoundDevice | None = None, *, seed: int = 1
    ) -> None:
        order = VisitOrder(patient, found or FoundDevice(), VisitPlan(), seed)
        self.visit = Visit(order, Nobody())
        self.visit.generator.force_on = True

    @property
    def programmer(self) -> Programmer:
        """The programmer, its wand over the device."""
        return self.visit.programmer

    @property
    def now_s(self) -> float:
        """Simulated time since the beginning."""
        return float(self.visit.env.now)

    def do(self, command: Generator[simpy.Event, object, T]) -> T:
        """Run one command to its end and return what it read.

        Raises whatever the command raises, such as ConflictError or LinkLostError.
        """
        process: Any = self.visit.env.process(command)
        result: Any = self.visit.env.run(until=process)
        return cast("T", result)

    def wait_s(self, seconds: float) -> None:
        """Let simulated time pass."""
        self.do(self.visit.bedside.wait_s(seconds))

    def wait_beats(self, n_beats: int) -> None:
        """Let the heart beat."""
        self.do(self.visit.bedside.wait_beats(n_beats))
