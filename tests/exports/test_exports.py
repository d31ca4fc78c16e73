"""Other benchmark tools read an exported study: iohinspector and cocopp themselves."""

import csv
import json
import subprocess
import sys
from dataclasses import asdict
from math import nan
from pathlib import Path

import numpy as np
import pytest

from harness.common.files import BrokenRunError
from harness.study.exports.coco import write_coco
from harness.study.exports.export import export_study, write_csv
from harness.study.exports.ioh import write_ioh
from harness.study.exports.runs import functions, rows_by_key, runs, slug
from harness.study.outcome import EvaluationRow, TimingRow, VisitRow
from harness.study.tables import StudyTables

CONTENDERS = ("gp", "nelder-mead", "../<b>mine</b>.py:f")
FAMILIES = ("nominal", "sharp")
N_PATIENTS = 4
N_TESTS = 6
OFF_PCT, BEST_PCT = -2.0, 3.0
# no network: cocopp looks for archives when it is imported
QUIET = """
import socket, sys, warnings
def refuse(*_, **__): raise OSError("no network in tests")
socket.getaddrinfo = refuse
warnings.simplefilter("ignore")
"""


def columns(rows: list[object]) -> dict[str, np.ndarray]:
    listed = [asdict(row) for row in rows]
    return {name: np.array([row[name] for row in listed]) for name in listed[0]}


@pytest.fixture(scope="module")
def study() -> StudyTables:
    rng = np.random.default_rng(5)
    visits, evaluations, timings = [], [], []
    for contender in CONTENDERS:
        for family in FAMILIES:
            for patient in range(N_PATIENTS):
                key = f"{contender}-{family}-{patient}"
                visits.append(
                    VisitRow(
                        key=key,
                        patient=patient,
                        family=family,
                        in_af=False,
                        contender=contender,
                        strategy=contender,
                        recommender="posterior_mean",
                        plan="paired",
                        budget_min=40.0,
                        replicate=0,
                        off_gain_pct=OFF_PCT,
                        attainable_gain_pct=BEST_PCT,
                    )
                )
                timings.append(
                    TimingRow(
                        key=key, wall_s=1.0, cpu_s=1.0, ask_ms=1.0, slowest_ask_ms=1.0
                    )
                )
                for number in range(1, N_TESTS + 1):
                    broken_off = number == 3
                    evaluations.append(
                        EvaluationRow(
                            key=key,
                            number=number,
                            amplitude_v=4.5 + 0.5 * number,
                            phase_duration_ms=5.14,
                            n_pulses=2,
                            delay_ms=20.0 + number,
                            value_pct=nan if broken_off else float(rng.normal()),
                            standard_error_pct=2.0,
                            sensation_grade=2.0 if broken_off else 0.0,
                            aborted="sensation grade 2" if broken_off else "",
                            minutes=2.0 * number,
                            beats=140 * number,
                            unpleasant_events=int(number >= 3),
                            true_gain_pct=float(rng.uniform(OFF_PCT, BEST_PCT)),
                            true_utility_pct=0.0,
                            incumbent_gain_pct=0.5,
                            incumbent_points_lost=2.0,
                            incumbent_regret_pct=50.0,
                        )
                    )
    about = {"title": "A study of two families"}
    return StudyTables(
        Path("study"),
        about,
        {},
        columns(visits),
        columns(evaluations),
        columns(timings),
    )


