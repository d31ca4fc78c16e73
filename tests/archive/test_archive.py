"""The folder of a run: whole or not there, the same bytes for the same run."""

import csv
import datetime
import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pytest

from harness.archive import run_folder as archive
from harness.archive.run_folder import prepare, read_run, write_run
from harness.archive.tables import THERAPY
from harness.common.files import MARK, BrokenRunError, OutputError, mark
from harness.play.run import Run, run_scenario
from harness.play.scenario import load_scenario
from harness.report.build import report_of
from harness.report.contents import Report
from harness.truth.answer_key import truth_of
from sim.textfiles import portable

ROOT = Path(__file__).parents[2]
SHORT = {
    "visit.titration_min": 6,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.observation_min": 1,
    "visit.baseline_min": 1,
}
FILES = {
    "actions.json",
    "beats.parquet",
    "evaluations.csv",
    "events.csv",
    "pairs.csv",
    "provenance.csv",
    "readings.csv",
    "report.fhir.json",
    "report.hl7",
    "report.html",
    "report.json",
    "report.pdf",
    "run.json",
    "strips.atr",
    "strips.dev",
    "strips.hea",
    "strips_0001.dat",
    "strips_0001.edf",
    "strips_0001.hea",
    "strips_0002.dat",
    "strips_0002.edf",
    "strips_0002.hea",
    "strips_layout.hea",
    "timings.json",
}


def play() -> Run:
    return run_scenario(
        load_scenario("first_visit").changed(SHORT), scenario_name="first_visit"
    )


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may spoil."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_a_written_run_reads_back_whole(whole: Path, report: Report) -> None:
    assert read_run(whole)
    assert read_run(whole).report == report


def test_a_run_has_these_files(whole: Path) -> None:
    names = set(contents(whole))
    figures = {name for name in names if name.startswith("figures/")}
    assert names - figures == FILES
    assert figures
    assert all(name.endswith(".svg") for name in figures)


def test_nothing_but_the_run_is_left_beside_it(whole: Path) -> None:
    assert list(whole.parent.iterdir()) == [whole]


def test_the_same_seed_gives_the_same_bytes_but_for_the_timings(
    whole: Path, tmp_path: Path
) -> None:
    again = play()
    other = write_run(
        again, report_of(again, truth_of(again.played)), tmp_path / "elsewhere"
    )
    first, second = contents(whole), contents(other)
    assert first.pop("timings.json") != second.pop("timings.json")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_no_file_but_the_timings_tells_the_time_or_a_place(whole: Path) -> None:
    today = datetime.datetime.now(datetime.UTC)
    telling = {str(ROOT), str(Path.home()), str(whole.parent), f"{today:%Y-%m-%d}"}
    found = contents(whole)
    assert f"{today:%Y-%m-%d}".encode() in found.pop("timings.json")
    for name, content in found.items():
        assert [text for text in telling if text.encode() in content] == [], name


def test_run_json_tells_how_to_make_the_run_again(whole: Path, run: Run) -> None:
    about = json.loads((whole / "run.json").read_text(encoding="utf-8"))
    assert about["seed"] == run.played.order.seed
    assert about["strategy"] == "titration"
    assert set(about["files"]) == set(contents(whole)) - {"run.json", "timings.json"}
    scenario = type(run.facts.scenario).checked(about["scenario"], origin="run.json")
    assert scenario == run.facts.scenario


def test_a_strategy_of_ones_own_is_kept_without_its_folder() -> None:
    assert portable("/home/me/ideas/mine.py:search") == "mine.py:search"
    assert portable("package.module:search") == "package.module:search"
    assert portable("titration") == "titration"


def test_evaluations_have_a_row_for_each_test(whole: Path, run: Run) -> None:
    found = rows(whole, "evaluations.csv")
    assert len(found) == len(run.record.tested)
    for row, tested in zip(found, run.record.tested, strict=True):
        assert float(row["end_s"]) == tested.end_s
        assert row["tested_mode"] == tested.settings.mode
        assert float(row["asked_delay_ms"]) == tested.asked.delay_ms
        assert {f"tested_{name}" for name in THERAPY} < row.keys()
        if tested.pair is not None and tested.pair.gains is not None:
            assert float(row["gain_primary_pct"]) == tested.gain_pct


