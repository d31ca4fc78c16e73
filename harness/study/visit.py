"""One visit of a study: played with a search at the bedside, then scored."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import nan
from statistics import median
from typing import Any, Final

import numpy as np

from harness.play.learnt import learnt
from harness.play.played import Played, play
from harness.play.search import SearchAdvisor
from harness.study.outcome import EvaluationRow, ScoredVisit, TimingRow, VisitRow
from harness.task.lattice import PULSE
from harness.task.task import Task
from harness.truth.answer_key import faults_after
from harness.truth.score import Scorer
from optimizers.problem import Observation, PastSearch, Spent
from sim.device.energy import energy_frac
from sim.device.settings import Settings
from sim.units import MS_PER_S, S_PER_MIN
from sim.visit.order import VisitOrder
from sim.visit.post_replication import post_gain_pct
from sim.visit.record import Choice, Tested, VisitRecord
from sim.visit.start import GIVEN

KNOWN: Final = "known"
"""How an observation ended that needed no test: the reference's, by construction."""


Preparation = tuple[VisitOrder, Task]
"""A visit of an earlier patient, of which a search is told."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """All that determines one visit of a study.

    `start` names what the order's settings were left by. The candidate is read again in
    `post_pairs` fresh pairs; 0 leaves that out.
    `file_digest` is that of the strategy's file when the visit was planned, empty where
    it is in none. `earlier` are visits that the search is told of.
    """

    key: str
    contender: str
    order: VisitOrder
    task: Task
    post_pairs: int = 0
    file_digest: str = ""
    start: str = GIVEN
    earlier: tuple[Preparation, ...] = ()


@lru_cache(maxsize=128)
def _past(order: VisitOrder, task: Task) -> PastSearch:
    """Return what a visit of an earlier patient saw; the same wherever it is played."""
    return play(order, SearchAdvisor.at(order, task)).past(same_patient=False)


def scored(job: Job) -> ScoredVisit:
    """Play one visit and score it.

    Everything but the timing is the same on every run. Whatever the strategy raises
    is passed on.
    """
    task = replace(job.task, history=tuple(_past(*one) for one in job.earlier))
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    advisor = WatchedAdvisor.at(job.order, task)
    played = play(job.order, advisor)
    scorer = Scorer.of(played)
    row = _visit_row(job, played, scorer)
    evaluations = tuple(_evaluation_rows(job.key, played, advisor, scorer))
    asks_ms = [MS_PER_S * asked_s for asked_s in advisor.asks_s]
    timing = TimingRow(
        key=job.key,
        wall_s=time.perf_counter() - wall_s,
        cpu_s=time.process_time() - cpu_s,
        ask_ms=median(asks_ms) if asks_ms else nan,
        slowest_ask_ms=max(asks_ms, default=nan),
    )
    return ScoredVisit(row, evaluations, timing)


def kept_row(job: Job, *, status: str, error: str) -> VisitRow:
    """Return the row of a visit that came to nothing: the reference is kept."""
    order = job.order
    found = order.found.settings
    faults = faults_after(order.found, ())
    scorer = Scorer(order.patient, found, order.plan, job.task, faults)
    columns = _settings_columns(reference=found, candidate=found, final=found)
    return replace(
        identity(job),
        status=status,
        error=" ".join(error.split())[:500],
        **columns,
        **scorer.columns(found, found),
    )


class WatchedAdvisor(SearchAdvisor):
    """A search at the bedside whose steps are timed and whose mind is read.

    `asks_s` are the seconds of each step, ask and tell together; `incumbents` the
    settings that the recommender would have chosen after each observation, `ends` how
    its test ended.
    """

    def __init__(self, task: Task, rng: np.random.Generator) -> None:
        super().__init__(task, rng)
        self.asks_s: list[float] = []
        self.incumbents: list[Settings] = []
        self.ends: list[str] = []

    def propose(self) -> Settings | None:
        """Return the next settings to test."""
        start_s = time.perf_counter()
        settings = super().propose()
        self.asks_s.append(time.perf_counter() - start_s)
        self._read_mind(KNOWN)
        return settings

    def learn(self, tested: Tested) -> None:
        """Take what was seen, and note what would be chosen now."""
        start_s = time.perf_counter()
        super().learn(tested)
        if self.asks_s:
            self.asks_s[-1] += time.perf_counter() - start_s
        self._read_mind(tested.ended.name.lower())

    def _read_mind(self, ended: str) -> None:
        if len(self.incumbents) < self.n_asked:
            chosen = self.chosen(self._running().recommend())
            missing = self.n_asked - len(self.incumbents)
            self.incumbents.extend([chosen] * missing)
            self.ends.extend([ended] * missing)


def identity(job: Job) -> VisitRow:
    """Return the row of a visit of which nothing but its place is known."""
    order, task = job.order, job.task
    return VisitRow(
        key=job.key,
        patient=order.patient_index,
        family=order.patient.response.name,
        in_af=order.patient.in_atrial_fibrillation,
        contender=job.contender,
        strategy=task.strategy_name,
        recommender=task.recommender,
        start=job.start,
        plan=order.plan.plan,
        budget_min=order.plan.titration_min,
        replicate=order.replicate,
        knows=task.knows,
    )


def _settings_columns(**named: Settings) -> dict[str, Any]:
    return {
        f"{role}_{name}": getattr(settings, name)
        for role, settings in named.items()
        for name in PULSE
    }


def _visit_row(job: Job, played: Played, scorer: Scorer) -> VisitRow:
    record = played.record
    choice, verdict = _choice(record), record.verdict
    spent = _spent(played.log)[-1]
    post_gain = _post_gain_pct(job, record, choice.settings)
    return replace(
        identity(job),
        n_evaluations=len(played.log),
        n_tests=len(record.tested),
        minutes=spent.minutes,
        beats=spent.beats,
        unpleasant_events=spent.unpleasant_events,
        visit_minutes=record.phases[-1].end_s / S_PER_MIN,
        adverse_events=len(record.adverse_events),
        gated=choice.gated,
        probability_better=choice.probability_better,
        expected_gain_pct=choice.expected_gain_pct,
        verdict=verdict.kind,
        verified_gain_pct=verdict.gain_pct,
        ci95_low_pct=verdict.ci95_pct[0],
        ci95_high_pct=verdict.ci95_pct[1],
        pair_sd_pct=verdict.pair_sd_pct,
        pairs_done=verdict.pairs_done,
        naive_claim_pct=verdict.best_single_reading_pct,
        information_bits=_information_bits(played),
        post_gain_pct=post_gain,
        post_regret_pct=scorer.share_pct(
            scorer.points_lost_at(choice.settings, post_gain)
        ),
        **_settings_columns(
            reference=record.reference,
            candidate=choice.settings,
            final=record.final,
        ),
        **scorer.columns(choice.settings, record.final),
    )


def _choice(record: VisitRecord) -> Choice:
    """Return the search's choice; the reference where none was asked for."""
    if record.choice is not None:
        return record.choice
    return Choice(record.reference, 0.0, nan, True, "no search")


