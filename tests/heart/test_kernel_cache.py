"""Compiled kernels are kept for other processes: never stale, damaged or foreign."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.heart import kept

HOLDS = """
import sys
from sim.heart.jit import _lock
with _lock.held(), _lock.held():  # nested, as a kernel that calls a kernel
    print("held", flush=True)
    sys.stdin.readline()
"""
KERNELS = """
from sim.heart.jit import kernel
@kernel
def inner(a, b):
    return 2 * a + b
@kernel
def outer(a, b):
    return inner(a, b) + 1
"""
CALLS = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
from kept_kernels import outer
calls = [(1, 2), (1.5, 2), (np.ones(2), 1.0), (1, 2.5)]
for a, b in calls[:: {step}]:
    assert np.array_equal(outer(a, b), 2 * a + b + 1), (a, b, outer(a, b))
print(sum(outer.stats.cache_hits.values()), sum(outer.stats.cache_misses.values()))
"""
ONE_CALL = """
import pwd, sys
def nobody(uid): raise KeyError(uid)
pwd.getpwuid = nobody
sys.path.insert(0, {folder!r})
from kept_kernels import outer
assert outer(1, 2) == 5
print(sum(outer.stats.cache_hits.values()), sum(outer.stats.cache_misses.values()))
"""
STOPPED = """
import signal, sys
sys.path.insert(0, {folder!r})
from sim.heart.awaited import listen
from kept_kernels import outer
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may ignore it
left = [{n}]
def stop(_):
    if left[0]:
        left[0] -= 1
        signal.raise_signal(signal.SIGINT)
listen(stop)
try:
    outer(1, 2)
except KeyboardInterrupt:
    print("interrupted", len(outer.signatures))
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
SHIFT = """
import numpy as np
from sim.heart.reflex import interval_shift_s
print(interval_shift_s(np.ones(2), np.ones(5)))
"""
ENCLOSING = f"""
import math
from sim.heart.jit import kernel
def times(n):
    @kernel
    def inner(x):  # too long for a compiler to copy it into who calls it
        y = 0.0 * x
        y *= {" + ".join(f"math.sin(y + {k})" for k in range(60))}
        return n * x + y
    @kernel
    def outer(x):
        return inner(x) + inner(inner(0.0))
    return outer
"""
ROOT = Path(__file__).parents[2]
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda content: content[: len(content) // 2],
    "zeroed": lambda content: bytes(len(content)),
    "a bit turned": lambda content: content[:-9] + bytes([content[-9] ^ 1, *[0] * 8]),
    "another's": lambda content: b"x" * 32 + content,
}


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "kept_kernels.py").write_text(KERNELS, encoding="utf-8")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def started(program: str) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", program], stdin=pipe, stdout=pipe, text=True
    )


def ended(program: str, **environment: str) -> tuple[str, str]:
    """Run a program to its end; return what it said on stdout and on stderr."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env=environment or None,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


def code_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("kept_kernels.*"))


@pytest.mark.slow
def test_processes_that_compile_at_once_leave_code_that_a_later_one_reads_right(
    own_cache: Path,
) -> None:
    folder = str(own_cache)
    at_once = [started(CALLS.format(folder=folder, step=step)) for step in (1, -1)]
    for process in at_once:
        process.communicate(timeout=120)
        assert process.returncode == 0
    assert ended(CALLS.format(folder=folder, step=1)) == ("4 0", "")


@pytest.mark.slow
def test_nobody_compiles_while_another_process_holds_the_cache(own_cache: Path) -> None:
    holder = started(HOLDS)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    waiting = started(CALLS.format(folder=str(own_cache), step=1))
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(timeout=4.0)
    holder.communicate("go\n", timeout=60)
    waiting.communicate(timeout=120)
    assert (holder.returncode, waiting.returncode) == (0, 0)


