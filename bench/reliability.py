"""What was tried to break it, and what survived: each kind of fault by its tests.

Run as `python -m bench.reliability [KIND...]`, or `make reliability` for every kind:
runs their tests and writes the rows of `docs/background/reliability.md` again.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from xml.etree import ElementTree

PAGE: Final = Path("docs") / "background" / "reliability.md"
BEGIN: Final = "<!-- faults: begin -->"
END: Final = "<!-- faults: end -->"
HEAD: Final = "| kind | faults | tried | survived | again |\n|---|---|---|---|---|\n"
TRIED: Final = "tried"
"""The property of a test that tries more than one fault: how many."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: what is done, and the tests that do it."""

    told: str
    tests: tuple[str, ...]
    only: str = ""


KINDS: Final[Mapping[str, Kind]] = {
    "spoiled": Kind(
        "files of every kind that is read, with values, structure or bytes spoiled",
        ("tests/command/test_spoiled_input.py",),
    ),
    "unreadable": Kind(
        "pipes, devices, folders, gigabytes, wrong encodings, digits and depth without "
        "end; inputs that failed once",
        ("tests/test_textfiles.py", "tests/command/test_inputs_that_failed.py"),
    ),
    "bedside": Kind(
        "measurements with open quotes, huge cells, contradictions",
        ("tests/evidence/test_fit.py",),
        "file or row or silence or fault or contradict",
    ),
    "record": Kind(
        "stored runs damaged, foreign, of another version, with any wrong value",
        ("tests/archive/test_archive.py", "tests/archive/test_rerender.py"),
        "not_whole or wrong_value or cannot_be_read or schema or outside",
    ),
    "others": Kind(
        "links, look-alikes and files of others in our way",
        ("tests/archive/test_archive.py", "tests/archive/test_rerender.py"),
        "link or looks_like or no_run_wrote or touches or outside",
    ),
    "disk": Kind(
        "disk full, read-only, over quota, at each write of a run, rendering or study",
        ("tests/archive/test_faults_of_the_disk.py", "tests/study/test_ledger.py"),
        "fault or quota or fit or utf8 or room or fills",
    ),
    "streams": Kind(
        "stdout and stderr closed, full or of another encoding",
        ("tests/command/test_streams.py",),
    ),
    "killed": Kind(
        "a writer killed at each step, a study killed or interrupted and gone on with",
        (
            "tests/archive/test_archive.py",
            "tests/archive/test_files_written_aside.py",
            "tests/study/test_study_command.py",
        ),
        "killed or interrupt or ctrl_c or died or dead or clock",
    ),
    "stays": Kind(
        "each command done, unable to write, or stopped by SIGINT, SIGTERM, SIGHUP: "
        "processes, temporary and half-written files that stay",
        ("tests/command/test_nothing_stays.py", "tests/test_nothing_left_behind.py"),
    ),
    "strategies": Kind(
        "strategies that raise, exit, hang, crash, kill, fork, fill memory, spoil what "
        "they are handed; frames that are none",
        (
            "tests/study/test_bad_contenders.py",
            "tests/play/host/test_hosted.py",
            "tests/play/host/test_frames.py",
        ),
    ),
    "ledger": Kind(
        "a study's ledger with bits flipped, cut short, taken away, replaced, read "
        "while it is written",
        ("tests/study/test_damage.py",),
    ),
    "limit": Kind(
        "visits beyond their limit of time, long visits, many reports",
        (
            "tests/study/test_watched.py",
            "tests/archive/test_recording.py",
            "tests/report/test_pdf.py",
        ),
        "late or limit or memory or ends or threads",
    ),
    "cluster": Kind(
        "workers killed, too small, standing still, of other sources; no scheduler",
        ("tests/study/test_cluster.py",),
    ),
    "kernels": Kind(
        "compiled code damaged, stale, of others, where nothing can be kept",
        ("tests/heart/test_kernel_cache.py",),
    ),
    "text": Kind(
        "names and notes that are markup, formulas or control characters",
        ("tests/archive/test_hostile_text.py",),
    ),
    "device": Kind(
        "every sequence of events at the device, against a second reading of its rules",
        ("tests/device/test_generator_proof.py",),
    ),
}


@dataclass(frozen=True, slots=True)
class Count:
    """How many faults were tried, and how many did no harm."""

    tried: int
    survived: int


def counted(kind: Kind) -> Count:
    """Run the tests of a kind; the long counts have a command of their own."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "tests.xml"
        command = [sys.executable, "-m", "pytest", "-q", *_selected(kind)]
        # the newer family of reports has no place for what a test tells
        told = [f"--junit-xml={file}", "-o", "junit_family=xunit1"]
        subprocess.run([*command, *told], check=False)
        return _count(file.read_bytes())


def _selected(kind: Kind) -> list[str]:
    only = ["-k", kind.only] if kind.only else []
    return [*kind.tests, "-m", "not soak", *only]


def _count(report: bytes) -> Count:
    """Add up a report of tests: one fault each, unless a test tells how many."""
    tried = survived = 0
    for test in ElementTree.fromstring(report).iter("testcase"):
        if test.find("skipped") is not None:
            continue
        told = test.find(f".//property[@name='{TRIED}']")
        n = 1 if told is None else int(told.attrib["value"])
        tried += n
        if test.find("failure") is None and test.find("error") is None:
            survived += n
    return Count(tried, survived)


def row(name: str, count: Count) -> str:
    """Return the line of the table."""
    counts = f"{count.tried:,} | {count.survived:,}"
    again = f"`python -m bench.reliability {name}`"
    return f"| {name} | {KINDS[name].told} | {counts} | {again} |\n"


def with_rows(page: str, rows: Mapping[str, str]) -> str:
    """Return the page with some rows new and the others as they were."""
    before, _, rest = page.partition(BEGIN)
    table, _, after = rest.partition(END)
    known = {m[1]: f"{m[0]}\n" for m in re.finditer(r"(?m)^\| (\w+) \| .*", table)}
    kept = {**known, **rows}
    lines = "".join(kept[name] for name in KINDS if name in kept)
    return f"{before}{BEGIN}\n{HEAD}{lines}{END}{after}"


def main() -> None:
    """Try the kinds that are named, or all; exit 1 when something did harm."""
    parser = argparse.ArgumentParser(prog="python -m bench.reliability")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    asked = parser.parse_args().kinds or list(KINDS)
    if unknown := set(asked) - KINDS.keys():
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    harmed = False
    for name in asked:
        count = counted(KINDS[name])
        harmed |= count.survived < count.tried or not count.tried
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(with_rows(page, {name: row(name, count)}), encoding="utf-8")
        print(row(name, count), end="", flush=True)
    sys.exit(harmed)


if __name__ == "__main__":
    main()
