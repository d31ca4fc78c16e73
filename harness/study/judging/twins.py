"""Contenders that nothing but one option tells apart, as a study's file has them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness.study.judging.cells import Cell
from harness.study.judging.numbers import FloatArray

Told = Mapping[str, Any]


def twins(
    contenders: Sequence[Told], option: str, *beside: str
) -> Iterator[tuple[Told, str]]:
    """Yield each contender that has an option, and the label of the one without.

    `beside` are names that go with the option and may differ too.
    """
    own = ("label", option, *beside)
    free = {
        _told(one, own): str(one["label"])
        for one in contenders
        if not _has(one, option)
    }
    for one in contenders:
        if _has(one, option) and _told(one, own) in free:
            yield one, free[_told(one, own)]


def _has(contender: Told, option: str) -> bool:
    return bool(contender.get(option))


def _told(contender: Told, without: Sequence[str]) -> str:
    return repr(sorted((k, v) for k, v in contender.items() if k not in without))


def on_both(one: Cell, other: Cell, column: str) -> tuple[FloatArray, FloatArray]:
    """Return a column of both on the patients of both, where both know it."""
    both = np.intersect1d(one.patients, other.patients)
    mine, theirs = (
        each.per_patient(column)[np.searchsorted(each.patients, both)]
        for each in (one, other)
    )
    known = np.isfinite(mine) & np.isfinite(theirs)
    return mine[known], theirs[known]