def read_by(program: str, folder: Path) -> object:
    done = subprocess.run(
        [sys.executable, "-c", QUIET + program, str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_iohinspector_reads_every_evaluation_as_it_was(
    study: StudyTables, tmp_path: Path
) -> None:
    write_ioh(study, tmp_path / "ioh")
    rows = read_by(
        """
import iohinspector, json
found = iohinspector.DataManager()
found.add_folder(sys.argv[1])
wanted = ["algorithm_name", "function_name", "instance", "evaluations", "raw_y",
          "minutes", "delay_ms"]
print(json.dumps(found.load(False, True).select(wanted).rows()))
""",
        tmp_path / "ioh",
    )
    assert isinstance(rows, list)
    assert len(rows) == len(CONTENDERS) * len(FAMILIES) * N_PATIENTS * N_TESTS
    read = {tuple(row[:4]): row[4:] for row in rows}
    for place, key in enumerate(study.evaluations["key"]):
        number = int(study.evaluations["number"][place])
        row = int(np.flatnonzero(study.visits["key"] == key)[0])
        name = f"{study.visits['family'][row]}-paired-40min"
        contender, patient = (study.visits[n][row] for n in ("contender", "patient"))
        y, minutes, delay_ms = read[str(contender), name, int(patient) + 1, number]
        broken_off = number == 3
        gain = OFF_PCT if broken_off else study.evaluations["true_gain_pct"][place]
        assert y == pytest.approx(float(gain), abs=1e-9)
        assert minutes == 2.0 * number
        assert delay_ms == 20.0 + number


def test_ioh_says_to_maximize_and_names_the_best_of_each_run(
    study: StudyTables, tmp_path: Path
) -> None:
    write_ioh(study, tmp_path / "ioh")
    about = json.loads(next((tmp_path / "ioh" / "gp").glob("*f1*.json")).read_text())
    assert about["maximization"] is True
    assert about["suite"] == "A study of two families"
    function = functions(study)[0]
    rows_of = rows_by_key(study.evaluations)
    for told, run in zip(
        about["scenarios"][0]["runs"],
        runs(study, rows_of, "gp", function),
        strict=True,
    ):
        assert told["best"]["y"] == run.true_gain_pct.max()
        assert told["evals"] == N_TESTS


def test_cocopp_reads_the_regret_and_when_each_target_was_reached(
    study: StudyTables, tmp_path: Path
) -> None:
    write_coco(study, tmp_path / "coco")
    sets = read_by(
        """
import json, cocopp
from cocopp import pproc
found = pproc.DataSetList([sys.argv[1]])
print(json.dumps([
    [d.funcId, d.dim, d.algId, list(d.instancenumbers), list(d.finalfunvals),
     [float(n) for n in d.maxevals], float(d.detERT([10**-0.4])[0])] for d in found]))
""",
        tmp_path / "coco" / "nelder-mead",
    )
    assert isinstance(sets, list)
    assert len(sets) == len(FAMILIES)
    rows_of = rows_by_key(study.evaluations)
    for function, (number, dim, name, instances, final, most, ert) in zip(
        functions(study), sets, strict=True
    ):
        played = list(runs(study, rows_of, "nelder-mead", function))
        assert (number, dim, name) == (function.number, 3, "nelder-mead")
        assert instances == [run.instance for run in played]
        assert most == [float(N_TESTS)] * N_PATIENTS
        lowest = [run.regret_frac.min() for run in played]
        assert final == pytest.approx(lowest, rel=1e-6)
        # expected runtime to a target of cocopp's own: evaluations over successes
        target = 10**-0.4
        spent = [
            int(np.argmax(run.regret_frac <= target)) + 1
            if (run.regret_frac <= target).any()
            else N_TESTS
            for run in played
        ]
        solved = sum(bool((run.regret_frac <= target).any()) for run in played)
        assert ert == pytest.approx(sum(spent) / solved)


def test_a_test_that_was_broken_off_counts_as_therapy_off(study: StudyTables) -> None:
    function = functions(study)[0]
    run = next(runs(study, rows_by_key(study.evaluations), "gp", function))
    assert run.true_gain_pct[2] == OFF_PCT
    assert run.regret_frac[2] == 1.0
    assert (run.regret_frac >= 0.0).all()


def test_csv_holds_every_row_and_an_empty_cell_for_what_was_not_read(
    study: StudyTables, tmp_path: Path
) -> None:
    write_csv(study, tmp_path / "csv")
    text = (tmp_path / "csv" / "evaluations.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == study.evaluations["key"].size
    assert rows[2]["value_pct"] == ""
    assert float(rows[0]["value_pct"]) == study.evaluations["value_pct"][0]


def test_a_label_never_leaves_the_folder(study: StudyTables, tmp_path: Path) -> None:
    write_ioh(study, tmp_path / "ioh")
    made = {path.name for path in (tmp_path / "ioh").iterdir()}
    assert made == {"gp", "nelder-mead", "b-mine-b-.py-f"}
    assert [path.name for path in tmp_path.iterdir()] == ["ioh"]
    assert slug("...") == "unnamed"


@pytest.mark.parametrize("write", [write_ioh, write_coco, write_csv])
def test_nothing_is_written_over_what_is_there(
    study: StudyTables, tmp_path: Path, write: object
) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(ValueError, match="new or empty"):
        write(study, tmp_path)  # type: ignore[operator]
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_is_no_study_takes_one_message(tmp_path: Path) -> None:
    with pytest.raises(BrokenRunError, match="no study"):
        export_study(tmp_path, "ioh", None)
    assert list(tmp_path.iterdir()) == []
