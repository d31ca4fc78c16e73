"""Is it a strategy, and where would it stand: the kit, then a study of few patients."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.common.files import OutputError, check_free
from harness.play.host.hosted import hosted
from harness.study.facts import versions_here
from harness.study.plan import ContenderTable, Study, load_study
from harness.study.play_study import Where, play_study
from harness.study.salvage import opened
from harness.study.tables import Columns, StudyTables, read_study
from harness.task.limits import StrategyLimits
from optimizers.conformance import CHECKS, CheckOutcome, check_strategy
from optimizers.registry import check_source, load_strategy
from sim.heart.kept import user_caches
from sim.units import PCT_PER_FRAC
from sim.visit.order import EngineName

YARDSTICKS: Final = "check"
CACHE: Final = "CCMLAB_CHECK_CACHE"
"""Names another folder than the user's for the yardsticks' visits."""

CHECK_S: Final = 120.0
KIT_S: Final = 600.0
"""Longest times for one check and for all of the kit, on a busy machine."""

MINE: Final = "yours"
"""Label under which somebody's own strategy stands beside the yardsticks."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one contender came to on the few patients, from one start.

    Means and shares over the visits; `points_lost_share_pct` is sum over sum, `ask_ms`
    the median of the visits' medians. `n_failed` visits came to nothing and count as
    the reference kept.
    """

    start: str
    contender: str
    points_lost: float
    points_lost_share_pct: float
    harmed_pct: float
    unpleasant_events: float
    ask_ms: float
    n_failed: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found: every check, and the standings, start by start, best first."""

    findings: tuple[CheckOutcome, ...]
    standings: tuple[Standing, ...]
    n_patients: int
    engine: EngineName = "beats"

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
            lines += ["", *_table(self.standings, self.n_patients, self.engine)]
        return "\n".join(lines)


def check(
    source: str,
    *,
    n_patients: int,
    engine: EngineName = "table",
    where: Where | None = None,
    out: Path | None = None,
    quiet: bool = True,
) -> Checked:
    """Check a strategy; one that is not ours in a process of its own, with limits.

    Raises ValueError or StrategyFailedError for one that cannot be loaded.

    Parameters
    ----------
    source
        A name, `module:function` or `file.py:function`.
    n_patients
        Size of the mini study; 0, or a strategy that breaks a rule, leaves it out.
    engine
        What plays it: "table" in seconds, "beats" as a published study.
    where
        In how many processes, with how much memory; as many as cores by default.
    out
        A folder that is not there yet, for the tables of the mini study.
    quiet
        Whether nothing is said on stderr.
    """
    where = where or Where()
    check_source(source)
    findings = _findings(source, where.memory_gb)
    broken = not all(finding.passed for finding in findings)
    if broken or n_patients == 0:
        return Checked(findings, (), 0, engine)
    study = mini_study(source, n_patients, engine)
    if out is not None:
        check_free(out, force=False)
    with _folder(engine) as folder:
        play_study(
            study,
            folder,
            where,
            replay_failed=True,
            stderr=sys.stderr,
            quiet=quiet,
        )
        found = tuple(sorted(standings(read_study(folder)), key=_rank))
        if out is not None:
            copytree(folder, out, ignore=ignore_patterns("ledger*", ".*"))
    return Checked(findings, found, n_patients, engine)


@contextmanager
def _folder(engine: EngineName) -> Iterator[Path]:
    """Give the folder in which the yardsticks' visits are kept from time to time.

    A passing one where nothing can be kept, or while somebody else uses it.
    """
    kept = _kept_folder(engine)
    if kept is not None:
        yield kept
        return
    with TemporaryDirectory(prefix="ccmlab-check-") as folder:
        yield Path(folder)


def _kept_folder(engine: EngineName) -> Path | None:
    """Return the folder of this ccmlab, sources included, without anybody's own visits.

    Of a damaged ledger the sound visits are kept.
    """
    place = next(iter(user_caches()), None)
    told = json.dumps([engine, versions_here()], sort_keys=True).encode()
    name = f"check-{sha256(told).hexdigest()[:16]}"
    asked = os.environ.get(CACHE)
    if place is None and not asked:
        return None
    folder = (Path(asked) if asked else place or Path()) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with opened(folder, replay=True) as ledger:
            ledger.forget(ledger.of_contender(MINE))
    except (OutputError, OSError):
        return None
    return folder


