"""How often a visit says what it should: rates over many seeds, Wilson intervals.

Run as `python -m bench.rates [--visits 1000] [--jobs 2] [SCENARIO...]`.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.play.run import Run

CASES = {
    "first_visit": {},
    "null_responder": {"device.settings.amplitude_v": 7.5},
    "null_responder at 4.5 V": {"device.settings.amplitude_v": 4.5},
    "null_responder without the gate": {"search.gate_probability": 0.0},
    "adverse_responder": {},
    "average_responder": {},
    "turned_down": {},
    "atrial_fibrillation": {},
    "follow_up_low_delivery": {},
    "follow_up_turned_down": {},
}
WANTED = {
    "first_visit": "at least 85 %",
    "null_responder": "at most 4 %",
    "null_responder at 4.5 V": "at most 4 %",
    "null_responder without the gate": "at most 4 %",
}
HARM = {
    "first_visit": "at most 0.1 %",
    # half of the visits read again, and 2.5 % of those fall beyond the limit
    "null_responder": "about 1.25 %",
    "adverse_responder": "at least 85 %",
}
CHUNK = 25
TRUE_STOPS = {
    "non-sustained ventricular tachycardia",
    "sustained ventricular tachycardia",
}


@dataclass(frozen=True)
class Outcome:
    """What one visit ended with, and what the truth was."""

    seed: int
    verdict: str
    gain_pct: float
    low_pct: float
    high_pct: float
    window_gain_pct: float
    settled_gain_pct: float
    pair_sd_pct: float
    tests: int
    stops: tuple[str, ...]
    amplitude_v: float
    delay_ms: float
    minutes: float

    @property
    def found_harmful(self) -> bool:
        return self.verdict == "harmful as found"

    @property
    def verified(self) -> bool:
        """Whether pairs were read that had to be, not only those that showed harm."""
        return math.isfinite(self.low_pct) and not self.found_harmful

    @property
    def has_false_stop(self) -> bool:
        """A stop for pressure, rate of ectopics or tied ectopics: none has a cause.

        These patients' trains end inside the refractory period and lower no pressure.
        A run of ectopics is a true one, and stopping is what the protocol asks for.
        """
        stops = set(self.stops)
        failed_check = self.verdict == "stopped for safety" and not stops
        return failed_check or bool(stops - TRUE_STOPS)

    @property
    def error_pct(self) -> float:
        """Estimated less true window gain; nan where nothing was verified."""
        return self.gain_pct - self.window_gain_pct

    @property
    def covered(self) -> bool:
        return self.low_pct <= self.window_gain_pct <= self.high_pct


@dataclass(frozen=True)
class Rate:
    """A share of visits, and what it should be."""

    name: str
    wanted: str
    of: Callable[[Outcome], object]
    among: Callable[[Outcome], bool] = lambda outcome: True


RATES = (
    Rate("ends improved", "see WANTED", lambda o: o.verdict == "improved"),
    Rate("interval covers", "93 to 97 %", lambda o: o.covered, lambda o: o.verified),
    Rate(
        "covers, if improved",
        "",  # below 95 % by selection: told, not wanted
        lambda o: o.covered,
        lambda o: o.verdict == "improved",
    ),
    Rate("ends harmful as found", "see HARM", lambda o: o.found_harmful),
    Rate("false safety stop", "below 2 %", lambda o: o.has_false_stop),
    Rate("stopped for a run of ectopics", "", lambda o: TRUE_STOPS & set(o.stops)),
)


def play(case: str, seeds: Sequence[int]) -> list[Outcome]:
    """Play one case over some seeds."""
    from harness.play.run import run_scenario
    from harness.play.scenario import load_scenario

    scenario = load_scenario(case.split()[0]).changed(CASES.get(case, {}))
    return [_outcome(seed, run_scenario(scenario, seed=seed)) for seed in seeds]


def _outcome(seed: int, run: Run) -> Outcome:
    from harness.truth.answer_key import truth_of

    record, verdict, truth = run.record, run.record.verdict, truth_of(run.played)
    settings = record.choice.settings if record.choice else record.final
    return Outcome(
        seed=seed,
        verdict=verdict.kind,
        gain_pct=verdict.gain_pct,
        low_pct=verdict.ci95_pct[0],
        high_pct=verdict.ci95_pct[1],
        window_gain_pct=truth.window_gain_pct,
        settled_gain_pct=truth.settled_systolic_gain_pct,
        pair_sd_pct=verdict.pair_sd_pct,
        tests=len(record.tested),
        stops=tuple(event.kind for event in record.adverse_events),
        amplitude_v=settings.amplitude_v,
        delay_ms=settings.delay_ms,
        minutes=record.phases[-1].end_s / 60.0,
    )


def outcomes(case: str, visits: int, jobs: int, first: int = 0) -> list[Outcome]:
    """Play one case over many seeds on several processes."""
    chunks = [
        range(start, min(start + CHUNK, first + visits))
        for start in range(first, first + visits, CHUNK)
    ]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        done = pool.map(play, [case] * len(chunks), chunks)
        return [outcome for chunk in done for outcome in chunk]


def show(case: str, found: Sequence[Outcome], took_s: float) -> None:
    """Print each rate with its Wilson interval."""
    from scipy.stats import binomtest

    print(f"{case}: {len(found)} visits, {took_s:.0f} s")
    for rate in RATES:
        among = [o for o in found if rate.among(o)]
        k = sum(bool(rate.of(o)) for o in among)
        if not among:
            continue
        ci = binomtest(k, len(among)).proportion_ci(method="wilson")
        told = rate.wanted
        if told in ("see WANTED", "see HARM"):
            told = (WANTED if told == "see WANTED" else HARM).get(case, "")
        wanted = f"   wanted {told}" if told else ""
        print(
            f"  {rate.name:28} {100 * k / len(among):5.1f} %"
            f"  ({100 * ci.low:.1f} to {100 * ci.high:.1f}, {k}/{len(among)}){wanted}"
        )
    _show_means(found)


def _show_means(found: Iterable[Outcome]) -> None:
    import numpy as np

    rows = list(found)
    for name in (
        "error_pct",
        "window_gain_pct",
        "settled_gain_pct",
        "pair_sd_pct",
        "tests",
        "amplitude_v",
        "delay_ms",
        "minutes",
    ):
        values = np.array([getattr(o, name) for o in rows], dtype=float)
        values = values[np.isfinite(values)]
        if values.size:
            print(
                f"  {name:28} mean {values.mean():6.2f}"
                f"   5 % {np.percentile(values, 5):6.2f}"
                f"   median {np.median(values):6.2f}"
                f"   95 % {np.percentile(values, 95):6.2f}"
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """Play the cases asked for and print their rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=[], help="default: all cases")
    parser.add_argument("--visits", type=int, default=1000, help="seeds a case")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    asked = parser.parse_args(arguments)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the workers inherit it
    for case in asked.cases or CASES:
        start_s = time.perf_counter()
        found = outcomes(case, asked.visits, asked.jobs, asked.first)
        show(case, found, time.perf_counter() - start_s)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
