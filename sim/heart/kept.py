"""Compiled kernels kept between runs: never of other sources, never a damaged one.

Numba's own cache looks at the file of a kernel only, not at what the kernel calls or
imports, and hands on whatever a file of it holds. Here each compiled kernel is one
file, named by all that went into it and sealed by a hash of what it holds.
"""

import fcntl
import hashlib
import io
import os
import pickle
import platform
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing import parent_process
from pathlib import Path
from types import FunctionType
from typing import Any, Final

import llvmlite  # type: ignore[import-untyped]
import numba
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.runtime.nrt import rtsys
from numba.core.serialize import dumps

from sim.heart.awaited import compiling

# Numba's own annotations are partial: what reads and writes code is taken as untyped.
_rebuild: Any = CompileResult._rebuild
_dumps: Any = dumps

_WAIT_S: Final = 120.0  # compiling takes half a minute; who takes longer is stopped
_POLL_S: Final = 0.05
_SIM: Final = Path(__file__).parent.parent
_N_SEAL: Final = hashlib.sha256().digest_size
_N_SYMBOL: Final = 12


def sources_hash() -> str:
    """Return a hash of everything that decides what compiled kernels do.

    The files with kernels and what these import, whose constants they freeze; Python,
    numba and llvmlite.
    """
    versions = (platform.python_version(), numba.__version__, llvmlite.__version__)
    digest = hashlib.sha256(" ".join(versions).encode())
    for path in _sources():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(_SIM)} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


def _sources() -> list[Path]:
    here = Path(__file__).parent
    near = {*_SIM.glob("*.py"), *here.glob("*.py")}
    far = (
        path
        for path in _SIM.rglob("*.py")
        if path not in near and b"sim.heart.jit import" in path.read_bytes()
    )
    return sorted({*near, *far})


_AT_START: Final = sources_hash()


def places() -> tuple[Path, ...]:
    """Return the folders where compiled kernels may lie, the preferred one first."""
    asked = os.environ.get("NUMBA_CACHE_DIR")
    roots = ([Path(asked)] if asked else []) + user_caches()
    return tuple(root / f"kernels-{_AT_START}" for root in roots)


def user_caches() -> list[Path]:
    """Return the folders where we may keep what can be made again, best first."""
    roots: list[Path] = []
    with suppress(RuntimeError):  # neither HOME nor a known user
        roots.append(_user_cache() / "ccmlab")
    with suppress(OSError):  # no temporary folder at all
        roots += _private(Path(tempfile.gettempdir()) / f"ccmlab-{os.getuid()}")
    return roots


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~").expanduser() / ".cache")


def _private(folder: Path) -> list[Path]:
    """Return a folder unless somebody else can put code there to be run by us."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return [folder]
    others = stat.S_IMODE(found.st_mode) & 0o077
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return [folder] if ours and not others else []


def _make(folder: Path) -> None:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    if folder not in places():  # somebody was faster in the temporary folder
        raise PermissionError(f"{folder} is somebody else's")


def own_symbol(function: Callable[..., Any]) -> None:
    """Name a function after what it encloses, as the linker is to know it.

    Numba tells functions of one name apart by a number that counts what a process has
    compiled. Code of two processes may then hold other functions under one symbol, and
    whoever reads both would run the one in place of the other.
    """
    digest = hashlib.sha256(repr(_described(function)).encode()).hexdigest()
    function.__qualname__ = f"{function.__qualname__}_{digest[:_N_SYMBOL]}"


class KeptKernel(_Cache):
    """What numba asks for the compiled code of one kernel, by signature."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._source = Path(function.__code__.co_filename)
        self._stamp = _file_hash(self._source)

    @property
    def cache_path(self) -> str | None:
        """The folder that is preferred."""
        return str(places()[0]) if places() else None

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled code that is kept for a signature, or None.

        It needs numba's runtime, and none of the functions that numba knows how to
        compile: to register those takes as long as reading all our kernels.
        """
        rtsys.initialize(target_context)
        name = self._name(sig, target_context.codegen())
        for folder in places():
            content = _unsealed(folder / name)
            if content is not None:
                data = pickle.load(io.BytesIO(content))
                return _rebuild(target_context, *data)
        if not compiling(self._function.__name__) and _is_terminal():
            _note("the first run of an installation compiles, about half a minute")
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the compiled code of a signature, unless sources changed meanwhile."""
        changed = (sources_hash(), _file_hash(self._source)) != (_AT_START, self._stamp)
        if changed or data.library.has_dynamic_globals:
            return
        _keep(self._name(sig, data.codegen), _dumps(data._reduce()))

    def _name(self, sig: Any, codegen: Any) -> str:
        parts = (self._stamp, _described(self._function), sig, codegen.magic_tuple())
        digest = hashlib.sha256(repr(parts).encode()).hexdigest()
        return f"{self._source.stem}.{self._function.__name__}-{digest[:24]}"

    def enable(self) -> None:
        """Do nothing: it is always on."""

    def disable(self) -> None:
        """Do nothing: it is always on."""

    def flush(self) -> None:
        """Do nothing: what is kept stays right."""