def _post_gain_pct(job: Job, record: VisitRecord, candidate: Settings) -> float:
    if job.post_pairs == 0:
        return nan
    order = job.order
    found = replace(order.found, settings=record.reference, state="ACTIVE")
    return post_gain_pct(replace(order, found=found), candidate, job.post_pairs)


def _information_bits(played: Played) -> float:
    """Return how far the readings narrowed down where the highest gain lies."""
    read = [
        (seen.tested, seen.channels["benefit"], seen.standard_error)
        for seen in played.log
        if seen.usable and seen.standard_error > 0.0
    ]
    told = learnt(played.space.space, played.space.reference_point, read)
    if told is None:
        return 0.0
    return told.gained_bits([point for point, _, _ in read])


def _spent(log: Sequence[Observation]) -> list[Spent]:
    """Return what a search had cost before the first and after each observation."""
    spent = [Spent()]
    for observation in log:
        spent.append(spent[-1].plus(observation))
    return spent


def _evaluation_rows(
    key: str, played: Played, advisor: WatchedAdvisor, scorer: Scorer
) -> Iterator[EvaluationRow]:
    log, own = played.log, advisor.own
    steps = zip(log, _spent(log)[1:], advisor.incumbents, advisor.ends, strict=True)
    for number, (seen, spent, incumbent, ended) in enumerate(steps, start=1):
        tested = played.space.settings_of(seen.tested)
        lost = scorer.points_lost(incumbent)
        yield EvaluationRow(
            key=key,
            number=number,
            amplitude_v=tested.amplitude_v,
            phase_duration_ms=tested.phase_duration_ms,
            n_pulses=tested.n_pulses,
            delay_ms=tested.delay_ms,
            value_pct=seen.value,
            standard_error_pct=seen.standard_error,
            sensation_grade=seen.sensation_grade,
            aborted=seen.aborted or "",
            minutes=spent.minutes,
            beats=spent.beats,
            unpleasant_events=spent.unpleasant_events,
            true_gain_pct=scorer.gain_pct(tested),
            true_utility_pct=scorer.utility_pct(tested),
            incumbent_gain_pct=scorer.gain_pct(incumbent),
            incumbent_points_lost=lost,
            incumbent_regret_pct=scorer.share_pct(lost),
            ended=ended,
            energy_frac=energy_frac(tested),
            true_sensation=scorer.sensation(tested),
            returned=seen.tested == own,
        )
