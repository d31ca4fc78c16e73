"""The three packages of ccmlab under one name: `ccmlab.sim`, `.optimizers`, `.harness`.

`sim` and `harness` are words that somebody's own files are called by too, and Python
takes the file beside a script first. `import ccmlab` finds that out and names the file.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import harness as harness
    import optimizers as optimizers
    import sim as sim

__all__ = ["harness", "optimizers", "sim"]


def _check_harness() -> None:
    """Raise ImportError where somebody's own file hides the package that checks."""
    ours = Path(__file__).resolve().parents[1]
    spec = find_spec("harness")
    place = spec.origin if spec is not None else None
    if place is None or Path(place).resolve() != ours / "harness" / "__init__.py":
        raise ImportError(
            f"{place or 'nothing'} hides the package harness of ccmlab, which is in "
            f"{ours}: rename your own harness, or run from another folder"
        )
    import_module("harness")  # it checks the others


_check_harness()


if not TYPE_CHECKING:  # else every name would pass the type checker

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
