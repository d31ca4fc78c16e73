"""Virtual trials: the chronic law played with the design of a published trial.

Many replicates of the published size are drawn, each with an effect of its own on
placebo and on treatment: 95 % of them are a predictive interval, and a published result
is inside when they surround it. Rows that set the law (`FITTED_ROWS`) show that the law
holds together; only the others are predictions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from sim.heart.parameters import FloatArray
from sim.patient.chronic import (
    FITTED_ROWS,
    LAW,
    SCORES,
    SD_ROWS,
    Condition,
    Knowledge,
    Memory,
    Score,
    Scores,
    TrialEffect,
    advance,
    condition,
    dose_factor,
    draw_traits,
    draw_trial_effects,
    in_trial,
    read,
)
from sim.sources import sourced
from sim.streams import stream
from sim.units import DAYS_PER_MONTH, PCT_PER_FRAC

Origin = Literal["set the law", "SD set the law", "predicted"]
WEEKS_24_MONTHS: Final = 24.0 * 7.0 / DAYS_PER_MONTH
_E: Final = "ccmlab-evidence"
_SHORT: Final = {"mlwhfq_points": "MLWHFQ", "peak_vo2_ml_per_kg_min": "peak VO2"}


@dataclass(frozen=True, slots=True)
class FixHf4Population:
    """Who was in FIX-HF-4 and how the device was set; readings, mean and SD."""

    ef_mean_pct: float = sourced(29.5, "borggrefe2008", "C04", "measured")
    ef_sd_pct: float = sourced(7.2, "borggrefe2008", "C04", "measured")
    mlwhfq_mean: float = sourced(37.7, "borggrefe2008", "C06", "measured")
    mlwhfq_sd: float = sourced(27.2, "borggrefe2008", "C06", "measured")
    vo2_mean: float = sourced(13.85, "borggrefe2008", "C05", "measured")
    vo2_sd: float = sourced(2.85, "borggrefe2008", "C05", "measured")
    walk_mean: float = sourced(345.0, _E, "B virtual cohort", "assumed")
    walk_sd: float = sourced(85.0, _E, "B virtual cohort", "assumed")
    nyha_2_frac: float = sourced(0.24, "borggrefe2008", "C04", "measured")
    ischaemic_frac: float = sourced(0.62, _E, "B virtual cohort", "recalled")
    hours_per_day: float = sourced(7.0, _E, "B, hours per day", "recalled")
    delivered_frac: float = sourced(0.95, _E, "F; B19", "derived")


@dataclass(frozen=True, slots=True)
class FixHf5cPopulation(FixHf4Population):
    """Who was in FIX-HF-5C."""

    ef_mean_pct: float = sourced(33.0, _E, "C12", "recalled")
    ef_sd_pct: float = sourced(6.0, _E, "C12", "recalled")
    mlwhfq_mean: float = sourced(56.0, _E, "C12", "recalled")
    mlwhfq_sd: float = sourced(22.0, _E, "C12", "recalled")
    vo2_mean: float = sourced(15.0, _E, "C12", "recalled")
    vo2_sd: float = sourced(2.8, _E, "C12", "recalled")
    walk_mean: float = sourced(320.0, _E, "C12", "recalled")
    walk_sd: float = sourced(90.0, _E, "C12", "recalled")
    nyha_2_frac: float = sourced(0.1, _E, "C12", "recalled")
    hours_per_day: float = sourced(5.0, _E, "B41", "measured")


@dataclass(frozen=True, slots=True)
class Published:
    """One published result; `sd` is that of the patients, `interval` as printed."""

    id: str
    quantity: str
    n: str
    value: float
    sd: float = float("nan")
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One published result beside the replicates: mean, 95 % of them, mean SD."""

    published: Published
    mean: float
    low: float
    high: float
    sd: float

    @property
    def inside(self) -> bool:
        """Whether 95 % of the replicates surround the published value."""
        return self.low <= self.published.value <= self.high

    @property
    def origin(self) -> Origin:
        """Whether agreement was to be expected."""
        row = self.published.id
        if row in SD_ROWS:
            return "SD set the law"
        return "set the law" if row in FITTED_ROWS else "predicted"


