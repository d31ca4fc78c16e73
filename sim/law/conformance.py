"""What every response law must do, as checks that can be run on anybody's.

`law_faults(law)` runs them all and returns what was found wrong, nothing if all is
well; our tests ask it of every registered law, and a test of a law of your own can do
the same in one line: `assert law_faults(MyLaw()) == ()`.
"""

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from sim.heart.train import Train
from sim.law.code import is_frozen
from sim.law.muscle import Muscle
from sim.law.response_law import LawFailedError, LawInputs, ResponseLaw

_SEED: Final = 20
_N: Final = 400
_TIGHT: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Bounds:
    """How steep a law may be: `most_change_frac` of its largest gain over a hundredth.

    Of the range of an axis, anywhere in what a device can program; a law that jumps
    changes by a share of its gain over any step, however small.
    """

    hundredth_frac: float = 0.01
    most_change_frac: float = 0.25
    halvings: int = 6


BOUNDS: Final = Bounds()
_RANGES: Final = {
    "amplitude_v": (4.0, 7.5),
    "phase_duration_ms": (5.14, 6.60),
    "delay_ms": (3.0, 140.0),
}


def law_faults(law: ResponseLaw, patient: LawInputs | None = None) -> tuple[str, ...]:
    """Return every rule of `ResponseLaw` that a law breaks, in words; () of a good one.

    Parameters
    ----------
    law
        With a patient's constants.
    patient
        Whose law; a ready-made patient by default.
    """
    who = patient or LawInputs()
    try:
        return tuple(
            text for check in _CHECKS for text in check(law, who, _trains(_SEED))
        )
    except LawFailedError as error:
        return (str(error),)


def _trains(seed: int) -> Train:
    """Return trains anywhere between what can be programmed, off the lattice too."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, Any] = {
        name: rng.uniform(*ends, _N) for name, ends in _RANGES.items()
    }
    return Train(
        **drawn,
        n_pulses=rng.integers(1, 4, _N).astype(float),
        v1_ohm=rng.uniform(350.0, 900.0, _N),
        v2_ohm=rng.uniform(350.0, 900.0, _N),
    )


def _is_frozen(law: ResponseLaw, patient: LawInputs, trains: Train) -> Iterator[str]:
    if not is_frozen(law):
        yield "must be a frozen dataclass"


def _is_finite(law: ResponseLaw, patient: LawInputs, trains: Train) -> Iterator[str]:
    gains = law.gain(trains, patient)
    if np.shape(gains) != (_N,):
        yield f"must return a gain for each of {_N} trains, got shape {np.shape(gains)}"
    elif gains.dtype != np.float64:
        yield f"must return float64, got {gains.dtype}"
    elif not np.isfinite(gains).all():
        yield f"must return finite gains, got {gains[~np.isfinite(gains)][0]}"


def _one_is_as_many(
    law: ResponseLaw, patient: LawInputs, trains: Train
) -> Iterator[str]:
    gains = np.asarray(law.gain(trains, patient))
    for i in range(0, _N, 40):
        alone = float(law.gain(_one(trains, i), patient))
        if not np.isclose(alone, gains.reshape(-1)[i], rtol=_TIGHT, atol=1e-12):
            yield f"must answer one train as in an array, got {alone} and {gains[i]}"
            return


def _one(trains: Train, i: int) -> Train:
    names = (*_RANGES, "n_pulses", "v1_ohm", "v2_ohm")
    own: dict[str, Any] = {name: float(getattr(trains, name)[i]) for name in names}
    return replace(trains, **own)


def _nothing_without_delivery(
    law: ResponseLaw, patient: LawInputs, trains: Train
) -> Iterator[str]:
    off = law.gain(replace(trains, v1_delivers=0.0, v2_delivers=0.0), patient)
    if np.any(off != 0.0):
        largest = np.abs(off).max()
        yield f"must gain 0 where no lead delivers, got {largest:g}"


def _is_continuous(
    law: ResponseLaw, patient: LawInputs, trains: Train
) -> Iterator[str]:
    """Halve a step again and again: the gain must change less and less."""
    gains = np.asarray(law.gain(trains, patient))
    largest = float(np.abs(gains).max(initial=0.0))
    if largest == 0.0:
        return
    for name, (low, high) in _RANGES.items():
        here = np.asarray(getattr(trains, name))
        step = BOUNDS.hundredth_frac * (high - low)
        for halving in range(BOUNDS.halvings):
            moved: dict[str, Any] = {name: here + step / 2.0**halving}
            change = np.abs(law.gain(replace(trains, **moved), patient) - gains)
            change = change / largest
            most = BOUNDS.most_change_frac / 2.0**halving
            if change.max() > most:
                where = here[int(np.argmax(change))]
                yield (
                    f"must be continuous in {name}: near {where:.4g} it changes by"
                    f" {change.max():.3g} of its largest gain over"
                    f" {step / 2.0**halving:.2g}, at most {most:.2g} is allowed"
                )
                break


def _keeps_nothing(
    law: ResponseLaw, patient: LawInputs, trains: Train
) -> Iterator[str]:
    before = pickle.dumps(law)
    first = np.array(law.gain(trains, patient))
    law.gain(_trains(_SEED + 1), replace(patient, muscle=Muscle(0.6)))
    if not np.array_equal(first, law.gain(trains, patient)):
        yield "must give the same gain again, whatever was asked in between"
    if pickle.dumps(law) != before:
        yield "must not change itself when it is asked"


_Check = Callable[[ResponseLaw, LawInputs, Train], Iterator[str]]
_CHECKS: Final[tuple[_Check, ...]] = (
    _is_frozen,
    _is_finite,
    _one_is_as_many,
    _nothing_without_delivery,
    _is_continuous,
    _keeps_nothing,
)