def test_pairs_and_readings_hold_every_pair_of_the_visit(whole: Path, run: Run) -> None:
    found = rows(whole, "pairs.csv")
    record = run.record
    purposes = [row["purpose"] for row in found]
    assert purposes.count("verification") == len(record.verification_pairs)
    assert purposes.count("response") == len(record.response_pairs)
    assert purposes.count("sham") == 1
    starts = [float(row["start_s"]) for row in found]
    assert starts == sorted(starts)
    n_arms = sum(len(row["order"].split()) for row in found)
    assert len(rows(whole, "readings.csv")) == n_arms


def test_events_are_the_log_of_the_visit(whole: Path, run: Run) -> None:
    told = [(float(row["at_s"]), row["text"]) for row in rows(whole, "events.csv")]
    assert told == [(event.at_s, event.text) for event in run.record.events]


def test_every_source_has_a_standing(whole: Path) -> None:
    assert all(row["standing"] for row in rows(whole, "provenance.csv"))


def test_beats_come_back_exactly_and_in_order(whole: Path, run: Run) -> None:
    table = duckdb.read_parquet(str(whole / "beats.parquet")).fetchnumpy()
    assert list(table) == ["beat", *run.record.beats.columns]
    assert np.array_equal(table["beat"], np.arange(len(run.record.beats.rows)))
    for name in run.record.beats.columns:
        expected = run.record.beats.column(name)
        read = np.ma.filled(table[name], np.nan)  # a missing number is null in Parquet
        assert np.array_equal(read, expected, equal_nan=True)


def test_beats_say_that_they_are_simulated_and_of_whom(whole: Path, run: Run) -> None:
    query = "SELECT key, value FROM parquet_kv_metadata(?)"
    with duckdb.connect() as connection:
        found = connection.execute(query, [str(whole / "beats.parquet")]).fetchall()
    told = {key.decode(): value.decode() for key, value in found}
    assert told["pseudonym"] == run.record.pseudonym
    assert "simulated" in told["about"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / "events.csv").unlink(), "events.csv is missing"),
        (lambda folder: (folder / "beats.parquet").write_bytes(b""), "was changed"),
        (lambda folder: (folder / "run.json").unlink(), "no readable run.json"),
        (lambda folder: (folder / "run.json").write_text("{"), "no readable run.json"),
        (lambda folder: shutil.rmtree(folder), "no readable run.json"),
    ],
)
def test_a_folder_that_is_not_whole_says_why(
    folder: Path, spoil: Callable[[Path], object], reason: str
) -> None:
    spoil(folder)
    with pytest.raises(BrokenRunError, match=reason):
        read_run(folder)


def test_a_finished_folder_that_was_not_renamed_does_not_pass(folder: Path) -> None:
    partial = folder.rename(folder.with_name(".run.partial-1"))
    with pytest.raises(BrokenRunError, match="did not finish"):
        read_run(partial)


@pytest.mark.usefixtures("quick")
def test_a_run_is_replaced_only_when_forced(
    folder: Path, run: Run, report: Report
) -> None:
    before = contents(folder)["timings.json"]
    with pytest.raises(OutputError, match=r"holds a run already.*--force"):
        write_run(run, report, folder)
    assert contents(folder)["timings.json"] == before
    write_run(run, report, folder, force=True)
    assert contents(folder)["timings.json"] != before
    assert list(folder.parent.iterdir()) == [folder]


