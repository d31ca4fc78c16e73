"""Whatever is wrong with a file: one message, exit 0, 1 or 2, no hang, no traceback."""

import itertools
import json
import os
import shutil
import signal
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import harness.commands.run
import harness.course.play
import harness.day.run
import harness.evidence.fit.fit
import harness.study.play_study
from harness.archive.run_folder import write_run
from harness.cli import invoke
from harness.common.faults import ScenarioError
from harness.common.files import file_hash
from harness.evidence.cohort_table import read_cohort, write_cohort
from harness.play.run import run_scenario
from harness.play.scenario import load_scenario
from harness.report.build import report_of
from harness.truth.answer_key import truth_of
from sim.device.settings import Settings
from sim.patient import Cohort, patient_to_toml, phenotype, sample_cohort
from sim.visit.programmer.presets import Preset, PresetError, load_preset, save_preset

SCENARIOS: Final = Path(__file__).parents[2] / "scenarios"
BUSY_S: Final = 60.0
WAIT_S: Final = 600.0
KINDS: Final = 10
Document = dict[str, Any]
Step = str | int


class Raw(str):
    """A value that goes into a file as it stands."""


WRONG: Final[tuple[Any, ...]] = (
    *(True, -1, 0, 1, 7, 2**53, 2**63, 10**18, 0.0, -0.0, 0.5, 1e-300, 1e300),
    *(Raw("inf"), Raw("-inf"), Raw("nan"), Raw("1e999"), Raw("1e-999")),
    *(Raw("9" * 4301), Raw("-" + "9" * 400), Raw("1" * 310), Raw("0x" + "f" * 400)),
    *(Raw("1979-05-27"), Raw("07:32:00"), Raw("1979-05-27T07:32:00Z")),
    *(
        "",
        "x",
        "normal",
        "titration",
        "first_visit",
        "\x00",
        "\x1b[2J",
        "é",
        "a" * 9000,
    ),
    *(".x:f", "..:f", "math:sqrt", "json:dumps", "no.py:f", "/:f", "a\x00.py:f"),
    *("../x.toml", "/dev/null", "/dev/zero", ".", "a\nb", "\\N", "=1+1", "{{ x }}"),
    *([], {}, [[]], [0], ["x"], [1, 2], [1e300, 1e-300], [None] * 0, {"x": {}}),
    *({"": 1}, {"a b": "c"}, Raw("[" * 30 + "]" * 30), Raw("[" * 3000 + "]" * 3000)),
    *(Raw('"\\ud800"'), Raw("'''x"), Raw("{"), Raw("")),
)
NOISE: Final = (
    *(b"\x00", b"\xff", b'"', b"'", b"[", b"{", b"\r", b"\r\n", b"'''", b"=", b"#"),
    *(b"\xef\xbb\xbf", b"a.b." * 300, b"[" * 3000, b"\xed\xa0\x80", b"9" * 5000, b","),
    *(b";", b"\t", b"\n", b"\n\n", b"1e-300", b"null", b"true", b"\\u0000", b"\\"),
)


