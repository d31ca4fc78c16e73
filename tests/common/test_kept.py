"""A shelf gives back what was put there or nothing, whatever happens to its files."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.common import kept
from harness.common.kept import Shelf, made_by
from sim.units import S_PER_H

ROOT = Path(__file__).parents[2]
KEYS = [f"aa{k}" for k in range(6)]
WRITES_FOR_EVER = """
from harness.common.kept import Shelf
shelf, k = Shelf("things", 2560), 0
print("begun", flush=True)
while True:
    shelf.put(f"aa{k % 6}", str(k % 6).encode() * 100_000)
    k += 1
"""
DIES_WHILE_IT_WRITES = """
import os
from pathlib import Path
from harness.common.kept import Shelf
Path.replace = lambda self, target: os._exit(9)
Shelf("things", 2560).put("aa1", b"one")
"""
FULL_DISK = """
import resource, signal
from harness.common.kept import Shelf
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
shelf = Shelf("things", 2560)
shelf.put("aa1", b"one" * 100)
print(shelf.get("aa1"))
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path / "cache" / "ccmlab" / "things" / "aa"


def shelf(n_most: int = 2560) -> Shelf:
    return Shelf("things", n_most)


def started(program: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-P", "-c", program]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_what_was_put_is_there_for_others_and_nothing_else_is() -> None:
    shelf().put("aa1", b"one")
    assert shelf().get("aa1") == b"one"
    assert shelf().get("aa2") is None
    assert Shelf("others", 2560).get("aa1") is None


@pytest.mark.parametrize("spoilt", [b"", b"x" * 8, b"y" * 64])
def test_a_damaged_file_is_thrown_away_and_can_be_made_again(
    cache: Path, spoilt: bytes
) -> None:
    shelf().put("aa1", b"one")
    (cache / "aa1").write_bytes(spoilt)
    assert shelf().get("aa1") is None
    assert not (cache / "aa1").exists()
    shelf().put("aa1", b"one")
    assert shelf().get("aa1") == b"one"


def test_each_bit_and_the_name_are_sealed(cache: Path) -> None:
    shelf().put("aa1", b"one")
    whole = (cache / "aa1").read_bytes()
    for place in range(len(whole)):
        turned = bytearray(whole)
        turned[place] ^= 1
        (cache / "aa1").write_bytes(turned)
        assert shelf().get("aa1") is None
    (cache / "aa2").write_bytes(whole)
    assert shelf().get("aa2") is None


def test_the_oldest_make_room_for_the_newest(cache: Path) -> None:
    for age, key in enumerate(KEYS):
        shelf().put(key, key.encode())
        os.utime(cache / key, (1000.0 + age, 1000.0 + age))
    small = shelf(3 * 256)
    small.put("aa9", b"new")
    assert sorted(path.name for path in cache.iterdir()) == ["aa4", "aa5", "aa9"]


def test_a_writer_that_is_killed_leaves_nothing_that_is_read_and_nothing_for_good(
    cache: Path,
) -> None:
    writer = started(DIES_WHILE_IT_WRITES)
    writer.communicate(timeout=60)
    assert writer.returncode == 9
    [left] = cache.iterdir()
    assert shelf().get("aa1") is None
    shelf().put("aa2", b"two")
    assert left.exists()  # for all we know it is being written
    long_ago = time.time() - 2.0 * S_PER_H
    os.utime(left, (long_ago, long_ago))
    shelf().put("aa3", b"three")
    assert sorted(path.name for path in cache.iterdir()) == ["aa2", "aa3"]


def test_of_processes_that_write_at_once_nobody_reads_a_part() -> None:
    writers = [started(WRITES_FOR_EVER) for _ in range(2)]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "begun\n"
        here = shelf()
        while here.get(KEYS[-1]) is None:
            pass
        for _ in range(300):
            for k, key in enumerate(KEYS):
                assert here.get(key) == str(k).encode() * 100_000
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()


def test_where_the_disk_is_full_nothing_is_kept_and_nothing_lies_about(
    cache: Path,
) -> None:
    writer = started(FULL_DISK)
    told, _ = writer.communicate(timeout=60)
    assert (writer.returncode, told) == (0, "None\n")
    assert list(cache.iterdir()) == []


def test_where_there_is_no_folder_for_it_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(kept, "user_caches", lambda: [tmp_path / "file" / "ccmlab"])
    shelf().put("aa1", b"one")
    assert shelf().get("aa1") is None


def test_a_home_that_cannot_be_written_is_passed_for_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    second = tmp_path / "second"
    roots = [tmp_path / "file" / "ccmlab", second]
    monkeypatch.setattr(kept, "user_caches", lambda: roots)
    shelf().put("aa1", b"one")
    assert shelf().get("aa1") == b"one"
    assert second.stat().st_mode & 0o077 == 0


def test_what_was_written_under_a_running_process_has_no_maker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, part = made_by("sim", "optimizers"), made_by("sim")
    assert whole
    assert part
    assert whole != part
    monkeypatch.setattr(kept, "_STARTED_S", 0.0)
    assert made_by("sim/units.py") is None
