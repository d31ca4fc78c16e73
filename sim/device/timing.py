"""The programmed timing in seconds, read once so that a beat only compares.

A visit judges some 7,000 beats and programs a few dozen settings: to look up names and
convert milliseconds in each beat would cost more than the decision. Limits that an
event may reach are moved out by `EDGE_S`, and sensitivities are divided by what a
unipolar lead sees more, so that the generator compares times and amplitudes as they
come from the heart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sim.device.events import INHIBITING, Cause
from sim.device.lattice import DeviceModel
from sim.device.settings import Settings
from sim.sources import sourced
from sim.units import S_PER_MS, rr_s

# an event on the edge of a window is inside it, whatever the rounding of its time
EDGE_S: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Unipolar:
    """What a unipolar lead, tip to can, sees more of than a bipolar one."""

    signal_factor: float = sourced(1.1, "ccmlab-device", "1.4, polarity", "assumed")
    noise_factor: float = sourced(4.0, "ccmlab-device", "1.4, polarity", "assumed")


UNIPOLAR: Final = Unipolar()


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """Limits for the events of one beat; `EDGE_S` is taken care of here.

    Sensitivities are those of a bipolar lead that would sense as much.
    """

    is_odo: bool
    reference_is_v1: bool
    sens_a_mv: float
    sens_v_mv: float
    sens_ls_mv: float
    noise_a_mv: float
    noise_v_mv: float
    pvarp_s: float
    vrp_s: float
    a_noise_from_s: float
    v_noise_from_s: float
    av_short_s: float
    av_long_s: float
    at_interval_s: float
    vt_interval_s: float
    window_start_s: float
    window_end_s: float
    post_ls_s: float
    blank_pre_a_s: float
    blank_post_a_s: float
    blank_pre_v_s: float
    blank_post_v_s: float
    delay_s: float
    after_v_s: float
    train_s: float
    balancing_s: float
    inhibit_cycles: Mapping[Cause, int]


# a visit programs few settings, each many times
@lru_cache(maxsize=512)
def timing_of(settings: Settings, limits: DeviceModel) -> Timing:
    """Return the timing that a pulse generator of this model works with."""
    window_end_ms = settings.alert_start_ms + settings.alert_width_ms
    noise_s = limits.noise_window_ms * S_PER_MS
    pvarp_s, vrp_s = _before(settings.pvarp_ms), _before(settings.vrp_ms)
    reference_is_v1 = settings.reference_channel == "V1"
    sens_v_mv = getattr(settings, f"sens_{settings.reference_channel.lower()}_mv")
    sens_ls_mv = getattr(settings, f"sens_{settings.ls_channel.lower()}_mv")
    # the older model senses locally with what its ventricular channel is set to
    if limits.has_ls_sensitivity:
        sens_ls_mv = settings.sens_ls_mv
    return Timing(
        is_odo=settings.mode == "ODO-LS-CCM",
        reference_is_v1=reference_is_v1,
        # one division here instead of one multiplication of every signal of every beat
        sens_a_mv=settings.sens_a_mv / signal_factor(settings, "A"),
        sens_v_mv=sens_v_mv / signal_factor(settings, settings.reference_channel),
        sens_ls_mv=sens_ls_mv / signal_factor(settings, settings.ls_channel),
        noise_a_mv=settings.sens_a_mv / noise_factor(settings, "A"),
        noise_v_mv=sens_v_mv / noise_factor(settings, settings.reference_channel),
        pvarp_s=pvarp_s,
        vrp_s=vrp_s,
        a_noise_from_s=pvarp_s - noise_s,
        v_noise_from_s=vrp_s - noise_s,
        av_short_s=_before(settings.av_short_ms),
        av_long_s=settings.av_long_ms * S_PER_MS + EDGE_S,
        # an interval just at the rate is not faster than it, whatever its rounding
        at_interval_s=rr_s(settings.at_rate_bpm) - EDGE_S,
        vt_interval_s=rr_s(settings.vt_rate_bpm) - EDGE_S,
        window_start_s=_before(settings.alert_start_ms),
        window_end_s=window_end_ms * S_PER_MS + EDGE_S,
        post_ls_s=_before(settings.post_ls_refractory_ms),
        blank_pre_a_s=-settings.ls_blank_pre_a_ms * S_PER_MS,
        blank_post_a_s=settings.ls_blank_post_a_ms * S_PER_MS,
        blank_pre_v_s=-settings.ls_blank_pre_rv_ms * S_PER_MS,
        blank_post_v_s=settings.ls_blank_post_rv_ms * S_PER_MS,
        delay_s=settings.delay_ms * S_PER_MS,
        after_v_s=limits.ccm_after_v_min_ms * S_PER_MS,
        train_s=settings.train_ms * S_PER_MS,
        balancing_s=settings.balancing_ms * S_PER_MS,
        inhibit_cycles={cause: cycles_of(settings, cause) for cause in INHIBITING},
    )


def signal_factor(settings: Settings, channel: str) -> float:
    """Return how much larger than on a bipolar lead a channel, A, V1 or V2, sees."""
    return UNIPOLAR.signal_factor if _is_unipolar(settings, channel) else 1.0


def noise_factor(settings: Settings, channel: str) -> float:
    """Return the same for interference."""
    return UNIPOLAR.noise_factor if _is_unipolar(settings, channel) else 1.0


def _is_unipolar(settings: Settings, channel: str) -> bool:
    return bool(getattr(settings, f"pol_{channel.lower()}") == "UNIPOLAR")


def _before(limit_ms: float) -> float:
    return limit_ms * S_PER_MS - EDGE_S


def cycles_of(settings: Settings, cause: Cause) -> int:
    """Return the programmed cycles of inhibition of a cause."""
    return int(getattr(settings, f"inhibit_cycles_{cause.lower()}"))
