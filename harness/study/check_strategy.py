"""Is it a strategy, and where would it stand: the kit, then a study of few patients."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from harness.study.plan import ContenderTable, Study, load_study
from harness.study.play_study import Where, play_study
from harness.study.tables import StudyTables, read_study
from optimizers.conformance import Finding, check_strategy
from optimizers.registry import load_strategy
from sim.units import PCT_PER_FRAC

YARDSTICKS: Final = "check"
MINE: Final = "yours"
"""Label under which somebody's own strategy stands beside the yardsticks."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one contender came to on the few patients.

    Medians and shares over the visits, percent; `ask_ms` is the median of the visits'
    medians. `n_failed` visits came to nothing and count as the reference kept.
    """

    contender: str
    median_regret_pct: float
    harmed_pct: float
    unpleasant_events: float
    ask_ms: float
    n_failed: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found: every check, and the standings, best first, if any."""

    findings: tuple[Finding, ...]
    standings: tuple[Standing, ...]
    n_patients: int

    @property
    def passed(self) -> bool:
        """Whether every check was passed and none of its own visits failed."""
        own = [one.n_failed for one in self.standings if one.contender == MINE]
        return all(finding.passed for finding in self.findings) and not any(own)

    @property
    def text(self) -> str:
        """The same for a reader."""
        lines = [_check_line(finding) for finding in self.findings]
        if self.standings:
            lines += ["", *_table(self.standings, self.n_patients)]
        return "\n".join(lines)


def check(
    source: str, *, n_patients: int, jobs: int | None = None, quiet: bool = True
) -> Checked:
    """Check a strategy; raises ValueError for one that cannot be loaded.

    Parameters
    ----------
    source
        A name, `module:function` or `file.py:function`.
    n_patients
        Size of the mini study; 0, or a strategy that breaks a rule, leaves it out.
    jobs
        Processes; as many as cores by default.
    quiet
        Whether nothing is said on stderr.
    """
    findings = check_strategy(load_strategy(source))
    broken = not all(finding.passed for finding in findings)
    if broken or n_patients == 0:
        return Checked(findings, (), 0)
    study = mini_study(source, n_patients)
    with TemporaryDirectory(prefix="ccmlab-check-") as folder:
        play_study(study, Path(folder), Where(jobs), stderr=sys.stderr, quiet=quiet)
        found = tuple(sorted(standings(read_study(folder)), key=_rank))
    return Checked(findings, found, n_patients)


def mini_study(source: str, n_patients: int) -> Study:
    """Return the study of few patients with a strategy beside the yardsticks."""
    study = load_study(YARDSTICKS)
    others = tuple(one for one in study.contenders if one.strategy != source)
    mine = ContenderTable(strategy=source, label=MINE)
    changes: dict[str, object] = {"contenders": (mine, *others)}
    if study.cohort is not None:
        changes["cohort"] = study.cohort.model_copy(update={"n": n_patients})
    return study.model_copy(update=changes)


def standings(tables: StudyTables) -> Iterable[Standing]:
    """Yield what each contender of a study came to."""
    visits, timings = tables.visits, tables.timings
    asks = dict(zip(timings["key"].tolist(), timings["ask_ms"].tolist(), strict=True))
    for label in dict.fromkeys(visits["contender"].tolist()):
        own = visits["contender"] == label
        asked = [asks.get(key, np.nan) for key in visits["key"][own].tolist()]
        asked = [ms for ms in asked if np.isfinite(ms)]
        yield Standing(
            contender=label,
            median_regret_pct=float(np.median(visits["regret_pct"][own])),
            harmed_pct=PCT_PER_FRAC * float(np.mean(visits["harmed"][own])),
            unpleasant_events=float(np.mean(visits["unpleasant_events"][own])),
            ask_ms=float(np.median(asked)) if asked else float("nan"),
            n_failed=int(np.sum(visits["status"][own] != "done")),
        )


def _rank(one: Standing) -> tuple[float, str]:
    return one.median_regret_pct, one.contender


def _check_line(finding: Finding) -> str:
    return f"{'passed' if finding.passed else 'FAILED'}  {finding.check}" + (
        f": {finding.problem}" if finding.problem else ""
    )


def _table(found: Iterable[Standing], n_patients: int) -> list[str]:
    head = f"{'':<16}{'regret':>8}{'harmed':>8}{'unpleasant':>12}{'ms an ask':>11}"
    lines = [
        f"{n_patients} simulated patients, 40 minutes each; median regret (0 % the "
        "optimum, 100 % as bad as CCM off),",
        "share harmed, unpleasant events a visit: too few patients for a ranking",
        head,
    ]
    for one in found:
        failed = f"  {one.n_failed} visits failed" if one.n_failed else ""
        shares = f"{one.median_regret_pct:>6.0f} %{one.harmed_pct:>6.0f} %"
        costs = f"{one.unpleasant_events:>12.1f}{one.ask_ms:>11.2f}"
        lines.append(f"{one.contender:<16}{shares}{costs}{failed}")
    return lines
