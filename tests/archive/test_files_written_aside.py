"""A file that takes another's place: whole, and nothing half written stays."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.common.files import OutputError, replace_file

ROOT = Path(__file__).parents[2]
KILLED_WRITERS = """
import os, sys
from pathlib import Path
from harness.common import files

def dying_at(left):
    def counted(function):
        def step(*arguments, **named):
            nonlocal left
            left -= 1
            if left == 0:
                os._exit(1)
            return function(*arguments, **named)
        return step
    for name in ("mkdir", "write_bytes", "open", "replace", "rename"):
        setattr(Path, name, counted(getattr(Path, name)))
    files.os.fsync = counted(os.fsync)
    files.shutil.rmtree = counted(files.shutil.rmtree)

place, n_steps, ended = Path(sys.argv[1]), 0, False
target = place / "table.csv"
while not ended:
    n_steps += 1
    target.write_bytes(b"before")
    child = os.fork()
    if child == 0:
        dying_at(n_steps)
        files.replace_file(target, b"after")
        os._exit(0)
    ended = os.waitpid(child, 0)[1] == 0
    assert target.read_bytes() in (b"before", b"after")
    files.replace_file(target, b"next")
    assert [path.name for path in place.iterdir()] == ["table.csv"], n_steps
    assert target.read_bytes() == b"next"
print(n_steps - 1)
"""


def test_what_a_killed_writer_of_a_file_left_goes_at_the_next_write(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED_WRITERS, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= len(("folder", "mark", "file", "sync", "place", "tidy"))


def test_what_only_looks_half_written_stays(tmp_path: Path) -> None:
    theirs = tmp_path / ".table.csv.partial-1234567890"
    theirs.write_text("keep")
    replace_file(tmp_path / "table.csv", b"a")
    assert theirs.read_text() == "keep"


@pytest.mark.parametrize("name", ["is a folder", "below a file/table.csv"])
def test_a_file_that_cannot_be_placed_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "is a folder").mkdir()
    (tmp_path / "below a file").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match=f"{name}.* cannot be written"):
        replace_file(tmp_path / name, b"a")
    assert sorted(tmp_path.rglob("*")) == before
