"""Play visits under each measuring plan and print what titration learned from them.

In the null responder every reading is error: how far off one of them is, and how far
off the mean of a whole visit. In the patient of the first visit a choice can gain
something: how much the one behind the do-no-harm gate truly gains.
Run it with `python scenarios/compare_plans.py [VISITS]`.
"""

import sys
from math import sqrt
from statistics import fmean

from harness.play.run import Run, run_scenario
from harness.play.scenario import load_scenario
from harness.truth.answer_key import truth_of
from sim.visit.measuring import PLANS


def play(name: str, plan: str, n_visits: int) -> list[Run]:
    """Return visits of one patient that differ in all that is random."""
    scenario = load_scenario(name).changed({"visit.plan": plan})
    return [run_scenario(scenario, replicate=number) for number in range(n_visits)]


def row(plan: str, n_visits: int) -> str:
    """Return one line of the table."""
    visits = [run.record.tested for run in play("null_responder", plan, n_visits)]
    gains = [
        [t.gain_pct for t in tests if t.gain_pct == t.gain_pct] for tests in visits
    ]
    one = sqrt(fmean(gain**2 for visit in gains for gain in visit))
    mean = sqrt(fmean(fmean(visit) ** 2 for visit in gains))
    runs = play("first_visit", plan, n_visits)
    true = fmean(truth_of(run.played).window_gain_pct for run in runs)
    n_tests = fmean(map(len, visits))
    return f"{plan:<16}{n_tests:>7.0f}{one:>10.1f} %{mean:>10.1f} %{true:>+13.1f} %"


def main(n_visits: str = "3") -> None:
    """Print the table: the same patients and seeds under each plan."""
    print(
        f"{'plan':<16}{'tests':>7}{'one off':>12}{'mean off':>12}{'choice gains':>15}"
    )
    for plan in PLANS:
        print(row(plan, int(n_visits)))


if __name__ == "__main__":
    main(*sys.argv[1:2])