def _described(value: Any) -> object:
    """Return what tells a function from others of the same sources: what it encloses.

    Globals need no telling, they follow from the sources.
    """
    if isinstance(value, tuple):
        return tuple(map(_described, value))
    inner = getattr(value, "py_func", None) or getattr(value, "_defn", value)
    if isinstance(inner, FunctionType):
        cells = [_described(cell.cell_contents) for cell in inner.__closure__ or ()]
        return (inner.__qualname__, inner.__code__.co_firstlineno, cells)
    if isinstance(value, bool | int | float | str):
        return (type(value).__name__, value)
    raise TypeError(f"a kernel cannot enclose {value!r}: no name for it can be kept")


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sealed(name: str, content: bytes) -> bytes:
    """Return content behind a hash of it and of the name that it is kept under."""
    return hashlib.sha256(name.encode() + content).digest() + content


def unsealed(name: str, kept: bytes) -> bytes | None:
    """Return what was sealed under a name; None where that is damaged or another's."""
    content = kept[_N_SEAL:]
    return content if kept == sealed(name, content) else None


def _unsealed(path: Path) -> bytes | None:
    """Return what was kept in a file; a damaged one is thrown away, with a note."""
    try:
        content = unsealed(path.name, path.read_bytes())
    except OSError:
        return None
    if content is not None:
        return content
    _note(f"compiled code in {path.parent} was damaged; it is made again")
    with suppress(OSError):
        path.unlink()
    return None


def _keep(name: str, content: bytes) -> None:
    """Write a file in the first folder that takes it, whole or not at all."""
    fault = "there is no folder for it"
    for folder in places():
        aside = folder / f"{name}.partial-{os.getpid()}"
        try:
            _make(folder)
            aside.write_bytes(sealed(name, content))
            aside.replace(folder / name)
        except OSError as error:
            fault = f"{folder}: {(error.strerror or str(error)).lower()}"
            with suppress(OSError):
                aside.unlink(missing_ok=True)
        else:
            return
    _note(f"compiled code is not kept, so that each start compiles ({fault})")


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


_told: Final[set[str]] = set()


def _note(text: str) -> None:
    """Say something once on stderr, if there is one; what works for us is silent."""
    kind = text.partition(" in ")[0]
    if kind in _told or parent_process() is not None:
        return
    _told.add(kind)
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"ccmlab: {text}\n")


class OneAtATime:
    """One process at a time compiles; others then find what it kept. May be nested.

    A process that holds its turn for too long, because it is stopped, is passed.
    """

    def __init__(self, wait_s: float = _WAIT_S) -> None:
        self._turn = threading.RLock()
        self._depth = 0
        self._wait_s = wait_s

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for other threads and processes, then go on alone."""
        with self._turn, self._file() if self._depth == 0 else nullcontext():
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1

    @contextmanager
    def _file(self) -> Iterator[None]:
        handle = _lock_file()
        try:
            if handle is not None:
                self._wait(handle)
            yield
        finally:
            if handle is not None:
                os.close(handle)  # lets go; so does the end of a process, however

    def _wait(self, handle: int) -> None:
        until_s = time.monotonic() + self._wait_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until_s:
                    self._wait_s = 0.0  # once is enough
                    return
                time.sleep(_POLL_S)
            except OSError:  # a file system without locks
                return
            else:
                return


def _lock_file() -> int | None:
    for folder in places():
        with suppress(OSError):
            _make(folder)
            return os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    return None
