"""The settings that a visit may find, by name: what somebody left in the device.

`factory` is what a device is implanted with, `turned-down` the precaution of the weeks
after it, `left-over` whatever an earlier visit ended at. Which of them are tolerated
was found out as a clinician finds it: by asking the patient, from the top down, once in
the laboratory and once more before the patient went home. What the patient truly
tolerates nobody knew, so that a start is now and then felt too much after all.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from types import MappingProxyType
from typing import Final, Literal, get_args

import numpy as np

from sim.device.leads import Leads
from sim.device.settings import Settings, axis_numbers, with_dependents
from sim.heart.sensation import INTOLERABLE_GRADE, reported_grade
from sim.patient import Patient
from sim.sources import sourced
from sim.streams import stream
from sim.visit.order import VisitOrder
from sim.visit.trains import felt_level

StartName = Literal["factory", "turned-down", "left-over"]
STARTS: Final[tuple[StartName, ...]] = get_args(StartName)
"""Their order keys the draws: only append."""
GIVEN: Final = "given"
"""What tables call a start whose settings were written down one by one."""
SET_BY_START: Final = ("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms")

_D: Final = "ccmlab-device"
_P: Final = "ccmlab-protocol"


@dataclass(frozen=True, slots=True)
class Starting:
    """What devices are left at, and how often a patient was asked whether it hurts.

    The factory's values are the nominal ones of the device's table. A device is turned
    down to one of the amplitudes from `turned_down_low_v` to `turned_down_high_v`, each
    as likely. `times_asked` reports below the grade that excludes make an amplitude
    one to go home with.
    """

    amplitude_v: float = sourced(7.5, _D, "1.2", "recalled")
    phase_duration_ms: float = sourced(5.14, _D, "1.2", "recalled")
    n_pulses: int = sourced(2, _D, "1.2", "recalled")
    delay_ms: float = sourced(35.0, _D, "1.2", "recalled")
    turned_down_low_v: float = sourced(4.5, _P, "3, starts", "assumed")
    turned_down_high_v: float = sourced(5.5, _P, "3, starts", "assumed")
    times_asked: int = sourced(2, _P, "3, starts", "assumed")


STARTING: Final = Starting()


def started(order: VisitOrder, start: StartName) -> VisitOrder:
    """Return a visit that finds the settings of a named start.

    They are drawn once for a patient, by a stream of their own: the same in every
    replicate, whoever searches. What a start does not set stays as found, but for the
    refractories, which are made to fit.

    Raises
    ------
    ValueError
        When settings as found and start leave nothing that may be programmed.
    """
    key = (STARTS.index(start),)
    rng = stream(order.seed, name="start", patient=order.patient_index, key=key)
    asked = _Asked(order.patient, rng)
    settings = _DRAWN[start](asked, order.found.settings, order.found.model)
    return replace(order, found=replace(order.found, settings=settings))


def reach_of(start: StartName, model: str) -> Mapping[str, tuple[float, float]]:
    """Return the lowest and highest value that a start may leave, by setting."""
    if start == "left-over":
        names = [name for name in SET_BY_START if name != "n_pulses"]
        ends = {name: axis_numbers(name, model=model) for name in names}
        reach = {name: (values[0], values[-1]) for name, values in ends.items()}
        return reach | {"n_pulses": (STARTING.n_pulses, STARTING.n_pulses)}
    fixed = {name: (getattr(STARTING, name),) * 2 for name in SET_BY_START}
    lowest_v = axis_numbers("amplitude_v", model=model)[0]
    down_v = STARTING.turned_down_high_v
    highest_v = STARTING.amplitude_v if start == "factory" else down_v
    return fixed | {"amplitude_v": (lowest_v, highest_v)}


def with_pulses(settings: Settings, model: str) -> Settings:
    """Return settings with the factory's pulses, and refractories that fit them."""
    pulses = {name: getattr(STARTING, name) for name in SET_BY_START}
    return with_dependents(settings.with_values(pulses), model)


class _Asked:
    """A patient who is asked, at one setting after the other, whether it hurts."""

    def __init__(self, patient: Patient, rng: np.random.Generator) -> None:
        self.rng = rng
        self._patient = patient
        self._leads = Leads(rng=np.random.default_rng(0))  # intact, as at implantation

    def tolerates(self, settings: Settings) -> bool:
        """Return whether no report is of a grade that excludes the settings."""
        level = felt_level(self._patient, settings, self._leads)
        said = (
            reported_grade(self._patient.sensation, level, self.rng)
            for _ in range(STARTING.times_asked)
        )
        return all(grade < INTOLERABLE_GRADE for grade in said)


def _factory(asked: _Asked, found: Settings, model: str) -> Settings:
    return _lowered(asked, with_pulses(found, model), model)


def _turned_down(asked: _Asked, found: Settings, model: str) -> Settings:
    low_v, high_v = STARTING.turned_down_low_v, STARTING.turned_down_high_v
    volts = axis_numbers("amplitude_v", model=model)
    among = [v for v in volts if low_v <= v <= high_v]
    drawn = float(asked.rng.choice(among))
    top = replace(with_pulses(found, model), amplitude_v=drawn)
    return _lowered(asked, top, model)


def _left_over(asked: _Asked, found: Settings, model: str) -> Settings:
    """Return the first of all allowed settings, in random order, that is tolerated."""
    allowed = _programmable(found, model)
    for at in asked.rng.permutation(len(allowed)):
        settings = allowed[int(at)]
        if asked.tolerates(settings):
            return settings
    return _factory(asked, found, model)


def _lowered(asked: _Asked, settings: Settings, model: str) -> Settings:
    """Return the highest amplitude that is tolerated; the lowest where none is."""
    volts = axis_numbers("amplitude_v", model=model)
    for amplitude_v in sorted(volts, reverse=True):
        if amplitude_v <= settings.amplitude_v:
            trial = replace(settings, amplitude_v=amplitude_v)
            if asked.tolerates(trial):
                break
    return trial


@lru_cache(maxsize=16)
def _programmable(found: Settings, model: str) -> tuple[Settings, ...]:
    """Return every setting of two pulses that the programmer would take."""
    base = with_pulses(found, model)
    allowed = tuple(
        settings
        for settings in _pulses_around(base, model)
        if not settings.conflicts(model)
    )
    if not allowed:
        raise ValueError("no start may be programmed: the settings as found conflict")
    return allowed


def _pulses_around(base: Settings, model: str) -> Iterator[Settings]:
    names = ("amplitude_v", "phase_duration_ms", "delay_ms")
    axes = [axis_numbers(name, mode=base.mode, model=model) for name in names]
    for values in product(*axes):
        changed = base.with_values(dict(zip(names, values, strict=True)))
        yield with_dependents(changed, model)


_DRAWN: Final[Mapping[StartName, Callable[[_Asked, Settings, str], Settings]]] = (
    MappingProxyType(
        {
            "factory": _factory,
            "turned-down": _turned_down,
            "left-over": _left_over,
        }
    )
)
