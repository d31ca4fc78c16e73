"""Patients that a scenario states, by a file, by values, or by bedside targets."""

import re
from pathlib import Path

import pytest

from harness.cli import invoke
from harness.play.scenario import Scenario, ScenarioError, load_scenario
from sim.heart.train import Train
from sim.patient import (
    Targets,
    UnreachableTargetError,
    patient_to_toml,
    personalize,
    phenotype,
    solve_patient,
)

NO_HEARTS = [(80.0, 60.0, 220.0), (10.0, 100.0, 200.0)]


def scenario(folder: Path, patient: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(f'title = "t"\n[patient]\n{patient}', encoding="utf-8")
    return path


def written(folder: Path) -> Path:
    patient = personalize(phenotype("hfref-af"), {"edv_ml": 260.0, "sdnn_ms": 31.0})
    path = folder / "full.toml"
    path.write_text(patient_to_toml(patient), encoding="utf-8")
    return path


@pytest.mark.parametrize("asked", NO_HEARTS)
@pytest.mark.parametrize("name", ["hfref-ischaemic", "normal", "hfref-af"])
def test_targets_of_no_heart_are_unreachable_and_not_a_broken_number(
    asked: tuple[float, float, float], name: str
) -> None:
    with pytest.raises(UnreachableTargetError) as caught:
        solve_patient(phenotype(name), Targets(*asked, 74.0))
    assert "cannot be reached together" in str(caught.value)
    assert caught.value.reached == caught.value.reached  # a number, not nan


@pytest.mark.parametrize(("ef", "edv", "sbp"), NO_HEARTS)
def test_running_a_patient_of_no_heart_exits_2_with_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    ef: float,
    edv: float,
    sbp: float,
) -> None:
    values = f"ejection_fraction_pct = {ef}, edv_ml = {edv}, sbp_mmhg = {sbp}"
    text = f'phenotype = "hfref-ischaemic"\noverride = {{ {values} }}\n'
    out = tmp_path / "run"
    assert invoke(["run", str(scenario(tmp_path, text)), "--out", str(out), "-q"]) == 2
    told = capsys.readouterr().err.strip()
    assert re.match(r"ccmlab: \S+\.toml: patient\.override: ", told)
    assert "\n" not in told
    assert not out.exists()


@pytest.mark.parametrize(
    "stated", ["stressed_volume_ml = 100", "systemic_resistance_mmhg_s_per_ml = 0.02"]
)
def test_a_stated_heart_that_cannot_live_exits_2_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stated: str
) -> None:
    text = f'phenotype = "normal"\n[patient.circulation]\n{stated}\n'
    out = str(tmp_path / "run")
    assert invoke(["run", str(scenario(tmp_path, text)), "--out", out, "-q"]) == 2
    told = capsys.readouterr().err.strip()
    assert re.match(r"ccmlab: \S+\.toml: patient: ", told)
    assert "\n" not in told


def test_a_file_with_all_values_gives_exactly_that_patient(tmp_path: Path) -> None:
    written(tmp_path)
    read = load_scenario(scenario(tmp_path, 'file = "full.toml"\n'))
    wanted = personalize(phenotype("hfref-af"), {"edv_ml": 260.0, "sdnn_ms": 31.0})
    assert read.patient.patient == wanted
    assert read.patient.file == "full.toml"


def test_what_a_run_stores_gives_the_patient_without_the_file(tmp_path: Path) -> None:
    path = written(tmp_path)
    read = load_scenario(scenario(tmp_path, 'file = "full.toml"\n'))
    path.unlink()
    again = Scenario.checked(read.model_dump(mode="json"), origin="run.json")
    assert again == read
    assert again.patient.patient == read.patient.patient


def test_the_scenarios_values_lie_over_those_of_the_file(tmp_path: Path) -> None:
    written(tmp_path)
    text = 'file = "full.toml"\n[patient.response_law]\nk = 2.5\n'
    patient = load_scenario(scenario(tmp_path, text)).patient.patient
    assert patient.response.k == 2.5
    assert patient.sources["response.k"].reference == "patient-file"
    before = personalize(phenotype("hfref-af"), {"edv_ml": 260.0})
    assert patient.circulation == before.circulation


def test_a_law_of_ones_own_stands_beside_the_named_family(tmp_path: Path) -> None:
    text = (
        'phenotype = "hfref-ischaemic"\nresponse = "plateau"\n'
        "[patient.response_law]\nbest_delay_ms = 50\ng_one_lead_frac = 0.1\n"
        "[patient.source]\n"
        'response_law.g_one_lead_frac = "own measurements, 2026"\n'
    )
    patient = load_scenario(scenario(tmp_path, text)).patient.patient
    law = patient.response
    assert (law.name, law.k, law.best_delay_ms) == ("plateau", 0.7, 50.0)
    source = patient.sources["response.g_one_lead_frac"]
    assert source.place == "own measurements, 2026"
    later = patient.gain(Train(7.5, delay_ms=50.0))
    assert later > patient.gain(Train(7.5, delay_ms=30.0))


def test_faults_of_stated_values_are_told_together(tmp_path: Path) -> None:
    text = (
        'phenotype = "normal"\n[patient.response_law]\nkk = 2\nk = 0\n'
        "[patient.circulation]\nheart_rate_bpm = 10\n[patient.heart]\nx = 1\n"
    )
    with pytest.raises(ScenarioError) as caught:
        load_scenario(scenario(tmp_path, text))
    assert {fault.path for fault in caught.value.faults} == {
        "patient.response_law.kk",
        "patient.response_law.k",
        "patient.circulation.heart_rate_bpm",
        "patient.heart",
    }


def test_faults_of_a_patient_file_are_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(
        'phenotype = "normal"\n[rhythm]\nkind = "sinusoid"\nsdnn_ms = 900\n'
    )
    with pytest.raises(ScenarioError) as caught:
        load_scenario(scenario(tmp_path, 'file = "bad.toml"\n'))
    texts = [str(fault) for fault in caught.value.faults]
    assert len(texts) == 2
    assert all(text.startswith("patient.file: bad.toml: rhythm.") for text in texts)
