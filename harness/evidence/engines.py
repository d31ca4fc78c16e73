"""Do visits by table come to what visits by beats come to? Both, patient by patient.

Two folders of one study, played by either engine (`ccmlab study engines --engine table`
and without), are laid side by side: the same patients, starts and random numbers, so
that differences are paired. Intervals are 95 % bootstrap intervals over patients.
`python -m harness.evidence.engines BEATS_DIR TABLE_DIR` writes the page.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, kendalltau

from harness.common.files import write_file
from harness.study.tables import Columns, StudyTables, read_study
from harness.truth.landscape import LEAST_SPAN_POINTS
from sim.units import PCT_PER_FRAC

PAGE: Final = Path("docs/background/engines.md")
PAIRED_BY: Final = (
    *("patient", "contender", "start", "plan", "budget_min", "replicate"),
)
MOST_REGRET_POINTS: Final = 3.0
MOST_HARM_POINTS: Final = 2.0
LEAST_TAU: Final = 0.8
N_DRAWS: Final = 500
TAIL: Final = 0.025
"""The gate, how far medians may lie apart and how alike ranks must be; and draws."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MetricApart:
    """A mean paired difference, table less beats, with its interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return the difference as a cell of the page."""
        if not np.isfinite(self.low):
            return f"{self.mean:+.2f}"
        return f"{self.mean:+.2f} ({self.low:+.2f} to {self.high:+.2f})"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What one contender came to by both engines; means over visits."""

    contender: str
    points_lost: tuple[float, float]
    points_apart: MetricApart
    regret_apart_pct: MetricApart
    harmed_apart_pct: MetricApart
    unpleasant_apart: MetricApart
    covered_pct: tuple[float, float]
    n_verified: tuple[int, int]
    minutes_apart: MetricApart


@dataclass(frozen=True, slots=True)
class Agreed:
    """Both engines beside each other, and whether the gate is passed.

    `tau_low` is the lower 95 % bound of `tau` over patients drawn again, `tau_within`
    the median tau of the beats engine with itself, one half of the patients against
    the other: what so few patients can tell of ranks.
    """

    rows: tuple[Agreement, ...]
    n_patients: int
    n_visits: int
    same_frac: float
    median_regret_apart_pct: float
    harm_apart_pct: float
    tau: float
    tau_low: float
    tau_within: float
    cpu_s: tuple[float, float]

    @property
    def passed(self) -> bool:
        """Whether the table engine may stand for the beats engine."""
        return (
            abs(self.median_regret_apart_pct) <= MOST_REGRET_POINTS
            and abs(self.harm_apart_pct) <= MOST_HARM_POINTS
            and self.tau >= LEAST_TAU
        )


def agreement(beats: StudyTables, table: StudyTables) -> Agreed:
    """Return how far the visits that are in both studies lie apart.

    Raises ValueError where the two have no finished visit in common.
    """
    ours, theirs = _matched([beats.visits, table.visits])
    cpu_s = [float(np.median(study.timings["cpu_s"])) for study in (beats, table)]
    names = dict.fromkeys(ours["contender"].tolist())
    rows = tuple(_row(str(name), ours, theirs) for name in names)
    settings = [name for name in ours if name.startswith("candidate_")][:4]
    same = np.all([ours[name] == theirs[name] for name in settings], axis=0)
    lost = np.array([row.points_lost for row in rows])
    return Agreed(
        rows=rows,
        n_patients=len(set(ours["patient"].tolist())),
        n_visits=len(same),
        same_frac=float(same.mean()),
        median_regret_apart_pct=float(np.median(_regret_apart_pct(ours, theirs))),
        harm_apart_pct=float(np.mean(_harmed(theirs) - _harmed(ours))),
        tau=_tau(lost[:, 0], lost[:, 1]),
        tau_low=float(np.quantile(_taus_drawn(ours, theirs), TAIL)),
        tau_within=float(np.median(_taus_of_halves(ours))),
        cpu_s=(cpu_s[0], cpu_s[1]),
    )


def _tau(one: Values, other: Values) -> float:
    return float(kendalltau(one, other).statistic)


def _lost_by_patient(visits: Columns) -> Values:
    """Return the mean points lost of each contender in each patient, `(c, n)`."""
    who, patients = visits["contender"], visits["patient"]
    lost = visits["points_lost"]
    return np.array(
        [
            [
                lost[(who == name) & (patients == one)].mean()
                for one in sorted({*patients})
            ]
            for name in dict.fromkeys(who.tolist())
        ]
    )


def _taus_drawn(beats: Columns, table: Columns) -> list[float]:
    """Return tau of the two engines for patients drawn again."""
    ours, theirs = _lost_by_patient(beats), _lost_by_patient(table)
    rng, n = np.random.default_rng(0), ours.shape[1]
    draws = rng.integers(n, size=(N_DRAWS, n))
    return [_tau(ours[:, d].mean(1), theirs[:, d].mean(1)) for d in draws]


def _taus_of_halves(visits: Columns) -> list[float]:
    """Return tau of one half of the patients with the other, drawn many times."""
    lost, rng = _lost_by_patient(visits), np.random.default_rng(0)
    n = lost.shape[1]
    orders = [rng.permutation(n) for _ in range(N_DRAWS)]
    return [
        _tau(lost[:, order[: n // 2]].mean(1), lost[:, order[n // 2 :]].mean(1))
        for order in orders
        if n > 1
    ] or [float("nan")]


def _matched(both: Sequence[Columns]) -> tuple[Columns, Columns]:
    """Return the finished visits that are in both, in one order."""
    places: list[Mapping[tuple[Any, ...], int]] = []
    for visits in both:
        names = zip(*(visits[name].tolist() for name in PAIRED_BY), strict=True)
        done = (visits["status"] == "done").tolist()
        places.append({key: n for n, key in enumerate(names) if done[n]})
    keys = [key for key in places[0] if key in places[1]]
    if not keys:
        raise ValueError("the two studies have no finished visit in common")
    found: list[Columns] = []
    for visits, place in zip(both, places, strict=True):
        own = [place[key] for key in keys]
        found.append({name: column[own] for name, column in visits.items()})
    return found[0], found[1]


def _row(name: str, beats: Columns, table: Columns) -> Agreement:
    own = beats["contender"] == name
    ours, theirs = ({k: v[own] for k, v in each.items()} for each in (beats, table))
    patients = ours["patient"]

    def apart(column: str) -> MetricApart:
        return _apart(theirs[column] - ours[column], patients)

    wide = ours["span_points"] >= LEAST_SPAN_POINTS
    return Agreement(
        contender=name,
        points_lost=(
            float(np.mean(ours["points_lost"])),
            float(np.mean(theirs["points_lost"])),
        ),
        points_apart=apart("points_lost"),
        regret_apart_pct=_apart(_regret_apart_pct(ours, theirs), patients[wide]),
        harmed_apart_pct=_apart(_harmed(theirs) - _harmed(ours), patients),
        unpleasant_apart=apart("unpleasant_events"),
        covered_pct=(_covered_pct(ours), _covered_pct(theirs)),
        n_verified=(_n_verified(ours), _n_verified(theirs)),
        minutes_apart=apart("visit_minutes"),
    )


def _regret_apart_pct(ours: Columns, theirs: Columns) -> Values:
    wide = ours["span_points"] >= LEAST_SPAN_POINTS
    return np.asarray(theirs["regret_pct"][wide] - ours["regret_pct"][wide])


def _harmed(visits: Columns) -> Values:
    """Return 100 for a candidate worse than the reference, 0 else; before a verdict."""
    return PCT_PER_FRAC * visits["candidate_harms"].astype(np.float64)


def _n_verified(visits: Columns) -> int:
    return int(np.isfinite(visits["ci95_low_pct"]).sum())


def _covered_pct(visits: Columns) -> float:
    read = np.isfinite(visits["ci95_low_pct"])
    true = visits["candidate_gain_pct"]
    inside = (visits["ci95_low_pct"] <= true) & (true <= visits["ci95_high_pct"])
    return PCT_PER_FRAC * float(inside[read].mean()) if read.any() else float("nan")


def _apart(difference: Values, patients: NDArray[Any]) -> MetricApart:
    """Return a mean difference; patients are drawn again, with all their visits."""
    told = np.asarray(difference, dtype=np.float64)
    means = [float(told[patients == one].mean()) for one in np.unique(patients)]
    if len(means) < 2 or np.ptp(means) == 0.0:
        only = float(np.mean(means)) if means else float("nan")
        return MetricApart(only, float("nan"), float("nan"))
    found = bootstrap(
        (means,), np.mean, rng=np.random.default_rng(0), method="percentile"
    ).confidence_interval
    return MetricApart(float(np.mean(means)), float(found.low), float(found.high))


def page(found: Agreed) -> str:
    """Return the page that tells of it, in Markdown."""
    beats_s, table_s = found.cpu_s
    verdict = "passed" if found.passed else "**not passed**"
    head = (
        "| contender | points lost, beats | table | apart | regret apart (%) "
        "| harmed apart (%) | unpleasant events apart "
        "| coverage (%) of verifications, beats / table | minutes apart |"
    )
    lines = [
        "# Two engines: beats and table",
        "",
        *_ABOUT,
        "",
        "## What they come to",
        "",
        f"{found.n_visits} visits of {found.n_patients} patients by each engine "
        "(`scenarios/studies/engines.toml`), table less beats, mean paired difference "
        "with its 95 % bootstrap interval over patients. Harmed: a candidate that "
        "truly reads less than the reference or is not tolerated, before the verdict. "
        f"Both engines chose the same settings in {found.same_frac:.0%} of the visits.",
        "",
        head,
        "|---|" + "---:|" * 8,
        *(_line(row) for row in found.rows),
        "",
        "## The gate",
        "",
        f"Median paired difference of regret {found.median_regret_apart_pct:+.2f} "
        f"points (at most {MOST_REGRET_POINTS:g}), of harm {found.harm_apart_pct:+.2f} "
        f"points (at most {MOST_HARM_POINTS:g}), Kendall's tau of the ranks "
        f"{found.tau:.2f} (at least {LEAST_TAU:g}): {verdict}. Ranks are no sharper "
        "than the differences that they stand for: with patients drawn again the lower "
        f"95 % bound of tau is {found.tau_low:.2f}, and the beats engine itself, one "
        "half of the patients against the other, has a median tau of "
        f"{found.tau_within:.2f}.",
        "",
        f"Median CPU time of a visit with its scoring: {beats_s:.2f} s by beats, "
        f"{table_s:.2f} s by table, on one machine, whatever else ran on it.",
    ]
    return "\n".join(lines) + "\n"


def _line(row: Agreement) -> str:
    lost, covered = row.points_lost, row.covered_pct
    cells = (
        row.contender,
        f"{lost[0]:.2f}",
        f"{lost[1]:.2f}",
        row.points_apart,
        row.regret_apart_pct,
        row.harmed_apart_pct,
        row.unpleasant_apart,
        f"{covered[0]:.0f} of {row.n_verified[0]} / "
        f"{covered[1]:.0f} of {row.n_verified[1]}",
        row.minutes_apart,
    )
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


_ABOUT: Final = (
    "The engine `beats` integrates the circulation of every beat. The engine `table` "
    "integrates it once for each patient, at rest and a little beside it, and plays a "
    "beat by the slopes that it finds: eight volumes, contractility (with its bend), "
    "resistance, venous shift, at fifteen intervals, with and without atria "
    "(`sim/heart/tabled.py`). Beats are taken in a stride, up to the one that somebody "
    "waits for, by compiled rules of rhythm, device and monitor "
    "(`sim/heart/striding.py`, `sim/heart/judged.py`, `sim/visit/striding.py`); a beat "
    "at which the patient or the monitor has something to say goes through the code of "
    "the beats engine, and a test plays visits both ways: a stride changes nothing but "
    "the time it takes. Rhythm, ectopy, conduction, memory, reflex, drift, errors, "
    "sensation, device, safety, minutes and verdict are those of the beats engine, on "
    "the same random numbers.",
    "",
    "Known to differ: the systolic pressure of a window by 0.1 % (its own error is "
    "1.4 %), the diastolic one by 0.4 mmHg a beat, by 2 mmHg in fibrillation, in both "
    "arms alike; a premature beat by 1 to 2 mmHg. A millisecond more or less of an "
    "interval moves a beat across the edge of a window: in fibrillation and with very "
    "many ectopics single visits part. No beats and no strips "
    "are kept.",
)


def main(beats: str, table: str, place: str = str(PAGE)) -> int:
    """Write the page; return 1 where the gate is not passed.

    Raises BrokenRunError for a folder that holds no study.
    """
    found = agreement(read_study(beats), read_study(table))
    text = page(found)
    write_file(Path(place), text.encode())
    sys.stdout.write(text)
    return 0 if found.passed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
