"""After the visit: what happened, what readings can say, and what nobody could know.

All of it is made in another process from the log of actions, and told part by part.
The truth stands in the third part alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from math import isfinite, nan
from pathlib import Path
from typing import Any, Final

from harness.archive.replaying import Fork, forked, replay
from harness.archive.run_folder import note_hand_out, write_run
from harness.clinic.words import OFF, says, values_text
from harness.play.played import Played
from harness.play.stream.actions import ActionLog
from harness.play.stream.telling import therapy
from harness.report.build import report_of
from harness.report.hand_out import fresh_code, hand_out_of, pseudonym_of
from harness.truth.answer_key import ees_gain, leads_with, loop, truth_of
from harness.truth.score import Scorer
from sim.device.energy import energy_frac
from sim.device.settings import Settings
from sim.patient import Patient
from sim.units import PCT_PER_FRAC, S_PER_MIN
from sim.visit.measuring import middle_s
from sim.visit.measuring_noise import (
    level_of,
    pair_sd_pct,
    reading_noise,
    single_error_pct,
)
from sim.visit.record import Arm, Pair, Tested, VisitRecord

NORMAL_95: Final = 1.959964
LOOP_POINTS: Final = 120
BEFORE_S: Final = 0.001
_ROLES: Final = ("reference", "tested")


@dataclass(frozen=True, slots=True)
class Claim:
    """What one way of reading says of a setting; nan where nothing was read."""

    name: str
    gain_pct: float
    low_pct: float
    high_pct: float
    minutes: float


@dataclass(frozen=True, slots=True)
class TrueRow:
    """One setting with what nobody could know of it, and who would choose it.

    Points are of utility, as in the report's answer key: gain less energy and what is
    felt.
    """

    settings: str
    true_gain_pct: float
    lost_points: float
    tolerated: bool
    energy_frac: float
    who: str


@dataclass(frozen=True, slots=True)
class Reveal:
    """The truth: opened last, and only when somebody asks for it."""

    facts: Sequence[tuple[str, str]]
    rows: Sequence[TrueRow]
    true_gain_pct: float
    reference_loop: Mapping[str, Sequence[float]]
    final_loop: Mapping[str, Sequence[float]]


def debrief_of(log: ActionLog, predicted: Mapping[int, str]) -> dict[str, Any]:
    """Return the parts of the debrief, by number, ready to be sent.

    Parameters
    ----------
    log
        That of a visit that is over.
    predicted
        What was predicted of each test at the programmer, by its number.
    """
    played = replay(log).played
    return {
        "2": [_plain(asdict(claim)) for claim in claims(played.record)],
        "3": _plain(asdict(reveal(log, played, predicted))),
    }


def warm_up() -> None:
    """Load all that a debrief needs, so that the first does not wait for it."""


def write_visit(log: ActionLog, folder: Path, hand_out: Path) -> None:
    """Write a visit as `ccmlab run` does, and its hand-out beside it."""
    run = replay(log, recorded=True)
    report = report_of(run, truth_of(run.played))
    told = hand_out_of(report, fresh_code())
    write_run(run, report, folder)
    write_run(run, told, hand_out)
    note_hand_out(folder, pseudonym_of(told))


def claims(record: VisitRecord) -> Iterator[Claim]:
    """Yield what one reading, a pair, the verification and the sham pair say."""
    best = _best(record.tested)
    if best is not None and best.pair is not None:
        yield from _of_test(record, best, best.pair)
    verdict, block = record.verdict, record.verification_pairs
    if verdict.pairs_done:
        yield Claim(
            f"verified, {verdict.pairs_done} fresh pairs",
            verdict.gain_pct,
            *verdict.ci95_pct,
            sum(pair.end_s - pair.start_s for pair in block) / S_PER_MIN,
        )
    sham = record.sham_pair
    if sham is not None and sham.gains is not None:
        reach = NORMAL_95 * pair_sd_pct(record.plan)
        yield _around("sham pair, the reference against itself", sham, reach)


def _best(tested: Sequence[Tested]) -> Tested | None:
    """Return the test that read highest, which is what a single look believes."""
    read = [test for test in tested if test.completed and isfinite(test.gain_pct)]
    return max(read, key=lambda test: test.gain_pct, default=None)


def _of_test(record: VisitRecord, test: Tested, pair: Pair) -> Iterator[Claim]:
    alone = [next(a for a in pair.arms if a.role == role) for role in _ROLES]
    if len(pair.arms) > len(alone):
        yield _one_reading(record, test.number, *alone)
    name = f"test {test.number}, the best that was read"
    yield _around(name, pair, NORMAL_95 * test.standard_error_pct)


def _one_reading(
    record: VisitRecord, number: int, reference: Arm, tested: Arm
) -> Claim:
    """Return what a test would say from one reading against one of the reference."""
    ratio = tested.reading.primary / reference.reading.primary
    arm_s = tested.end_s - tested.start_s
    noise = reading_noise(record.plan, arm_s)
    level = level_of(noise, [middle_s(reference)], middle_s(tested))
    reach = NORMAL_95 * single_error_pct(noise, level)
    gain = PCT_PER_FRAC * (ratio - 1.0)
    name = f"test {number}, one reading of it"
    return Claim(name, gain, gain - reach, gain + reach, arm_s / S_PER_MIN)


def _around(name: str, pair: Pair, reach_pct: float) -> Claim:
    gain = pair.gains.primary_pct if pair.gains is not None else nan
    minutes = (pair.end_s - pair.start_s) / S_PER_MIN
    return Claim(name, gain, gain - reach_pct, gain + reach_pct, minutes)


def reveal(log: ActionLog, played: Played, predicted: Mapping[int, str]) -> Reveal:
    """Return the truth of a visit, beside what others would have chosen.

    Leads and rhythm are those of the visit's end, as in the answer key of its report.
    """
    record, scorer, scenario = played.record, Scorer.of(played), log.scenario
    patient, leads = scorer.patient, leads_with(scorer.faults)
    return Reveal(
        facts=(
            ("Scenario", log.scenario_name),
            ("Seed", str(log.seed)),
            ("Subject", scenario.subject or "not stated"),
            ("Virtual patient", patient.phenotype),
            ("Response law", patient.response.name),
        ),
        rows=[*_rows(log, played, scorer, predicted)],
        true_gain_pct=truth_of(played).window_gain_pct,
        reference_loop=loop_shown(patient, ees_gain(patient, record.reference, leads)),
        final_loop=loop_shown(patient, ees_gain(patient, _chosen(record), leads)),
    )


def _rows(
    log: ActionLog, played: Played, scorer: Scorer, predicted: Mapping[int, str]
) -> Iterator[TrueRow]:
    record, axes = played.record, played.task.lattice.axes

    def row(settings: Settings, who: str) -> TrueRow:
        told = values_text(therapy(settings), axes) if settings.delivers else OFF
        return TrueRow(
            settings=told,
            true_gain_pct=scorer.gain_pct(settings),
            lost_points=scorer.points_lost(settings),
            tolerated=scorer.tolerated(settings),
            energy_frac=energy_frac(settings, played.task.ohms),
            who=who,
        )

    yield row(record.reference, "leaves it alone")
    yield row(_chosen(record), f"you: {record.verdict.kind}")
    yield row(scorer.best, "knows the truth: the best tolerated, or off")
    read = _best(record.tested)
    if read is not None:
        yield row(read.settings, f"believes the best test, number {read.number}")
    yield row(_chosen(_searched(log)), f"a search alone ({log.strategy})")
    doubt = doubtful(record, predicted)
    if doubt is not None:
        told = f"hands over to {log.strategy} before test {doubt.number}"
        yield row(_chosen(_forked(log, doubt)), told)
    yield row(Settings(mode=record.reference.mode), "programs the factory settings")


def _chosen(record: VisitRecord) -> Settings:
    return record.choice.settings if record.choice is not None else record.final


def _searched(log: ActionLog) -> VisitRecord:
    """Return the same patient's visit with the strategy alone, on the same noise."""
    return replay(replace(log, actions=(), person=False)).record


