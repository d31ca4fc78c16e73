"""What `ccmlab cite` prints: the works that one run used, and no others."""

import csv
import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from harness.archive.citing import bibtex, plain_text, software
from harness.archive.run_folder import read_run
from harness.cli import invoke
from harness.common.files import BrokenRunError
from harness.play.order import order_of
from harness.play.provenance import run_numbers
from harness.play.scenario import load_scenario
from harness.report.sections.provenance import Provenance, provenance_of
from sim.sources import references

ENTRY = re.compile(r"@(\w+)\{([\w-]+),\n(.*?)\n\}(?:\n\n|$)", re.DOTALL)
FIELD = re.compile(r"  (\w+) = \{(.*)\}(,?)")
WANTED = {"article": {"title", "journal", "year"}, "manual": {"title"}}
SHORT = """
title = "A short visit"
[patient]
phenotype = "hfref-ischaemic"
override = { ejection_fraction_pct = 28, pvc_per_hour = 12 }
[visit]
titration_min = 0
verification_pairs = 2
response_pairs = 1
observation_min = 1
baseline_min = 1
"""


def used_by(name: str, **changes: object) -> Provenance:
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    scenario = load_scenario(name).changed(dotted)
    return provenance_of(run_numbers(scenario, order_of(scenario)))


@pytest.fixture(scope="module")
def used() -> Provenance:
    return used_by("first_visit")


