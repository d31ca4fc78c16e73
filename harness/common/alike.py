"""Whether two values of ours are the same, down to the last number."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def alike(one: Any, other: Any) -> bool:
    """Tell whether two values are of one type and hold the same, nan beside nan too.

    Dataclasses are compared field by field, whatever their own `==` says, arrays value
    by value. Functions and whatever else has no fields are the same by `==`.

    >>> alike((1.0, float("nan")), (1.0, float("nan"))), alike([1], (1,))
    (True, False)
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return _arrays(one, other)
    if is_dataclass(one):
        return all(
            alike(getattr(one, item.name), getattr(other, item.name))
            for item in fields(one)
            if item.compare
        )
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(alike(one[k], other[k]) for k in one)
    if isinstance(one, Sequence) and not isinstance(one, str | bytes):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other or (one != one and other != other))


def _arrays(one: Any, other: Any) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))
