"""What days of a clinic cost, the visits played beforehand."""

import time

from bench.report import Row
from harness.day.replicate import play_plan, pools_of
from harness.day.scenario import load_day

N_DAYS = 1000


def rows() -> list[Row]:
    """Return the CPU seconds of many days of the shipped device clinic."""
    plan = load_day("day_device_clinic").base
    pools = pools_of(plan, lambda _: None)
    play_plan(plan, pools, seed=0, n=10)
    started = time.process_time()
    play_plan(plan, pools, seed=1, n=N_DAYS)
    spent_s = time.process_time() - started
    return [Row(f"{N_DAYS:,} days of a device clinic", spent_s, "s", 60.0)]