def doubtful(record: VisitRecord, predicted: Mapping[int, str]) -> Tested | None:
    """Return the test before which a class could have asked for help, if there is one.

    The next after a prediction that the reading did not bear out.
    """
    for test, after in pairwise(record.tested):
        said = predicted.get(test.number)
        if said and test.completed and said != reading_says(test):
            return after
    return None


def reading_says(test: Tested) -> str:
    """Return what a reading shows, in the words of a prediction."""
    reach = NORMAL_95 * test.standard_error_pct
    return says(test.gain_pct - reach, test.gain_pct + reach)


def _forked(log: ActionLog, test: Tested) -> VisitRecord:
    """Return the visit as it would have gone with the strategy from a test on."""
    # just before, so that the test itself is not asked for
    return forked(log, Fork(test.start_s - BEFORE_S)).record


def loop_shown(patient: Patient, gain: float) -> dict[str, list[float]]:
    """Return a true loop in as many points as a picture needs."""
    drawn = loop(patient, gain)
    step = max(1, len(drawn.volume_ml) // LOOP_POINTS)
    return {
        "volume_ml": [round(v, 1) for v in drawn.volume_ml[::step]],
        "pressure_mmhg": [round(p, 1) for p in drawn.pressure_mmhg[::step]],
    }


def _plain(value: Any) -> Any:
    """Return a value for JSON: what is not known is null."""
    if isinstance(value, float):
        return round(value, 4) if isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
