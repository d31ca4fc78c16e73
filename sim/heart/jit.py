"""Compile the kernels of this project."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar, cast

import numba
from numba.extending import intrinsic

from sim.heart.kept import KeptKernel, OneAtATime, own_symbol

Function = TypeVar("Function", bound=Callable[..., Any])

_lock: Final = OneAtATime()
_ENDING: Final = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)
)
_holding: Final[list[bool]] = []


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back what would end us until a kernel is there; a second one is obeyed.

    What is raised while LLVM calls back is printed and forgotten by Python, and the
    code of the kernel is then missing.
    """
    if _holding or threading.current_thread() is not threading.main_thread():
        yield  # a kernel of a kernel; or no thread in which signals arrive
        return
    handlers = {number: signal.getsignal(number) for number in _ENDING}
    ours = {number: found for number, found in handlers.items() if callable(found)}
    held: list[int] = []

    def restore() -> None:
        for number, handler in ours.items():
            signal.signal(number, handler)

    def hold(number: int, _: object) -> None:
        held.append(number)
        restore()

    _holding.append(True)
    try:
        for number in ours:
            signal.signal(number, hold)
        yield
    finally:
        restore()
        _holding.pop()
        if held:
            signal.raise_signal(held[0])


def _alone(compile_for: Callable[..., Any]) -> Callable[..., Any]:
    def locked(*args: Any, **kwargs: Any) -> Any:
        with _lock.held(), _uninterrupted():
            return compile_for(*args, **kwargs)

    return locked


def kernel(function: Function) -> Function:
    """Compile a function of numbers and arrays; the caller checks bounds.

    Arithmetic keeps the order that is written (no fastmath), so that equal inputs give
    equal bits; division by zero gives inf or nan as in numpy. The code is kept.
    """
    own_symbol(function)
    compiled: Any = numba.njit(error_model="numpy", nogil=True)(function)
    compiled._cache = KeptKernel(function)
    compiled.compile = _alone(compiled.compile)  # loads what is kept, or compiles
    return cast(Function, compiled)


def inlined(function: Function) -> Function:
    """Compile a small part that is copied into every kernel that calls it."""
    own_symbol(function)
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
