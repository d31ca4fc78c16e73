"""Sensing tests: amplitudes, local-sense latency, and what they propose to program."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.device.lattice import SMART_MINI
from sim.device.settings import Settings, axis_numbers
from sim.device.timing import signal_factor
from sim.sources import sourced
from sim.units import MS_PER_S
from sim.visit.bedside import Bedside

FloatArray = NDArray[np.float64]
OVO: Final = "OVO-LS-CCM"


@dataclass(frozen=True, slots=True)
class SensingRules:
    """When sensing is good enough, and how it is mended."""

    least_delivered_frac: float = sourced(0.9, "ccmlab-device", "4", "recalled")
    scan_beats: int = sourced(60, "ccmlab-device", "3, feature 12", "assumed")
    scan_tail_pct: float = sourced(1.0, "ccmlab-device", "3, feature 12", "assumed")
    fast_tail_pct: float = sourced(10.0, "ccmlab-protocol", "4", "assumed")
    scan_margin_ms: float = sourced(3.0, "ccmlab-device", "3, feature 12", "assumed")
    sensing_safety_factor: float = sourced(2.0, "ccmlab-device", "4", "assumed")


RULES_OF_SENSING: Final = SensingRules()


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """Local-sense latency and amplitudes over some beats of the patient's own."""

    latency_ms: FloatArray
    v1_mv: FloatArray
    v2_mv: FloatArray
    atrial_mv: FloatArray
    local_sense_s: FloatArray

    @property
    def sensed_latency_ms(self) -> FloatArray:
        """Latency of the beats that the finest sensitivity would show on both leads."""
        least_mv = axis_numbers("sens_v1_mv")[0]
        seen = (self.v1_mv >= least_mv) & (self.v2_mv >= least_mv)
        return self.latency_ms[seen]


@dataclass(frozen=True, slots=True)
class SensedAmplitude:
    """One amplitude test: mean and weakest signal beside the programmed sensitivity."""

    mean_mv: float
    weakest_mv: float
    sensitivity_mv: float

    @property
    def margin(self) -> float:
        """How many times the sensitivity the weakest signal is."""
        return self.weakest_mv / self.sensitivity_mv


@dataclass(frozen=True, slots=True)
class SensingTest:
    """P wave (nan without one), R wave on the reference lead, local sense."""

    p_wave: SensedAmplitude
    r_wave: SensedAmplitude
    local_sense: SensedAmplitude
    n_beats: int


@dataclass(frozen=True, slots=True)
class WindowProposal:
    """An alert window for the latencies seen, and the share of them inside it.

    `edges_ms` are the `n + 1` borders of the histogram's `counts`.
    """

    alert_start_ms: float
    alert_width_ms: float
    low_ms: float
    high_ms: float
    covers_frac: float
    edges_ms: tuple[float, ...]
    counts: tuple[int, ...]


def scan_beats(bedside: Bedside, n: int) -> Scan:
    """Return latency and amplitudes over the last `n` beats that were not ectopic."""
    beats = bedside.recent_activations(n)
    settings = bedside.settings
    local = np.array([b.v1_s if settings.ls_channel == "V1" else b.v2_s for b in beats])
    ref = np.array([b.v2_s if settings.ls_channel == "V1" else b.v1_s for b in beats])
    leads = bedside.generator.leads
    seen_frac = {
        name: leads[name].sensing_frac * signal_factor(settings, name)
        for name in ("V1", "V2")
    }
    at_s = np.array([b.at_s for b in beats])
    p_waves = [b.atrial_mv if b.atrial_s is not None else np.nan for b in beats]
    return Scan(
        latency_ms=(local - ref) * MS_PER_S,
        v1_mv=np.array([b.v1_mv for b in beats]) * seen_frac["V1"],
        v2_mv=np.array([b.v2_mv for b in beats]) * seen_frac["V2"],
        atrial_mv=np.array(p_waves) * signal_factor(settings, "A"),
        local_sense_s=local - at_s,
    )


def amplitudes_of(
    settings: Settings, seen: Scan, *, has_own_ls_sensitivity: bool = False
) -> SensingTest:
    """Return the amplitudes of a scan beside the sensitivities they must exceed."""
    ls_is_v1 = settings.ls_channel == "V1"
    local_mv, r_mv = (seen.v1_mv, seen.v2_mv) if ls_is_v1 else (seen.v2_mv, seen.v1_mv)
    own = settings.sens_v1_mv if ls_is_v1 else settings.sens_v2_mv
    sens_v_mv = settings.sens_v2_mv if ls_is_v1 else settings.sens_v1_mv
    p_mv = seen.atrial_mv[np.isfinite(seen.atrial_mv)]
    sens_ls_mv = settings.sens_ls_mv if has_own_ls_sensitivity else own
    return SensingTest(
        p_wave=_amplitude(p_mv, settings.sens_a_mv),
        r_wave=_amplitude(r_mv, sens_v_mv),
        local_sense=_amplitude(local_mv, sens_ls_mv),
        n_beats=len(r_mv),
    )


def _amplitude(seen_mv: FloatArray, sensitivity_mv: float) -> SensedAmplitude:
    if not seen_mv.size:
        return SensedAmplitude(np.nan, np.nan, sensitivity_mv)
    return SensedAmplitude(float(seen_mv.mean()), float(seen_mv.min()), sensitivity_mv)


