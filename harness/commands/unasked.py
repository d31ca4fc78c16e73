"""What our packages import or make ready and no command asks: made when somebody does.

Scipy looks at every name that numpy has, and with that loads a compiler of Fortran; it
loads rotations of space with distances, and numba a reader of YAML for a file that
hardly anybody has. Matplotlib words the help of each of its hundred artists. Together
they took a fifth of what a run imports.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType
from typing import Any, Final

LATER: Final = frozenset(
    {"numpy.f2py", "numpy.testing", "scipy.spatial.transform", "yaml"}
)
"""Modules that are loaded at the first look into them."""

ARTISTS: Final = "matplotlib.artist"


class _Unworded(Loader):
    """Loads matplotlib's artists and has no help worded for them."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the module's own loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Load it; what the help is made of then says nothing."""
        self._loader.exec_module(module)
        artists: Any = module
        artists.kwdoc = lambda artist: ""
        artists.Artist._update_set_signature_and_docstring = classmethod(
            lambda artist: None
        )


class _Unasked(MetaPathFinder):
    """Finds such modules where they are, with a loader that does less."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return where one of them is, None for any other."""
        if fullname not in LATER and fullname != ARTISTS:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            less = LazyLoader if fullname in LATER else _Unworded
            spec.loader = less(spec.loader)
        return spec


def leave_unasked() -> None:
    """Make nothing ready from now on that no command asks."""
    sys.meta_path.insert(0, _Unasked())
