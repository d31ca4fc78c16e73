"""The strip of a live visit, drawn beat by beat from what the monitor knows."""

from collections.abc import Sequence
from dataclasses import replace
from math import isnan, nan
from typing import Final

from harness.play.stream.opening import CHANNELS, SAMPLING_HZ
from sim.device.settings import Settings
from sim.heart.beating import BEAT_COLUMNS
from sim.instruments import Pressures
from sim.telemetry.beats import RecordedBeats
from sim.telemetry.channels import (
    Channel,
    CountArray,
    Setup,
    TraceSource,
    ecg_channels,
    electrogram_channels,
    pressure_channels,
)
from sim.telemetry.feed import FIELDS, StripFeed
from sim.telemetry.morphology import Disturbance, Morphology
from sim.telemetry.shown import pulse_fields
from sim.visit.beatlog import DEVICE_COLUMNS
from sim.visit.strips import background_of, noisy_spans_s
from sim.visit.visit import Visit

_SHOWN: Final = tuple(channel.name for channel in CHANNELS)

KEPT_S: Final = 8.0
"""What is still drawn of beats that were passed over: less than the feed keeps."""


class LiveStrips:
    """Draws the strip of a visit; the same background as in its files."""

    def __init__(self, visit: Visit, disturbance: Disturbance) -> None:
        self._visit = visit
        self._shape = Morphology(disturbance=disturbance)
        self._setup = Setup(
            pseudonym=visit.order.pseudonym,
            sampling_hz=SAMPLING_HZ,
            qrs_ms=visit.patient.conduction.qrs_ms,
            breathing_hz=visit.patient.rhythm.breathing_hz,
        )
        self._under = background_of(visit.order, visit.order.pseudonym, self._shape)
        self._feed = StripFeed(self._channels, SAMPLING_HZ)
        self._level_mmhg = 0.0

    def pass_over(self, beat: int, shown: Pressures | None) -> None:
        """Add a beat and draw nothing; the newest seconds come with the next `add`."""
        self._feed.add(self._fields(beat, shown))
        self._feed.skip(KEPT_S)

    def add(self, beat: int, shown: Pressures | None) -> tuple[int, CountArray]:
        """Add a beat with what the monitor shows of it; return what is final now.

        The number of the first sample, and `(n, n_channels)`.
        """
        self._feed.add(self._fields(beat, shown))
        return self.newest()

    def newest(self) -> tuple[int, CountArray]:
        """Return what is final now and was not drawn, as `add` does."""
        first = self._feed.n_drawn
        return first, self._feed.take(self._visit.bedside.programmed)

    def _channels(
        self, beats: RecordedBeats, programmed: tuple[Settings, ...]
    ) -> Sequence[Channel]:
        noisy_s = noisy_spans_s(self._visit.happened)
        setup = replace(self._setup, noisy_s=noisy_s)
        played = TraceSource(beats, programmed, setup, self._shape, self._under)
        drawn = (
            *ecg_channels(played, leads=_SHOWN),
            *electrogram_channels(played),
            *pressure_channels(played),
        )
        return [channel for channel in drawn if channel.name in _SHOWN]

    def _fields(self, beat: int, shown: Pressures | None) -> list[float]:
        """Return a beat in the order of `FIELDS`, with the monitor's pressures."""
        bedside = self._visit.bedside
        heart = dict(zip(BEAT_COLUMNS, bedside.heart.beats[beat].tolist(), strict=True))
        device = dict(zip(DEVICE_COLUMNS, bedside.log.line(beat), strict=True))
        leads = bedside.generator.leads
        device["v1_mv"] *= leads.v1.sensing_frac
        device["v2_mv"] *= leads.v2.sensing_frac
        sbp, dbp = self._pulse(shown)
        ejects = not isnan(heart["aortic_open_s"])
        pulse = pulse_fields(heart["rr_s"], sbp, dbp, ejects=ejects)
        own = {
            "start_s": heart["at_s"],
            "rr_s": heart["rr_s"],
            "origin": heart["origin"],
        }
        told = own | device | pulse
        return [told.get(name, nan) for name in FIELDS]

    def _pulse(self, shown: Pressures | None) -> tuple[float, float]:
        """Return systolic and diastolic pressure; a flat line without a signal."""
        if shown is None:
            return self._level_mmhg, self._level_mmhg
        self._level_mmhg = shown.map_mmhg
        return shown.sbp_mmhg, shown.dbp_mmhg