def start_of(
    population: FixHf4Population, n: int, rng: np.random.Generator
) -> Condition:
    """Draw how (n,) patients are at entry; readings then have the published SD."""
    p = population

    def true_scores(name: str, mean: float, sd: float) -> FloatArray:
        score: Score = getattr(LAW, name)
        own_sd = np.sqrt(max(0.0, sd**2 - score.fluctuation_sd**2))
        return np.clip(rng.normal(mean, own_sd, n), score.low, score.high)

    scores = Scores(
        true_scores("mlwhfq_points", p.mlwhfq_mean, p.mlwhfq_sd),
        true_scores("peak_vo2_ml_per_kg_min", p.vo2_mean, p.vo2_sd),
        true_scores("walk_m", p.walk_mean, p.walk_sd),
    )
    ef_pct = np.clip(rng.normal(p.ef_mean_pct, p.ef_sd_pct, n), 15.0, 45.0)
    nyha = np.where(rng.random(n) < p.nyha_2_frac, 2, 3)
    return Condition(ef_pct, scores, nyha)


def follow(
    population: FixHf4Population,
    n: int,
    periods: Sequence[tuple[float, bool]],
    *,
    knowledge: Knowledge,
    rng: np.random.Generator,
    effect: TrialEffect | None = None,
) -> list[Condition]:
    """Return what (n,) patients of one arm read at entry and after each period.

    Parameters
    ----------
    population, n
        Who, and how many.
    periods
        Months of each period and whether CCM is on in it.
    knowledge
        What the patients know of their treatment.
    rng
        Stream of entry, traits and readings.
    effect
        Of each patient's trial, `(n,)`; none by default.
    """
    p = population
    start = start_of(p, n, rng)
    traits = draw_traits(rng.random(n) < p.ischaemic_frac, rng)
    traits = traits if effect is None else in_trial(traits, effect)
    memory, seen = Memory.fresh(n), [read(start, rng)]
    full = dose_factor(p.hours_per_day, np.full(n, p.delivered_frac))
    for months, is_on in periods:
        acute = p.delivered_frac * is_on
        memory = advance(memory, months, full * is_on, acute=acute)
        seen.append(read(condition(start, traits, memory, knowledge=knowledge), rng))
    return seen


FIX_HF_4: Final = {
    ("first active", 1, "peak_vo2_ml_per_kg_min"): ("B01", 0.40, 3.0),
    ("first sham", 1, "peak_vo2_ml_per_kg_min"): ("B02", 0.37, 3.3),
    ("first active", 2, "peak_vo2_ml_per_kg_min"): ("B03", -0.86, 3.06),
    ("first sham", 2, "peak_vo2_ml_per_kg_min"): ("B04", 0.16, 2.50),
    ("first active", 1, "mlwhfq_points"): ("B05", -12.06, 15.33),
    ("first sham", 1, "mlwhfq_points"): ("B06", -9.70, 16.71),
    ("first active", 2, "mlwhfq_points"): ("B07", 4.70, 16.57),
    ("first sham", 2, "mlwhfq_points"): ("B08", -0.70, 15.13),
}
"""Arm, period, score: row of the validation targets, mean and SD of the change."""

ARMS_4: Final = {"first active": 80, "first sham": 84}


def fix_hf_4(n_replicates: int = 400, seed: int = 4) -> tuple[TrialRow, ...]:
    """Return FIX-HF-4, a blinded crossover of 3 + 3 months, row by row."""
    rng = stream(seed, name="course", key=(10,))
    effects = draw_trial_effects(n_replicates, stream(seed, name="course", key=(12,)))
    seen = {}
    for arm, n in ARMS_4.items():
        on_first = arm == "first active"
        periods = ((3.0, on_first), (3.0, not on_first))
        seen[arm] = follow(
            FixHf4Population(),
            n_replicates * n,
            periods,
            knowledge="blinded",
            rng=rng,
            effect=_for_patients(effects, n),
        )
    rows = []
    for (arm, period, name), (row_id, value, sd) in FIX_HF_4.items():
        n = ARMS_4[arm]
        change = _change(seen[arm], name, period - 1, period).reshape(-1, n)
        is_on = (arm == "first active") == (period == 1)
        kind = "active" if is_on else "sham"
        text = f"{_SHORT[name]}, months {3 * period - 3}-{3 * period}, {kind}"
        published = Published(row_id, text, f"{n}", value, sd)
        rows.append(_row(published, change.mean(axis=1), change.std(axis=1, ddof=1)))
    return tuple(rows)


