"""A device in a patient with nothing planned: for scripts that use the programmer."""

from collections.abc import Generator
from typing import Any, TypeVar, cast

import simpy

from sim.device.settings import Settings
from sim.patient import Patient
from sim.visit.clinic import FoundDevice, Visit
from sim.visit.plan import VisitPlan
from sim.visit.programmer import Programmer
from sim.visit.record import Choice, Tested

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
        self.visit = Visit(
            patient, VisitPlan(), found or FoundDevice(), advisor=_Nobody(), seed=seed
        )
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


class _Nobody:
    """Advises nothing."""

    def begin(self, reference: Settings, n_tests: int) -> None:
        """Take note of nothing."""

    def propose(self) -> Settings | None:
        """Propose nothing."""
        return None

    def learn(self, tested: Tested) -> None:
        """Learn nothing."""

    def recommend(self) -> Choice:
        """Refuse: nothing was tested."""
        raise ValueError("nobody advises in a hands-on session")
