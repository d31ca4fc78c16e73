"""Somebody's own law as a patient has it: its word, and how it was made.

The code itself is asked each time. It runs in this process (`sim.law.code`), unless
whoever uses the package has given it another place: `run_in`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, Protocol

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.code import (
    Constants,
    LawModule,
    Made,
    file_content,
    installed,
    is_in_file,
    shown_constants,
    source_words,
)
from sim.law.response_law import LawFailedError, LawInputs, UnknownLawError
from sim.streams import generator_told
from sim.textfiles import portable


class LawCode(Protocol):
    """The code of a law, wherever it runs."""

    @property
    def summary(self) -> str:
        """The first line of its docstring."""

    def make(self, rng: np.random.Generator | None = None) -> Made:
        """Return the law as it stands in the code, or drawn, if it draws."""

    def gain(self, how: str, train: Train, patient: LawInputs) -> FloatArray:
        """Return the gain of each train under the law that was made so."""


Opener = Callable[[str, str], LawCode]
"""Opens the code of a law by its word and the digest of its file."""


class _Place:
    """Where the code of laws runs, for the whole process."""

    def __init__(self, opener: Opener) -> None:
        self.opener = opener


@lru_cache(maxsize=64)
def in_this_process(word: str, digest: str) -> LawCode:
    """Return a law's code, read and run here, unprotected."""
    check_unchanged(word, digest)
    return LawModule(word)


_PLACE: Final = _Place(in_this_process)


def run_in(opener: Opener) -> Opener:
    """Let the code of laws run somewhere else from now on; return where it ran."""
    before, _PLACE.opener = _PLACE.opener, opener
    return before


@dataclass(frozen=True, slots=True)
class OwnLaw:
    """A law of somebody's own with some constants; `word` is how it is named.

    `digest` is that of its file, so that a study plays its visits again when the
    code has changed; `law` shows the constants, `how` they are made again.
    """

    word: str
    law: Any
    digest: str = ""
    how: str = ""

    @property
    def name(self) -> str:
        """The word, without the folder of its file."""
        return portable(self.word)

    def gain(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the steady relative gain; LawFailedError where the code has none."""
        return opened(self.word, self.digest).gain(self.how, train, patient)

    def __reduce__(self) -> tuple[Any, ...]:
        """Send word and constants: another process reads the code when it is asked."""
        constants = tuple(
            (item.name, getattr(self.law, item.name), source_words(item))
            for item in fields(self.law)
        )
        return _again, (self.word, constants, self.digest, self.how)


def _again(word: str, constants: Constants, digest: str, how: str) -> OwnLaw:
    return OwnLaw(word, shown_constants(constants), digest, how)


@dataclass(frozen=True, slots=True)
class OwnKind:
    """What a word names: a law drawn per patient, or one for all."""

    word: str
    digest: str
    summary: str

    @property
    def name(self) -> str:
        """The word, without the folder of its file."""
        return portable(self.word)

    def typical(self) -> OwnLaw:
        """Return the law with the constants that stand in the code."""
        return self._of(opened(self.word, self.digest).make())

    def draw(self, rng: np.random.Generator) -> OwnLaw:
        """Return the law of one patient, if it draws; the typical one otherwise.

        A draw that fails is told when that patient's gain is asked for: one patient
        does not keep a whole cohort from being drawn.
        """
        how = json.dumps(generator_told(rng))
        try:
            return self._of(opened(self.word, self.digest).make(rng))
        except LawFailedError:
            return OwnLaw(self.word, shown_constants(()), self.digest, how)

    def _of(self, made: Made) -> OwnLaw:
        shown = shown_constants(made.constants)
        return OwnLaw(self.word, shown, self.digest, made.how)


def own_kind(word: str) -> OwnKind:
    """Return the law that `file.py:name`, or the name of an installed one, means.

    This runs its code. Raises UnknownLawError, which tells why it is none, and
    LawFailedError.
    """
    digest = _digest(word)
    return OwnKind(word, digest, opened(word, digest).summary)


def check_place(word: str) -> None:
    """Raise UnknownLawError when `file.py:name` names no file; runs nothing of it."""
    file_content(word)


def opened(word: str, digest: str) -> LawCode:
    """Return the code of a law, where it runs."""
    return _PLACE.opener(word, digest)


def check_unchanged(word: str, digest: str) -> None:
    """Raise LawFailedError when the file of a law is not what it was."""
    if digest and _digest(word) != digest:
        raise LawFailedError(
            f"law {portable(word)} failed: it is not what it was when the patient was"
            " made; begin again"
        )


def _digest(word: str) -> str:
    if is_in_file(word):
        return sha256(file_content(word)).hexdigest()
    found = installed()
    if word not in found:
        raise UnknownLawError(f"no installed law is named {word!r}")
    return found[word].value
