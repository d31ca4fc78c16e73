"""What is kept on disk because making it again takes long: sealed, bounded, shared.

Nothing on a shelf is needed. What is damaged, half written, or was thrown away to make
room is made again, and where nothing can be kept each process makes its own. Processes
may use a shelf at once: a file is written aside and renamed, whole or not at all. Who
names what is kept by all that decides it never meets what other sources made.
"""

import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

import llvmlite.binding  # type: ignore[import-untyped]

from sim.heart.kept import sealed, unsealed, user_caches
from sim.units import S_PER_H

PACKAGES: Final = ("ccmlab", "numpy", "scipy", "numba", "llvmlite")
SOURCES: Final = (".py", ".toml", ".csv")
_HOUSE: Final = Path(__file__).parents[2]
_N_PLACES: Final = 256
_STARTED_S: Final = time.time()


class Shelf:
    """Small files of the user's cache, by key; the oldest make room for new ones.

    Parameters
    ----------
    name
        Of the folder below the user's cache.
    n_most
        How many files are kept.
    """

    def __init__(self, name: str, n_most: int) -> None:
        self._name = name
        self._n_most = max(1, n_most // _N_PLACES)

    def get(self, key: str) -> bytes | None:
        """Return what is kept under a key; None where nothing sound is."""
        for folder in self._folders(key):
            file = folder / key
            try:
                content = unsealed(key, file.read_bytes())
            except OSError:
                continue
            if content is not None:
                return content
            with suppress(OSError):
                file.unlink()
        return None

    def put(self, key: str, content: bytes) -> None:
        """Keep something in the first folder that takes it, if any does."""
        for root, folder in zip(user_caches(), self._folders(key), strict=True):
            aside = folder / f".{key}.{os.getpid()}-{threading.get_ident()}"
            try:
                root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                root.mkdir(mode=0o700, exist_ok=True)
                if root not in user_caches():
                    continue  # somebody was faster in the temporary folder
                folder.mkdir(parents=True, exist_ok=True)
                aside.write_bytes(sealed(key, content))
                aside.replace(folder / key)
                self._make_room(folder)
            except OSError:
                with suppress(OSError):
                    aside.unlink(missing_ok=True)
            else:
                return

    def _folders(self, key: str) -> list[Path]:
        return [root / self._name / key[:2] for root in user_caches()]

    def _make_room(self, folder: Path) -> None:
        """Remove what is too much, the oldest first; a killed writer's leavings too."""
        files = sorted(_with_age(folder))
        too_many = len(files) - self._n_most
        for place, (at_s, file) in enumerate(files):
            left_over = file.name.startswith(".") and time.time() - at_s > S_PER_H
            if place < too_many or left_over:
                file.unlink(missing_ok=True)


def _with_age(folder: Path) -> Iterator[tuple[float, Path]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # another process made room
                yield entry.stat().st_mtime, Path(entry.path)


@cache
def made_by(*places: str) -> str | None:
    """Return a hash of all that computes: sources, packages, Python, the processor.

    None where a source was written after this process began, which may run another one.

    Parameters
    ----------
    places
        Files and folders of the checkout, `sim` or `harness/truth/response.py`.
    """
    versions = [platform.python_version(), *map(version, PACKAGES)]
    versions += [platform.machine(), llvmlite.binding.get_host_cpu_name()]
    digest = sha256(" ".join(versions).encode())
    for path in _sources(places):
        if path.stat().st_mtime > _STARTED_S:
            return None
        content = path.read_bytes()
        name = path.relative_to(_HOUSE).as_posix()
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def _sources(places: tuple[str, ...]) -> Iterator[Path]:
    for place in places:
        asked = _HOUSE / place
        found = [asked] if asked.is_file() else sorted(asked.rglob("*"))
        yield from (path for path in found if path.suffix in SOURCES)
