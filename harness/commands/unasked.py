"""What our packages import and no command asks: loaded when somebody does.

Scipy looks at every name that numpy has, and with that loads a compiler of Fortran; it
loads rotations of space with distances, and numba a reader of YAML for a file that
hardly anybody has.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType
from typing import Final

LATER: Final = frozenset(
    {"numpy.f2py", "numpy.testing", "scipy.spatial.transform", "yaml"}
)
"""Modules that are loaded at the first look into them."""


class _Unasked(MetaPathFinder):
    """Finds such modules where they are, with a loader that waits."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return where one of them is, None for any other."""
        if fullname not in LATER:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


def leave_unasked() -> None:
    """Load such modules no earlier than somebody looks into them."""
    sys.meta_path.insert(0, _Unasked())
