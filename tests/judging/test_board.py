"""Leaderboards of studies whose truth is known."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.study.judging.board import Judged, Line, judge
from harness.study.judging.metrics import METRICS
from harness.study.judging.numbers import wilson
from harness.study.judging.paired import KEPT
from harness.study.judging.reading import BrokenStudyError, StoredStudy, read_study
from harness.study.judging.verdicts import TRUTHS, VERDICTS
from harness.study.outcome import VisitRow

Stored = Callable[..., StoredStudy]
Visit = Callable[..., VisitRow]
# attainable 4, off -4: a gain of 4 has regret 0, of 2 has 25, the reference 50
GAINS_PCT = {"best": 4.0, "middle": 2.0, "stay": 0.0, "off": -4.0}


def cohort(visit: Visit, n: int = 12, **named: Any) -> list[VisitRow]:
    return [
        visit(patient=patient, contender=name, candidate_gain_pct=gain, **named)
        for name, gain in GAINS_PCT.items()
        for patient in range(n)
    ]


def line(judged: Judged, contender: str, group: str = "sinus") -> Line:
    found = [
        one for one in judged.lines if (one.contender, one.group) == (contender, group)
    ]
    assert len(found) == 1
    return found[0]


def shuffled(rows: Sequence[VisitRow]) -> list[VisitRow]:
    order = np.random.default_rng(4).permutation(len(rows))
    return [rows[i] for i in order]


def same(a: Line, b: Line) -> bool:
    """Tell whether two lines show the same; nan is nan."""
    return str(a.values) == str(b.values) and a.confusion == b.confusion


def test_regret_runs_from_the_optimum_to_off(stored: Stored, visit: Visit) -> None:
    judged = judge(stored(cohort(visit)))
    wanted = {"best": 0.0, "middle": 25.0, "stay": 50.0, "off": 100.0}
    assert [one.contender for one in judged.table("sinus", "paired", 40.0)] == [*wanted]
    for name, regret in wanted.items():
        found = line(judged, name)
        for metric in ("median", "mean", "q25", "q75"):
            assert found[f"regret_{metric}_pct"].value == regret
        assert found["post_regret_mean_pct"].value == regret
    shares = {name: line(judged, name)["attained_pct"].value for name in wanted}
    assert shares == {"best": 100.0, "middle": 50.0, "stay": 0.0, "off": -100.0}


def test_what_is_saved_is_paired_with_the_baseline(
    stored: Stored, visit: Visit
) -> None:
    judged = judge(stored(cohort(visit)))
    best, off = line(judged, "best"), line(judged, "off")
    for name in ("mean", "median", "q25", "q50", "q75"):
        found = best[f"saved_{name}_points"]
        assert (found.low, found.value, found.high) == (4.0, 4.0, 4.0)
        assert off[f"saved_{name}_points"].value == -4.0
    assert [best[name].value for name in ("wins", "ties", "losses")] == [12, 0, 0]
    assert [off[name].value for name in ("wins", "ties", "losses")] == [0, 0, 12]
    assert off["behind_best_mean_points"].value == 8.0
    assert not best["behind_best_mean_points"].known
    # 12 equal signs: about 2 of 4096 patterns; three contenders are compared
    assert best["p"].value < 0.002
    assert best["p_holm"].value == pytest.approx(3 * best["p"].value)
    assert not line(judged, "stay")["p"].known


def test_differences_within_the_margin_are_ties(stored: Stored, visit: Visit) -> None:
    # a quarter of a point decides
    rows = [
        visit(patient=0, contender="stay"),
        visit(patient=1, contender="stay"),
        visit(patient=0, contender="near", candidate_gain_pct=0.2),
        visit(patient=1, contender="near", candidate_gain_pct=0.3),
    ]
    near = line(judge(stored(rows)), "near")
    assert [near[name].value for name in ("wins", "ties", "losses")] == [1, 1, 0]


def test_the_order_of_rows_changes_nothing(stored: Stored, visit: Visit) -> None:
    rows = cohort(visit)
    straight = judge(stored(rows, name="straight"))
    mixed = judge(stored(shuffled(rows), name="mixed"))
    assert len(straight.lines) == len(mixed.lines)
    assert all(map(same, straight.lines, mixed.lines))


def test_names_have_no_part_in_the_numbers(stored: Stored, visit: Visit) -> None:
    other = {"best": "zeta", "middle": "aa", "off": "best", "stay": "stay"}
    rows = cohort(visit)
    renamed = [replace(row, contender=other[row.contender]) for row in rows]
    before = judge(stored(rows, name="before"))
    after = judge(stored(renamed, name="after"))
    for old, new in other.items():
        assert same(line(before, old), line(after, new))


def test_each_patient_counts_once_however_often_it_comes(
    stored: Stored, visit: Visit
) -> None:
    rows = [
        visit(patient=0, replicate=0, candidate_gain_pct=4.0),
        *(visit(patient=1, replicate=r, candidate_gain_pct=-4.0) for r in range(9)),
    ]
    assert line(judge(stored(rows)), "alpha")["regret_mean_pct"].value == 50.0


def test_a_lost_visit_counts_as_the_reference_kept(
    stored: Stored, visit: Visit
) -> None:
    good = visit(patient=0, candidate_gain_pct=4.0)
    lost: dict[str, Any] = {
        "status": "failed",
        "error": "ValueError: no",
        "minutes": 0.0,
    }
    bare: dict[str, Any] = dict.fromkeys(
        ("attainable_gain_pct", "off_gain_pct", "candidate_gain_pct", "regret_pct"),
        nan,
    )
    bare |= dict.fromkeys(("final_regret_pct", "post_regret_pct", "attained_frac"), nan)
    unscored = replace(visit(patient=0, replicate=1), **lost, **bare)
    scored = replace(visit(patient=0, replicate=2), **lost)
    judged = judge(stored([good, unscored, scored]))
    found = line(judged, "alpha")
    wanted = pytest.approx((0.0 + 50.0 + 50.0) / 3.0)
    for name in ("regret", "post_regret", "final_regret"):
        own = 50.0 if name == "final_regret" else wanted
        assert found[f"{name}_mean_pct"].value == own
    assert found["minutes_mean"].value == 38.0
    assert found["kept_pct"].value == pytest.approx(200.0 / 3.0)
    assert found.n_kept == 2
    assert [(one.contender, one.n_visits, one.error) for one in judged.lost] == [
        ("alpha", 2, "ValueError: no")
    ]


def test_where_nothing_can_be_won_nobody_attains_anything(
    stored: Stored, visit: Visit
) -> None:
    row = visit(attainable_gain_pct=0.0, off_gain_pct=0.0, family="null")
    found = line(judge(stored([row])), "alpha")
    assert found["points_lost_mean"].value == 0.0
    assert not found["regret_median_pct"].known
    assert not found["attained_pct"].known
    assert not found["solved_50_pct"].known
    assert found["null_improved_pct"].value == 0.0


def test_atrial_fibrillation_and_families_stand_apart(
    stored: Stored, visit: Visit
) -> None:
    rows = [
        visit(patient=0, family="nominal", candidate_gain_pct=4.0),
        visit(patient=1, family="sharp", candidate_gain_pct=2.0),
        visit(patient=2, family="sharp", in_af=True, candidate_gain_pct=-4.0),
    ]
    judged = judge(stored(rows))
    regrets = {one.group: one["regret_mean_pct"].value for one in judged.lines}
    assert regrets == {
        "sinus": 12.5,
        "sinus, something to gain": 12.5,
        "sinus, nominal": 0.0,
        "sinus, sharp": 25.0,
        "af": 100.0,
    }
    assert judged.main.name == "sinus, something to gain"
    assert judged.everybody.name == "sinus"


def test_targets_are_shares_of_the_attainable_gain(
    stored: Stored, visit: Visit
) -> None:
    gains = (1.9, 2.0, 3.0, 3.7)
    rows = [visit(patient=i, candidate_gain_pct=g) for i, g in enumerate(gains)]
    found = line(judge(stored(rows)), "alpha")
    solved = [found[f"solved_{target}_pct"].value for target in (50, 75, 90)]
    assert solved == [75.0, 50.0, 25.0]


def test_verdicts_are_counted_by_what_is_true(stored: Stored, visit: Visit) -> None:
    cases = [
        (3.0, "improved", 1.0, 5.0),  # right, covered
        (3.0, "inconclusive", -1.0, 2.0),  # missed, not covered
        (0.5, "equivalent", -1.0, 1.0),
        (-1.0, "improved", 0.5, 3.0),  # wrong, not covered
        (0.0, "stopped for safety", nan, nan),
        (0.0, "improved", 0.1, 2.0),  # nothing to gain, called improved
        (0.0, "inconclusive", -1.0, 1.0),
        (2.0, "harmful as found", 0.5, 3.5),  # CCM off, which truly gains
    ]
    rows = [
        visit(
            patient=i,
            candidate_gain_pct=gain,
            verdict=verdict,
            ci95_low_pct=low,
            ci95_high_pct=high,
            attainable_gain_pct=0.0 if i == 5 else 4.0,
        )
        for i, (gain, verdict, low, high) in enumerate(cases)
    ]
    judged = judge(stored(rows))
    found = line(judged, "alpha")
    table = {
        (true, said): count
        for true, counts in zip(TRUTHS, found.confusion.counts, strict=True)
        for said, count in zip(VERDICTS, counts, strict=True)
        if count
    }
    assert table == {
        ("relevant gain", "improved"): 1,
        ("relevant gain", "no difference shown"): 1,
        ("relevant gain", "harmful"): 1,
        ("smaller gain", "no difference shown"): 1,
        ("no gain", "improved"): 2,
        ("no gain", "no difference shown"): 1,
        ("no gain", "stopped"): 1,
    }
    rates = {
        "found_pct": (2, 3),
        "wrong_improved_pct": (2, 3),
        "null_improved_pct": (1, 1),
        "stopped_pct": (1, 8),
        "verdict_right_pct": (5, 8),
        "coverage_pct": (4, 7),
        "coverage_improved_pct": (1, 3),
    }
    for name, (k, n) in rates.items():
        rate = found[name]
        assert rate.value == pytest.approx(100.0 * k / n)
        assert rate.n == n
        assert (rate.low, rate.high) == pytest.approx([100.0 * x for x in wilson(k, n)])
        assert judged.together[name] == rate  # one contender is all there is


def test_what_is_relevant_is_the_studys_to_say(
    write_study: Callable[..., Path], visit: Visit
) -> None:
    rows = [visit(candidate_gain_pct=1.5, verdict="inconclusive")]
    folder = write_study(rows)
    assert line(judge(read_study(folder)), "alpha")["verdict_right_pct"].value == 0.0
    told = {"visit": {"least_relevant_gain_pct": 2.0}}
    (folder / "study.json").write_text(json.dumps(told))
    assert line(judge(read_study(folder)), "alpha")["verdict_right_pct"].value == 100.0


def test_harm_is_of_the_permanent_settings(stored: Stored, visit: Visit) -> None:
    rows = [
        visit(patient=0, candidate_gain_pct=-2.0, verdict="inconclusive"),
        visit(patient=1, candidate_gain_pct=-2.0, verdict="improved"),
    ]
    assert line(judge(stored(rows)), "alpha")["harmed_pct"].value == 50.0


def test_choices_are_as_far_apart_as_the_tested_range_says(
    stored: Stored, visit: Visit, search: Callable[..., Any]
) -> None:
    rows = [
        visit(
            patient=patient,
            replicate=replicate,
            candidate_amplitude_v=amplitude_v,
            candidate_delay_ms=20.0,
            candidate_phase_duration_ms=5.14,
            candidate_n_pulses=2,
        )
        for patient, amplitudes_v in enumerate(((4.5, 7.5), (6.0, 6.0)))
        for replicate, amplitude_v in enumerate(amplitudes_v)
    ]
    # 7 tests: amplitude over its whole range, delay too; the other two never move
    evaluations = search(rows[0], [0.0] * 7)
    found = line(judge(stored(rows, evaluations)), "alpha")
    # patient 0: (3 of 3 V, 0 ms), mean over the two searched values 50 %; patient 1: 0
    assert found["choice_distance_pct"].value == pytest.approx(25.0)
    assert found["choice_same_pct"].value == 50.0


def test_a_single_visit_says_nothing_of_reproducibility(
    stored: Stored, visit: Visit
) -> None:
    found = line(judge(stored([visit()])), "alpha")
    assert not found["choice_same_pct"].known


def test_without_a_contender_that_stays_the_truth_gives_the_baseline(
    stored: Stored, visit: Visit
) -> None:
    rows = [visit(patient=p, candidate_gain_pct=4.0) for p in range(5)]
    judged = judge(stored(rows))
    assert judged.baseline == KEPT
    assert line(judged, "alpha")["saved_mean_points"].value == 4.0


def test_points_lost_rank_and_their_share_is_sum_over_sum(
    stored: Stored, visit: Visit
) -> None:
    """One wide patient outweighs two narrow ones, whose regret is larger."""
    spans = {0: 20.0, 1: 2.0, 2: 2.0}
    rows = [
        visit(
            patient=patient,
            contender=name,
            attainable_gain_pct=span / 2.0,
            off_gain_pct=-span / 2.0,
            candidate_gain_pct=span / 2.0 - lost[patient],
        )
        for name, lost in (("wide", (1.0, 1.0, 1.0)), ("narrow", (6.0, 0.0, 0.0)))
        for patient, span in spans.items()
    ]
    judged = judge(stored(rows))
    wide, narrow = line(judged, "wide"), line(judged, "narrow")
    assert (wide.rank, narrow.rank) == (1, 2)
    assert wide["points_lost_mean"].value == 1.0
    assert narrow["points_lost_mean"].value == 2.0
    assert wide["points_lost_share_pct"].value == 12.5
    assert narrow["points_lost_share_pct"].value == 25.0
    assert narrow["regret_median_pct"].value == 0.0


def test_whom_no_setting_suits_is_judged_by_harm_alone(
    stored: Stored, visit: Visit
) -> None:
    rows = [
        visit(patient=0, attainable_gain_pct=0.5, off_gain_pct=0.0),
        visit(patient=1, family="adverse"),
        visit(patient=2, family="null"),
        visit(patient=3),
    ]
    judged = judge(stored(rows))
    assert judged.main.keep.tolist() == [False, False, False, True]
    assert judged.everybody.keep.all()


def test_another_baseline_can_be_asked_for(stored: Stored, visit: Visit) -> None:
    judged = judge(stored(cohort(visit)), "middle")
    assert line(judged, "best")["saved_mean_points"].value == 2.0
    assert line(judged, "stay")["saved_mean_points"].value == -2.0


def test_an_unknown_baseline_is_refused_with_the_nearest_name(
    stored: Stored, visit: Visit
) -> None:
    with pytest.raises(BrokenStudyError, match=r"'midle'.*nearest is 'middle'"):
        judge(stored(cohort(visit)), "midle")


def test_only_patients_that_both_saw_are_compared(stored: Stored, visit: Visit) -> None:
    rows = [visit(patient=p, contender="stay") for p in range(4)]
    rows += [
        visit(patient=p, contender="late", candidate_gain_pct=4.0) for p in range(2, 9)
    ]
    found = line(judge(stored(rows)), "late")
    assert (found["saved_mean_points"].n, found.n_patients) == (2, 7)


def test_every_metric_of_the_list_is_in_every_line(
    stored: Stored, visit: Visit
) -> None:
    judged = judge(stored(cohort(visit, n=3)))
    for one in judged.lines:
        assert list(one.values) == list(METRICS)
    unknown = {name for name in METRICS if not line(judged, "middle")[name].known}
    # one replicate, nobody null, no interval, no bits; nobody was called improved
    assert unknown == {
        "choice_distance_pct",
        "choice_same_pct",
        "coverage_improved_pct",
        "coverage_pct",
        "information_bits_mean",
        "null_improved_pct",
        "wrong_improved_pct",
    }


def test_asks_are_timed_and_bits_averaged(stored: Stored, visit: Visit) -> None:
    rows = [visit(patient=p, information_bits=float(p)) for p in range(5)]
    found = line(judge(stored(rows, ask_ms=7.0)), "alpha")
    assert found["ask_ms_median"].value == 7.0
    assert found["information_bits_mean"].value == 2.0
    assert isnan(found["ask_ms_median"].low)
