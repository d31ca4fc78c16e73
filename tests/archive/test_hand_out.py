"""A hand-out holds what was read and nothing true; a report tells the truth last."""

import json
import re
import shutil
import subprocess
import warnings
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import edfio
import numpy as np
import pytest
from bs4 import BeautifulSoup

from harness.archive.run_folder import read_run
from harness.cli import invoke
from harness.commands.run import default_folder
from harness.common.files import file_hash
from harness.play.scenario import Scenario, load_scenario
from harness.report.contents import Report
from harness.report.hand_out import fresh_code, hand_out_of, pseudonym_of
from harness.report.sections.answer_key import BEST, BEST_GAIN, REGRET, WINDOW_GAIN
from sim.telemetry.beats import FloatArray
from sim.visit.order import pseudonym

SEED = 918273645
"""Long enough that no other number of a folder holds its digits by chance."""
SHORT = """
title = "A visit like others"
subject = "Nobody may know this subject"
description = "And what it shows is as secret."
seed = {seed}
[patient]
phenotype = "hfref-nonischaemic"
override = {{ g_two_leads = 0.165, sensation_threshold_v = 9.0 }}
response = "plateau"
[device.settings]
amplitude_v = 4.5
delay_ms = 20
post_ls_refractory_ms = 20
[visit]
titration_min = 6
verification_pairs = 2
response_pairs = 1
observation_min = 1
baseline_min = 1
"""
SECRETS = (
    str(SEED),
    "918 273 645",
    "Nobody may know this subject",
    "what it shows is as secret",
    "secret_scenario",
    "hfref-nonischaemic",
    "plateau",
    "g_two_leads",
)

PACKED = (".pdf", ".json", ".hl7")
"""What is packed, holds a hash, or what was packed, as FHIR does."""

