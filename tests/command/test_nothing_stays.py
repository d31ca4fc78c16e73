"""Whichever way a command ends: no process, temporary file or half-written thing stays.

Threads, sockets and locks of a command end with its process; those of a command that
is called in this one are named by `tests/conftest.py`.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from harness.archive.run_folder import write_run
from harness.cli import invoke
from harness.commands.speech import INTERRUPTED
from harness.play.run import run_scenario
from harness.play.scenario import load_scenario
from harness.report.build import report_of
from harness.truth.answer_key import truth_of
from sim.heart.kept import user_caches

if sys.platform != "linux":
    pytest.skip("what a process leaves is read in /proc", allow_module_level=True)

pytestmark = pytest.mark.slow
ROOT: Final = Path(__file__).parents[2]
# who runs the tests in the background has signals ignored, and children inherit that
CODE: Final = """
import os, resource, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
limit = int(os.environ["MOST_BYTES"])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from harness.cli import main
main()
"""
NO_LIMIT: Final = -1
BOUND_S: Final = 1800.0  # validate on a busy machine; usually a hundredth of it
SOON_S: Final = 1.5
SHORT: Final = {
    "visit.titration_min": 3,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.observation_min": 1,
    "visit.baseline_min": 1,
}
COURSE: Final = """
title = "Two visits"
[course]
visit_months = [0, 3]
[patient]
phenotype = "hfref-ischaemic"
[visit]
titration_min = 0
verification_pairs = 2
response_pairs = 1
observation_min = 1
baseline_min = 1
"""
STUDY: Final = """
title = "A tiny study"
contenders = ["stay", "random"]
budgets_min = [4]
replicates = 1
patients = ["hfref-ischaemic"]
[visit]
verification_pairs = 2
response_pairs = 0
baseline_min = 1
observation_min = 0
"""
DAY: Final = """
title = "A short day"
[visits]
per_kind = 1
[[visits.kinds]]
scenario = "first_visit"
[appointments]
every_min = 60
n = 3
"""
BEDSIDE: Final = """quantity,value,unit,sd
SBP,112,mmHg,4
DBP,68,mmHg,
HR,78,bpm,2
EF,0.27,1,0.02
EDV,240,mL,15
"""


@dataclass(frozen=True)
class Command:
    """A command line in a prepared folder, and what it may leave there."""

    line: str
    makes: str
    speaks: bool = True
    """Whether it says on stderr how far it is; else a moment is waited for."""

    most_bytes: int = 4096
    """Of a file, so that writing its result fails."""


COMMANDS: Final[Mapping[str, Command]] = {
    "run": Command("run visit.toml --out made", "made"),
    "own strategy": Command(
        "run visit.toml --strategy own.py:mine --format json --out made", "made"
    ),
    "stream": Command("stream visit.toml --rate max", "", speaks=False),
    "replay": Command("replay run --out made", "made", speaks=False),
    "landscape": Command("landscape visit.toml --out made", "made", speaks=False),
    "lesson-plan": Command(
        "lesson-plan a_stronger_beat --out made.pdf", "made.pdf", speaks=False
    ),
    "course": Command("run course.toml --out made", "made"),
    "study": Command("study study.toml --jobs 2 --out made", "made"),
    "day": Command("day day.toml --days 2 --out made", "made"),
    "report": Command("report run --format html,pdf,json,fhir", "", speaks=False),
    "compare": Command("compare study --out made", "made", speaks=False),
    "compare-visits": Command(
        "compare-visits run run --out made.html", "made.html", speaks=False
    ),
    "validate": Command("validate --json made.json", "made.json"),
    "fit": Command(
        "fit bedside.csv --out made.toml", "made.toml", speaks=False, most_bytes=64
    ),
    "sensitivity": Command(
        "sensitivity visit.toml --samples 64 --out made", "made", most_bytes=64
    ),
    "export": Command(
        "export study --format csv --out made", "made", speaks=False, most_bytes=64
    ),
    "check-strategy": Command("check-strategy own.py:mine", "", most_bytes=64),
}
BOUNDED: Final = [
    # a minute and more each; every way of ending them early is in `.ci/run`
    pytest.param(name, marks=pytest.mark.soak)
    if name in {"validate", "check-strategy"}
    else name
    for name in COMMANDS
]
OPEN: Final = {"clinic": Command("clinic --port 0 --no-open --out made", "made")}
"""Commands that are open until somebody stops them."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what commands read."""
    folder = tmp_path_factory.mktemp("prepared")
    scenario = load_scenario("first_visit").changed(SHORT)
    run = run_scenario(scenario, scenario_name="x")
    write_run(run, report_of(run, truth_of(run.played)), folder / "run")
    visit = (ROOT / "scenarios" / "first_visit.toml").read_text(encoding="utf-8")
    for path, value in SHORT.items():
        name = path.partition(".")[2]
        visit = re.sub(rf"(?m)^{name} = .*\n", "", visit)
        visit = visit.replace("[visit]\n", f"[visit]\n{name} = {value}\n")
    own = "def mine(problem, rng):\n    yield problem.reference\n"
    texts = {
        "visit.toml": visit,
        "course.toml": COURSE,
        "study.toml": STUDY,
        "day.toml": DAY,
    }
    texts |= {"bedside.csv": BEDSIDE, "own.py": own}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def with_study(prepared: Path) -> Path:
    """Return the folder with a played study too."""
    study, out = str(prepared / "study.toml"), str(prepared / "study")
    assert invoke(["study", study, "--jobs", "1", "-q", "--out", out]) == 0
    return prepared


