"""What a study was made with: versions, sources, processor."""

import os
import platform
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

SAME_EVERYWHERE: Final = ("ccmlab", "numpy", "scipy", "numba")
_OURS: Final = ("sim", "optimizers", "harness")
_SOURCES: Final = (".py", ".csv", ".toml")


def asks_versions() -> Callable[[], Mapping[str, str]]:
    """Return a function that tells the versions of the process it is called in.

    Made anew, so that it travels to the workers of a cluster as code, not by name: it
    runs where no ccmlab is installed, and says so.
    """
    names, ours, suffixes = SAME_EVERYWHERE, _OURS, _SOURCES

    def versions() -> Mapping[str, str]:
        found = {"python": platform.python_version()}
        for name in names:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = "not installed"
        digest = sha256()
        for name in ours:
            spec = find_spec(name)
            place = Path(spec.origin).parent if spec and spec.origin else Path()
            found_there = place.rglob("*") if spec else ()
            for path in sorted(p for p in found_there if p.suffix in suffixes):
                digest.update(path.relative_to(place).as_posix().encode())
                digest.update(path.read_bytes())
        found["sources of ccmlab"] = digest.hexdigest()[:12]
        return found

    return versions


def versions_here() -> Mapping[str, str]:
    """Return the versions of this process that must be the same on all workers."""
    return asks_versions()()


def differences(mine: Mapping[str, str], others: Mapping[str, str]) -> list[str]:
    """Return what differs, a phrase each."""
    return [
        f"{name} {others.get(name, 'unknown')} instead of {value}"
        for name, value in mine.items()
        if others.get(name) != value
    ]


def processor() -> Mapping[str, Any]:
    """Return what processor this machine has, as far as it tells."""
    return {"name": _processor_name(), "n_cores": n_cores()}


def n_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
