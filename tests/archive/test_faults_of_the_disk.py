"""A disk that is full, read-only or over its quota at any write: one message."""

import errno
import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.archive.rerender import render_again
from harness.archive.run_folder import prepare, read_run, write_run
from harness.archive.tables import write_beats
from harness.cli import invoke
from harness.common.files import OutputError
from harness.play.run import Run
from harness.report.contents import Report

FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
WRITES = ("fsync", "mkdir", "rename", "write_bytes")


class Disk:
    """Counts what is written and lets one write of them fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left, self.code, self.n = -1, errno.ENOSPC, 0
        monkeypatch.setattr(os, "fsync", self.counted(lambda _: None))
        for name in WRITES[1:]:
            monkeypatch.setattr(Path, name, self.counted(getattr(Path, name)))

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            self.n += 1
            self.left -= 1
            if self.left == 0:
                raise OSError(self.code, os.strerror(self.code))
            return function(*arguments, **named)

        return step

    def fails_at_each(self, work: Callable[[], object]) -> Iterator[str | None]:
        """Run the work with a fault at each of its writes; yield what is told."""
        self.left, self.n = -1, 0
        work()
        n_writes = self.n
        for number in range(1, n_writes + 1):
            self.left, self.code = number, FAULTS[number % len(FAULTS)]
            try:
                work()
            except OutputError as error:
                yield str(error)
            else:
                yield None
            self.left = -1


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_fault_at_any_write_of_a_run_is_one_message_and_leaves_what_was_there(
    tmp_path: Path,
    run: Run,
    report: Report,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    disk, target = Disk(monkeypatch), tmp_path / "run"

    def work() -> None:
        write_run(run, report, target, force=True)

    told = []
    for text in disk.fails_at_each(work):
        told.append(text)
        assert text is None or "cannot be written: " in text
        assert read_run(target)
        prepare(target, force=True)  # sweeps what only a rename back could not mend
        assert list(tmp_path.iterdir()) == [target]
    assert len(told) > 20
    record_property("tried", len(told))
    assert sum(text is not None for text in told) > 20


@pytest.mark.slow
def test_a_fault_at_any_write_of_a_rendering_leaves_a_run_that_the_next_call_mends(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "run"))
    disk = Disk(monkeypatch)

    def work() -> None:
        (folder / "report.fhir.json").unlink(missing_ok=True)
        render_again(folder, ("fhir",))

    for text in disk.fails_at_each(work):
        assert text is None or "cannot be written: " in text
        assert [p.name for p in tmp_path.iterdir()] == ["run"]
        render_again(folder, ("fhir",))
        assert read_run(folder)


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """Let the system refuse what is written beyond a size, as a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        with pytest.MonkeyPatch.context() as patch:
            # else what is imported meanwhile is kept cut short for whoever comes next
            patch.setattr(sys, "dont_write_bytecode", True)
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("n_bytes", [0, 4_000, 60_000, 300_000])
def test_a_quota_that_ends_within_any_file_is_one_message(
    tmp_path: Path, run: Run, report: Report, n_bytes: int
) -> None:
    with (
        largest_file(n_bytes),
        pytest.raises(OutputError, match="cannot be written: "),
    ):
        write_run(run, report, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_beats_that_do_not_fit_are_told_as_a_fault_of_the_disk(
    tmp_path: Path, run: Run
) -> None:
    with largest_file(1_000), pytest.raises(OSError, match=r"."):
        write_beats(run.record.beats, tmp_path / "beats.parquet", pseudonym="x")


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\xff\xfe"])
def test_a_folder_whose_name_is_no_utf8_is_refused_before_the_visit(
    tmp_path: Path, name: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    out = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    for command in ("run", "study"):
        shipped = {"run": "first_visit", "study": "quick"}[command]
        assert invoke([command, shipped, "--out", out, "--quiet"]) == 2
        assert "must have a name in UTF-8" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