def test_what_no_run_wrote_is_never_replaced(folder: Path, tmp_path: Path) -> None:
    (folder / "my notes.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(OutputError, match=r"holds my notes\.txt, which no run wrote"):
        prepare(folder, force=True)
    with pytest.raises(OutputError, match="which no run wrote"):
        prepare(tmp_path, force=True)


@pytest.mark.usefixtures("quick")
def test_an_empty_folder_is_taken(tmp_path: Path, run: Run, report: Report) -> None:
    (tmp_path / "mine").mkdir()
    assert read_run(write_run(run, report, tmp_path / "mine"))


def test_a_place_that_cannot_be_written_is_told_before_anything(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="is a file"):
        prepare(tmp_path / "file")
    with pytest.raises(OutputError, match="cannot be written"):
        prepare(tmp_path / "file" / "run")
    with pytest.raises(OutputError, match="must have a name"):
        prepare("/")


@contextmanager
def without_privilege() -> Iterator[None]:
    """Be somebody whom permissions hold, also where the tests run as root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # nobody
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_folder_without_permission_is_told_before_anything(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with (
            without_privilege(),
            pytest.raises(OutputError, match="permission denied"),
        ):
            prepare(tmp_path / "run")
    finally:
        tmp_path.chmod(0o700)


def spoil_writing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def write_beats(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(archive, "write_beats", write_beats)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("force", [False, True])
def test_an_interrupt_leaves_what_was_there_and_nothing_else(
    folder: Path,
    run: Run,
    report: Report,
    monkeypatch: pytest.MonkeyPatch,
    force: bool,
) -> None:
    target = folder if force else folder.with_name("other")
    spoil_writing(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        write_run(run, report, target, force=force)
    assert read_run(folder)
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.usefixtures("quick")
def test_a_full_disk_is_one_message(
    tmp_path: Path, run: Run, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_writing(monkeypatch, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(OutputError, match="cannot be written: no space left"):
        write_run(run, report, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_leavings_of_dead_writers_are_removed_at_the_next_start(tmp_path: Path) -> None:
    dead, alive = dead_pid(), os.getppid()
    own, running = f".run.partial-{dead}", f".run.partial-{alive}"
    recent, old = f".other.partial-{dead}", f".older.partial-{dead}"
    for name in (own, running, recent, old):
        (tmp_path / name).mkdir()
        mark(tmp_path / name)
    new, begun = f".run.partial-{dead}1", f".run.partial-{dead}2"
    for name in (new, begun):  # its writer died within a moment
        (tmp_path / name).mkdir()
    (tmp_path / begun / MARK).write_bytes(b"ccm")
    hours_ago_s = time.time() - 7200.0
    os.utime(tmp_path / old, (hours_ago_s, hours_ago_s))
    prepare(tmp_path / "run")
    assert {path.name for path in tmp_path.iterdir()} == {running, recent}


def test_a_folder_that_only_looks_like_ours_is_never_touched(tmp_path: Path) -> None:
    dead = dead_pid()
    theirs = tmp_path / f".run.partial-{dead}"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("keep")
    (tmp_path / f".run.replaced-{dead}").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    mark(elsewhere)
    (tmp_path / f".run.partial-{dead}0").symlink_to(elsewhere)
    before = sorted(tmp_path.rglob("*"))
    prepare(tmp_path / "run")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("thing", ["link", "link to a folder", "dead link", "empty"])
def test_a_run_with_a_link_or_an_empty_folder_of_anothers_is_never_replaced(
    folder: Path, tmp_path: Path, thing: str
) -> None:
    theirs = folder / "theirs"
    if thing == "empty":
        theirs.mkdir()
    else:
        to = {"link": __file__, "link to a folder": tmp_path, "dead link": "nowhere"}
        theirs.symlink_to(to[thing])
    with pytest.raises(OutputError, match="holds theirs, which no run wrote"):
        prepare(folder, force=True)


@pytest.mark.parametrize("name", ["pairs.csv", "report.html", "run.json", "figures"])
def test_no_link_in_the_place_of_a_file_of_a_run_is_followed(
    folder: Path, tmp_path: Path, name: str
) -> None:
    (folder / name).rename(tmp_path / "moved")
    (folder / name).symlink_to(tmp_path / "moved")
    with pytest.raises(BrokenRunError):
        read_run(folder, rendered=["report.html"])


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", ""])
def test_a_run_that_names_files_outside_its_folder_is_refused(
    folder: Path, name: str
) -> None:
    (folder.parent / "outside").write_text("x")
    about = json.loads((folder / "run.json").read_text())
    about["files"][name] = "0" * 64
    (folder / "run.json").write_text(json.dumps(about))
    with pytest.raises(BrokenRunError, match="is not whole"):
        read_run(folder)


@pytest.mark.parametrize("said", [True, 1.0, "1", None, 2])
def test_only_the_whole_number_is_the_schema(folder: Path, said: object) -> None:
    about = json.loads((folder / "run.json").read_text())
    about["schema_version"] = said
    (folder / "run.json").write_text(json.dumps(about))
    with pytest.raises(BrokenRunError, match="is no run"):
        read_run(folder)


def test_a_run_set_aside_by_a_writer_that_died_comes_back(folder: Path) -> None:
    mark(folder)
    folder.rename(folder.with_name(f".run.replaced-{dead_pid()}"))
    with pytest.raises(OutputError, match="holds a run already"):
        prepare(folder)
    assert read_run(folder)
    assert list(folder.parent.iterdir()) == [folder]


KILLED_WRITERS = """
import os, random, shutil, signal, sys, time
from pathlib import Path
from harness.archive import run_folder as archive
from harness.common.files import BrokenRunError
from harness.report.build import report_of
from harness.truth.answer_key import truth_of
from harness.play.run import run_scenario
from harness.play.scenario import load_scenario

place, short, seed = Path(sys.argv[1]), eval(sys.argv[2]), int(sys.argv[3])
run = run_scenario(load_scenario("first_visit").changed(short))
report = report_of(run, truth_of(run.played))
made, drawn = archive.renderings(report), archive.figures(report)
archive.renderings, archive.figures = lambda *_, **__: made, lambda _: drawn

def counted(function, left):
    def step(*arguments, **named):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return step

def start(target, kill_at_step=-1):
    child = os.fork()
    if child:
        return child
    left = [kill_at_step]
    os.fsync = counted(lambda _: None, left)  # only the machine's death asks for more
    Path.mkdir, Path.rename = counted(Path.mkdir, left), counted(Path.rename, left)
    Path.write_bytes = counted(Path.write_bytes, left)  # of the mark
    archive.write_run(run, report, target, force=True)
    os._exit(0)

def is_whole(folder):
    try:
        return bool(archive.read_run(folder))
    except BrokenRunError:
        return False

def ended_well(child):
    return os.waitpid(child, 0)[1] == 0

def check(target, had_run):
    passing = [each for each in target.parent.iterdir() if is_whole(each)]
    assert passing in ([], [target]), passing
    archive.prepare(target, force=True)
    left = list(target.parent.iterdir())
    assert left == [target] or (left == [] and not had_run), left
    assert left == [] or is_whole(target)

kept = archive.write_run(run, report, place / "kept")
strips = sorted(kept.glob("strips*"))  # as large as ever, but made only once
archive.write_strips = lambda _, folder, **__: [shutil.copy(f, folder) for f in strips]
archive.write_beats = lambda _, path, **__: shutil.copy(kept / "beats.parquet", path)
def case(name, had_run):
    target = place / name / "run"
    target.parent.mkdir()
    if had_run:
        shutil.copytree(kept, target)
    return target

n_steps, ended = 0, False
while not ended:
    n_steps += 1
    for had_run in (True,) if n_steps % 3 else (False, True):
        target = case(f"step {n_steps} {had_run}", had_run)
        ended = ended_well(start(target, n_steps))
        check(target, had_run)

random.seed(seed)
started_s = time.perf_counter()
assert ended_well(start(case("undisturbed", False)))
usual_s = time.perf_counter() - started_s
for number in range(12):
    target = case(f"moment {number}", number % 2 == 0)
    child = start(target)
    time.sleep(random.uniform(0.0, usual_s))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    check(target, number % 2 == 0)
print(n_steps - 1)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(s, marks=pytest.mark.soak) for s in range(2, 20))]
)
def test_a_writer_killed_at_any_step_or_moment_leaves_no_half_run(
    tmp_path: Path, seed: int, record_property: Callable[[str, object], None]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED_WRITERS, str(tmp_path), repr(SHORT), str(seed)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= len(FILES)
    record_property("tried", int(done.stdout))
