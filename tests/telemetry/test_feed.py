"""Strips drawn beat by beat are the strips drawn at once, to the sample."""

from dataclasses import astuple, fields, replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from sim.device.settings import Settings, with_dependents
from sim.patient import personalize, phenotype
from sim.telemetry.background import Background
from sim.telemetry.beats import RecordedBeats
from sim.telemetry.channels import (
    Channel,
    Setup,
    TraceSource,
    ecg_channels,
    electrogram_channels,
    pressure_channels,
    record_strips,
)
from sim.telemetry.disturbance import Breath, breathing
from sim.telemetry.feed import KEPT_BEATS, StripFeed
from sim.telemetry.morphology import Morphology
from sim.visit.effects import happen
from sim.visit.hands_on import HandsOn
from sim.visit.happenings import Happening
from sim.visit.plan import FoundDevice

HZ = 250
SETUP = Setup("SIM", HZ, with_lv_pressure=True, noisy_s=((20.3, 41.7),))
SHAPE = Morphology()


@cache
def lived(rhythm: str) -> tuple[RecordedBeats, tuple[Settings, ...]]:
    """Return the beats of some minutes in which the settings change."""
    name = "hfref-af" if rhythm == "fibrillation" else "hfref-ischaemic"
    values = {"pvc_per_hour": 900.0} if rhythm == "ectopy" else {}
    patient = personalize(phenotype(name), values)
    session = HandsOn(patient, FoundDevice(settings=with_dependents(Settings())))
    visit = session.visit
    session.wait_beats(60)
    if rhythm == "onset":
        happen(visit, Happening("fibrillation begins"))
        happen(visit, Happening("ectopics", n_beats=40))
        session.wait_beats(120)
        happen(visit, Happening("fibrillation ends"))
    session.do(session.programmer.program(visit.generator.settings.with_values({})))
    session.wait_beats(200)
    table = visit.bedside.log.table()
    columns = {f.name: table.column(f.name) for f in fields(RecordedBeats)}
    return RecordedBeats(**columns), visit.bedside.programmed


def background() -> Background:
    wave_s = 0.02 * np.cos(2 * np.pi * 0.25 * 0.25 * np.arange(4096))
    breath = breathing(wave_s, 0.25, 0.02)
    return Background.drawn(np.random.default_rng(5), breath, SHAPE)


def fed(rhythm: str) -> np.ndarray[Any, Any]:
    """Return the samples of a feed, beat by beat."""
    beats, programmed = lived(rhythm)
    under = background()

    def channels(some: RecordedBeats, given: tuple[Settings, ...]) -> list[Channel]:
        played = TraceSource(some, given, SETUP, SHAPE, under)
        return [
            *ecg_channels(played),
            *electrogram_channels(played),
            *pressure_channels(played),
        ]

    feed, pieces = StripFeed(channels, HZ), []
    for row in zip(*astuple(beats), strict=True):
        feed.add(row)
        pieces.append(feed.take(programmed))
    return np.concatenate(pieces)


@pytest.mark.parametrize("rhythm", ["sinus", "ectopy", "fibrillation", "onset"])
def test_pieces_are_the_strip_drawn_at_once_to_the_sample(rhythm: str) -> None:
    beats, programmed = lived(rhythm)
    pieces = fed(rhythm)
    whole = record_strips(
        beats, programmed, SETUP, morphology=SHAPE, background=background()
    )
    at_once = whole.counts(0, len(pieces))
    n_channels = pieces.shape[1]  # the channel of markers is told as markers
    differ = np.abs(pieces.astype(int) - at_once[:, :n_channels].astype(int))
    assert differ.max() == 0
    # all but the last beat has been drawn
    assert len(pieces) / HZ > beats.start_s[-1] - 1.0


def test_a_piece_is_drawn_from_the_last_beats_alone() -> None:
    beats, programmed = lived("sinus")
    seen: list[int] = []

    def channels(some: RecordedBeats, given: tuple[Settings, ...]) -> list[Channel]:
        seen.append(some.start_s.size)
        return []

    feed = StripFeed(channels, HZ)
    for row in zip(*astuple(beats), strict=True):
        feed.add(row)
        feed.take(programmed)
    # an ectopic at its beginning makes it a beat or two longer
    assert KEPT_BEATS <= max(seen) <= KEPT_BEATS + 3


def test_fibrillatory_waves_are_there_while_the_atria_fibrillate() -> None:
    beats, programmed = lived("onset")
    calm = Morphology(
        disturbance=replace(
            SHAPE.disturbance,
            **{
                f.name: 0.0
                for f in fields(SHAPE.disturbance)
                if f.name.endswith("_mv") or f.name == "breathing_frac"
            },
        )
    )
    shape_without = replace(
        calm, fibrillation=replace(calm.fibrillation, f_mv=0.0, f_v1_mv=0.0)
    )
    with_them, without = (
        record_strips(
            beats,
            programmed,
            SETUP,
            morphology=shape,
            background=Background.drawn(np.random.default_rng(1), Breath(0.25), shape),
        ).channels[0]
        for shape in (calm, shape_without)
    )
    before, within = beats.start_s[40], beats.start_s[120]
    for start_s, is_there in ((before, False), (within, True)):
        waves = with_them.draw(start_s, 5 * HZ, HZ) - without.draw(start_s, 5 * HZ, HZ)
        assert (np.abs(waves).max() > 0.01) == is_there
