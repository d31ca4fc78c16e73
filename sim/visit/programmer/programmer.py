"""The programmer: link, pending and programmed values, atomic programming, proof."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import simpy

from sim.device.settings import Conflict, Settings
from sim.sources import sourced
from sim.units import PCT_PER_FRAC
from sim.visit.bedside import Bedside

Process = Generator[simpy.Event, object, None]


@dataclass(frozen=True, slots=True)
class Link:
    """How reliable the wand is."""

    loss_per_command_frac: float = sourced(0.005, "ccmlab-device", "3", "assumed")
    loss_per_reading_frac: float = sourced(0.002, "ccmlab-device", "3", "assumed")
    retry_s: float = sourced(8.0, "ccmlab-device", "3", "assumed")
    most_retries: int = sourced(20, "ccmlab-device", "3", "assumed")


@dataclass(frozen=True, slots=True)
class PendingValue:
    """One changed value as the programmer shows it.

    `state` is "changed" (legal, not yet programmed) or "conflict".
    """

    name: str
    programmed: object
    pending: object
    state: str


class Programmer:
    """The clinician's side of the device.

    Parameters
    ----------
    bedside
        Patient and device.
    rng
        Draws the losses of the wand link.
    programming_s
        Time that one programming command takes.
    note
        Writes kind and text of every command into the visit's log.
    """

    def __init__(
        self,
        bedside: Bedside,
        rng: np.random.Generator,
        *,
        programming_s: float,
        note: Callable[[str, str], None],
        link: Link | None = None,
    ) -> None:
        self._bedside = bedside
        self._rng = rng
        self._link = link or Link()
        self._undo: list[Settings] = []
        self.programming_s = programming_s
        self._write = note

    @property
    def programmed(self) -> Settings:
        """Settings that are in the device now."""
        return self._bedside.settings

    def pending(self, settings: Settings) -> tuple[PendingValue, ...]:
        """Return the values that programming would change, conflicts marked."""
        model = self._bedside.generator.model
        wrong = settings.off_lattice(model) + settings.conflicts(model)
        bad = {name for conflict in wrong for name in conflict.names}
        return tuple(
            PendingValue(name, old, new, "conflict" if name in bad else "changed")
            for name, old, new in self.programmed.changed(settings)
        )

    def conflicts(self, settings: Settings) -> tuple[Conflict, ...]:
        """Return why settings would be refused."""
        model = self._bedside.generator.model
        return settings.off_lattice(model) + settings.conflicts(model)

    def program(self, settings: Settings) -> Process:
        """Program all values at once and confirm them; raises ConflictError."""
        yield from self._command()
        self._undo.append(self.programmed)
        self._take_over(settings)

    def undo(self) -> Process:
        """Go back to the values before the last program command."""
        if not self._undo:
            raise ValueError("there is nothing to undo")
        previous = self._undo.pop()
        yield from self._command()
        self._take_over(previous)

    def urgent_off(self) -> None:
        """Switch CCM off at once: the one button that needs no confirmation."""
        self._undo.append(self.programmed)
        self._bedside.generator.urgent_off()
        self._bedside.settings_changed()
        self._note("urgent off: mode OOO")

    def reading_link_lost(self) -> bool:
        """Tell whether the wand lost its link during one reading."""
        return bool(self._rng.random() < self._link.loss_per_reading_frac)

    def _command(self) -> Process:
        for _ in range(self._link.most_retries):
            yield self._bedside.env.timeout(self.programming_s)
            if self._rng.random() >= self._link.loss_per_command_frac:
                return
            self._note("wand link lost, command repeated")
            yield self._bedside.env.timeout(self._link.retry_s)

    def _take_over(self, settings: Settings) -> None:
        changes = self.programmed.changed(settings)
        self._bedside.generator.program(settings)
        self._bedside.settings_changed()
        text = ", ".join(f"{name} {old} -> {new}" for name, old, new in changes)
        self._note(f"programmed and confirmed: {text or 'the same values again'}")

    def _note(self, text: str) -> None:
        self._write("programmer", text)


def share_text(frac: float) -> str:
    """Return a share as a whole percentage with its sign."""
    return f"{PCT_PER_FRAC * frac:.0f} %"


def settings_text(settings: Settings) -> str:
    """Return the pulse of some settings in a clinician's shorthand."""
    return (
        f"{settings.amplitude_v:g} V, {settings.phase_duration_ms:g} ms,"
        f" delay {settings.delay_ms:g} ms, {settings.n_pulses} pulses"
    )