def places(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Yield the way to every value below a document; of a list the first two."""
    if path:
        yield path
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value[:2]):
            yield from places(item, (*path, i))


@st.composite
def documents(draw: st.DrawFn, good: Document) -> Document:
    """Draw a document with one to three things changed, left out, added or moved."""
    told: Document = json.loads(json.dumps(good))
    for _ in range(draw(st.integers(1, 3))):
        known = list(places(told))
        if not known:
            break
        *way, last = draw(st.sampled_from(known))
        table = told
        for step in way:
            table = table[step]
        anything = st.sampled_from(WRONG) | st.integers() | st.floats() | st.text()
        wrong = deepcopy(draw(anything))  # a later change may go into it
        match draw(st.sampled_from(("set", "set", "set", "drop", "name", "add"))):
            case "drop":
                del table[last]
            case "name" if isinstance(table, dict):
                table[f"{last}s"] = table.pop(last)
            case "add" if isinstance(table, dict):
                table[draw(st.sampled_from(("x", "file", "visit", "search")))] = wrong
            case _:
                table[last] = wrong
    return told


@st.composite
def noisy(draw: st.DrawFn, content: bytes) -> bytes:
    """Draw the content of a file, now and then cut, with noise or in another coding."""
    for _ in range(draw(st.sampled_from((0, 0, 1, 2)))):
        at = draw(st.integers(0, len(content)))
        match draw(st.sampled_from(("cut", "put", "put", "put", "code"))):
            case "cut":
                content = content[:at]
            case "put":
                noise = draw(st.sampled_from(NOISE) | st.binary(max_size=4))
                content = content[:at] + noise + content[at:]
            case _:
                text = content.decode("utf-8", "replace")
                code = draw(st.sampled_from(("utf-16", "latin-1", "utf-8-sig")))
                content = text.encode(code, "replace")
    return content


def toml(document: Mapping[str, Any]) -> bytes:
    """Return a document as TOML, wrong where it is wrong."""
    lines = [f"{_key(k)} = {_toml(v)}" for k, v in document.items()]
    return "\n".join([*lines, ""]).encode("utf-8", "surrogatepass")


def _key(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _toml(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


def json_text(document: Mapping[str, Any]) -> bytes:
    """Return a document as JSON, wrong where it is wrong."""
    return _json(document).encode("utf-8", "surrogatepass")


def _json(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)}: {_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


class HungError(BaseException):
    """A command took longer than anything may that reads a file."""


@contextmanager
def no_hang(busy_s: float = BUSY_S, wait_s: float = WAIT_S) -> Iterator[None]:
    """Bound what is worked, in time of this process, and what is only waited for.

    A minute on the clock alone is a hang on a machine with much else to do.
    """

    def late(*_: object) -> None:
        raise HungError

    timers = (
        (signal.SIGPROF, signal.ITIMER_PROF, busy_s),
        (signal.SIGALRM, signal.ITIMER_REAL, wait_s),
    )
    before = [signal.signal(number, late) for number, _, _ in timers]
    try:
        for _, timer, limit_s in timers:
            signal.setitimer(timer, limit_s)
        yield
    finally:
        for (number, timer, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0.0)
            signal.signal(number, handler)


def told(arguments: list[str]) -> tuple[int, str]:
    """Run a command; return its exit code and what it said on stderr."""
    with no_hang(), StringIO() as said, redirect_stderr(said):
        with redirect_stdout(StringIO()):
            code = invoke(arguments)
        return code, said.getvalue()


def check_told(arguments: list[str], name: str) -> None:
    code, said = told(arguments)
    assert code in (0, 1, 2)
    assert "Traceback" not in said
    if code:
        assert name in said
        assert said.startswith("ccmlab: ")
        assert all(c.isprintable() or c == "\n" for c in said)


def enough(*_: object, **__: object) -> Any:
    raise click.exceptions.Exit(0)


def patient_made(scenario: Any, *_: object, **__: object) -> Any:
    assert scenario.patient.patient.heart
    raise click.exceptions.Exit(0)


def planned(plan: Any, *_: object) -> Any:
    next(iter(plan.jobs()))
    raise click.exceptions.Exit(0)


@pytest.fixture(autouse=True, scope="module")
def nothing_is_played() -> Iterator[None]:
    """Let every command go as far as it only reads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness.commands.run, "_play", patient_made)
        patch.setattr(harness.commands.run, "_play_course", patient_made)
        patch.setattr(harness.study.play_study, "_played", planned)
        patch.setattr(harness.evidence.fit.fit, "fit_patient", enough)
        patch.setattr(harness.day.run, "run_day", enough)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spoiled")
    short = {
        "visit.strips": "none",  # none of the files that are spoiled
        "visit.titration_min": 3,
        "visit.verification_pairs": 2,
        "visit.response_pairs": 1,
        "visit.observation_min": 1,
        "visit.baseline_min": 1,
    }
    run = run_scenario(load_scenario("first_visit").changed(short), scenario_name="x")
    write_run(run, report_of(run, truth_of(run.played)), folder / "stored")
    return folder


@cache
def shipped(name: str) -> Document:
    return tomllib.loads((SCENARIOS / name).read_text(encoding="utf-8"))


VISIT: Final = {
    "description": "x",
    "metadata": {"by": "us"},
    "patient": {
        "phenotype": "hfref-ischaemic",
        "override": {"pvc_per_hour": 12, "g_two_leads": 0.1, "edv_ml": 200},
        "response": "plateau",
        "rhythm": {"sdnn_ms": 20.0, "kind": "sinus"},
        "circulation": {"heart_rate_bpm": 70.0},
        "source": {"rhythm": {"sdnn_ms": "the ward"}},
    },
    "search": {
        "strategy": "titration",
        "axes": ["amplitude_v", "delay_ms"],
        "limits": {"amplitude_v": [4.5, 7.5]},
        "budget": {"evaluations": 9, "minutes": 20.0},
        "energy_weight": 1.0,
    },
}
BEDSIDE: Final = b"""# from the ward
quantity,value,unit,sd
SBP,112,mmHg,4
DBP,68,mmHg,
HR,78,bpm,2
EF,0.27,1,0.02
EDV,240,mL,15
"LAP",19,mmHg,2
"""


@dataclass(frozen=True)
class Kind:
    """A kind of file that is read: what is drawn, and who reads it."""

    contents: Callable[[Path], st.SearchStrategy[bytes]]
    read: Callable[[Path, bytes], None]


def of_toml(*parts: Callable[[], Document]) -> Callable[[Path], Any]:
    def contents(_: Path) -> st.SearchStrategy[bytes]:
        good: Document = {}
        for part in parts:
            good |= part()
        return documents(good).map(toml).flatmap(noisy)

    return contents


def of_json(name: str) -> Callable[[Path], Any]:
    def contents(place: Path) -> st.SearchStrategy[bytes]:
        good = json.loads((place / "stored" / name).read_bytes())
        return documents(good).map(json_text).flatmap(noisy)

    return contents