def _findings(source: str, memory_gb: float) -> tuple[CheckOutcome, ...]:
    limits = StrategyLimits(answer_s=CHECK_S, visit_s=KIT_S, memory_gb=memory_gb)
    strategy = hosted(source, limits)
    if strategy is None:
        return check_strategy(load_strategy(source))
    with strategy:
        return tuple(strategy.findings(CHECKS))


def mini_study(source: str, n_patients: int, engine: EngineName = "table") -> Study:
    """Return the study of few patients with a strategy beside the yardsticks."""
    study = load_study(YARDSTICKS)
    others = tuple(one for one in study.contenders if one.strategy != source)
    mine = ContenderTable(strategy=source, label=MINE)
    changes: dict[str, object] = {"contenders": (mine, *others), "engine": engine}
    if study.cohort is not None:
        changes["cohort"] = study.cohort.model_copy(update={"n": n_patients})
    return study.model_copy(update=changes)


def standings(tables: StudyTables) -> Iterable[Standing]:
    """Yield what each contender of a study came to."""
    visits, timings = tables.visits, tables.timings
    asks = dict(zip(timings["key"].tolist(), timings["ask_ms"].tolist(), strict=True))
    pairs = zip(visits["start"].tolist(), visits["contender"].tolist(), strict=True)
    for start, label in dict.fromkeys(pairs):
        own = (visits["start"] == start) & (visits["contender"] == label)
        asked = [asks.get(key, np.nan) for key in visits["key"][own].tolist()]
        asked = [ms for ms in asked if np.isfinite(ms)]
        yield Standing(
            start=start,
            contender=label,
            points_lost=float(np.mean(visits["points_lost"][own])),
            points_lost_share_pct=_share_pct(visits, own),
            harmed_pct=PCT_PER_FRAC * float(np.mean(visits["harmed"][own])),
            unpleasant_events=float(np.mean(visits["unpleasant_events"][own])),
            ask_ms=float(np.median(asked)) if asked else float("nan"),
            n_failed=int(np.sum(visits["status"][own] != "done")),
        )


def _rank(one: Standing) -> tuple[str, float, str]:
    return one.start, one.points_lost, one.contender


def _share_pct(visits: Columns, own: NDArray[np.bool_]) -> float:
    span = float(np.sum(visits["span_points"][own]))
    lost = float(np.sum(visits["points_lost"][own]))
    return PCT_PER_FRAC * lost / span if span > 0.0 else float("nan")


def _check_line(finding: CheckOutcome) -> str:
    return f"{'passed' if finding.passed else 'FAILED'}  {finding.check}" + (
        f": {finding.problem}" if finding.problem else ""
    )


def _table(found: Iterable[Standing], n_patients: int, engine: EngineName) -> list[str]:
    head = f"{'':<16}{'points':>8}{'of span':>9}{'harmed':>8}{'unpleasant':>12}"
    head += f"{'ms an ask':>11}"
    lines = [
        f"{n_patients} simulated patients, 40 minutes each, played by {engine}",
        "(table: no beat integrated; --engine beats does). Points of utility",
        "lost, of what lies between CCM off and the best; share harmed, unpleasant",
        "events a visit: too few patients for a ranking",
    ]
    start = ""
    for one in found:
        if one.start != start:
            start = one.start
            lines += [f"device found at start {start}", head]
        failed = f"  {one.n_failed} visits failed" if one.n_failed else ""
        shares = f"{one.points_lost:>8.2f}{one.points_lost_share_pct:>7.0f} %"
        shares += f"{one.harmed_pct:>6.0f} %"
        costs = f"{one.unpleasant_events:>12.1f}{one.ask_ms:>11.2f}"
        lines.append(f"{one.contender:<16}{shares}{costs}{failed}")
    return lines