@dataclass(frozen=True)
class Place:
    """A folder of its own with all that a command reads, and a temporary one."""

    here: Path
    temporary: Path
    known: frozenset[str]

    def left(self, command: Command) -> set[str]:
        """Return what is there that neither was nor is the result."""
        now = {path.name for path in self.here.iterdir()}
        inside = {
            path.name
            for path in self.here.rglob("*")
            if re.search(r"\.partial|\.replaced|-wal$|-shm$|-journal$|lock$", path.name)
        }
        temporary = {f"temporary {path.name}" for path in self.temporary.iterdir()}
        return (now - self.known - {command.makes}) | inside | temporary


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Place]:
    def made(name: str) -> Place:
        needs_study = name in ("compare", "export")
        source = request.getfixturevalue("with_study" if needs_study else "prepared")
        here, temporary = tmp_path / "here", tmp_path / "tmp"
        subprocess.run(["cp", "-r", str(source), str(here)], check=True)
        temporary.mkdir()
        known = frozenset(path.name for path in here.iterdir())
        return Place(here, temporary, known)

    return made


class Ended:
    """A command in a process of its own, and every process that it began."""

    def __init__(self, command: Command, place: Place, most_bytes: int) -> None:
        self.sign = f"CCMLAB_TEST={uuid4()}"
        name, _, value = self.sign.partition("=")
        mine = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, *command.line.split()],
            cwd=place.here,
            env=mine
            | {
                "PYTHONPATH": str(ROOT),
                "TMPDIR": str(place.temporary),
                "NUMBA_CACHE_DIR": str(user_caches()[0]),
                "MOST_BYTES": str(most_bytes),
                name: value,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str]:
        """Wait for it; return exit code and what it said on stderr."""
        try:
            _, said = self.process.communicate(timeout=BOUND_S)
        finally:
            self.process.kill()
            self.process.communicate()
        return self.process.returncode, said

    def processes(self) -> list[str]:
        """Return those that still run a moment after the command has ended."""
        deadline_s = time.monotonic() + 10.0
        while (found := self._now()) and time.monotonic() < deadline_s:
            time.sleep(0.1)
        return found

    def _now(self) -> list[str]:
        sign, found = self.sign.encode(), []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if sign in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "cmdline").read_bytes().decode())
            except OSError:
                continue  # another's, or gone meanwhile
        return found


@pytest.mark.parametrize("name", BOUNDED)
def test_a_command_that_is_done_leaves_its_result_alone(
    name: str, place: Callable[[str], Place]
) -> None:
    command, where = COMMANDS[name], place(name)
    ended = Ended(command, where, NO_LIMIT)
    code, said = ended.end()
    assert code == 0, said
    assert ended.processes() == []
    assert where.left(command) == set()
    assert not command.makes or (where.here / command.makes).exists()


@pytest.mark.parametrize("name", BOUNDED)
def test_a_command_that_cannot_write_leaves_nothing(
    name: str, place: Callable[[str], Place]
) -> None:
    command, where = COMMANDS[name], place(name)
    ended = Ended(command, where, command.most_bytes)
    code, said = ended.end()
    assert code in (0, 1, 2), said  # 0 for one that writes nothing large
    assert "Traceback" not in said
    assert ended.processes() == []
    assert where.left(command) == set()


@pytest.mark.parametrize(
    ("name", "number"), [(name, signal.SIGTERM) for name in (*COMMANDS, *OPEN)]
)
def test_a_command_that_is_told_to_end_leaves_nothing(
    name: str, number: signal.Signals, place: Callable[[str], Place]
) -> None:
    stopped(name, number, place)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("name", ["run", "own strategy", "study", "clinic"])
def test_a_command_that_is_stopped_leaves_nothing(
    name: str, number: signal.Signals, place: Callable[[str], Place]
) -> None:
    stopped(name, number, place)


def stopped(name: str, number: signal.Signals, place: Callable[[str], Place]) -> None:
    """Stop a command once it speaks, and see what stays."""
    command, where = (COMMANDS | OPEN)[name], place(name)
    ended = Ended(command, where, NO_LIMIT)
    assert ended.process.stderr is not None
    if command.speaks:
        ended.process.stderr.readline()
    else:
        time.sleep(SOON_S)
    ended.process.send_signal(number)
    code, said = ended.end()
    # it may have been done already, or hardly begun
    assert code in (0, INTERRUPTED, -number), said
    assert "Traceback" not in said or code == -number, said
    assert ended.processes() == []
    assert where.left(command) == set()
