"""Matrix products in pieces so small that BLAS wakes no second thread.

Waking one takes milliseconds where the machine is busy: longer than the product itself,
and longer than a strategy may take for a question.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizers.space import FloatArray

ONE_THREAD_PRODUCTS = 200_000
"""Multiplications of one matrix product that BLAS leaves to one thread."""

Matrix = NDArray[Any]


def times(left: Matrix, right: Matrix) -> FloatArray:
    """Return the matrix product of (n, k) and (k, m), piece by piece of the columns."""
    n_products = left.shape[0] * right.size
    n_pieces = min(max(right.shape[1], 1), 1 + n_products // ONE_THREAD_PRODUCTS)
    if n_pieces == 1:
        return np.asarray(left @ right)
    pieces = np.array_split(right, n_pieces, axis=1)
    return np.concatenate([left @ piece for piece in pieces], axis=1)


def weighted(weight: Matrix, rows: Matrix) -> FloatArray:
    """Return the weighted sum of the rows of (m, k), (k,), without BLAS."""
    total = np.einsum("m,mk->k", weight.astype(rows.dtype), rows)
    return np.asarray(total, dtype=np.float64)