FIX_HF_5C_VO2: Final = (
    Published("B09", "peak VO2, 30 % borrowed", "74/86", 0.84, interval=(0.123, 1.552)),
    Published("B10", "peak VO2, completed cases", "64/73", 0.48),
    Published("B17", "peak VO2, FIX-HF-5C2", "60/86", 1.72, interval=(1.02, 2.42)),
)
FIX_HF_5C_MLWHFQ: Final = (
    Published("B11", "MLWHFQ", "74/86", -11.7, interval=(-17.6, -5.9)),
)
FIX_HF_5C_NYHA: Final = (
    Published("B13", "NYHA a class better, CCM, %", "70/0", 81.4),
    Published("B14", "NYHA a class better, control, %", "0/75", 42.7),
    Published("B15", "the same, CCM, FIX-HF-5 subgroup", "103/0", 45.6),
    Published("B15", "the same, control, FIX-HF-5 subgroup", "0/94", 28.7),
    Published("B18", "the same, CCM, FIX-HF-5C2", "60/0", 83.1),
)
LARGEST_ARM: Final = 103


def fix_hf_5c(n_replicates: int = 400, seed: int = 5) -> tuple[TrialRow, ...]:
    """Return FIX-HF-5C, open CCM against control at 24 weeks, row by row.

    Its neighbours of the same design, FIX-HF-5C2 and the subgroup of FIX-HF-5, set
    nothing: they are the test.
    """
    rng = stream(seed, name="course", key=(11,))
    effects = draw_trial_effects(n_replicates, stream(seed, name="course", key=(13,)))

    def arm(*, is_on: bool) -> list[Condition]:
        return follow(
            FixHf5cPopulation(),
            n_replicates * LARGEST_ARM,
            ((WEEKS_24_MONTHS, is_on),),
            knowledge="treated" if is_on else "untreated",
            rng=rng,
            effect=_for_patients(effects, LARGEST_ARM),
        )

    arms = arm(is_on=True), arm(is_on=False)

    def row(published: Published, values: Sequence[FloatArray]) -> TrialRow:
        sizes = [int(n) for n in published.n.split("/")]
        means = [
            of_arm.reshape(-1, LARGEST_ARM)[:, :n].mean(axis=1)
            for of_arm, n in zip(values, sizes, strict=True)
            if n
        ]
        return _row(published, means[0] - means[1] if len(means) == 2 else means[0])

    vo2, points = (
        [_change(seen, name, 0, 1) for seen in arms]
        for name in ("peak_vo2_ml_per_kg_min", "mlwhfq_points")
    )
    better = [_a_class_better_pct(seen) for seen in arms]
    return (
        *(row(published, vo2) for published in FIX_HF_5C_VO2),
        *(row(published, points) for published in FIX_HF_5C_MLWHFQ),
        *(row(published, better) for published in FIX_HF_5C_NYHA),
    )


def _for_patients(effects: TrialEffect, n: int) -> TrialEffect:
    """Return the effects of trials for each of n patients a trial."""
    return TrialEffect(np.repeat(effects.placebo, n), np.repeat(effects.treatment, n))


def _change(
    seen: Sequence[Condition], name: str, before: int, after: int
) -> FloatArray:
    if name not in SCORES:
        raise ValueError(f"name must be one of {', '.join(SCORES)}, got {name!r}")
    one, other = (getattr(seen[i].scores, name) for i in (before, after))
    return np.asarray(other - one)


def _a_class_better_pct(seen: Sequence[Condition]) -> FloatArray:
    better = seen[1].nyha_class < seen[0].nyha_class
    return np.asarray(PCT_PER_FRAC * better, dtype=np.float64)


def _row(
    published: Published, means: FloatArray, sds: FloatArray | None = None
) -> TrialRow:
    low, high = np.quantile(means, (0.025, 0.975))
    sd = float("nan") if sds is None else float(sds.mean())
    return TrialRow(published, float(means.mean()), float(low), float(high), sd)


def trial_table(title: str, rows: Sequence[TrialRow]) -> str:
    """Return the rows as a text table, the published result before the simulated."""
    head = (
        f"{'row':<5}{'quantity':<40}{'n':>8}{'published':>26}"
        f"{'simulated':>16}{'95 % of replicates':>21}  {'':<9}standing"
    )
    return "\n".join([title, head, *(_line(row) for row in rows)])


def _line(row: TrialRow) -> str:
    seen = row.published
    published = f"{seen.value:.2f}"
    if seen.interval is not None:
        published += f" ({seen.interval[0]:.2f} to {seen.interval[1]:.2f})"
    simulated = f"{row.mean:.2f}"
    if seen.sd == seen.sd:
        published, simulated = (
            f"{published} SD {seen.sd:.1f}",
            simulated + (f" SD {row.sd:.1f}"),
        )
    where = "inside" if row.inside else "OUTSIDE"
    interval = f"{row.low:.2f} to {row.high:.2f}"
    return (
        f"{seen.id:<5}{seen.quantity:<40}{seen.n:>8}{published:>26}"
        f"{simulated:>16}{interval:>21}  {where:<9}{row.origin}"
    )
