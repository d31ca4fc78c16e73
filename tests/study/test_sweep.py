"""Some patients by some settings, in one tidy table."""

import runpy
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import scenarios
from harness.common.faults import ScenarioError
from harness.play.scenario import Scenario, load_scenario
from harness.study.sweep import Sweep, _listing, sweep
from harness.truth.answer_key import ees_gain, window_gain_pct
from sim.device.settings import ConflictError, Settings
from sim.patient import Patient, phenotype, sample_cohort

VOLTS = [4.5, 6.0, 7.5]


@cache
def people() -> tuple[Patient, ...]:
    return tuple(sample_cohort(3, np.random.default_rng(5)).patients)


@cache
def truth() -> Sweep:
    return sweep(people(), {"amplitude_v": VOLTS})


@cache
def short() -> Scenario:
    changes = {"visit.titration_min": 25.0, "visit.verification_pairs": 4}
    return load_scenario("first_visit").changed(changes)


@cache
def read() -> Sweep:
    return sweep(
        [people()[1]], {"amplitude_v": VOLTS}, measure="visit", scenario=short()
    )


def pairs() -> Iterator[tuple[int, Patient, float]]:
    for number, who in enumerate(people()):
        for volts in VOLTS:
            yield number, who, volts


def test_there_is_a_row_for_each_patient_and_setting_in_order() -> None:
    keys = zip(truth()["patient"], truth()["name"], truth()["amplitude_v"], strict=True)
    assert list(keys) == [(n, who.name, volts) for n, who, volts in pairs()]


def test_the_truth_is_that_of_the_answer_key() -> None:
    scenario = load_scenario("first_visit")
    found, plan = scenario.found_device.settings, scenario.visit.visit_plan
    for row, (_, who, volts) in zip(truth().rows(), pairs(), strict=True):
        gain = ees_gain(who, found.with_values({"amplitude_v": volts}))
        assert row["ees_gain_pct"] == pytest.approx(100.0 * gain)
        # the curves of many settings follow the beats played to 0.02 %
        played = window_gain_pct(who, plan, gain, ees_gain(who, found))
        assert row["window_gain_pct"] == pytest.approx(played, abs=0.02)


def test_the_device_as_found_gains_nothing_over_itself() -> None:
    own = truth().where(truth()["amplitude_v"] == 4.5)
    # the curves of many settings follow the beats played to 0.02 %
    assert own["window_gain_pct"] == pytest.approx(np.zeros(3), abs=0.02)


def test_settings_off_a_lead_and_ccm_off_are_settings_too() -> None:
    off = Settings(ccm_mode="OFF")
    found = sweep(["hfref-ischaemic"], [off, Settings(ccm_channels="V1"), Settings()])
    none, one, two = found["ees_gain_pct"]
    assert none == 0.0
    assert 0.0 < one < two
    assert found["window_gain_pct"][0] < 0.0
    assert found["energy_frac"].tolist()[0] == 0.0


SCRIPT = """
import harness.study.sweep as module

if __name__ == "__main__":
    module.AT_ONCE["truth"] = 1
    names = ["hfref-ischaemic", "normal"]
    alone, both = (module.sweep(names, {"amplitude_v": [5.0]}, jobs=n) for n in (1, 2))
    assert all(both[name].tolist() == alone[name].tolist() for name in alone)
    print(both["name"].tolist())
"""


@pytest.mark.slow  # starts three interpreters
def test_the_number_of_processes_changes_no_value(tmp_path: Path) -> None:
    script = tmp_path / "both.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "['hfref-ischaemic', 'normal']\n"


def test_progress_counts_the_patients() -> None:
    told: list[tuple[int, int]] = []
    sweep(people()[:1], [Settings()], progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 1)]


def test_visits_read_just_the_settings_asked_for_and_the_steps_between() -> None:
    assert read()["amplitude_v"].tolist() == VOLTS
    assert (read()["n_read"][1:] >= 1).all()
    assert np.isfinite(read()["gain_pct"]).all()
    assert read().varied == ("amplitude_v",)


def test_the_reference_of_a_visit_gains_nothing_by_construction() -> None:
    first = next(read().rows())
    assert (first["gain_pct"], first["standard_error_pct"]) == (0.0, 0.0)


