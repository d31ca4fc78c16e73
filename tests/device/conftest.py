from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sim.device.battery import Battery
from sim.device.generator import BeatSignals, PulseGenerator
from sim.device.leads import Leads
from sim.device.settings import Settings

RR_S = 0.8
PLAIN = BeatSignals(0.0, -0.17, 0.005, 0.015, 3.0, 8.0, 9.0)

MakeDevice = Callable[..., PulseGenerator]
PlayBeats = Callable[..., list[str]]
MakeBeat = Callable[..., BeatSignals]


@pytest.fixture
def make_device() -> MakeDevice:
    """Return a device in the clinic: schedule suspended, battery full."""

    def make(model: str = "CCM X11", **values: Any) -> PulseGenerator:
        leads = Leads(rng=np.random.default_rng(1))
        settings = Settings().with_values(values)
        device = PulseGenerator(settings, leads, Battery(charge_frac=1.0), model)
        device.force_on = True
        return device

    return make


@pytest.fixture
def make_beat() -> MakeBeat:
    """Return a beat at a time: A 170 ms before, V1 after 5 ms, V2 after 15 ms."""

    def make(at_s: float, **changed: Any) -> BeatSignals:
        a_s, v1_s, v2_s = at_s - 0.17, at_s + 0.005, at_s + 0.015
        beat = PLAIN._replace(at_s=at_s, atrial_s=a_s, v1_s=v1_s, v2_s=v2_s)
        return beat._replace(**changed)

    return make


@pytest.fixture
def play(make_beat: MakeBeat) -> PlayBeats:
    """Return what became of plain beats, or of beats changed by their number."""

    def play(
        device: PulseGenerator,
        n_beats: int,
        changes: dict[int, dict[str, Any]] | None = None,
        *,
        from_s: float = 10.0,
    ) -> list[str]:
        causes = []
        for k in range(n_beats):
            changed = (changes or {}).get(k, {})
            beat = make_beat(from_s + k * RR_S, **changed)
            causes.append(str(device.beat(beat).cause))
        return causes

    return play
