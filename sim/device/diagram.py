"""The programmed timing of one beat as spans, for the graphic view of a programmer."""

from dataclasses import dataclass
from typing import Literal

from sim.device.events import BeatDecision
from sim.device.lattice import DeviceModel, device_model
from sim.device.settings import Settings
from sim.units import MS_PER_S

SpanKind = Literal["window", "train", "balancing", "refractory", "noise", "blanking"]


@dataclass(frozen=True, slots=True)
class DiagramSpan:
    """One span of a row, in ms after the ventricular reference event.

    What moves with the local sense has a row for its earliest and one for its latest
    moment.
    """

    row: str
    kind: SpanKind
    start_ms: float
    end_ms: float

    @property
    def length_ms(self) -> float:
        """Length of the span."""
        return self.end_ms - self.start_ms


def timing_spans(settings: Settings, model: str = "CCM X11") -> tuple[DiagramSpan, ...]:
    """Return every window and refractory period that some settings make."""
    limits = device_model(model)
    first_ms = settings.alert_start_ms
    last_ms = first_ms + settings.alert_width_ms
    return (
        DiagramSpan("alert window", "window", first_ms, last_ms),
        *_blanking(settings),
        *_ccm("CCM at the earliest LS", settings, limits, first_ms),
        *_ccm("CCM at the latest LS", settings, limits, last_ms),
        *_refractory("V refractory", settings.vrp_ms, limits),
        *_refractory("A refractory", settings.pvarp_ms, limits, settings.mode),
    )


def beat_spans(
    settings: Settings, beat: BeatDecision, model: str = "CCM X11"
) -> tuple[DiagramSpan, ...]:
    """Return the spans of one beat as it was: with its own local sense and train.

    Raises
    ------
    ValueError
        When the device saw no ventricular event, from which the spans count.
    """
    if beat.reference_s != beat.reference_s:
        raise ValueError("the beat has no ventricular reference event to count from")
    limits, latency_ms = device_model(model), beat.ls_latency_ms
    seen: tuple[DiagramSpan, ...] = ()
    if latency_ms == latency_ms:
        end_ms = latency_ms + settings.post_ls_refractory_ms
        seen = (DiagramSpan("post-LS refractory", "refractory", latency_ms, end_ms),)
    if beat.delivered:
        start_ms = (beat.train_start_s - beat.reference_s) * MS_PER_S
        seen += _train("CCM", settings, start_ms)
    return (
        DiagramSpan(
            "alert window",
            "window",
            settings.alert_start_ms,
            settings.alert_start_ms + settings.alert_width_ms,
        ),
        *_blanking(settings),
        *seen,
        *_refractory("V refractory", settings.vrp_ms, limits),
        *_refractory("A refractory", settings.pvarp_ms, limits, settings.mode),
    )


def _ccm(
    row: str, settings: Settings, limits: DeviceModel, ls_ms: float
) -> tuple[DiagramSpan, ...]:
    start_ms = max(ls_ms + settings.delay_ms, limits.ccm_after_v_min_ms)
    masked_ms = ls_ms + settings.post_ls_refractory_ms
    return (
        DiagramSpan(row, "refractory", ls_ms, masked_ms),
        *_train(row, settings, start_ms),
    )


def _train(row: str, settings: Settings, start_ms: float) -> tuple[DiagramSpan, ...]:
    end_ms = start_ms + settings.train_ms
    return (
        DiagramSpan(row, "train", start_ms, end_ms),
        DiagramSpan(row, "balancing", end_ms, end_ms + settings.balancing_ms),
    )


def _blanking(settings: Settings) -> tuple[DiagramSpan, ...]:
    before_ms, after_ms = settings.ls_blank_pre_rv_ms, settings.ls_blank_post_rv_ms
    if before_ms + after_ms == 0.0:
        return ()
    return (DiagramSpan("LS blanking", "blanking", -before_ms, after_ms),)


def _refractory(
    row: str, length_ms: float, limits: DeviceModel, mode: str = "ODO-LS-CCM"
) -> tuple[DiagramSpan, ...]:
    if mode != "ODO-LS-CCM":
        return ()
    noise_ms = length_ms - limits.noise_window_ms
    return (
        DiagramSpan(row, "refractory", 0.0, noise_ms),
        DiagramSpan(row, "noise", noise_ms, length_ms),
    )
