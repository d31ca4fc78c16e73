"""Many virtual patients who could come for CCM, each solved to what was drawn."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.heart.parameters import FloatArray
from sim.heart.repeating import PLAUSIBLE, ImplausibleHeartError, check_plausible
from sim.patient.assembly import SolvedHeart, assembled
from sim.patient.inclusion import EVERYBODY, Inclusion
from sim.patient.patient import Patient
from sim.patient.population import (
    SCORES,
    Draw,
    TraitSpread,
    checked_families,
    draws_of,
)
from sim.patient.solve_batch import BedsideValues, SolvedHearts, solve_batch
from sim.showing import html_table
from sim.units import L_PER_ML

NOMINAL_ONLY: Final[Mapping[str, float]] = MappingProxyType({"nominal": 1.0})
_MOST_TRIES: Final = 50
_MOST_SCREENED: Final = 2000  # of one patient, where criteria leave people out
_LAW_NUMBERS: Final = 2**32
_LEAST_PULSE_PRESSURE_MMHG: Final = 12.0
_OUTPUT_L_PER_MIN: Final = (2.0, 10.0)
# Assumed: wider than any stable outpatient, narrower than what merely lives.
_WALKING: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {**PLAUSIBLE, "ra_mean_mmhg": (-5.0, 25.0), "la_mean_mmhg": (0.0, 35.0)}
)
_ASKED: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "edv_ml": (60.0, 500.0),
        "sbp_mmhg": (60.0, 220.0),
        "dbp_mmhg": (30.0, 130.0),
        "heart_rate_bpm": (35.0, 150.0),
    }
)


_SHOWN: Final = (
    ("ejection_fraction_pct", "ejection fraction {} %"),
    ("edv_ml", "end-diastolic volume {} mL"),
    ("sbp_mmhg", "systolic pressure {} mmHg"),
    ("heart_rate_bpm", "rate {}/min"),
)
_ROWS_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Member:
    """One patient of a cohort with what was drawn, and the heart that meets it.

    Ejection fraction, volume, systolic pressure and rate always are the drawn ones;
    `dbp_met` tells whether the diastolic pressure is too. `refused` holds the reasons
    why earlier draws of this patient were thrown away.
    """

    patient: Patient
    draw: Draw
    heart: SolvedHeart
    dbp_met: bool
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cohort:
    """Virtual patients, and the table of what was drawn for each."""

    members: tuple[Member, ...]

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        if not self.members:
            return "Cohort of nobody"
        told = ", ".join(_told(self.column(name), what) for name, what in _SHOWN)
        laws = Counter(str(law) for law in self.column("family"))
        of = ", ".join(f"{law} {n}" for law, n in laws.most_common())
        return (
            f"Cohort of {len(self)} patients (mean, SD): {told}\n"
            f"laws: {of}; {self.n_redrawn} draws drawn again"
        )

    def _repr_html_(self) -> str:
        names = [name for name, _ in _SHOWN]
        rows = [
            [one.patient.name, *(getattr(one.draw, name) for name in names)]
            for one in self.members[:_ROWS_SHOWN]
        ]
        return html_table(["name", *names], rows, repr(self))

    @property
    def patients(self) -> list[Patient]:
        """The patients, in order."""
        return [member.patient for member in self.members]

    @property
    def redrawn(self) -> Mapping[str, int]:
        """How many draws were thrown away, by reason, the most frequent first."""
        reasons = Counter(why for member in self.members for why in member.refused)
        return MappingProxyType(dict(reasons.most_common()))

    @property
    def n_redrawn(self) -> int:
        """How many draws were thrown away."""
        return sum(self.redrawn.values())

    def under(self, law: str) -> "Cohort":
        """Return the same people under one law, each with what it draws for them.

        As `sample_cohort` with that law alone, but no heart is solved again. Raises
        ValueError for an unknown law.
        """
        (family,) = checked_families({law: 1.0})
        return Cohort(tuple(_member_under(member, family) for member in self.members))

    def column(self, name: str) -> "NDArray[np.generic]":
        """Return one drawn trait of every patient, by its name in `Draw`."""
        return np.array([getattr(member.draw, name) for member in self.members])


def _told(values: "NDArray[np.generic]", what: str) -> str:
    drawn = np.asarray(values, dtype=np.float64)
    return what.format(f"{drawn.mean():.0f} ({drawn.std():.0f})")


def _member_under(member: Member, family: str) -> Member:
    draw = replace(member.draw, family=family)
    patient = assembled(member.patient.name, draw, member.heart)
    return replace(member, patient=patient, draw=draw)


@dataclass(slots=True)
class _Candidate:
    """A patient in the making, with a generator of his own.

    `law_number` is from a stream beside that one, so that the constants of a law move
    nothing else of the patient.
    """

    name: str
    rng: np.random.Generator
    law_number: int
    refused: list[str] = field(default_factory=list)
    member: Member | None = None


def sample_cohort(
    n: int,
    rng: np.random.Generator,
    *,
    families: Mapping[str, float] = NOMINAL_ONLY,
    population: TraitSpread | None = None,
    inclusion: Inclusion = EVERYBODY,
    progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """Draw patients after evidence B and A3, and solve a heart for each.

    Every patient has a generator of his own, so that patient 7 is the same whatever the
    size of the cohort. A draw that no heart of somebody who walks into a clinic can
    meet is replaced by the next one of the same patient, and counted.

    Parameters
    ----------
    n
        Number of patients, 0 or more.
    rng
        Gives every patient's own generator.
    families
        Shares of the response laws, such as {"nominal": 0.7, "null": 0.3}; they need
        not add up to 1.
    population
        Spread of each trait; evidence B by default.
    inclusion
        Whom a trial takes, such as `inclusion(ejection_fraction_pct=(25, 35))`:
        whoever is drawn and not taken is replaced as above, so that traits still hang
        together as in the population.
    progress
        Called now and then with how many hearts are solved, and `n`; some of them may
        be thrown away again.

    Raises
    ------
    ValueError
        For an `n` that is no number of people, a wrong family, or when no draw of a
        patient can be met.
    """
    if not isinstance(n, Integral) or n < 0:
        raise ValueError(f"n must be a whole number, 0 or more, got {n!r}")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a generator such as np.random.default_rng(7), got {rng!r}"
        )
    shares, spread = checked_families(families), population or TraitSpread()
    waiting = everybody = [
        _Candidate(f"cohort-{i:04d}", own, law_number(own))
        for i, own in enumerate(rng.spawn(n))
    ]
    for _ in range(_MOST_TRIES):
        if not waiting:
            break
        draws = _screened(waiting, spread, shares, inclusion)
        _try(waiting, draws, _counted(progress, n, n - len(waiting)))
        waiting = [who for who in waiting if who.member is None]
    if waiting:
        reasons = Counter(why for who in waiting for why in who.refused)
        raise ValueError(
            f"{len(waiting)} of {n} patients not drawn in {_MOST_TRIES} tries: "
            + ", ".join(f"{why} ({times})" for why, times in reasons.most_common())
        )
    return Cohort(tuple(who.member for who in everybody if who.member is not None))


def _counted(
    progress: Callable[[int, int], None] | None, n: int, n_before: int
) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda n_solved: progress(n_before + n_solved, n)


def _screened(
    waiting: Sequence[_Candidate],
    population: TraitSpread,
    shares: Mapping[str, float],
    inclusion: Inclusion,
) -> list[Draw]:
    """Return the next draw of each candidate that the criteria take."""
    draws = _next_draws(waiting, population, shares)
    for _ in range(_MOST_SCREENED):
        out = [(i, why) for i, d in enumerate(draws) if (why := inclusion.why_not(d))]
        if not out:
            return draws
        for i, why in out:
            waiting[i].refused.append(why)
        again = _next_draws([waiting[i] for i, _ in out], population, shares)
        for (i, _), draw in zip(out, again, strict=True):
            draws[i] = draw
    reasons = sorted({why for _, why in out})
    text = f"{_MOST_SCREENED} draws of a patient met no criteria of inclusion"
    raise ValueError(f"{text}: {'; '.join(reasons)}")


def _next_draws(
    waiting: Sequence[_Candidate], population: TraitSpread, shares: Mapping[str, float]
) -> list[Draw]:
    normal = np.array([who.rng.standard_normal(len(SCORES)) for who in waiting])
    return draws_of(population, normal, shares)


def law_number(own: np.random.Generator) -> int:
    """Return the number that seeds a patient's law, taking nothing from its stream."""
    return int(own.spawn(1)[0].integers(_LAW_NUMBERS))


