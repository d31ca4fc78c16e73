"""Every number of the leaderboard: its name, its unit, what it means, which way up."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from harness.study.judging.weights import lost_at
from harness.truth.score import OTHER_ENERGY_WEIGHTS

Better = Literal["higher", "lower", ""]

P_VALUES: Final = frozenset({"p", "p_holm"})
"""Probabilities that are shown as a limit when they are too small for their digits."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One column: `head` stands above it, `better` tells which way is good."""

    name: str
    head: str
    unit: str
    better: Better
    digits: int
    meaning: str


def _metrics(*rows: tuple[str, str, str, Better, int, str]) -> Mapping[str, Metric]:
    return MappingProxyType({row[0]: Metric(*row) for row in rows})


METRICS: Final = _metrics(
    (
        "points_lost_mean",
        "Points lost, mean",
        "points",
        "lower",
        2,
        "True utility (gain, less what energy and discomfort cost) of the best less "
        "that of the search's choice; the best is the best tolerated setting or CCM "
        "off, whichever is worth more. A patient's is the mean over its replicates; "
        "mean over patients. It ranks.",
    ),
    (
        "points_lost_share_pct",
        "Points lost of the span",
        "%",
        "lower",
        1,
        "Points lost, summed, as a share of what lies between CCM off and the best, "
        "summed.",
    ),
    (
        "final_points_lost_mean",
        "Final points lost, mean",
        "points",
        "lower",
        2,
        "Points lost of what was programmed for good: the choice where the verdict "
        "allows it, else the reference.",
    ),
    *(
        row
        for weight in OTHER_ENERGY_WEIGHTS
        for row in (
            (
                f"{lost_at(weight)}_mean",
                f"Points lost at energy weight {weight:g}",
                "points",
                "lower",
                2,
                f"Points lost where the nominal energy costs {weight:g} points, for "
                "best and choice alike; the search was told the study's own weight.",
            ),
            (
                f"{lost_at(weight)}_share_pct",
                f"Of the span, at energy weight {weight:g}",
                "%",
                "lower",
                1,
                "The same, summed, as a share of the span at that weight, summed.",
            ),
        )
    ),
    (
        "regret_median_pct",
        "Regret, median",
        "%",
        "lower",
        1,
        "Points lost as a share of a patient's own span, what lies between CCM off and "
        "the best: 0 the optimum, 100 as bad as off. Only of patients whose span is 1 "
        "point or more; median over them.",
    ),
    ("regret_mean_pct", "Regret, mean", "%", "lower", 1, "Mean over patients."),
    ("regret_q25_pct", "Regret, quartile 1", "%", "lower", 1, "First quartile."),
    ("regret_q75_pct", "Regret, quartile 3", "%", "lower", 1, "Third quartile."),
    (
        "post_regret_median_pct",
        "Post-replicated regret, median",
        "%",
        "lower",
        1,
        "Regret of the choice as fresh pairs with fresh errors show it, which no "
        "search has seen. It scatters; it may lie below 0.",
    ),
    (
        "post_regret_mean_pct",
        "Post-replicated regret, mean",
        "%",
        "lower",
        1,
        "The same, mean over patients.",
    ),
    (
        "final_regret_median_pct",
        "Final regret, median",
        "%",
        "lower",
        1,
        "Regret of what was programmed for good: the choice where the verdict allows "
        "it, else the reference.",
    ),
    (
        "final_regret_mean_pct",
        "Final regret, mean",
        "%",
        "lower",
        1,
        "The same, mean over patients.",
    ),
    (
        "attained_pct",
        "Attained gain",
        "%",
        "higher",
        1,
        "Gain of the choices over the reference, summed, as a share of the attainable "
        "gain, summed; patients with something to gain.",
    ),
    (
        "attained_median_pct",
        "Attained gain, median",
        "%",
        "higher",
        1,
        "Share of a patient's attainable gain; median over patients with something "
        "to gain.",
    ),
    (
        "gain_mean_pct",
        "True gain of the choice",
        "%",
        "higher",
        2,
        "True window gain of the choice over the reference, mean over patients.",
    ),
    (
        "harmed_pct",
        "Harmed",
        "%",
        "lower",
        1,
        "Visits whose permanent settings are truly worse than the reference by 0.1 "
        "point or more, or not tolerated; never where that was not tolerated itself.",
    ),
    (
        "candidate_harms_pct",
        "Harmed before the verdict",
        "%",
        "lower",
        1,
        "The same of the search's choice, had nobody verified it.",
    ),
    (
        "worst_gain_pct",
        "Gain of the worst 5 %",
        "%",
        "higher",
        2,
        "True gain of the permanent settings: mean over those 5 % of patients (one at "
        "least) in whom it is lowest.",
    ),
    (
        "energy_mean_pct",
        "Energy",
        "%",
        "lower",
        0,
        "Daily energy of the permanent settings as a share of the nominal settings', "
        "mean over patients; 0 is CCM off.",
    ),
    (
        "unpleasant_events_mean",
        "Unpleasant events",
        "",
        "lower",
        2,
        "Tests of the search that were felt or stopped, a visit.",
    ),
    (
        "minutes_mean",
        "Search",
        "min",
        "lower",
        1,
        "Patient minutes that the search took, mean.",
    ),
    (
        "visit_minutes_mean",
        "Whole visit",
        "min",
        "lower",
        0,
        "Length of the whole visit, mean.",
    ),
    (
        "evaluations_mean",
        "Evaluations",
        "",
        "",
        1,
        "Observations that the strategy was told, a visit.",
    ),
    (
        "verdict_right_pct",
        "Verdict right",
        "%",
        "higher",
        1,
        "Visits called improved whose candidate truly gains what the study calls "
        "relevant (1 % unless it says otherwise) or more, and visits not called "
        "improved whose candidate does not.",
    ),
    (
        "improved_pct",
        "Called improved",
        "%",
        "higher",
        1,
        "Visits with the verdict improved.",
    ),
    (
        "found_pct",
        "Called improved, of the truly better",
        "%",
        "higher",
        1,
        "Visits called improved, or harmful as found, among those whose candidate "
        "truly gains what the study calls relevant or more.",
    ),
    (
        "wrong_improved_pct",
        "No better, of the called improved",
        "%",
        "lower",
        1,
        "Visits whose candidate truly gains nothing, among those called improved.",
    ),
    (
        "null_improved_pct",
        "Called improved, of the null",
        "%",
        "lower",
        1,
        "Visits called improved among those of patients who have nothing to gain "
        "(attainable gain below 0.05 point).",
    ),
    (
        "stopped_pct",
        "Stopped for safety",
        "%",
        "lower",
        1,
        "Visits with the verdict stopped for safety.",
    ),
    (
        "coverage_pct",
        "Intervals that hold the truth",
        "%",
        "higher",
        1,
        "Verifications whose 95 % interval holds the candidate's true gain.",
    ),
    (
        "coverage_improved_pct",
        "The same, of the called improved",
        "%",
        "higher",
        1,
        "The same among visits called improved: a selection, which pulls it down.",
    ),
    (
        "solved_50_pct",
        "Half attained",
        "%",
        "higher",
        1,
        "Visits whose choice has 50 % of the attainable gain or more; patients with "
        "something to gain.",
    ),
    ("solved_75_pct", "75 % attained", "%", "higher", 1, "The same for 75 %."),
    ("solved_90_pct", "90 % attained", "%", "higher", 1, "The same for 90 %."),
    (
        "choice_distance_pct",
        "Distance between choices",
        "%",
        "lower",
        1,
        "How far apart the choices of two replicates of a patient are: difference of "
        "each value as a share of the range that the study tested, mean over the "
        "values that were searched, over pairs of replicates, over patients. A search "
        "that always stays scores 0 here.",
    ),
    (
        "choice_same_pct",
        "Same choice every time",
        "%",
        "higher",
        1,
        "Patients for whom all replicates chose the same setting.",
    ),
    (
        "information_bits_mean",
        "Information",
        "bits",
        "higher",
        2,
        "How far the readings narrowed down where the best setting lies, mean.",
    ),
    (
        "ask_ms_median",
        "Time an ask",
        "ms",
        "lower",
        2,
        "Computing time of one ask and tell: median of a visit, median over visits. "
        "Of the machine that ran the study.",
    ),
    (
        "slowest_ask_ms",
        "Slowest ask",
        "ms",
        "lower",
        1,
        "The slowest single ask and tell of all visits.",
    ),
    (
        "kept_pct",
        "Came to nothing",
        "%",
        "lower",
        1,
        "Visits that failed, ran out of time or killed their process; judged as the "
        "reference kept.",
    ),
    (
        "saved_mean_points",
        "Points saved, mean",
        "points",
        "higher",
        2,
        "Points lost by the baseline less the contender's, patient by patient, mean: "
        "above 0 the contender is better.",
    ),
    (
        "saved_median_points",
        "Points saved, median",
        "points",
        "higher",
        2,
        "Median of the same differences.",
    ),
    (
        "saved_q25_points",
        "Saved at quartile 1",
        "points",
        "higher",
        2,
        "First quartile of the points the baseline loses less that of the contender's.",
    ),
    (
        "saved_q50_points",
        "Saved at the median",
        "points",
        "higher",
        2,
        "Median of the points the baseline loses less that of the contender's.",
    ),
    (
        "saved_q75_points",
        "Saved at quartile 3",
        "points",
        "higher",
        2,
        "Third quartile of the points the baseline loses less that of the contender's.",
    ),
    (
        "wins",
        "Wins",
        "",
        "higher",
        0,
        "Patients who lose at least a quarter of a point less than with the baseline.",
    ),
    ("ties", "Ties", "", "", 0, "Patients within a quarter of a point."),
    (
        "losses",
        "Losses",
        "",
        "lower",
        0,
        "Patients who lose at least a quarter of a point more.",
    ),
    (
        "p",
        "p",
        "",
        "lower",
        4,
        "Two-sided sign-flip test of the paired differences against a mean of 0: exact "
        "up to 16 patients, else of 99,999 draws. Where none of these reached what was "
        "seen it is a limit, one in 100,000, written <=.",
    ),
    (
        "p_holm",
        "p, Holm",
        "",
        "lower",
        4,
        "The same, adjusted after Holm for the number of contenders compared.",
    ),
    (
        "behind_best_mean_points",
        "Behind the best, mean",
        "points",
        "lower",
        2,
        "Points lost less those of the contender that loses least here, paired, mean. "
        "The best is chosen by the same visits, which favours it.",
    ),
    (
        "behind_best_median_points",
        "Behind the best, median",
        "points",
        "lower",
        2,
        "Median of the same differences.",
    ),
)

OF_LOSSES: Final = frozenset(
    name
    for name in METRICS
    if any(word in name for word in ("regret", "points", "behind"))
)
"""What is told of patients who can gain."""

OF_THE_SEARCHED: Final = OF_LOSSES | {
    "attained_pct",
    "attained_median_pct",
    "solved_50_pct",
    "solved_75_pct",
    "solved_90_pct",
    "wins",
    "ties",
    "losses",
    "p",
    "p_holm",
}
"""What is told under no law whose settings are not worth searching."""
