"""Matrix products in pieces so small that BLAS wakes no second thread.

Waking one takes milliseconds where the machine is busy: longer than the product itself,
and longer than a strategy may take for a question.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizers.space import FloatArray

ONE_THREAD_PRODUCTS = 200_000
"""Multiplications of one matrix product that BLAS leaves to one thread."""

BLOCK = 32
"""Rows of a triangle that are multiplied together."""

BATCH = 8
"""Columns that `each_alike` multiplies together, however many there are."""

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


def lower_times(lower: Matrix, right: Matrix) -> FloatArray:
    """Return the product of a lower triangle (n, n) and (n, m), its zeros left out."""
    rows = [(at, min(at + BLOCK, len(lower))) for at in range(0, len(lower), BLOCK)]
    blocks = [times(lower[at:end, :end], right[:end]) for at, end in rows]
    return np.concatenate([*blocks, np.empty((0, right.shape[1]))])


def upper_times(upper: Matrix, right: Matrix) -> FloatArray:
    """Return the product of an upper triangle (n, n) and (n, m), its zeros left out."""
    rows = [(at, min(at + BLOCK, len(upper))) for at in range(0, len(upper), BLOCK)]
    blocks = [times(upper[at:end, at:], right[at:]) for at, end in rows]
    return np.concatenate([*blocks, np.empty((0, right.shape[1]))])


def each_alike(product: Callable[[Matrix], FloatArray], columns: Matrix) -> FloatArray:
    """Return a product of (n, m) columns, each as if it were asked of alone.

    BLAS rounds a column otherwise beside few than beside many. So they go in batches of
    one width, the last filled up with zeros.
    """
    n, m = columns.shape
    batches = [columns[:, at : at + BATCH] for at in range(0, m, BATCH)]
    filled = np.zeros((len(batches), n, BATCH))
    for batch, given in zip(filled, batches, strict=True):
        batch[:, : given.shape[1]] = given
    return np.hstack([product(batch) for batch in filled])[:, :m]
