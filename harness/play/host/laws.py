"""Somebody's own response law, in a process of its own: asked once for each train.

The life of a law's table. Before a visit the whole lattice of its search is asked for
at once (`ask_over`); what comes back is checked, and kept for this patient by the
numbers of each train. The visit and the truth read it there. A train that is not on the
lattice (a lead that changed, settings on the way to others, a reference that no search
holds) is asked for when it is met, of the same host, and kept likewise. Nothing is
interpolated.

One host for each law serves this process, whoever is asked about; it ends with the
nursery, or when it failed, and is then begun again. What fails for a patient has failed
for this patient: it is told again, and not waited for again.
"""

import atexit
import os
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from os import fspath
from pathlib import Path
from threading import RLock
from typing import Any, Final

import numpy as np

from harness.play.host.frames import UNREADABLE, Frame
from harness.play.host.law_values import inputs_told, rows_of, train_of, train_told
from harness.play.host.line import Host
from harness.play.host.nursery import LAW, SUPPORTED, before_its_end, end_nursery
from harness.task.lattice import TRAIN_AXES, Lattice, lattice_train
from harness.task.limits import BYTES_PER_GB, USUAL_LIMITS, StrategyLimits
from optimizers.problem import StrategyFailedError
from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.code import Made, checked_gains, is_in_file
from sim.law.own import LawCode, OwnLaw, check_unchanged, in_this_process, run_in
from sim.law.response_law import LawFailedError, LawInputs, UnknownLawError
from sim.streams import generator_told, move
from sim.textfiles import portable
from sim.visit.order import VisitOrder

MOST_ANSWER: Final = 100_000_000
"""Bytes of gains in one answer: twelve million trains."""

_MOST_TABLES: Final = 32
_LIMITS: ContextVar[StrategyLimits] = ContextVar("limits", default=USUAL_LIMITS)


@contextmanager
def laws_within(limits: StrategyLimits) -> Iterator[None]:
    """Hold laws to some limits: seconds for an answer, memory of a host begun now."""
    token = _LIMITS.set(limits)
    try:
        yield
    finally:
        _LIMITS.reset(token)


def ask_over(order: VisitOrder, lattice: Lattice) -> None:
    """Ask somebody's own law for the whole lattice of a visit's search, once.

    Raises LawFailedError. A law that is ours, or was handed over in Python, is asked
    where it is needed, in this process.
    """
    axes = lattice.axes
    if isinstance(order.patient.response, OwnLaw) and set(axes) <= set(TRAIN_AXES):
        reference = order.found.settings
        train = lattice_train(reference, lattice.around(reference).space)
        order.patient.gain(train)


class _Table:
    """The gains of one patient's trains, by the numbers of each."""

    def __init__(self) -> None:
        self.gains: dict[bytes, float] = {}
        self.failed: LawFailedError | None = None


