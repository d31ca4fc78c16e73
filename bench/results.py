"""Play all published results again: `python -m bench.results`, or `make results`.

Stopped at any moment, it goes on where it was: a step that is done for the sources as
they stand is not done again, and a study goes on with its next visit. What is played
lies in `results/again/`, in a folder for each state of the sources.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("sim", "optimizers", "harness", "scenarios", "requirements.lock")
PUBLISHED = "results/published"
Run = Callable[[Sequence[str]], int]


@dataclass(frozen=True, slots=True)
class Step:
    """One command, and what it is called.

    Where it `finds`, an exit code of 1 is what was found, not a failure.
    """

    name: str
    command: tuple[str, ...]
    finds: bool = False

    def is_done(self, code: int) -> bool:
        """Tell whether an exit code means that the step is done."""
        return code == 0 or (self.finds and code == 1)


def steps(work: Path) -> tuple[Step, ...]:
    """Return what has to be done, in its order; studies are kept in `work`."""
    ccmlab = str(Path(sys.executable).with_name("ccmlab"))
    landscape = f"{PUBLISHED}/landscape"
    table = ("--readme", "docs/leaderboard.md")
    return (
        Step("validation", (ccmlab, "validate", "--quiet", "--publish", ".")),
        Step(
            "landscape",
            (ccmlab, "landscape", "reference", "--out", landscape, "--force"),
        ),
        *_study(ccmlab, work, "reference", *table),
        *_study(ccmlab, work, "goal", "--without-searches"),
        *_study(ccmlab, work, "survey", "--without-searches"),
        *_study(ccmlab, work, "stopping", "--without-searches"),
        *_study(ccmlab, work, "transfer", "--without-searches"),
        *_engines(ccmlab, work),
        Step("people", (sys.executable, "-m", "harness.evidence.population_table")),
    )


def _engines(ccmlab: str, work: Path) -> tuple[Step, ...]:
    folders = {name: str(work / f"engines-{name}") for name in ("beats", "table")}
    page = (sys.executable, "-m", "harness.evidence.engines", *folders.values())
    study = (ccmlab, "study", "engines")
    return (
        *(
            Step(f"engine {name}", (*study, "--engine", name, "--out", folder))
            for name, folder in folders.items()
        ),
        Step("page of engines", page, finds=True),
    )


def _study(ccmlab: str, work: Path, name: str, *options: str) -> tuple[Step, Step]:
    played, page = str(work / name), f"{PUBLISHED}/{name}"
    return (
        Step(f"study {name}", (ccmlab, "study", name, "--out", played)),
        Step(
            f"page of {name}",
            (ccmlab, "compare", played, "--out", page, "--force", *options),
        ),
    )


def fingerprint(root: Path = ROOT) -> str:
    """Return a hash of the sources as they stand, committed or not."""
    digest = sha256()
    for name in SOURCES:
        place = root / name
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for path in files:
            if path.is_file() and "__pycache__" not in path.parts:
                content = path.read_bytes()
                digest.update(f"{path.relative_to(root)} {len(content)} ".encode())
                digest.update(content)
    return digest.hexdigest()[:12]


def played(todo: Sequence[Step], work: Path, run: Run) -> int:
    """Do what is not done; return the exit code of the first step that fails, else 0.

    The seconds of each step are kept in `work`, those of a step that was stopped too.
    """
    work.mkdir(parents=True, exist_ok=True)
    book = Book(work / "steps.json")
    for number, step in enumerate(todo, start=1):
        place = f"{number} of {len(todo)}, {step.name}"
        if step.name in book.done:
            print(f"{place}: done already, {told(book.seconds[step.name])}")
            continue
        print(f"{place}: begun, {told(sum(book.seconds.values()))} so far", flush=True)
        code = book.timed(step, run)
        if not step.is_done(code):
            print(f"{place}: ended with {code}; the same command goes on from here")
            return code
    print(f"all results in {told(sum(book.seconds.values()))}")
    return 0


class Book:
    """Which steps are done and how long each took, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seconds: dict[str, float] = {}
        self.done: list[str] = []
        if path.is_file():
            known: Mapping[str, object] = json.loads(path.read_text(encoding="utf-8"))
            self.seconds, self.done = known["seconds"], known["done"]  # type: ignore[assignment]

    def timed(self, step: Step, run: Run) -> int:
        """Do a step and write down how long it took, also where it is stopped."""
        began_s = time.monotonic()
        try:
            code = run(step.command)
            if step.is_done(code):
                self.done.append(step.name)
            return code
        finally:
            before_s = self.seconds.get(step.name, 0.0)
            self.seconds[step.name] = before_s + time.monotonic() - began_s
            self._write()

    def _write(self) -> None:
        text = json.dumps({"seconds": self.seconds, "done": self.done}, indent=1)
        aside = self._path.with_suffix(".partial")
        aside.write_text(text, encoding="utf-8")
        aside.replace(self._path)


def told(seconds: float) -> str:
    """Return a length of time as hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))


def main() -> int:
    """Do it in the checkout, and say how long each step took."""
    work = ROOT / "results" / "again" / fingerprint()

    def run(command: Sequence[str]) -> int:
        return subprocess.run(command, cwd=ROOT, check=False).returncode

    try:
        return played(steps(work), work, run)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here")
        return 130


if __name__ == "__main__":
    sys.exit(main())
