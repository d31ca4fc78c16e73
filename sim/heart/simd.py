"""Short vectors of floats inside a kernel: one processor instruction for all lanes.

A vector holds the left hearts of a block of patients, then their right hearts. Numba
cannot express this by itself, hence the lines of LLVM below; the arithmetic that uses
them (`steps.py`) reads like arithmetic on numbers. Every operation rounds as written:
left to itself the compiler would vectorize other loops on other processors, fuse other
products, and one seed would give other beats on another machine.

Each `intrinsic` runs twice: called with types it returns the signature and `generate`,
which numba then calls to write the instructions. That is why arguments look unused.
"""

import operator
from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir as llvm_ir  # type: ignore[import-untyped]
from numba import extending, types
from numba.core import cgutils as numba_cgutils
from numba.core.typing import templates as numba_templates

# Numba's own annotations are partial: what builds code is taken as untyped.
ir: Any = llvm_ir
cgutils: Any = numba_cgutils
templates: Any = numba_templates
models: Any = extending.models
lower_builtin: Any = extending.lower_builtin
register_model: Any = extending.register_model
signature: Any = templates.signature
Operation = Callable[..., Any]
intrinsic = cast(Callable[[Operation], Operation], extending.intrinsic)

Vector = Any
"""What the type checker sees of a vector; only kernels hold one."""


BYTES_PER_DOUBLE = 8

STACK_BYTES = 16
"""On multiples of this every function may find its stack."""


class VectorType(types.Type):
    """Numba's name for a vector of `width` doubles."""

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__(name=f"Vector({width})")


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, numba_type: VectorType) -> None:
        super().__init__(manager, numba_type, _llvm(numba_type))


def _llvm(numba_type: VectorType) -> Any:
    return ir.VectorType(ir.DoubleType(), numba_type.width)


def _define_operator(symbol: Callable[..., Any], instruction: str) -> None:
    @templates.infer_global(symbol)
    class _Typing(templates.AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, _: Any) -> Any:
            if isinstance(args[0], VectorType) and args[0] == args[1]:
                return signature(args[0], *args)
            return None

    def _lower(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args)

    lower_builtin(symbol, VectorType, VectorType)(_lower)


_define_operator(operator.add, "fadd")
_define_operator(operator.sub, "fsub")
_define_operator(operator.mul, "fmul")


def _call(builder: Any, name: str, args: Any) -> Any:
    kind = args[0].type
    full_name = f"llvm.{name}.v{kind.count}f64"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [a.type for a in args]), full_name
    )
    return builder.call(function, args)


def _shuffle(builder: Any, value: Any, order: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order)
    return builder.shuffle_vector(value, ir.Constant(value.type, None), mask)


def _pointer(context: Any, builder: Any, args: Any, kinds: Any, into: Any) -> Any:
    array = context.make_array(kinds[0])(context, builder, value=args[0])
    element = builder.gep(array.data, [args[1]])
    return builder.bitcast(element, into.as_pointer())


@intrinsic
def fma(_: Any, a: Any, b: Any, c: Any) -> Any:
    """Return `a * b + c`, rounded once."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return _call(builder, "fma", args)

    return signature(a, a, b, c), generate


@intrinsic
def swap(_: Any, a: Any) -> Any:
    """Return the vector with left and right hearts exchanged."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        half = a.width // 2
        order = [*range(half, a.width), *range(half)]
        return _shuffle(builder, args[0], order)

    return signature(a, a), generate


@intrinsic
def twice(_: Any, a: Any) -> Any:
    """Return a vector of twice the width: the same for left and right hearts."""
    kind = VectorType(2 * a.width)

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return _shuffle(builder, args[0], [*range(a.width), *range(a.width)])

    return signature(kind, a), generate


@intrinsic
def spread(_: Any, number: Any, like: Any) -> Any:
    """Return a vector as wide as `like` with the number in every place."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        # one lane is set and copied to all: LLVM knows this pattern as a broadcast
        undefined = ir.Constant(_llvm(like), ir.Undefined)
        index = ir.Constant(ir.IntType(32), 0)
        first = builder.insert_element(undefined, args[0], index)
        return _shuffle(builder, first, [0] * like.width)

    return signature(like, types.float64, like), generate


@intrinsic
def where_above(_: Any, a: Any, b: Any, yes: Any, no: Any) -> Any:
    """Return `yes` in the places where a > b, else `no`."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        above = builder.fcmp_ordered(">", args[0], args[1])
        return builder.select(above, args[2], args[3])

    return signature(a, a, b, yes, no), generate