def entries(text: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Read BibTeX as this project writes it; fail on anything else in the text."""
    assert ENTRY.sub("", text) == ""
    found = {}
    for kind, key, body in ENTRY.findall(text):
        lines = body.split("\n")
        matches = [FIELD.fullmatch(line) for line in lines]
        assert all(matches), body
        assert [m[3] for m in matches if m] == [","] * (len(lines) - 1) + [""]
        found[key] = kind, {m[1]: m[2] for m in matches if m}
    return found


def test_bibtex_is_well_formed(used: Provenance) -> None:
    for kind, fields in entries(bibtex(used)).values():
        assert WANTED.get(kind, {"title"}) <= set(fields)
        for value in fields.values():
            assert value.count("{") == value.count("}")
            assert not re.search(r"(?<!\\)[&%#_$]", value)


def test_every_listed_work_gives_a_well_formed_entry(used: Provenance) -> None:
    row = used.rows[0]
    every = used.model_copy(
        update={
            "rows": tuple(row.model_copy(update={"reference": k}) for k in references())
        }
    )
    assert set(entries(bibtex(every))) == set(references())


@pytest.mark.parametrize("printed", [bibtex, plain_text])
def test_cite_prints_the_works_that_the_run_used_and_no_others(
    printed: object, used: Provenance
) -> None:
    assert callable(printed)
    keys = set(re.findall(r"^(?:@\w+\{|\[)([\w-]+)[,\]]", printed(used), re.MULTILINE))
    assert keys == {row.reference for row in used.rows}
    assert "walk-change-2014" not in keys


def test_another_readout_rests_on_other_numbers() -> None:
    finger = plain_text(used_by("first_visit"))
    invasive = plain_text(used_by("first_visit", visit__readout="invasive-dpdt"))
    assert "breath_frac" not in finger
    assert "invasive.breath_frac" in invasive


def test_the_text_tells_what_was_taken_from_a_work(used: Provenance) -> None:
    text = " ".join(plain_text(used).split())
    assert "drift.trend_frac 0.05" in text
    assert "doi:10.1152/ajpheart.00378.2002" in text


def test_a_work_that_this_version_has_forgotten_is_still_cited() -> None:
    used = used_by("null_responder")
    row, work = used.rows[0], used.references[0]
    lost = work.model_copy(update={"key": "lost1999", "title": "A lost work"})
    old = used.model_copy(
        update={
            "rows": (row.model_copy(update={"reference": "lost1999"}),),
            "references": (lost,),
        }
    )
    assert entries(bibtex(old))["lost1999"][1]["title"] == "{A lost work}"


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cite")
    scenario = folder / "short.toml"
    scenario.write_text(SHORT, encoding="utf-8")
    out = folder / "run"
    assert invoke(["run", str(scenario), "--out", str(out), "-q"]) == 0
    return out


def test_a_runs_override_stands_in_its_table_as_the_scenarios(run_dir: Path) -> None:
    with (run_dir / "provenance.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    stated = rows["rhythm.pvc_per_hour"]
    assert stated["standing"] == "overridden"
    assert stated["reference"] == "scenario"
    assert stated["place"] == "patient.override.pvc_per_hour"
    assert stated["value"] == "12"
    assert rows["targets.ejection_fraction_pct"]["reference"] == "scenario"
    assert rows["targets.edv_ml"]["reference"] == "ccmlab-evidence"
    assert rows["verification_pairs"]["reference"] == "scenario"


def test_the_command_cites_a_stored_run(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = json.loads((run_dir / "report.json").read_text(encoding="utf-8"))
    parts = (report["provenance"], report["answer_key"]["numbers"])
    wanted = {row["reference"] for part in parts for row in part["rows"]} | {"ccmlab"}
    capsys.readouterr()
    assert invoke(["cite", str(run_dir), "--format", "bibtex"]) == 0
    assert set(entries(capsys.readouterr().out.rstrip("\n"))) == wanted
    assert invoke(["cite", str(run_dir)]) == 0
    assert "[scenario] The scenario file of this run" in capsys.readouterr().out


def test_ccmlab_itself_is_cited_first_in_the_version_that_played(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
    told = f"version {about['versions']['ccmlab']}"
    capsys.readouterr()
    assert invoke(["cite", str(run_dir)]) == 0
    first = " ".join(capsys.readouterr().out.split("\n\n")[0].split())
    assert first.startswith("[ccmlab] The ccmlab authors. ccmlab: simulated")
    assert told in first
    assert invoke(["cite", str(run_dir), "--format", "bibtex"]) == 0
    kind, fields = entries(capsys.readouterr().out.rstrip("\n"))["ccmlab"]
    assert kind == "misc"
    assert told in fields["howpublished"]


ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("versions", [True, None, {}, {"ccmlab": 7}])
def test_a_run_that_does_not_say_what_made_it_is_told(
    versions: object, tmp_path: Path
) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"versions": versions}))
    with pytest.raises(BrokenRunError, match=r"run\.json does not say what made"):
        software(tmp_path)


def test_the_citation_file_says_what_the_project_says() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    own = references()["ccmlab"]
    for key in ("cff-version", "message", "title", "type", "authors", "version"):
        assert re.search(rf"^{key}:", text, re.MULTILINE), key
    assert f"version: {project['project']['version']}\n" in text
    assert f"license: {project['project']['license']}\n" in text
    assert f'title: "{own.title}"\n' in text
    released = re.search(r"^date-released: (\d{4})-\d\d-\d\d$", text, re.MULTILINE)
    assert released is not None
    assert int(released[1]) == own.year
    keywords = re.findall(r"^  - (.+)$", text.split("keywords:")[1], re.MULTILINE)
    assert set(keywords) == set(project["project"]["keywords"])


def test_a_course_is_cited_with_the_law_of_the_months_between(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run_dir, tmp_path / "visit-1")
    shutil.copytree(run_dir, tmp_path / "visit-2")
    (tmp_path / "provenance.csv").write_text(
        "name,value,unit,reference,place,standing\n"
        "chronic.ef_tau_months,9.0,months,mueller2017,B21-B24,fitted\n",
        encoding="utf-8",
    )
    capsys.readouterr()
    assert invoke(["cite", str(tmp_path)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "chronic.ef_tau_months 9.0 months (B21-B24)" in text
    # The same numbers in both visits count once.
    once = plain_text(read_run(run_dir).report.numbers)
    counted = re.search(r"\[ccmlab-protocol\].*?\n    (\d+) numbers", once, re.DOTALL)
    assert counted is not None
    assert f"{counted[1]} numbers" in text


def test_a_folder_without_a_run_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["cite", str(tmp_path)]) == 2
    assert "is no run" in capsys.readouterr().err


def test_parameters_name_settings_and_model_numbers_with_their_sources(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert invoke(["list", "parameters"]) == 0
    settings, fixed, model = capsys.readouterr().out.split("\n\n")
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in model.splitlines()}
    assert lines["Contractility.fast_on_beats"] == (
        "2.5 beats patient.contractility.fast_on_beats assumed ccmlab-evidence: A2"
    )
    assert lines["Objective.energy_weight"].startswith(
        "0.5 search.energy_weight assumed ccmlab-protocol"
    )
    assert lines["Circulation[HFrEF].heart_rate_bpm"].startswith(
        "74 1/min patient.circulation.heart_rate_bpm fitted"
    )
    assert lines["LithiumCell.capacity_mah"].startswith("200 mAh fixed (device)")
    assert re.search(
        r"^fixed \(device\) +the device is what its manuals say", fixed, re.M
    )
    assert re.search(r"^amplitude_v .*measured \[ccmlab-device: 1\.2\]", settings, re.M)