TextOf = Callable[[bytes], str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Play one visit twice: for the teacher, and as a hand-out."""
    place = tmp_path_factory.mktemp("hand-out")
    scenario = place / "secret_scenario.toml"
    scenario.write_text(SHORT.format(seed=SEED), encoding="utf-8")
    for name, answer in (("teacher", "yes"), ("student", "no")):
        asked = ["run", str(scenario), "-q", "--answer-key", answer]
        assert invoke([*asked, "--out", str(place / name)]) == 0
    return place


@pytest.fixture(scope="module")
def report(place: Path) -> Report:
    return read_run(place / "teacher").report


@pytest.fixture
def told(text_of_pdf: TextOf) -> Callable[[Path], dict[str, str]]:
    """Return the text of every file of a folder, a PDF's and that inside FHIR too."""

    def texts(folder: Path) -> Iterator[tuple[str, str]]:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                yield path.name, _plain(content.decode(errors="replace"))
                if path.suffix == ".pdf":
                    yield f"text of {path.name}", text_of_pdf(content)
                if path.name == "report.fhir.json":
                    yield "text of FHIR", text_of_pdf(_form(json.loads(content)))

    return lambda folder: dict(texts(folder))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _form(bundle: dict[str, Any]) -> bytes:
    (pdf,) = (
        entry["resource"]["presentedForm"][0]["data"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "DiagnosticReport"
    )
    return b64decode(pdf)


def true_texts(report: Report) -> list[str]:
    """Return what the key says of gains, as a page shows it."""
    key = report.answer_key
    assert key is not None
    wanted = (WINDOW_GAIN, BEST_GAIN)
    return [_plain(fact.text) for fact in key.facts if fact.label in wanted]


def test_no_byte_of_a_hand_out_tells_the_truth(
    place: Path, report: Report, told: Callable[[Path], dict[str, str]]
) -> None:
    texts = told(place / "student")
    assert {"text of report.pdf", "text of FHIR", "strips.hea"} <= set(texts)
    for name, text in texts.items():
        for secret in (*SECRETS, *true_texts(report), WINDOW_GAIN, BEST, REGRET):
            assert secret not in text, f"{name} tells {secret}"


def test_the_same_search_finds_every_secret_in_the_teachers_folder(
    place: Path, report: Report, told: Callable[[Path], dict[str, str]]
) -> None:
    whole = " ".join(told(place / "teacher").values())
    for secret in (*SECRETS, *true_texts(report), WINDOW_GAIN, BEST, REGRET):
        assert secret in whole


def test_a_hand_out_has_report_readings_strips_and_stream(place: Path) -> None:
    names = {p.name for p in (place / "student").iterdir()}
    assert "stream.jsonl" in names
    assert {"report.json", "report.html", "report.pdf", "report.fhir.json"} <= names
    assert "report.hl7" in names
    assert {"evaluations.csv", "pairs.csv", "readings.csv", "strips.hea"} <= names
    assert not names & {"beats.parquet", "provenance.csv", "events.csv", "timings.json"}
    assert not (place / "student/figures/pv_loop.svg").exists()
    assert (place / "student/figures/timeline.svg").exists()


def test_readings_marks_and_stream_of_a_hand_out_are_those_of_the_visit(
    place: Path,
) -> None:
    for name in ("evaluations.csv", "readings.csv", "stream.jsonl"):
        teacher, student = (place / who / name for who in ("teacher", "student"))
        assert teacher.read_bytes() == student.read_bytes()
    marks = [
        (place / who / "strips.dev").read_bytes().replace(code_of(place / who), b"")
        for who in ("teacher", "student")
    ]
    assert marks[0] == marks[1]


def code_of(folder: Path) -> bytes:
    return pseudonym_of(read_run(folder).report).encode()


@pytest.mark.slow
def test_the_stream_of_a_hand_out_is_that_of_the_command_without_samples(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["stream", str(place / "secret_scenario.toml"), "--rate", "max"]
    assert invoke(asked) == 0
    told = map(json.loads, capsys.readouterr().out.splitlines())
    kept = (place / "student/stream.jsonl").read_text(encoding="utf-8").splitlines()
    for line, wanted in zip(
        kept, (m for m in told if m["kind"] != "samples"), strict=True
    ):
        message = json.loads(line)
        assert message | {"number": 0} == wanted | {"number": 0}
    assert json.loads(kept[-1])["number"] == len(kept)


def test_the_pressure_of_a_hand_out_is_the_monitors_and_not_the_hearts(
    place: Path,
) -> None:
    whole, told = (traces(place / who) for who in ("teacher", "student"))
    assert "ABP" not in told
    shown, true = told["ABP monitor"], whole["ABP"]
    np.testing.assert_array_equal(shown, whole["ABP monitor"])
    errors = (shown - true)[~np.isnan(shown)]
    means = errors.reshape(-1, 5000).mean(axis=1)  # of 10 s at 500 Hz
    # slow waves of SD 2 mmHg and tau 10 s do not average out in 10 s
    assert np.abs(means).max() > 0.5
    assert np.abs(errors).max() < 60.0


def test_no_number_of_a_hand_out_is_a_pressure_of_the_heart(place: Path) -> None:
    with duckdb.connect() as base:
        columns = base.execute(
            "SELECT sbp_mmhg, dbp_mmhg, map_mmhg FROM read_parquet(?)",
            [str(place / "teacher/beats.parquet")],
        ).fetchnumpy()
    true = {f"{value:.8f}" for column in columns.values() for value in column.tolist()}
    numbers = re.compile(r"\b\d{2,3}\.\d{8,}")
    for name in ("stream.jsonl", "readings.csv", "pairs.csv"):
        text = (place / "student" / name).read_text(encoding="utf-8")
        told = {f"{float(found):.8f}" for found in numbers.findall(text)}
        assert told, name
        assert not told & true, name


def traces(folder: Path) -> dict[str, FloatArray]:
    with warnings.catch_warnings():  # about today's pandas
        warnings.simplefilter("ignore")
        import wfdb
    read = wfdb.rdrecord(str(folder / "strips"), m2s=True)
    return dict(zip(read.sig_name, read.p_signal.T, strict=True))


def test_the_strips_of_a_hand_out_have_every_trace_but_the_true_pressure(
    place: Path,
) -> None:
    assert invoke(["report", str(place / "teacher"), "--answer-key", "no"]) == 0
    (copied,) = place.glob("hand-out-*")
    whole = traces(place / "teacher")
    for folder in (place / "student", copied):
        told = traces(folder)
        assert [*told] == [name for name in whole if name != "ABP"]
        for name, samples in told.items():
            np.testing.assert_array_equal(samples, whole[name])
        for path in folder.glob("strips*.edf"):
            edf, all_ = (
                edfio.read_edf(path),
                edfio.read_edf(place / "teacher" / path.name),
            )
            assert "ABP" not in edf.labels
            assert edf.annotations == all_.annotations
            for label in edf.labels:
                both = (e.get_signal(label).digital for e in (edf, all_))
                np.testing.assert_array_equal(*both)
    shutil.rmtree(copied)


def test_a_hand_out_says_that_it_cannot_be_replayed(
    place: Path, told: Callable[[Path], dict[str, str]]
) -> None:
    texts = told(place / "student")
    about = json.loads(texts["run.json"])
    assert about["kind"] == "hand-out"
    assert "cannot be replayed" in about["about"]
    for name in ("report.html", "text of report.pdf"):
        assert "cannot be played again" in texts[name]


def test_replay_refuses_a_hand_out_and_says_which_folder_can(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["replay", str(place / "student"), "--out", str(tmp_path / "again")]
    assert invoke(asked) == 2
    told = capsys.readouterr().err
    assert "is a hand-out: it cannot be replayed, the teacher's folder can" in told
    assert not (tmp_path / "again").exists()


def test_the_hand_out_of_a_stored_run_is_that_of_the_run(
    place: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    asked = ["report", str(place / "teacher"), "--answer-key", "no"]
    assert invoke([*asked, "--format", "html,pdf,fhir,hl7", "--out", str(copy)]) == 0
    made, wanted = (
        {
            str(p.relative_to(f)): p.read_bytes().replace(code_of(f), b"CODE")
            for p in f.rglob("*")
            if p.is_file() and p.suffix not in PACKED and p.name != "run.json"
        }
        for f in (copy, place / "student")
    )
    assert made == wanted
    files = [{p.name for p in f.iterdir()} for f in (copy, place / "student")]
    assert files[0] == files[1]


def test_a_hand_out_lies_beside_its_run_under_the_pseudonym(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "runs/secret-seed1"
    shutil.copytree(
        place / "teacher", run, ignore=shutil.ignore_patterns("hand_outs.csv")
    )
    assert invoke(["report", str(run), "--answer-key", "no"]) == 0
    (folder,) = (tmp_path / "runs").glob("hand-out-*")
    assert str(folder) in capsys.readouterr().out
    assert (folder / "report.pdf").is_file()
    own = code_of(folder).decode()
    assert folder.name == f"hand-out-{own}"
    code = own.split("-")[1]
    assert default_folder("secret", "titration", SEED, code=code).name == folder.name
    noted = (run / "hand_outs.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in noted] == ["pseudonym", own]
    asked = ["report", str(run), "--answer-key", "no", "--out", str(folder)]
    assert invoke(asked) == 2
    assert "holds a run already" in capsys.readouterr().err
    assert invoke([*asked, "--force"]) == 0
    noted = (run / "hand_outs.csv").read_text(encoding="utf-8").splitlines()
    assert len(noted) == 3


def test_the_pseudonym_of_a_hand_out_does_not_follow_from_the_seed(
    place: Path, told: Callable[[Path], dict[str, str]]
) -> None:
    own, drawn = pseudonym(SEED), code_of(place / "student").decode()
    assert drawn != own
    assert drawn.split("-")[::2] == own.split("-")[::2]
    for name, text in told(place / "student").items():
        assert own not in text, f"{name} tells the pseudonym of the seed"
    texts = told(place / "student")
    for name in ("report.html", "text of report.pdf", "strips.hea", "strips.dev"):
        assert drawn in texts[name], name


def test_each_hand_out_of_a_run_has_a_pseudonym_of_its_own(report: Report) -> None:
    told = {pseudonym_of(hand_out_of(report, fresh_code())) for _ in range(3)}
    assert len(told) == 3


def test_a_hand_out_is_rendered_again_like_any_run(place: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(place / "student", tmp_path / "student")
    (copy / "report.html").unlink()
    assert invoke(["report", str(copy)]) == 0
    again = (copy / "report.html").read_bytes()
    assert again == (place / "student/report.html").read_bytes()


def test_a_report_of_an_earlier_version_gives_no_hand_out(
    place: Path, report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = shutil.copytree(place / "teacher", tmp_path / "old")
    data = json.loads(report.model_dump_json())
    del data["answer_key"]["numbers"]
    (old / "report.json").write_text(json.dumps(data), encoding="utf-8")
    about = json.loads((old / "run.json").read_text(encoding="utf-8"))
    about["files"]["report.json"] = file_hash(old / "report.json")
    (old / "run.json").write_text(json.dumps(about), encoding="utf-8")
    asked = ["report", str(old), "--answer-key", "no", "--out", str(tmp_path / "x")]
    assert invoke(asked) == 2
    assert "tells the patient outside of the answer key" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_only_a_hand_out_takes_a_folder_to_write_to(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["report", str(place / "teacher"), "--out", "x"]) == 2
    assert "--answer-key no" in capsys.readouterr().err
    asked = ["report", str(place / "teacher"), "--answer-key", "no"]
    assert invoke([*asked, "--out", str(place / "teacher"), "--force"]) == 2
    assert "a folder of its own" in capsys.readouterr().err


def pages(pdf: Path) -> list[str]:
    command = ("pdftotext", "-enc", "UTF-8", str(pdf), "-")
    done = subprocess.run(command, capture_output=True, check=True)
    return [_plain(page) for page in done.stdout.decode().split("\f")]


def test_the_report_tells_the_patient_in_its_answer_key_alone(
    place: Path, told: Callable[[Path], dict[str, str]]
) -> None:
    texts = told(place / "teacher")
    *open_pages, key_page = [p for p in pages(place / "teacher/report.pdf") if p]
    assert "Answer key (the simulator's truth" in key_page
    data = json.loads(texts["report.json"])
    del data["answer_key"]
    page = BeautifulSoup(texts["report.html"], "html.parser")
    key = page.select_one("#answer-key")
    assert key is not None
    key.extract()
    bundle = json.loads(texts["report.fhir.json"])
    for entry in bundle["entry"]:
        entry["resource"].pop("presentedForm", None)
    before = {
        "JSON": json.dumps(data),
        "HTML": str(page),
        "PDF": " ".join(open_pages),
        "FHIR": json.dumps(bundle),
    }
    for name, text in before.items():
        assert "ischaemic" in text, name
        for secret in SECRETS:
            assert secret not in text, f"{name} tells {secret}"


def test_the_key_names_the_best_setting_its_gain_and_the_regret(
    report: Report,
) -> None:
    key = report.answer_key
    assert key is not None
    told = {fact.label: fact.text for fact in key.facts}
    volts = float(told[BEST].partition("\N{NO-BREAK SPACE}")[0])
    assert 4.5 < volts <= 7.5  # above what was found: there is something to win
    assert float(told[BEST_GAIN].split()[0]) > 1.0
    assert 0.0 <= float(told[REGRET].split()[0]) <= 100.0


def test_the_pseudonym_does_not_hold_the_seed() -> None:
    assert str(SEED) not in pseudonym(SEED)
    assert pseudonym(SEED) == pseudonym(SEED)
    assert len({pseudonym(seed) for seed in range(1000)}) == 1000


def test_a_scenario_without_a_subject_is_valid() -> None:
    table = load_scenario("first_visit").model_dump(mode="json")
    del table["subject"]
    assert Scenario.checked(table, origin="test").subject == ""