class HostedLaw:
    """The code of one law, in its host.

    Parameters
    ----------
    word, digest
        How it is named, and the digest of its file.
    """

    def __init__(self, word: str, digest: str) -> None:
        self.name = portable(word)
        self._word, self._digest = word, digest
        self._host: Host | None = None
        self._of_process = 0
        self._limits: StrategyLimits | None = None
        self._broken: LawFailedError | UnknownLawError | None = None
        self._undrawn: LawFailedError | None = None
        self._summary: str | None = None
        self._tables: OrderedDict[Any, _Table] = OrderedDict()
        self._lock = RLock()

    @property
    def summary(self) -> str:
        """The first line of its docstring; begins the host."""
        with self._lock:
            if self._summary is None:
                self._begun()
            return self._summary or ""

    def make(self, rng: np.random.Generator | None = None) -> Made:
        """Return the law as it stands in the code, or drawn, if it draws."""
        if rng is not None and self._undrawn is not None:
            raise LawFailedError(*self._undrawn.args)
        told = {"rng": None if rng is None else generator_told(rng)}
        try:
            answer = self._ask("make", told, "made")
        except LawFailedError as error:
            if self._host is None and rng is not None:  # hung or dead: once is enough
                self._undrawn = error
            raise
        try:
            how, constants = str(answer.told["how"]), answer.told["constants"]
            if rng is not None and answer.told["rng"] is not None:
                move(rng, answer.told["rng"])
            made = tuple((str(n), value, tuple(words)) for n, value, words in constants)
        except UNREADABLE:
            raise self._nonsense() from None
        return Made(how, made)

    def gain(self, how: str, train: Train, patient: LawInputs) -> FloatArray:
        """Return the gain of each train; what is not known yet is asked for at once."""
        rows = rows_of(train)
        keys = rows.view(f"V{rows.shape[1] * rows.itemsize}").ravel().tolist()
        with self._lock:
            table = self._table((how, train.sensed_at, patient))
            missing = [row for row, key in enumerate(keys) if key not in table.gains]
            if missing:
                told = {
                    "how": how,
                    "patient": inputs_told(patient),
                    "train": train_told(rows, train.sensed_at, alone=not train.shape),
                }
                new = self._gains(table, told, rows[missing])
                table.gains.update(
                    zip((keys[row] for row in missing), new.tolist(), strict=True)
                )
            found = np.array([table.gains[key] for key in keys])
        return found.reshape(train.shape)

    def end(self) -> None:
        """End the host; the next question begins another."""
        with self._lock:
            host, self._host = self._host, None
            if host is not None and self._of_process == os.getpid():
                host.end()

    def _table(self, whose: Any) -> _Table:
        table = self._tables.pop(whose, None) or _Table()
        self._tables[whose] = table
        while len(self._tables) > _MOST_TABLES:
            self._tables.popitem(last=False)
        return table

    def _gains(
        self, table: _Table, told: Mapping[str, Any], rows: FloatArray
    ) -> FloatArray:
        """Ask for the gains of some rows; a failure is kept as they would be."""
        if table.failed is not None:
            raise LawFailedError(*table.failed.args)
        try:
            answer = self._ask("gain", told, "gains", rows=rows)
            found = answer.arrays.get("gains", np.empty(0)).reshape(-1)
            train = train_of({**told["train"], "one": None}, {"rows": rows})
            return checked_gains(self.name, found, train)
        except LawFailedError as error:
            table.failed = error
            raise

    def _ask(
        self, kind: str, told: Mapping[str, Any], wanted: str, **arrays: Any
    ) -> Frame:
        with self._lock:
            return self._answered(self._begun(), kind, told, wanted, **arrays)

    def _begun(self) -> Host:
        """Return the host, which has read the code."""
        limits = _LIMITS.get()
        if self._broken is not None:
            raise type(self._broken)(*self._broken.args)
        if self._of_process != os.getpid():
            self._host = None  # what a fork has inherited speaks to its parent
        if self._host is not None and limits == self._limits:
            return self._host
        self.end()
        check_unchanged(self._word, self._digest)
        each_s = min(limits.answer_s, limits.visit_s)
        each = replace(limits, answer_s=each_s, visit_s=each_s)
        self._host = Host(self.name, each, LAW, most_arrays=MOST_ANSWER)
        self._limits, self._of_process = limits, os.getpid()
        told = {
            "word": _absolute(self._word),
            "memory_bytes": int(limits.memory_gb * BYTES_PER_GB),
            "path": [fspath(place) or str(Path.cwd()) for place in sys.path],
        }
        try:
            answer = self._answered(self._host, "law", told, "read")
        except (LawFailedError, UnknownLawError) as error:
            self.end()
            self._broken = error  # the same code fails again
            raise
        self._summary = str(answer.told.get("summary", ""))
        return self._host

    def _answered(
        self, host: Host, kind: str, told: Mapping[str, Any], wanted: str, **arrays: Any
    ) -> Frame:
        host.used_s = 0.0  # each answer has its own time: a law lives for many visits
        try:
            answer = host.ask(kind, told, **arrays)
        except StrategyFailedError as error:
            self.end()
            raise LawFailedError(f"law {self.name} failed: {error.told}") from None
        except BaseException:
            self.end()
            raise
        text = str(answer.told.get("text", ""))
        if answer.kind == "unknown":
            raise UnknownLawError(text)
        if answer.kind == "raised":
            raise LawFailedError(text)
        if answer.kind == "broke":
            raise LawFailedError(f"law {self.name} failed: {text}")
        if answer.kind != wanted:
            raise self._nonsense()
        return answer

    def _nonsense(self) -> LawFailedError:
        self.end()
        text = f"law {self.name} failed: its process answered what means nothing"
        return LawFailedError(text)


_laws: Final[dict[tuple[str, str], HostedLaw]] = {}


def hosted_law(word: str, digest: str) -> LawCode:
    """Return a law's code in its host; in this process where nothing can be forked."""
    if not SUPPORTED:
        return in_this_process(word, digest)
    return _laws.setdefault((word, digest), HostedLaw(word, digest))


def end_laws() -> None:
    """End the hosts of all laws."""
    for law in list(_laws.values()):
        law.end()


def _absolute(word: str) -> str:
    """Return a word whose file is found whatever the folder."""
    place, _, name = word.rpartition(":")
    return f"{Path(place).resolve()}:{name}" if is_in_file(word) else word


run_in(hosted_law)
before_its_end(end_laws)
atexit.register(end_nursery)
