"""What somebody adds in one place works everywhere: a readout is a row and a model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from harness import load_scenario, report_of, run_scenario, truth_of
from harness.play.provenance import run_numbers
from harness.play.run import Run
from harness.play.scenario import ScenarioError
from harness.report.html import render_html
from sim.instruments import (
    READOUTS,
    Clock,
    ErrorModel,
    Instruments,
    Pressures,
    ReadingWindow,
    Readout,
    Seen,
    add_readout,
    readouts,
)
from sim.sources import sourced
from sim.streams import stream

NAME = "bioimpedance"
RR_S = 0.8


@dataclass(frozen=True, slots=True)
class BioimpedanceError(ErrorModel):
    """Error of a stroke volume that is told from the impedance of the chest."""

    part: ClassVar[str] = NAME
    per_beat_frac: float = sourced(0.05, "ccmlab-protocol", "2", "assumed")
    sweat_frac: float = sourced(0.01, "ccmlab-protocol", "2", "assumed")
    sweat_tau_s: float = sourced(200.0, "ccmlab-protocol", "2", "assumed")

    def primary(self, seen: Seen, pressures: Pressures) -> float:
        clock, at = seen.clock, seen.clock.at(seen.middle_s)
        white = clock.scale * seen.rng.standard_normal(at.size)
        error = self.per_beat_frac * white + clock.drift[at]
        error += self.sweat_frac * clock.wave(self.sweat_tau_s)[at]
        return float((seen.window.sv_ml * (1.0 + error))[seen.used].mean())


@pytest.fixture(scope="module")
def bioimpedance() -> Iterator[Readout]:
    row = Readout(
        NAME,
        "stroke volume by bioimpedance",
        "sv_ml",
        "mL",
        read_as="the stroke volume by bioimpedance",
        beat_column="sv_ml",
        error=BioimpedanceError,
        read_beats=16,
        # R X R of 16 beats: sqrt(1.5 (5 % / 4)^2), and what the drift adds
        expected_pair_sd_pct=1.9,
    )
    add_readout(row)
    yield row
    del readouts._ROWS[NAME]


@pytest.fixture(scope="module")
def run(bioimpedance: Readout) -> Run:
    scenario = load_scenario("first_visit")
    return run_scenario(scenario.changed({"visit.readout": bioimpedance.name}))


def instruments(row: Readout, seed: int, noise_scale: float) -> Instruments:
    return Instruments(
        row,
        breathing_hz=0.25,
        rng_drift=stream(seed, name="drift"),
        rng_of_reading=lambda k: stream(seed, name="reading_error", key=(k,)),
        horizon_s=600.0,
        noise_scale=noise_scale,
    )


def window(start_s: float, sv_ml: float, n: int = 16) -> ReadingWindow:
    ones = np.ones(n)
    return ReadingWindow(
        start_s=start_s + RR_S * np.arange(n),
        rr_s=RR_S * ones,
        sbp_mmhg=118.0 * ones,
        dbp_mmhg=72.0 * ones,
        map_mmhg=87.0 * ones,
        sv_ml=sv_ml * ones,
        dpdt_max_mmhg_per_s=850.0 * ones,
        clean=ones > 0.0,
        ectopic=ones < 0.0,
        delivered=ones > 0.0,
        expects_ccm=True,
    )


def test_a_visit_reads_with_an_added_readout_from_search_to_verdict(run: Run) -> None:
    record = run.record
    readings = [pair.gains for pair in record.verification_pairs if pair.gains]
    assert len(readings) >= 2
    assert len(record.tested) >= 5
    assert np.isfinite(record.verdict.gain_pct)
    # stroke volume rises with elastance, as the pressure does in the same patient
    assert truth_of(run.played).window_gain_pct > 0.5
    # five standard errors of the visit around the truth
    off_pct = record.verdict.gain_pct - truth_of(run.played).window_gain_pct
    assert abs(off_pct) < 5.0 * record.verdict.standard_error_pct


def test_its_report_names_it_and_the_sources_of_its_numbers(run: Run) -> None:
    page = render_html(report_of(run, truth_of(run.played)))
    assert "stroke volume by bioimpedance" in page
    numbers = run_numbers(run.facts.scenario, run.played.order)
    errors = [row.name for row in numbers["readout errors"]]
    assert f"{NAME}.per_beat_frac" in errors
    assert not any(name.startswith(("echo.", "invasive.")) for name in errors)


def test_without_noise_it_reads_the_truth(bioimpedance: Readout) -> None:
    tools = instruments(bioimpedance, 1, 0.0)
    assert tools.read(window(30.0, 61.0)).primary == pytest.approx(61.0)


def test_its_repeats_spread_as_its_model_says(bioimpedance: Readout) -> None:
    read = [
        instruments(bioimpedance, seed, 1.0).read(window(0.0, 60.0)).primary / 60.0
        for seed in range(400)
    ]
    # 15 of 16 beats in whole breaths; wander 1.5 %, sweat 1 %; SD of 400 within 12 %
    model = np.sqrt(0.05**2 / 15 + 0.015**2 + 0.01**2)
    assert float(np.std(read)) == pytest.approx(model, rel=0.12)


def test_it_changes_no_wave_that_another_readout_sees(bioimpedance: Readout) -> None:
    def after_its_wave(row: Readout) -> Clock:
        tools = instruments(row, 3, 1.0)
        tools.read(window(30.0, 60.0))
        return tools._clock

    mine, usual = map(after_its_wave, (bioimpedance, READOUTS["finger-pressure"]))
    for name in ("drift", "slow", "slow_dpdt", "probe", "hand_mmhg"):
        assert (getattr(mine, name) == getattr(usual, name)).all()


def test_a_name_that_is_taken_is_refused(bioimpedance: Readout) -> None:
    with pytest.raises(ValueError, match="readout name bioimpedance is taken"):
        add_readout(bioimpedance)


def test_a_misspelt_readout_offers_the_added_one(bioimpedance: Readout) -> None:
    with pytest.raises(ScenarioError, match=NAME):
        load_scenario("first_visit").changed({"visit.readout": "bioimpedence"})
