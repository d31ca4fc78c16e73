"""One visit of a study: played with a search at the bedside, then scored."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import nan
from statistics import median
from typing import Any, Final

import numpy as np

from harness.play.learnt import learnt
from harness.play.run import search_plan
from harness.play.search import SearchAdvisor
from harness.play.tables import DeviceTable, SearchTable, VisitTable
from harness.study.outcome import EvaluationRow, Played, TimingRow, VisitRow
from harness.task.plan import SearchPlan
from harness.truth.score import Scorer
from optimizers.problem import Spent
from sim.device.settings import Settings
from sim.patient import Patient
from sim.streams import stream
from sim.units import MS_PER_S, S_PER_MIN
from sim.visit.post_replication import post_gain_pct
from sim.visit.record import Choice, Tested, VisitRecord
from sim.visit.visit import run_visit

PULSE: Final = ("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms")


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """All that determines one visit of a study.

    `device`, `visit` and `search` are the tables of a scenario: the visit's with plan
    and budget, the search's with strategy, recommender and gate. `patient_index` keys
    the random streams beside `seed` and `replicate`. The candidate is read again in
    `post_pairs` fresh pairs; 0 leaves that out. `file_digest` is that of the strategy's
    file when the visit was planned, empty where it is in none.
    """

    key: str
    patient: Patient
    patient_index: int
    contender: str
    device: DeviceTable
    visit: VisitTable
    search: SearchTable
    seed: int
    replicate: int = 0
    post_pairs: int = 0
    file_digest: str = ""

    @property
    def search_plan(self) -> SearchPlan:
        """How the settings to try are chosen."""
        return search_plan(self.search, self.visit, self.device)


def play(job: Job) -> Played:
    """Play one visit and score it.

    Everything but the timing is the same on every run. Whatever the strategy raises
    is passed on.
    """
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    plan = job.search_plan
    rng = stream(
        job.seed, name="strategy", patient=job.patient_index, replicate=job.replicate
    )
    with WatchedAdvisor(plan, rng) as advisor:
        record = run_visit(
            job.patient,
            job.visit.visit_plan,
            job.device.found_device,
            advisor=advisor,
            seed=job.seed,
            replicate=job.replicate,
            patient_index=job.patient_index,
        )
    scorer = Scorer(job.patient, record.reference, record.plan, plan)
    row = _visit_row(job, record, advisor, scorer)
    evaluations = tuple(_evaluation_rows(job.key, advisor, scorer))
    asks_ms = [MS_PER_S * asked_s for asked_s in advisor.asks_s]
    timing = TimingRow(
        key=job.key,
        wall_s=time.perf_counter() - wall_s,
        cpu_s=time.process_time() - cpu_s,
        ask_ms=median(asks_ms) if asks_ms else nan,
        slowest_ask_ms=max(asks_ms, default=nan),
    )
    return Played(row, evaluations, timing)


def kept_row(job: Job, *, status: str, error: str) -> VisitRow:
    """Return the row of a visit that came to nothing: the reference is kept."""
    found = job.device.as_found
    scorer = Scorer(job.patient, found, job.visit.visit_plan, job.search_plan)
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
    settings that the recommender would have chosen after each observation.
    """

    def __init__(self, plan: SearchPlan, rng: np.random.Generator) -> None:
        super().__init__(plan, rng)
        self.asks_s: list[float] = []
        self.incumbents: list[Settings] = []

    def propose(self) -> Settings | None:
        """Return the next settings to test."""
        start_s = time.perf_counter()
        settings = super().propose()
        self.asks_s.append(time.perf_counter() - start_s)
        self._read_mind()
        return settings

    def learn(self, tested: Tested) -> None:
        """Take what was seen, and note what would be chosen now."""
        start_s = time.perf_counter()
        super().learn(tested)
        if self.asks_s:
            self.asks_s[-1] += time.perf_counter() - start_s
        self._read_mind()

    def _read_mind(self) -> None:
        if len(self.incumbents) < self.n_asked:
            chosen = self.chosen(self._running().recommend())
            missing = self.n_asked - len(self.incumbents)
            self.incumbents.extend([chosen] * missing)


def identity(job: Job) -> VisitRow:
    """Return the row of a visit of which nothing but its place is known."""
    return VisitRow(
        key=job.key,
        patient=job.patient_index,
        family=job.patient.response.family,
        in_af=job.patient.in_atrial_fibrillation,
        contender=job.contender,
        strategy=job.search.strategy,
        recommender=job.search.recommender_for(),
        plan=job.visit.plan,
        budget_min=job.visit.titration_min,
        replicate=job.replicate,
    )


def _settings_columns(**named: Settings) -> dict[str, Any]:
    return {
        f"{role}_{name}": getattr(settings, name)
        for role, settings in named.items()
        for name in PULSE
    }


def _visit_row(
    job: Job, record: VisitRecord, advisor: WatchedAdvisor, scorer: Scorer
) -> VisitRow:
    choice, verdict = _choice(record), record.verdict
    spent = _spent(advisor)[-1]
    post_gain = _post_gain_pct(job, record, choice.settings)
    return replace(
        identity(job),
        n_evaluations=advisor.n_asked,
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
        information_bits=_information_bits(advisor),
        post_gain_pct=post_gain,
        post_regret_pct=scorer.regret_pct(post_gain),
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
    found = replace(job.device.found_device, settings=record.reference, state="ACTIVE")
    return post_gain_pct(
        job.patient,
        job.visit.visit_plan,
        found,
        candidate=candidate,
        n_pairs=job.post_pairs,
        seed=job.seed,
        patient_index=job.patient_index,
        replicate=job.replicate,
    )


def _information_bits(advisor: WatchedAdvisor) -> float:
    """Return how far the readings narrowed down where the highest gain lies."""
    read = [
        (seen.tested, seen.channels["benefit"], seen.standard_error)
        for seen in advisor.log
        if seen.usable and seen.standard_error > 0.0
    ]
    told = learnt(advisor.problem.space, advisor.problem.reference, read)
    if told is None:
        return 0.0
    points = list(dict.fromkeys(point for point, _, _ in read))
    return told.information(points, points[0]).gained_bits


def _spent(advisor: SearchAdvisor) -> list[Spent]:
    """Return what the search had cost before the first and after each observation."""
    spent = [Spent()]
    for observation in advisor.log:
        spent.append(spent[-1].plus(observation))
    return spent


def _evaluation_rows(
    key: str, advisor: WatchedAdvisor, scorer: Scorer
) -> Iterator[EvaluationRow]:
    steps = zip(advisor.log, _spent(advisor)[1:], advisor.incumbents, strict=True)
    for number, (seen, spent, incumbent) in enumerate(steps, start=1):
        tested = advisor.settings_of(seen.tested)
        incumbent_gain = scorer.gain_pct(incumbent)
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
            incumbent_gain_pct=incumbent_gain,
            incumbent_regret_pct=scorer.regret_pct(incumbent_gain),
        )