def by_command(name: str, *arguments: str) -> Callable[[Path, bytes], None]:
    def read(place: Path, content: bytes) -> None:
        file = place / name
        file.write_bytes(content)
        extra = ["--out", str(place / f"out-{name}")]
        check_told([*arguments, str(file), *extra, "-q"], name)

    return read


def fit(place: Path, content: bytes) -> None:
    (place / "bedside.csv").write_bytes(content)
    out = str(place / "fitted.toml")
    check_told(["fit", str(place / "bedside.csv"), "--out", out], "bedside.csv")


def patient_file(place: Path, content: bytes) -> None:
    (place / "patient.toml").write_bytes(content)
    text = 'title = "x"\n[patient]\nfile = "patient.toml"\n'
    by_command("of_patient.toml", "run")(place, text.encode())


def preset(place: Path, content: bytes) -> None:
    file = place / "preset.toml"
    file.write_bytes(content)
    try:
        with no_hang():
            load_preset(file)
    except PresetError as error:
        check_names(file, error)


def cohort(place: Path, content: bytes) -> None:
    file = place / "cohort.csv"
    file.write_bytes(content)
    try:
        with no_hang():
            read_cohort(file)
    except ScenarioError as error:
        check_names(file, error)


def check_names(file: Path, error: ValueError) -> None:
    assert str(error).startswith(str(file))


def stored(name: str) -> Callable[[Path, bytes], None]:
    def read(place: Path, content: bytes) -> None:
        folder = place / "spoiled"
        shutil.copytree(place / "stored", folder, dirs_exist_ok=True)
        (folder / name).write_bytes(content)
        if name != "run.json":
            about = json.loads((folder / "run.json").read_bytes())
            about["files"][name] = file_hash(folder / name)
            (folder / "run.json").write_text(json.dumps(about), encoding="utf-8")
        both = [str(place / "stored"), str(folder)]
        check_told(["report", str(folder), "--format", "json"], "spoiled")
        check_told(["cite", str(folder)], "spoiled")
        page = str(place / "page.html")
        check_told(["compare-visits", *both, "--out", page, "--force"], "spoiled")

    return read


def preset_text() -> Document:
    name = Path(os.devnull).with_name("shm") / f"ccmlab-preset-{os.getpid()}.toml"
    save_preset(name, Preset("x", "CCM X11", Settings()))
    try:
        return tomllib.loads(name.read_text(encoding="utf-8"))
    finally:
        name.unlink()


@cache
def cohort_text(place: Path) -> bytes:
    drawn = sample_cohort(2, np.random.default_rng(1))
    write_cohort(Cohort(drawn.members), place / "good.csv")
    return (place / "good.csv").read_bytes()


FILES: Final[Mapping[str, Kind]] = {
    "scenario": Kind(
        of_toml(lambda: shipped("first_visit.toml"), lambda: dict(VISIT)),
        by_command("visit.toml", "run"),
    ),
    "course": Kind(
        of_toml(lambda: shipped("follow_up_year.toml")), by_command("year.toml", "run")
    ),
    "study": Kind(
        of_toml(lambda: shipped("studies/check.toml")), by_command("st.toml", "study")
    ),
    "day": Kind(
        of_toml(lambda: shipped("days/day_hospital.toml")),
        by_command("day.toml", "day"),
    ),
    "patient": Kind(
        of_toml(lambda: tomllib.loads(patient_to_toml(phenotype("hfref-ischaemic")))),
        patient_file,
    ),
    "preset": Kind(of_toml(preset_text), preset),
    "bedside": Kind(lambda _: st.just(BEDSIDE).flatmap(noisy), fit),
    "cohort": Kind(lambda p: st.just(cohort_text(p)).flatmap(noisy), cohort),
    "run.json": Kind(of_json("run.json"), stored("run.json")),
    "report.json": Kind(of_json("report.json"), stored("report.json")),
}


def try_files(kind: str, place: Path, n_files: int) -> None:
    contents = FILES[kind].contents(place)

    @settings(
        max_examples=n_files, suppress_health_check=list(HealthCheck), database=None
    )
    @given(content=contents)
    def tried(content: bytes) -> None:
        FILES[kind].read(place, content)

    tried()


def test_every_kind_is_tried() -> None:
    assert len(FILES) == KINDS


def test_work_and_waiting_without_end_are_each_a_hang() -> None:
    with pytest.raises(HungError), no_hang(busy_s=0.02):
        all(n >= 0 for n in itertools.count())
    with pytest.raises(HungError), no_hang(wait_s=0.02):
        time.sleep(WAIT_S)
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
def test_two_thousand_spoiled_files_are_told_each(
    kind: str, place: Path, record_property: Callable[[str, object], None]
) -> None:
    n_files = 2_000 // KINDS + 1
    record_property("tried", n_files)
    try_files(kind, place, n_files)


@pytest.mark.soak
@pytest.mark.parametrize("kind", FILES)
def test_twenty_thousand_spoiled_files_are_told_each(kind: str, place: Path) -> None:
    try_files(kind, place, 20_000 // KINDS + 1)
