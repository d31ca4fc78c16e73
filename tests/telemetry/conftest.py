"""Beats to draw from, and the readers that the files are read back with."""

import warnings
from collections.abc import Callable
from dataclasses import fields
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sim.device.settings import Settings
from sim.heart.contractility import PVC, SINUS
from sim.telemetry.beats import RecordedBeats
from sim.telemetry.channels import Recording, Setup, record_strips

NAN = float("nan")
SOFTER = Settings(amplitude_v=5.0, phase1_polarity="NEGATIVE")


def make_beats(origins: list[int], rr_s: float = 0.8) -> RecordedBeats:
    """Make regular beats of plain numbers; all but PVCs have a train."""
    start_s = 0.5 + rr_s * np.arange(len(origins), dtype=np.float64)
    origin = np.array(origins, dtype=np.float64)
    own = origin != PVC
    train_s = np.where(own, start_s + 0.055, NAN)
    values: dict[str, Any] = {
        "start_s": start_s,
        "rr_s": rr_s,
        "origin": origin,
        "delivered": np.where(own, 1.0, 0.0),
        "cause": np.where(own, -1.0, 2.0),
        "train_start_s": train_s,
        "train_end_s": train_s + Settings().train_ms * 1e-3,
        "ls_s": np.where(own, start_s + 0.025, NAN),
        "v_s": start_s + 0.015,
        "a_sensed_s": NAN,
        "atrial_s": np.where(origin == SINUS, start_s - 0.18, NAN),
        "setting_id": 0.0,
        "v1_s": start_s + 0.015,
        "v2_s": start_s + 0.025,
        "v1_mv": 9.0,
        "v2_mv": 8.0,
        "sbp_mmhg": 118.0,
        "dbp_mmhg": 72.0,
        "lvedp_mmhg": 18.0,
        "la_mean_mmhg": 15.0,
        "dpdt_max_mmhg_per_s": 900.0,
        "aortic_open_s": 0.07,
        "aortic_close_s": 0.31,
        "mitral_open_s": 0.41,
    }
    columns = {
        item.name: np.broadcast_to(values[item.name], start_s.shape).astype(np.float64)
        for item in fields(RecordedBeats)
    }
    return RecordedBeats(**columns)


@pytest.fixture(scope="session")
def beats_of() -> Callable[..., RecordedBeats]:
    return make_beats


@pytest.fixture(scope="session")
def recording() -> Recording:
    """Return two and a half minutes with some PVCs, in two settings."""
    beats = make_beats([PVC if k % 9 == 5 else SINUS for k in range(187)])
    beats.setting_id[90:] = 1.0
    return record_strips(
        beats,
        (Settings(), SOFTER),
        Setup(pseudonym="SIM-000007-000", with_lv_pressure=True),
        cause_codes={2: "PVC"},
    )


@pytest.fixture(scope="session")
def wfdb() -> ModuleType:
    """Return the reader; with today's pandas its import warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
        import wfdb.processing
    return wfdb
