"""Compile the kernels of this project, and keep the compiled code between runs."""

import fcntl
import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def cache_folder() -> Path:
    """Return the folder of compiled kernels, named after sources and compiler.

    Numba looks only at the file of a kernel, not at the kernels it calls from other
    files, so a change in any of them must lead to another folder.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    here = Path(__file__).parent
    drawn = here.parent / "telemetry" / "synthesis.py"
    for path in [*sorted(here.glob("*.py")), *([drawn] if drawn.exists() else [])]:
        digest.update(path.name.encode() + path.read_bytes())
    return _user_cache() / "ccmlab" / f"numba-{digest.hexdigest()[:16]}"


def _choose_cache() -> None:
    if os.environ.get("NUMBA_CACHE_DIR"):
        return
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / "ccmlab" / folder.name
    settings: Any = numba.config
    settings.CACHE_DIR = str(folder)


_choose_cache()


class _CacheLock:
    """One process at a time reads and writes the compiled code; may be nested.

    Numba numbers the files of a kernel by what it finds there: two processes that
    compile different signatures at once can leave one's code under the other's name.
    """

    def __init__(self) -> None:
        self._turn = threading.RLock()
        self._depth = 0

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
        settings: Any = numba.config
        folder = Path(settings.CACHE_DIR or tempfile.gettempdir())
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = (folder / "lock").open("w")
        except OSError:  # nothing can be kept there either
            yield
            return
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)  # let go when the process ends, however
            yield


_lock: Final = _CacheLock()


def _alone(compile_for: Callable[..., Any]) -> Callable[..., Any]:
    def locked(*args: Any, **kwargs: Any) -> Any:
        with _lock.held():
            return compile_for(*args, **kwargs)

    return locked


def kernel(function: Function) -> Function:
    """Compile a function of numbers and arrays; the caller checks bounds.

    Arithmetic keeps the order that is written (no fastmath), so that equal inputs give
    equal bits; division by zero gives inf or nan as in numpy.
    """
    compiled: Any = numba.njit(cache=True, error_model="numpy", nogil=True)(function)
    compiled.compile = _alone(compiled.compile)  # loads what is kept, or compiles
    return cast(Function, compiled)


def inlined(function: Function) -> Function:
    """Compile a small part that is copied into every kernel that calls it."""
    compiled = numba.njit(error_model="numpy", forceinline=True)(function)
    return cast(Function, compiled)


@intrinsic
def _fused(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    signature = numba.float64(numba.float64, numba.float64, numba.float64)

    def generate(context: Any, builder: Any, _: Any, args: Any) -> Any:
        return builder.fma(*args)

    return signature, generate


fma = cast(Callable[[float, float, float], float], _fused)
"""`a * b + c` rounded once; only for use inside a kernel."""