def _try(
    waiting: Sequence[_Candidate],
    draws: Sequence[Draw],
    told: Callable[[int], None] | None,
) -> None:
    """Make members of those whose draw a heart can meet, note why of the others."""
    pairs = [
        (who, replace(draw, law_number=who.law_number))
        for who, draw in zip(waiting, draws, strict=True)
    ]
    for who, draw in pairs:
        who.refused += _asked_too_much(draw)
    possible = [(who, draw) for who, draw in pairs if not _asked_too_much(draw)]
    if not possible:
        return
    hearts = solve_batch(_bedside([draw for _, draw in possible]), told)
    for j, (who, draw) in enumerate(possible):
        why = _why_not(draw, hearts, j)
        if why:
            who.refused.append(why)
            continue
        map_mmhg = hearts.haemodynamics[j].map_mmhg
        heart = SolvedHeart.of(hearts.circulations[j], map_mmhg)
        patient = assembled(who.name, draw, heart)
        met = bool(hearts.dbp_met[j])
        who.member = Member(patient, draw, heart, met, tuple(who.refused))


def _asked_too_much(draw: Draw) -> list[str]:
    """Return the first reason why a draw need not be tried, none if it may be."""
    for name, (low, high) in _ASKED.items():
        if not low <= getattr(draw, name) <= high:
            return [f"{name} outside {low:g} to {high:g}"]
    if draw.sbp_mmhg - draw.dbp_mmhg < _LEAST_PULSE_PRESSURE_MMHG:
        return [f"pulse pressure below {_LEAST_PULSE_PRESSURE_MMHG:g} mmHg"]
    return []


def _why_not(draw: Draw, hearts: SolvedHearts, j: int) -> str:
    if not hearts.found[j]:
        return "no heart has the drawn values together"
    beat = hearts.haemodynamics[j]
    try:
        check_plausible(beat, _WALKING)
    except ImplausibleHeartError as error:
        low, high = error.allowed
        return f"{error.quantity} outside {low:g} to {high:g}"
    low, high = _OUTPUT_L_PER_MIN
    if not low <= beat.sv_ml * L_PER_ML * draw.heart_rate_bpm <= high:
        return f"cardiac output outside {low:g} to {high:g} L/min"
    return ""


def _bedside(draws: Sequence[Draw]) -> BedsideValues:
    def column(name: str) -> FloatArray:
        return np.array([getattr(draw, name) for draw in draws], dtype=np.float64)

    return BedsideValues(
        ejection_fraction_pct=column("ejection_fraction_pct"),
        edv_ml=column("edv_ml"),
        sbp_mmhg=column("sbp_mmhg"),
        dbp_mmhg=column("dbp_mmhg"),
        heart_rate_bpm=column("heart_rate_bpm"),
        fibrillates=column("fibrillates") > 0.0,
    )
