# Generated from functions.proto by protos/generate.py; do not edit.
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from gradproof.network import Node
from gradproof.tensors import ArrayLike
from gradproof.v1.losses_pb2 import Loss
from gradproof.v1.optimizers_pb2 import Optimizer
from gradproof.v1.schedules_pb2 import Schedule

__all__: list[str] = [
    "Add", "Affine", "Clamp", "Concatenate", "Constant", "CumulativeSum", "Detach", "Divide", "Einsum", "Elementwise",
    "Expand", "Gather", "Index", "MatMul", "Maximum", "Minimum", "Multiply", "Normalize", "Permute", "Power", "Reduce",
    "Reshape", "Split", "Squeeze", "Stack", "Subtract", "Transpose", "Unbind", "Unsqueeze", "Where",
]

def Add(
    alpha: float | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """a + alpha * b. Two inputs, broadcast against each other.

    Args:
        alpha: Factor of the second input. Default: 1.
        name, inputs, output: place in the network; see Node.
    """

def Affine(
    scale: float | None = None, shift: float | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """scale * x + shift.

    Args:
        scale: Factor. Default: 1.
        shift: Summand. Default: 0.
        name, inputs, output: place in the network; see Node.
    """

def Clamp(
    min: float | None = None, max: float | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """min(max(x, min), max), element by element; derivative 1 at the bounds.

    Args:
        min: Lower bound. Default: none.
        max: Upper bound. Default: none.
        name, inputs, output: place in the network; see Node.
    """

def Concatenate(
    dim: int | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """Inputs joined along an existing dimension; the others must agree.

    Args:
        dim: The dimension; a negative one counts from the end. Default: 0.
        name, inputs, output: place in the network; see Node.
    """

def Constant(
    value: ArrayLike, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """A fixed tensor without gradient. Takes no input.

    Args:
        value: Its value.
        name, inputs, output: place in the network; see Node.
    """

def CumulativeSum(
    dim: int | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """Cumulative sum along a dimension.

    Args:
        dim: The dimension; a negative one counts from the end. Default: 0.
        name, inputs, output: place in the network; see Node.
    """

def Detach(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """The value without its gradient (stop gradient).

    Args:
        name, inputs, output: place in the network; see Node.
    """

def Divide(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """a / b, element by element. Two inputs, broadcast against each other.

    Args:
        name, inputs, output: place in the network; see Node.
    """

def Einsum(
    equation: str, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """Sum over repeated indices, as torch.einsum.

    Args:
        equation: Letters and arrow, as "bij,bjk->bik"; no spaces needed.
        name, inputs, output: place in the network; see Node.
    """

def Elementwise(
    function: Literal["abs", "neg", "exp", "expm1", "log", "log1p", "log2", "sqrt", "rsqrt", "square", "reciprocal", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "sigmoid", "relu", "erf", "sign", "floor", "round"],
    *, name: str | None = None, inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """A function of one variable, element by element.

    Args:
        function: Which function.
        name, inputs, output: place in the network; see Node.
    """

def Expand(
    shape: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """Repeats dimensions of size 1 without copying.

    Args:
        shape: The new sizes; -1 keeps a size.
        name, inputs, output: place in the network; see Node.
    """

def Gather(
    dim: int | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """Elements picked by indices, as torch.gather: out[i][j] = input[index[i][j]][j] for dim 0. Two inputs:
    values, int64 indices.

    Args:
        dim: The dimension; a negative one counts from the end. Default: 0.
        name, inputs, output: place in the network; see Node.
    """

def Index(
    dim: int | None = None, select: int | None = None, slice: slice | None = None, list: Sequence[int] | None = None, *,
    name: str | None = None, inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """Elements by position.

    Args:
        dim: The dimension; a negative one counts from the end. Default: 0.
        select: One position; the dimension is dropped.
        slice: A range.
        list: Several positions, in this order, repeats allowed.
        name, inputs, output: place in the network; see Node.
    """

def MatMul(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """Matrix product as torch.matmul. Two inputs: (..., n, m), (..., m, p) -> (..., n, p).

    Args:
        name, inputs, output: place in the network; see Node.
    """

def Maximum(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """The larger of two inputs, element by element; at a tie each gets half of the gradient.

    Args:
        name, inputs, output: place in the network; see Node.
    """

def Minimum(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """The smaller of two inputs, element by element; at a tie each gets half of the gradient.

    Args:
        name, inputs, output: place in the network; see Node.
    """

def Multiply(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """a * b, element by element. Two inputs, broadcast against each other.

    Args:
        name, inputs, output: place in the network; see Node.
    """

def Normalize(
    p: float | None = None, dim: int | None = None, eps: float | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """x / max(|x|_p, eps) along one dimension, as torch.nn.functional.normalize.

    Args:
        p: The p of the norm. Default: 2.
        dim: The dimension; a negative one counts from the end. Default: 1.
        eps: Smallest divisor. Default: 1e-12.
        name, inputs, output: place in the network; see Node.
    """

def Permute(
    dims: int | Sequence[int], *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """Dimensions in another order.

    Args:
        dims: For each new dimension the old one.
        name, inputs, output: place in the network; see Node.
    """

def Power(
    exponent: float, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """x^exponent, element by element.

    Args:
        exponent: The exponent.
        name, inputs, output: place in the network; see Node.
    """

def Reduce(
    reducer: Literal["sum", "mean", "amax", "amin", "max", "min", "prod", "var", "std", "norm", "logsumexp", "median"],
    dims: int | Sequence[int] | None = None, keepdim: bool | None = None, p: float | None = None,
    correction: int | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """Reduces each slice to one number: sum, mean, maximum, norm, ...

    Args:
        reducer: How the elements of a slice are combined.
        dims: The dimensions that are reduced; negative ones count from the end. Default: all. PROD and MEDIAN take one
            or all.
        keepdim: Whether the reduced dimensions stay with size 1. Default: false.
        p: The p of NORM. Default: 2.
        correction: For VAR and STD: subtracted from the number of elements in the divisor. Default: 1.
        name, inputs, output: place in the network; see Node.
    """

def Reshape(
    shape: int | Sequence[int] | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """The same elements, row-major, in another shape.

    Args:
        shape: The new sizes; one may be -1 and follows from the others. Required, except for a scalar.
        name, inputs, output: place in the network; see Node.
    """

def Split(
    sizes: int | Sequence[int], dim: int | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """Cuts one input along a dimension into several outputs, "node:0", "node:1", ...

    Args:
        sizes: One value: the size of each part (the last may be smaller). Several: the sizes, whose sum is the
            dimension's size.
        dim: The dimension; a negative one counts from the end. Default: 0.
        name, inputs, output: place in the network; see Node.
    """

def Squeeze(
    dim: int, *, name: str | None = None, inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """Drops a dimension of size 1.

    Args:
        dim: The dimension.
        name, inputs, output: place in the network; see Node.
    """

def Stack(
    dim: int | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """Inputs of one shape joined along a new dimension.

    Args:
        dim: Position of the new dimension; a negative one counts from the end. Default: 0.
        name, inputs, output: place in the network; see Node.
    """

def Subtract(
    alpha: float | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """a - alpha * b. Two inputs, broadcast against each other.

    Args:
        alpha: Factor of the second input. Default: 1.
        name, inputs, output: place in the network; see Node.
    """

def Transpose(
    dim0: int | None = None, dim1: int | None = None, *, name: str | None = None,
    inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """Two dimensions exchanged.

    Args:
        dim0: The first; a negative one counts from the end. Default: -2.
        dim1: The second; a negative one counts from the end. Default: -1.
        name, inputs, output: place in the network; see Node.
    """

def Unbind(
    dim: int | None = None, *, name: str | None = None, inputs: str | Sequence[str] | None = None,
    output: str | int | None = None,
) -> Node:
    """Takes one input apart along a dimension, which is dropped, into several outputs, "node:0", "node:1", ...

    Args:
        dim: The dimension; a negative one counts from the end. Default: 0.
        name, inputs, output: place in the network; see Node.
    """

def Unsqueeze(
    dim: int, *, name: str | None = None, inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """Inserts a dimension of size 1.

    Args:
        dim: Its position; a negative one counts from the end.
        name, inputs, output: place in the network; see Node.
    """

def Where(
    *, name: str | None = None, inputs: str | Sequence[str] | None = None, output: str | int | None = None,
) -> Node:
    """Chosen element by element. Three inputs: condition (bool), value if true, value if false.

    Args:
        name, inputs, output: place in the network; see Node.
    """
