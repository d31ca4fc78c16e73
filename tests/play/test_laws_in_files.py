"""Laws of somebody's own in scenarios and studies."""

from pathlib import Path

import pytest

from harness.common.faults import ScenarioError
from harness.play.scenario import load_scenario
from harness.study.jobs import patient_digest
from harness.study.plan import load_study
from sim.heart.train import Train
from sim.law.response_law import LawFailedError
from sim.patient import load_patient
from sim.patient.cohort import sample_cohort
from sim.streams import stream

LAW = """
from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class Mine:
    name: ClassVar[str] = "mine"
    size_frac: float = 0.05

    def gain(self, train, patient):
        return train.n_leads / 2 * self.size_frac + 0.0 * np.asarray(train.delay_ms)

    @classmethod
    def draw(cls, rng):
        return cls(rng.uniform(0.01, 0.09))
"""
TABLE = "delay_ms,gain_frac\n15,0.02\n45,0.08\n"
SCENARIO = """
title = "A law of my own"
subject = "Somebody"
[patient]
phenotype = "hfref-ischaemic"
response = "{word}"
"""
STUDY = """
title = "Laws of my own"
contenders = ["titration"]
[cohort]
n = 4
families = {{ "{word}" = 1 }}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(LAW)
    (tmp_path / "gains.csv").write_text(TABLE)
    return tmp_path


def scenario(folder: Path, word: str) -> Path:
    path = folder / "own.toml"
    path.write_text(SCENARIO.format(word=word))
    return path


@pytest.mark.parametrize(
    ("word", "gain"), [("mine.py:Mine", 0.05), ("gains.csv", 0.06)]
)
def test_a_scenario_names_a_law_beside_it(folder: Path, word: str, gain: float) -> None:
    patient = load_scenario(scenario(folder, word)).patient.patient
    assert patient.response.name == word
    # the table is linear: at 35 ms two thirds of the way from 0.02 to 0.08
    assert patient.gain(Train(7.5)) == pytest.approx(gain)


def test_a_patient_file_names_a_law_beside_it(folder: Path) -> None:
    path = folder / "anna.toml"
    path.write_text('phenotype = "hfref-ischaemic"\nresponse = "gains.csv"\n')
    assert load_patient(path).gain(Train(7.5)) == pytest.approx(0.06)
    (folder / "own.toml").write_text(
        'title = "x"\nsubject = "y"\n[patient]\nfile = "anna.toml"\n'
    )
    visited = load_scenario(folder / "own.toml").patient.patient
    assert visited.gain(Train(7.5)) == pytest.approx(0.06)


def test_a_study_draws_patients_of_a_law_beside_it(folder: Path) -> None:
    path = folder / "study.toml"
    path.write_text(STUDY.format(word="mine.py:Mine"))
    cohort = load_study(path).cohort
    assert cohort is not None
    rng = stream(0, name="patient")
    patients = sample_cohort(cohort.n, rng, families=cohort.families).patients
    assert {patient.response.name for patient in patients} == {"mine.py:Mine"}
    assert len({float(patient.gain(Train(7.5))) for patient in patients}) == 4
    assert len({patient_digest(patient) for patient in patients}) == 4


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("flat", r"patient.response: must be one of saturating.*nearest is 'plateau'"),
        ("gone.csv", "patient.response: gone.csv: cannot be read: no such file"),
        ("mine.py:Yours", "patient.response: mine.py has no law 'Yours'"),
        ("mine.py", "patient.response: a law in a file is named file.py:NAME"),
    ],
)
def test_a_word_that_names_no_law_is_one_fault(
    folder: Path, word: str, told: str
) -> None:
    with pytest.raises(ScenarioError, match=told):
        load_scenario(scenario(folder, word))


def test_a_faulty_scenario_runs_no_file_of_a_law(folder: Path) -> None:
    ran = folder / "ran"
    (folder / "mine.py").write_text(f"open({str(ran)!r}, 'w')\n{LAW}")
    path = scenario(folder, "mine.py:Mine")
    path.write_text(path.read_text() + "[visit]\nno_such_value = 3\n")
    with pytest.raises(ScenarioError, match="no_such_value"):
        load_scenario(path)
    assert not ran.exists()


def test_a_law_that_fails_is_one_line_with_its_place(folder: Path) -> None:
    (folder / "mine.py").write_text(LAW.replace("train.n_leads / 2", "train.leeds"))
    patient = load_scenario(scenario(folder, "mine.py:Mine")).patient.patient
    told = r"^law mine.py:Mine failed: AttributeError: .*leeds.* \(mine.py:\d+\)$"
    with pytest.raises(LawFailedError, match=told):
        patient.gain(Train(7.5))


def test_an_override_that_a_law_does_not_have_is_told(folder: Path) -> None:
    path = scenario(folder, "gains.csv")
    path.write_text(path.read_text() + "override = { best_delay_ms = 20 }\n")
    with pytest.raises(ValueError, match=r"the law gains.csv has no such constant"):
        load_scenario(path).patient.patient  # noqa: B018
