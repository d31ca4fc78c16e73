"""What days of a clinic cost, the visits played beforehand."""

from bench.report import Row, timed_row
from bench.timing import timed
from harness.day.replicate import play_plan, pools_of
from harness.day.scenario import load_day

N_DAYS = 1000


def rows() -> list[Row]:
    """Return the CPU seconds of many days of the shipped device clinic."""
    plan = load_day("day_device_clinic").base
    pools = pools_of(plan, lambda _: None)
    spent = timed(lambda: play_plan(plan, pools, seed=1, n=N_DAYS // 10)) * 10
    return [timed_row(f"{N_DAYS:,} days of a device clinic", spent, "s", 60.0)]
