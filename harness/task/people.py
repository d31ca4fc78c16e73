"""The simulated people of the shipped table: what is known before anybody is tested.

`harness.evidence.population_table` draws their hearts and what they feel; here they are
read, and each is given a response law. No source says how patients answer to settings,
so that the usual crowd is a mixture over all laws, none of which counts more.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sim.heart.conduction import ConductionParameters
from sim.heart.rhythm import RhythmParameters
from sim.instruments.readouts import READOUTS
from sim.law.muscle import Muscle
from sim.law.registry import MIXTURE, law_kind, law_word
from sim.law.response_law import LawInputs, ResponseLaw
from sim.law.saturating import Saturating

FloatArray = NDArray[np.float64]
TABLE: Final = Path(__file__).parent / "population.csv"
_SEED: Final = 417

MUSCLE: Final = ("beta_block_factor",)
"""What of the muscle differs, where a heart of any strength gains alike."""


Knowledge = bool | Literal["told", "left-out"]
"""What a search knows of people beforehand: nothing, all laws, one, or all but one.

True is all laws alike. "told" and "left-out" tell something of the patient, the law he
has: they are there to measure what knowing it, or being wrong about it, is worth.
"""


@dataclass(frozen=True, slots=True)
class Laws:
    """Which response laws the people are drawn from.

    Attributes
    ----------
    groups
        Laws that share one part of the people; each group has as many as any other.
    """

    groups: tuple[tuple[str, ...], ...] = MIXTURE

    @classmethod
    def told(cls, *laws: str) -> "Laws":
        """Return these laws and no other: what nobody knows of a real patient."""
        return cls(tuple((law,) for law in laws))

    @classmethod
    def known_of(cls, knows: Knowledge, law: ResponseLaw) -> "Laws":
        """Return the laws of the people that a search of a patient with a law knows.

        Of a corner of the saturating law, that law is left out.
        """
        if knows == "told":
            return cls.told(law_word(law))
        if knows != "left-out":
            return cls()
        name = Saturating.name if isinstance(law, Saturating) else law.name
        held = any(name in group for group in cls().groups)
        return cls().without(name) if held else cls()

    def without(self, *laws: str) -> "Laws":
        """Return the same but for some laws: a prior that is wrong about them.

        A group goes as a whole with any of its laws. Raises ValueError for a law that
        is in none, and when nothing is left.
        """
        for law in laws:
            if not any(law in group for group in self.groups):
                known = ", ".join(name for group in self.groups for name in group)
                raise ValueError(f"the people know no law {law!r}; known: {known}")
        left = tuple(g for g in self.groups if not set(g) & set(laws))
        if not left:
            raise ValueError(f"without {', '.join(laws)} no law is left")
        return Laws(left)

    @property
    def told_as(self) -> str:
        """Which laws these are, seen from the patient of a visit."""
        if self.groups == MIXTURE:
            return "all laws"
        return "other laws" if len(self.groups) > 1 else "the patient's law"

    @property
    def as_known(self) -> str:
        """What a search knows beforehand that knows these people."""
        return f"people of {self.told_as}"


EVERY_LAW: Final = Laws()


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """The simulated people, n of them.

    Attributes
    ----------
    laws, inputs
        Response law of each, and what it knows of the person.
    sensation_felt_v, sensation_threshold_v
        `(n,)`: amplitudes of grade 1 and of grade 2 with the reference train.
    slope_pct, bend_pct
        By readout, `(n,)`: its gain over CCM off is `slope g + bend g ** 2`, percent,
        at a gain g of elastance.
    """

    laws: tuple[ResponseLaw, ...]
    inputs: tuple[LawInputs, ...]
    sensation_felt_v: FloatArray
    sensation_threshold_v: FloatArray
    slope_pct: Mapping[str, FloatArray]
    bend_pct: Mapping[str, FloatArray]


@lru_cache(maxsize=32)
def people(laws: Laws = EVERY_LAW) -> People:
    """Return the simulated people of the shipped table under some laws."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return people_of(list(csv.DictReader(file)), laws)


def people_of(rows: Sequence[Mapping[str, str]], laws: Laws = EVERY_LAW) -> People:
    """Return the people of rows as `population_table.people_rows` yields them."""

    def number(name: str) -> FloatArray:
        column = np.array([float(row[name]) for row in rows])
        column.flags.writeable = False
        return column

    # a readout that is newer than the table is not in it: its searches know no people
    known = [name for name in READOUTS if rows and slope_column(name) in rows[0]]
    slopes = {name: number(slope_column(name)) for name in known}
    bends = {name: number(bend_column(name)) for name in known}
    return People(
        laws=drawn_laws(len(rows), laws),
        inputs=tuple(_inputs(row) for row in rows),
        sensation_felt_v=number("sensation_felt_v"),
        sensation_threshold_v=number("sensation_threshold_v"),
        slope_pct=MappingProxyType(slopes),
        bend_pct=MappingProxyType(bends),
    )


def drawn_laws(n: int, laws: Laws = EVERY_LAW) -> tuple[ResponseLaw, ...]:
    """Return a law for each of n people, the groups in turn and their laws in turn.

    Person 7 has the same law, with the same constants, whatever n is.
    """
    turns = cycle([cycle(group) for group in laws.groups])
    return tuple(
        law_kind(next(turn)).draw(np.random.default_rng([_SEED, number]))
        for number, turn in zip(range(n), turns, strict=False)
    )


def _inputs(row: Mapping[str, str]) -> LawInputs:
    rate_bpm = float(row["heart_rate_bpm"])
    own: dict[str, Any] = {name: float(row[name]) for name in MUSCLE}
    return LawInputs(
        Muscle(**own),
        RhythmParameters(heart_rate_bpm=rate_bpm),
        ConductionParameters(),
    )


def slope_column(readout: str) -> str:
    """Return the name of the column with a readout's slope."""
    return f"slope_pct_{readout}"


def bend_column(readout: str) -> str:
    """Return the name of the column with a readout's bend."""
    return f"bend_pct_{readout}"