def test_a_process_that_is_stopped_with_its_turn_is_passed(own_cache: Path) -> None:
    holder = started(HOLDS)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with kept.OneAtATime(wait_s=0.1).held():
        assert holder.poll() is None
    holder.communicate("go\n", timeout=60)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two kernels and their code, which each test makes good."""
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "kept_kernels.py").write_text(KERNELS, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_CACHE_DIR", str(folder / "cache"))
        patch.setenv("PYTHONPATH", str(ROOT))
        assert ended(ONE_CALL.format(folder=str(folder))) == ("0 1", "")
    return folder


def test_who_finds_all_code_kept_registers_nothing_that_only_compiling_needs(
    compiled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(compiled / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    loads = 'print("numba.np.npyimpl" in sys.modules)\n'
    program = ONE_CALL.format(folder=str(compiled)) + loads
    assert ended(program) == ("1 0\nFalse", "")
    for file in code_files(compiled / "cache"):
        file.unlink()
    assert ended(program) == ("0 1\nTrue", "")


@pytest.mark.parametrize("how", DAMAGE)
def test_damaged_code_is_thrown_away_with_one_note_and_made_again(
    compiled: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(compiled / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    program = ONE_CALL.format(folder=str(compiled))
    files = code_files(compiled / "cache")
    assert len(files) == 2  # the kernel and the one that it calls
    for file in files:
        file.write_bytes(DAMAGE[how](file.read_bytes()))
    counts, said = ended(program)
    assert (counts, said.count("\n"), "was damaged" in said) == ("0 1", 1, True)
    assert ended(program) == ("1 0", "")


@pytest.mark.parametrize(
    ("n", "n_compiled", "n_kept"),
    [
        pytest.param(1, 1, 2, id="one waits for the kernel and what it calls"),
        pytest.param(2, 0, 0, id="a second is obeyed at once"),
    ],
)
def test_an_interrupt_while_compiling_is_not_lost(
    own_cache: Path, n: int, n_compiled: int, n_kept: int
) -> None:
    program = STOPPED.format(folder=str(own_cache), n=n)
    assert ended(program) == (f"interrupted {n_compiled}", "")
    assert len(code_files(own_cache / "cache")) == n_kept


def test_code_under_the_name_of_other_code_is_not_run(own_cache: Path) -> None:
    program = ONE_CALL.format(folder=str(own_cache))
    ended(program)
    inner, outer = code_files(own_cache / "cache")
    shutil.copyfile(inner, outer)
    assert ended(program)[0] == "0 1"


def test_a_changed_constant_of_another_file_is_never_run_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "sim", tmp_path / "sim")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    before = float(ended(SHIFT)[0])
    units = tmp_path / "sim" / "units.py"
    text = units.read_text(encoding="utf-8")
    changed = text.replace("S_PER_MS = 1e-3", "S_PER_MS = 2e-3")
    assert changed != text
    units.write_text(changed, encoding="utf-8")
    assert float(ended(SHIFT)[0]) == pytest.approx(2.0 * before)


def test_where_nothing_can_be_kept_it_runs_and_says_so_once(own_cache: Path) -> None:
    blocked = own_cache / "a-file"
    blocked.touch()
    nowhere = str(blocked / "below")
    sources = own_cache / "sources"
    shutil.copytree(ROOT / "sim", sources / "sim")
    counts, said = ended(
        f"import tempfile; tempfile.tempdir = {nowhere!r}"
        + ONE_CALL.format(folder=str(own_cache)),
        NUMBA_CACHE_DIR=nowhere,
        XDG_CACHE_HOME=nowhere,
        PYTHONPATH=str(sources),
    )
    assert counts == "0 1"
    assert "compiled code is not kept" in said
    assert said.count("\n") == 1
    assert not [*sources.rglob("*.nbi"), *sources.rglob("*.nbc")]


def test_without_a_home_and_with_an_unknown_user_code_is_kept_in_the_temporary_folder(
    own_cache: Path,
) -> None:
    temporary = own_cache / "tmp"
    temporary.mkdir()
    program = ONE_CALL.format(folder=str(own_cache))
    place = {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    assert ended(program, **place) == ("0 1", "")
    assert ended(program, **place) == ("1 0", "")
    assert (temporary / f"ccmlab-{os.getuid()}").stat().st_mode & 0o077 == 0


def test_code_in_a_temporary_folder_that_others_may_write_is_neither_read_nor_written(
    own_cache: Path,
) -> None:
    temporary = own_cache / "tmp"
    theirs = temporary / f"ccmlab-{os.getuid()}"
    theirs.mkdir(parents=True)
    theirs.chmod(0o777)
    counts, said = ended(
        ONE_CALL.format(folder=str(own_cache)),
        TMPDIR=str(temporary),
        PYTHONPATH=str(ROOT),
    )
    assert (counts, list(theirs.iterdir())) == ("0 1", [])
    assert "compiled code is not kept" in said
    assert said.count("\n") == 1


def test_kernels_of_one_text_that_enclose_different_values_are_kept_apart(
    own_cache: Path,
) -> None:
    (own_cache / "enclosing.py").write_text(ENCLOSING, encoding="utf-8")
    begin = f"import sys; sys.path.insert(0, {str(own_cache)!r})\n"
    begin += "from enclosing import times\nprint("
    # each first of its process: numba would give the code of both the same symbols
    assert ended(f"{begin}times(3)(1.0))") == ("3.0", "")
    assert ended(f"{begin}times(7)(1.0))") == ("7.0", "")
    assert ended(f"{begin}times(3)(2.0), times(7)(2.0))") == ("6.0 14.0", "")


def test_a_changed_kernel_outside_the_heart_leads_to_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("heart", "telemetry"):
        (tmp_path / name).mkdir()
    kernels = tmp_path / "telemetry" / "drawn.py"
    kernels.write_text("from sim.heart.jit import kernel")
    monkeypatch.setattr(kept, "_SIM", tmp_path)
    monkeypatch.setattr(kept, "__file__", str(tmp_path / "heart" / "kept.py"))
    before = kept.sources_hash()
    kernels.write_text("from sim.heart.jit import kernel\n")
    assert kept.sources_hash() != before