@intrinsic
def any_above(_: Any, a: Any, b: Any) -> Any:
    """Return whether a > b in at least one place."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        above = builder.fcmp_ordered(">", args[0], args[1])
        # one bit a lane, compared at once, instead of a reduction lane by lane
        bits = builder.bitcast(above, ir.IntType(a.width))
        return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    return signature(types.boolean, a, b), generate


@intrinsic
def pair(_: Any, left: Any, right: Any) -> Any:
    """Return one patient's vector of two."""
    kind = VectorType(2)

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        vector: Any = ir.Constant(_llvm(kind), ir.Undefined)
        for place, value in enumerate(args):
            index = ir.Constant(ir.IntType(32), place)
            vector = builder.insert_element(vector, value, index)
        return vector

    return signature(kind, types.float64, types.float64), generate


def _place(builder: Any, args: Any) -> tuple[Any, Any]:
    """Return where row `index` of patient `j` lies, left and right."""
    _, patients, j, index = args[:4]
    two = ir.Constant(patients.type, 2)
    at = builder.add(builder.mul(builder.mul(index, two), patients), j)
    return at, builder.add(at, patients)


@intrinsic
def row(_: Any, block: Any, patients: Any, j: Any, index: Any) -> Any:
    """Return one row of one patient of a block as a pair."""
    kind = VectorType(2)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, value=args[0]).data
        vector: Any = ir.Constant(_llvm(kind), ir.Undefined)
        for place, at in enumerate(_place(builder, args)):
            number = builder.load(builder.gep(data, [at]))
            index = ir.Constant(ir.IntType(32), place)
            vector = builder.insert_element(vector, number, index)
        return vector

    return signature(kind, block, types.intp, types.intp, types.intp), generate


@intrinsic
def put(_: Any, block: Any, patients: Any, j: Any, index: Any, value: Any) -> Any:
    """Write a pair into one row of one patient of a block."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, value=args[0]).data
        at, apart = _place(builder, args)
        alone = builder.icmp_signed("==", args[1], ir.Constant(args[1].type, 1))
        with builder.if_else(alone) as (both, each):
            with both:
                # one store, so that a load of the pair need not wait for two
                whole = builder.bitcast(
                    builder.gep(data, [at]), args[4].type.as_pointer()
                )
                builder.store(args[4], whole, align=8)
            with each:
                for place, spot in enumerate((at, apart)):
                    index = ir.Constant(ir.IntType(32), place)
                    number = builder.extract_element(args[4], index)
                    builder.store(number, builder.gep(data, [spot]))
        return context.get_dummy_value()

    kinds = (block, types.intp, types.intp, types.intp, value)
    return signature(types.void, *kinds), generate


@intrinsic
def left(_: Any, a: Any) -> Any:
    """Return the first place of a pair."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.extract_element(args[0], ir.Constant(ir.IntType(32), 0))

    return signature(types.float64, a), generate


@intrinsic
def right(_: Any, a: Any) -> Any:
    """Return the second place of a pair."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.extract_element(args[0], ir.Constant(ir.IntType(32), 1))

    return signature(types.float64, a), generate


@intrinsic
def store(_: Any, array: Any, index: Any, value: Any) -> Any:
    """Write a vector into a float array from an index on."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, args, sig.args, args[2].type)
        # aligned to a double, not to the vector: index need not be a multiple of width
        builder.store(args[2], pointer, align=8)
        return context.get_dummy_value()

    return signature(types.void, array, types.intp, value), generate


@intrinsic
def lay_stack(_: Any, like: Any) -> Any:
    """Lay the stack of this kernel so that a vector as wide as `like` fits its lines.

    Vectors that find no register are put on the stack, and one that lies across two
    lines of the cache takes twice as long. Without this it depends on who called.
    """

    def generate(context: Any, builder: Any, _: Any, __: Any) -> Any:
        if BYTES_PER_DOUBLE * like.width > STACK_BYTES:
            attributes = builder.function.attributes
            attributes.alignstack = BYTES_PER_DOUBLE * like.width
            attributes.add("noinline")  # else it would be the stack of who calls
        return context.get_dummy_value()

    return signature(types.void, like), generate


def loader(width: int) -> Callable[..., Vector]:
    """Return `load(array, index)`: `width` numbers of a float array from an index."""

    @intrinsic
    def load(_: Any, array: Any, index: Any) -> Any:
        kind = VectorType(width)

        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            pointer = _pointer(context, builder, args, sig.args, _llvm(kind))
            return builder.load(pointer, align=8)

        return signature(kind, array, types.intp), generate

    return load


def doubler(width: int) -> Callable[..., Vector]:
    """Return `load(array, index)`: half as many numbers, for left and right alike."""

    @intrinsic
    def load_for_both(_: Any, array: Any, index: Any) -> Any:
        kind, half = VectorType(width), width // 2

        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            narrow = ir.VectorType(ir.DoubleType(), half)
            pointer = _pointer(context, builder, args, sig.args, narrow)
            value = builder.load(pointer, align=8)
            return _shuffle(builder, value, [*range(half), *range(half)])

        return signature(kind, array, types.intp), generate

    return load_for_both