def propose_window(latency_ms: FloatArray, *, ovo: bool) -> WindowProposal:
    """Return the alert window that the latencies ask for, with their histogram.

    It begins the scan margin before the early tail of the latencies and reaches as far
    behind the late one, as the lattice and the mode's widest window allow.

    Raises
    ------
    ValueError
        Without a single latency.
    """
    if not latency_ms.size:
        raise ValueError("latency_ms is empty: no beat with a local sense was seen")
    rules = RULES_OF_SENSING
    tail = rules.scan_tail_pct
    low, high = (
        float(value) for value in np.percentile(latency_ms, [tail, 100.0 - tail])
    )
    wanted = low - rules.scan_margin_ms
    starts = [v for v in axis_numbers("alert_start_ms") if v <= wanted]
    start = starts[-1] if starts else axis_numbers("alert_start_ms")[0]
    allowed_ms = axis_numbers("alert_width_ms", mode=OVO if ovo else None)
    needed_ms = high + rules.scan_margin_ms - start
    width = min((v for v in allowed_ms if v >= needed_ms), default=allowed_ms[-1])
    inside = (latency_ms >= start) & (latency_ms <= start + width)
    # whole 2 ms, the step of the window's start
    edges = np.arange(2.0 * np.floor(latency_ms.min() / 2.0), latency_ms.max() + 2, 2.0)
    counts, edges = np.histogram(latency_ms, edges if edges.size > 1 else 1)
    return WindowProposal(
        start,
        width,
        low,
        high,
        float(inside.mean()),
        tuple(float(edge) for edge in edges),
        tuple(int(n) for n in counts),
    )


def propose_sensing(
    settings: Settings,
    seen: Scan,
    *,
    in_af: bool,
    has_own_ls_sensitivity: bool = False,
) -> dict[str, tuple[object, str]]:
    """Return the sensing values to change, each with the finding that asks for it."""
    changes: dict[str, tuple[object, str]] = {}
    if settings.ccm_mode == "OFF":
        changes["ccm_mode"] = ("TIMED", "CCM found switched off: switched on")
    if in_af and settings.mode != OVO:
        changes["mode"] = (OVO, "atrial fibrillation: mode OVO-LS-CCM programmed")
    elif settings.mode == "OOO":
        changes["mode"] = (OVO, "found in standby (OOO): mode OVO-LS-CCM programmed")
    ovo = in_af or settings.mode != "ODO-LS-CCM"
    if ovo:
        changes |= _caps(settings, has_own_ls_sensitivity)
        settings = settings.with_values({name: v for name, (v, _) in changes.items()})
    local_mv = seen.v1_mv if settings.ls_channel == "V1" else seen.v2_mv
    rows = [("sens_v1_mv", seen.v1_mv), ("sens_v2_mv", seen.v2_mv)]
    if has_own_ls_sensitivity:
        rows.append(("sens_ls_mv", local_mv))
    for name, seen_mv in rows:
        changes |= _sensitivity(settings, name, seen_mv, ovo=ovo)
    return changes | _window(settings, seen, ovo=ovo)


def _caps(settings: Settings, has_own: bool) -> dict[str, tuple[object, str]]:
    """Return what must change so that a set may be programmed in OVO."""
    changes: dict[str, tuple[object, str]] = {}
    names = ("delay_ms", "alert_width_ms", "sens_v1_mv", "sens_v2_mv", "sens_ls_mv")
    for name in names if has_own else names[:-1]:
        allowed, set_to = axis_numbers(name, mode=OVO), getattr(settings, name)
        within = min(max(set_to, allowed[0]), allowed[-1])
        if within != set_to:
            text = f"{name} {set_to:g} is beyond {OVO}: set to {within:g}"
            changes[name] = (within, text)
    return changes


def _sensitivity(
    settings: Settings, name: str, seen_mv: FloatArray, *, ovo: bool
) -> dict[str, tuple[object, str]]:
    rules = RULES_OF_SENSING
    set_mv = getattr(settings, name)
    weak_mv = float(np.percentile(seen_mv, rules.scan_tail_pct))
    if weak_mv >= rules.sensing_safety_factor * set_mv:
        return {}
    allowed_mv = axis_numbers(name, mode=OVO if ovo else None)
    limit_mv = weak_mv / rules.sensing_safety_factor
    better = max((v for v in allowed_mv if v <= limit_mv), default=allowed_mv[0])
    if better >= set_mv:
        return {}
    lead = name.split("_")[1].upper()
    text = (
        f"{lead} undersensed: R wave {seen_mv.mean():.1f} mV at sensitivity"
        f" {set_mv:g} mV; set to {better:g} mV"
    )
    return {name: (better, text)}


def _window(
    settings: Settings, seen: Scan, *, ovo: bool
) -> dict[str, tuple[object, str]]:
    if not seen.sensed_latency_ms.size:
        return {}
    proposed = propose_window(seen.sensed_latency_ms, ovo=ovo)
    low, high = proposed.low_ms, proposed.high_ms
    start_ms = settings.alert_start_ms
    if start_ms <= low and high <= start_ms + settings.alert_width_ms:
        return {}
    start, width = proposed.alert_start_ms, proposed.alert_width_ms
    text = (
        f"local sense {low:.0f} to {high:.0f} ms after the reference lead, alert window"
        f" {start_ms:g} to {start_ms + settings.alert_width_ms:g} ms; moved to"
        f" {start:g} to {start + width:g} ms"
    )
    window = {"alert_start_ms": (start, text), "alert_width_ms": (width, "")}
    return window | _later_train(settings, start)


def _later_train(settings: Settings, start_ms: float) -> dict[str, tuple[object, str]]:
    """Return the delay that an early window needs: the train begins after V."""
    least_ms = SMART_MINI.ccm_after_v_min_ms - start_ms
    if settings.delay_ms >= least_ms:
        return {}
    text = f"delay raised to {least_ms:g} ms, so that V is seen before the train"
    return {"delay_ms": (least_ms, text)}
