"""What makes two values of ours the same."""

from dataclasses import dataclass, field
from math import nan
from typing import Any

import numpy as np
import pytest

from harness.common.alike import alike


@dataclass(eq=False)
class Thing:
    number: float
    rows: Any = ()
    took_s: float = field(default=0.0, compare=False)


SAME = [
    (nan, nan),
    (Thing(1.0, np.array([1.0, nan])), Thing(1.0, np.array([1.0, nan]))),
    (Thing(1.0, took_s=2.0), Thing(1.0, took_s=3.0)),
    ({"a": [1, (nan,)]}, {"a": [1, (nan,)]}),
    (len, len),
    (np.array(["a"]), np.array(["a"])),
]
OTHER = [
    (1, 1.0),
    (Thing(1.0), Thing(nan)),
    (Thing(1.0, np.zeros(2)), Thing(1.0, np.zeros(3))),
    (np.zeros(2), np.zeros(2, dtype=np.float32)),
    ({"a": 1}, {"a": 1, "b": 2}),
    ([1, 2], [1]),
    ("ab", "ac"),
    (len, max),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_is_alike_nan_and_arrays_too(one: Any, other: Any) -> None:
    assert alike(one, other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_one_number_shape_or_type_makes_another(one: Any, other: Any) -> None:
    assert not alike(one, other)
