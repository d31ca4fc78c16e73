"""The code of somebody's own law: found, read and run, in the process that this is.

Whatever it does wrong is told in one line with the name of the law, and never as a
fault of ours.
"""

import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import (
    Field,
    dataclass,
    field,
    fields,
    is_dataclass,
    make_dataclass,
)
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from zlib import crc32

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawFailedError, LawInputs, UnknownLawError
from sim.sources import Source
from sim.streams import generator_of, generator_told
from sim.textfiles import UnreadableError, portable, read_bytes

ENTRY_POINT_GROUP: Final = "ccmlab.laws"
NO_ELASTANCE_FRAC: Final = -1.0
"""A gain that takes all elastance from the ventricle: no law may return one."""

_LONGEST: Final = 300
_MOST_MADE: Final = 10_000

Constants = tuple[tuple[str, Any, tuple[str, ...]], ...]
"""Name, value and source (its three words, or none) of each constant of a law."""


@dataclass(frozen=True, slots=True)
class Made:
    """A law with a patient's constants, as values.

    `how` makes it again wherever the code is: empty for the law as it stands in the
    code, else where the generator stood from which it was drawn.
    """

    how: str
    constants: Constants


class LawModule:
    """A law's code, read here. Raises UnknownLawError or LawFailedError.

    Parameters
    ----------
    word
        `file.py:name`, or the name of an entry point.
    """

    def __init__(self, word: str) -> None:
        self.name = portable(word)
        self._found = _found(word)
        self._laws: dict[str, Any] = {}

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (getattr(self._found, "__doc__", None) or "").strip().partition("\n")[0]

    def make(self, rng: np.random.Generator | None = None) -> Made:
        """Return the law as it stands in the code, or drawn, if it draws."""
        how = ""
        if rng is not None and hasattr(self._found, "draw"):
            how = json.dumps(generator_told(rng))
        law = self._made(how, rng)
        with told_of(self.name):
            return Made(how, _constants(law))

    def gain(self, how: str, train: Train, patient: LawInputs) -> FloatArray:
        """Return the gain of each train; LawFailedError where the code has none."""
        law = self._laws[how] if how in self._laws else self._made(how)
        with told_of(self.name):
            found = np.asarray(law.gain(train, patient), dtype=np.float64)
        return checked_gains(self.name, found, train)

    def _made(self, how: str, rng: np.random.Generator | None = None) -> Any:
        with told_of(self.name):
            if how:
                law = self._found.draw(rng or generator_of(json.loads(how)))
            else:
                law = self._found() if isinstance(self._found, type) else self._found
        if not callable(getattr(law, "gain", None)):
            raise UnknownLawError(f"law {self.name} must have a method gain")
        if not is_frozen(law):
            raise UnknownLawError(f"law {self.name} must be a frozen dataclass")
        if len(self._laws) >= _MOST_MADE:
            self._laws.clear()
        self._laws[how] = law
        return law


def checked_gains(name: str, found: FloatArray, train: Train) -> FloatArray:
    """Return the gains of a law; LawFailedError for what no law may return."""
    if found.shape != train.shape:
        raise LawFailedError(
            f"law {name} must return a gain for each train, shape"
            f" {train.shape}, got {found.shape}"
        )
    wrong = ~np.isfinite(found)
    if wrong.any():
        raise LawFailedError(
            f"law {name} must return finite gains, got {found[wrong].flat[0]}"
        )
    if (found <= NO_ELASTANCE_FRAC).any():
        raise LawFailedError(
            f"law {name} must leave the heart some elastance, gains above"
            f" {NO_ELASTANCE_FRAC:g}, got {found.min():g}"
        )
    idle = found[np.broadcast_to(train.n_leads, found.shape) == 0.0]
    if idle.any():
        raise LawFailedError(
            f"law {name} must gain 0 where no lead delivers, got {idle.max():g}"
        )
    return found


def is_frozen(law: Any) -> bool:
    """Tell whether a law is an instance of a frozen dataclass."""
    declared: Any = type(law)
    return is_dataclass(law) and declared.__dataclass_params__.frozen is True


def is_in_file(word: str) -> bool:
    """Tell whether a word means a law in a file, rightly written or not."""
    return word.rpartition(":")[0].endswith(".py") or word.endswith(".py")


def file_content(word: str) -> bytes:
    """Return the file of `file.py:name`; UnknownLawError where there is none."""
    place, _, name = word.rpartition(":")
    if not name.isidentifier():
        raise UnknownLawError(f"a law in a file is named file.py:NAME, got {word!r}")
    try:
        return read_bytes(place)
    except UnreadableError as error:
        raise UnknownLawError(f"{Path(place).name} {error}") from None


def installed() -> dict[str, EntryPoint]:
    """Return the laws that installed packages bring, by name; nothing is imported."""
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}


def shown_constants(constants: Constants) -> Any:
    """Return constants as a frozen dataclass that tells where each comes from."""
    shape = tuple((name, source) for name, _, source in constants)
    return _shape(shape)(*(_value(value) for _, value, _ in constants))


def source_words(item: Field[Any]) -> tuple[str, ...]:
    """Return the three words of a field's source, none where it has none."""
    source = item.metadata.get("source")
    if not isinstance(source, Source):
        return ()
    return (source.reference, source.place, source.standing)


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
    try:
        said = str(error)
    except Exception as fault:  # noqa: BLE001 anybody's own exception is asked here
        said = f"its text cannot be had, {type(fault).__name__}"
    text = " ".join(f"{type(error).__name__}: {said}".split())[:_LONGEST]
    shown = (c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return f"{''.join(shown)}{place}"


def _constants(law: Any) -> Constants:
    return tuple(
        (item.name, _plain(getattr(law, item.name)), source_words(item))
        for item in fields(law)
    )


def _plain(value: Any) -> Any:
    """Return a constant as a number, a text, or a tuple of such."""
    for kind in (bool, int, float, str):  # of somebody's own class, the number alone
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    return None if value is None else str(value)


def _value(value: Any) -> Any:
    return tuple(map(_value, value)) if isinstance(value, list | tuple) else value


@lru_cache(maxsize=64)
def _shape(shape: tuple[tuple[str, tuple[str, ...]], ...]) -> Any:
    told = [
        (name, Any, field(metadata={"source": Source(*source)} if source else {}))  # type: ignore[arg-type]
        for name, source in shape
    ]
    return make_dataclass("Constants", told, frozen=True)


def _found(word: str) -> Any:
    if not is_in_file(word):
        with told_of(word):
            return installed()[word].load()
    content = file_content(word)
    place, _, name = word.rpartition(":")
    module = _module(Path(place), content)
    found = getattr(module, name, None)
    if found is None:
        has = [key for key, item in vars(module).items() if _is_law(item)]
        near = get_close_matches(name, has, n=1, cutoff=0.0)
        hint = f"; nearest is {near[0]!r}" if near else ""
        raise UnknownLawError(f"{Path(place).name} has no law {name!r}{hint}")
    return found


def _is_law(item: object) -> bool:
    return callable(getattr(item, "gain", None))


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
    except BaseException:
        del sys.modules[name]
        raise
    return module