def test_visits_read_the_truth_within_their_error() -> None:
    true = truth().where(truth()["patient"] == 1)["window_gain_pct"]
    pair_sd_pct = 2.0  # of a pair of finger pressure, PROTOCOL section 2
    error = pair_sd_pct / np.sqrt(np.maximum(read()["n_read"], 1))
    assert (np.abs(read()["gain_pct"] - true) < 4.0 * error).all()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ([Settings(amplitude_v=60.0)], r"amplitude_v must be 4\.5 to 7\.5 V"),
        ({"amplitude_v": [5.2]}, r"amplitude_v must be 4\.5 to 7\.5 V"),
        ([Settings(delay_ms=60.0)], "delay_ms"),
    ],
)
def test_settings_that_no_device_takes_are_refused(settings: object, told: str) -> None:
    with pytest.raises(ConflictError, match=told):
        sweep(["normal"], settings)  # type: ignore[arg-type]


def test_a_visit_takes_settings_whose_dependents_are_solved_otherwise() -> None:
    task = _listing(short(), [Settings(amplitude_v=6.0)], ("amplitude_v", "delay_ms"))
    assert task.search.listed == ({"amplitude_v": 6.0, "delay_ms": 35.0},)


def test_a_visit_searches_nothing_but_the_train() -> None:
    wide = [Settings(alert_width_ms=10.0)]
    with pytest.raises(ValueError, match="these differ in alert_width_ms too"):
        sweep(["normal"], wide, measure="visit")


def test_what_cannot_be_swept_is_refused() -> None:
    with pytest.raises(ValueError, match="measure must be one of truth, visit"):
        sweep(["normal"], [Settings()], measure="gain")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one patient and one setting"):
        sweep([], [Settings()])
    with pytest.raises(ScenarioError, match="a course of 4 visits"):
        sweep([phenotype("normal")], [Settings()], scenario="follow_up_year")


def test_the_figure_has_a_line_a_patient_and_the_median_in_black() -> None:
    figure = truth().plot(width="single")
    assert figure.get_size_inches()[0] == pytest.approx(89 / 25.4, abs=0.01)
    (axes,) = figure.axes
    *patients, median, _ = axes.lines
    assert len(patients) == 3
    table = truth()["window_gain_pct"].reshape(3, 3)
    assert list(median.get_ydata()) == pytest.approx(np.median(table, axis=0))
    assert axes.get_xlabel() == "amplitude, V"
    with pytest.raises(ValueError, match="single or double"):
        truth().plot(width="wide")


def test_medians_of_further_settings_differ_without_colour() -> None:
    both = {"amplitude_v": [5.0, 7.5], "delay_ms": [20.0, 35.0]}
    (axes,) = sweep(people()[:1], both).plot().axes
    lines = [line for line in axes.lines if line.get_label()[0] != "_"]
    assert [line.get_label() for line in lines] == ["20 ms", "35 ms"]
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines}) == 2


@pytest.mark.slow  # thirty patients are solved
def test_thirty_patients_by_seven_amplitudes_take_eight_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = Path(scenarios.__file__).with_name("sweep_amplitude.py")
    lines = script.read_text(encoding="utf-8").split('"""')[2].splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 8
    monkeypatch.chdir(tmp_path)
    told = runpy.run_path(str(script))
    assert told["gains"].n_rows == 30 * 7
    assert "210 rows" in capsys.readouterr().out
    assert (tmp_path / "sweep_amplitude.pdf").read_bytes().startswith(b"%PDF")


def test_one_patient_and_one_value_need_no_list() -> None:
    listed = sweep(["hfref-null"], {"amplitude_v": [5.0]})
    alone = sweep("hfref-null", {"amplitude_v": 5.0})
    assert dict(alone) == dict(listed)
    by_settings = sweep(phenotype("hfref-null"), Settings(amplitude_v=5.0))
    assert by_settings.n_rows == 1
    with pytest.raises(ValueError, match="jobs must be 1 or more, got 0"):
        sweep("hfref-null", {"amplitude_v": 5.0}, jobs=0)
