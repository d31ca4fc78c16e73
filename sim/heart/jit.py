"""Compile the kernels of this project."""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
from numba.extending import intrinsic

from sim.heart.kept import KeptKernel, OneAtATime, own_symbol

Function = TypeVar("Function", bound=Callable[..., Any])

_lock: Final = OneAtATime()


def _alone(compile_for: Callable[..., Any]) -> Callable[..., Any]:
    def locked(*args: Any, **kwargs: Any) -> Any:
        with _lock.held():
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
