"""Somebody's own law: from a file, or from an installed package.

The law that is found is wrapped, so that whatever its code does wrong is told in one
line with its name, and never as a fault of ours.
"""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from hashlib import sha256
from importlib.metadata import EntryPoint
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from zlib import crc32

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawFailedError, LawInputs, UnknownLawError
from sim.textfiles import UnreadableError, read_bytes

_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class OwnLaw:
    """A law of somebody's own with some constants; `word` is how it is named.

    `digest` is that of its file, so that a study plays its visits again when the
    code has changed.
    """

    word: str
    law: Any
    digest: str = ""

    @property
    def name(self) -> str:
        """The word, without the folder of its file."""
        return portable(self.word)

    def gain(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the steady relative gain; LawFailedError where the code has none."""
        with told_of(self.name):
            found = np.asarray(self.law.gain(train, patient), dtype=np.float64)
        if found.shape != train.shape:
            raise LawFailedError(
                f"law {self.name} must return a gain for each train, shape"
                f" {train.shape}, got {found.shape}"
            )
        if not np.isfinite(found).all():
            raise LawFailedError(f"law {self.name} must return finite gains, got nan")
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the word and the constants: another process reads the code itself."""
        own = {item.name: getattr(self.law, item.name) for item in fields(self.law)}
        return _again, (self.word, own, self.digest)


def _again(word: str, constants: dict[str, Any], digest: str) -> OwnLaw:
    found = own_kind(word).found
    kind = found if isinstance(found, type) else type(found)
    return OwnLaw(word, kind(**constants), digest)


@dataclass(frozen=True, slots=True)
class OwnKind:
    """What was found under a word: a class, drawn per patient, or one law for all."""

    word: str
    found: Any
    digest: str

    @property
    def name(self) -> str:
        """The word, without the folder of its file."""
        return portable(self.word)

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (getattr(self.found, "__doc__", None) or "").strip().partition("\n")[0]

    def typical(self) -> OwnLaw:
        """Return the law with the constants that stand in the code."""
        with told_of(self.name):
            law = self.found() if isinstance(self.found, type) else self.found
        return self._checked(law)

    def draw(self, rng: np.random.Generator) -> OwnLaw:
        """Return the law of one patient, if it draws; the typical one otherwise."""
        if not hasattr(self.found, "draw"):
            return self.typical()
        with told_of(self.name):
            law = self.found.draw(rng)
        return self._checked(law)

    def _checked(self, law: Any) -> OwnLaw:
        if not callable(getattr(law, "gain", None)):
            raise UnknownLawError(f"law {self.name} must have a method gain")
        if not is_frozen(law):
            raise UnknownLawError(f"law {self.name} must be a frozen dataclass")
        return OwnLaw(self.word, law, self.digest)


def is_frozen(law: Any) -> bool:
    """Tell whether a law is an instance of a frozen dataclass."""
    declared: Any = type(law)
    return is_dataclass(law) and declared.__dataclass_params__.frozen is True


def own_kind(word: str) -> OwnKind:
    """Return the law that `file.py:name` names; UnknownLawError tells why not.

    This runs the code of the file.
    """
    check_place(word)
    place, _, name = word.rpartition(":")
    content = _content(place)
    module = _module(Path(place), content)
    found = getattr(module, name, None)
    if found is None:
        has = [key for key, item in vars(module).items() if _is_law(item)]
        near = get_close_matches(name, has, n=1, cutoff=0.0)
        hint = f"; nearest is {near[0]!r}" if near else ""
        raise UnknownLawError(f"{Path(place).name} has no law {name!r}{hint}")
    return OwnKind(word, found, sha256(content).hexdigest())


def check_place(word: str) -> None:
    """Raise UnknownLawError when `file.py:name` names no file; runs nothing of it."""
    place, _, name = word.rpartition(":")
    if not name.isidentifier():
        raise UnknownLawError(f"a law in a file is named file.py:NAME, got {word!r}")
    _content(place)


def plugged_in(entry: EntryPoint) -> OwnKind:
    """Return the law of an entry point; this imports its package."""
    with told_of(entry.name):
        found = entry.load()
    return OwnKind(entry.name, found, entry.value)


def portable(word: str) -> str:
    """Return a word without the folder of its file: no path of a machine stays."""
    place, colon, name = word.rpartition(":")
    return f"{Path(place).name}{colon}{name}" if colon else Path(word).name


@contextmanager
def told_of(law: str) -> Iterator[None]:
    """Run code of a law: what it raises is LawFailedError, in one line."""
    try:
        yield
    except (LawFailedError, UnknownLawError):
        raise
    except Exception as error:
        raise LawFailedError(f"law {law} failed: {_told(error)}") from error


def _told(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    text = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]
    shown = (c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return f"{''.join(shown)}{place}"


def _is_law(item: object) -> bool:
    return callable(getattr(item, "gain", None))


def _content(place: str) -> bytes:
    try:
        return read_bytes(place)
    except UnreadableError as error:
        raise UnknownLawError(f"{Path(place).name} {error}") from None


def _module(place: Path, content: bytes) -> ModuleType:
    path = place.resolve()
    name = f"ccmlab_law_{path.stem}_{crc32(str(path).encode() + content):08x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UnknownLawError(f"{path.name} cannot be read as a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses in the file look their module up
    try:
        with told_of(path.name):
            # a loader would run old bytecode of a file changed within a second
            exec(compile(content, path, "exec"), vars(module))
    except LawFailedError:
        del sys.modules[name]
        raise
    return module
