"""The timing rules as tables, one row each, in the words of docs/device.md, 2.2.

A table belongs to one kind of event. Its rows are asked from top to bottom and the
first that holds decides: whether the event is sensed at all, and which cause of
inhibition it is. An event of which no row holds is sensed and in order.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from sim.device.events import Cause
from sim.device.timing import Timing

Question = Callable[[Timing, float, float], bool]


class TimingRule(NamedTuple):
    """One rule. `holds` is asked with the timing and the two intervals of its table."""

    words: str
    holds: Question
    inhibits: Cause | None
    is_sensed: bool = True


Table = tuple[TimingRule, ...]


def decide(
    table: Table, timing: Timing, one_s: float, other_s: float
) -> TimingRule | None:
    """Return the first row that holds, None for an event in order."""
    for row in table:
        if row.holds(timing, one_s, other_s):
            return row
    return None


# intervals: to the V before, to the A before
ON_A: Final[Table] = (
    TimingRule(
        "A in its noise window",
        lambda t, va_s, aa_s: t.a_noise_from_s <= va_s < t.pvarp_s,
        Cause.NOISE,
        is_sensed=False,
    ),
    TimingRule(
        "A in A refractory",
        lambda t, va_s, aa_s: va_s < t.pvarp_s,
        None,
        is_sensed=False,
    ),
    TimingRule(
        "AA faster than at_rate",
        lambda t, va_s, aa_s: aa_s < t.at_interval_s,
        Cause.AT,
    ),
)

# intervals: to the V before, to the A before
_V_HIDDEN: Final[Table] = (
    TimingRule(
        "V in its noise window",
        lambda t, vv_s, av_s: t.v_noise_from_s <= vv_s < t.vrp_s,
        Cause.NOISE,
        is_sensed=False,
    ),
    TimingRule(
        "V in V refractory",
        lambda t, vv_s, av_s: vv_s < t.vrp_s,
        None,
        is_sensed=False,
    ),
)
ON_V_ODO: Final[Table] = (
    *_V_HIDDEN,
    TimingRule(
        "no A since last V",
        lambda t, vv_s, av_s: not 0 <= av_s < vv_s,
        Cause.PVC,
    ),
    TimingRule(
        "AV shorter than av_short",
        lambda t, vv_s, av_s: av_s < t.av_short_s,
        Cause.SHORT_AV,
    ),
    TimingRule(
        "AV longer than av_long",
        lambda t, vv_s, av_s: av_s > t.av_long_s,
        Cause.LONG_AV,
    ),
)
ON_V_OVO: Final[Table] = (
    *_V_HIDDEN,
    TimingRule(
        "VV faster than vt_rate",
        lambda t, vv_s, av_s: vv_s < t.vt_interval_s,
        Cause.VT,
    ),
)

# intervals: after V (nan without one), to the A before
HIDES_LS: Final[Table] = (
    TimingRule(
        "LS blanked around V",
        lambda t, latency_s, as_s: t.blank_pre_v_s < latency_s < t.blank_post_v_s,
        None,
        is_sensed=False,
    ),
    TimingRule(
        "LS blanked around A",
        lambda t, latency_s, as_s: (
            t.is_odo and t.blank_pre_a_s < as_s < t.blank_post_a_s
        ),
        None,
        is_sensed=False,
    ),
)
ON_LS: Final[Table] = (
    TimingRule(
        "LS outside the window",
        # nan, when no V was sensed, is never inside
        lambda t, latency_s, as_s: not t.window_start_s <= latency_s <= t.window_end_s,
        Cause.LS_OUT,
    ),
)
