from gradproof.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Reducer(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REDUCER_UNSPECIFIED: _ClassVar[Reducer]
    REDUCER_SUM: _ClassVar[Reducer]
    REDUCER_MEAN: _ClassVar[Reducer]
    REDUCER_AMAX: _ClassVar[Reducer]
    REDUCER_AMIN: _ClassVar[Reducer]
    REDUCER_MAX: _ClassVar[Reducer]
    REDUCER_MIN: _ClassVar[Reducer]
    REDUCER_PROD: _ClassVar[Reducer]
    REDUCER_VAR: _ClassVar[Reducer]
    REDUCER_STD: _ClassVar[Reducer]
    REDUCER_NORM: _ClassVar[Reducer]
    REDUCER_LOGSUMEXP: _ClassVar[Reducer]
    REDUCER_MEDIAN: _ClassVar[Reducer]

class ElementwiseFunction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ELEMENTWISE_FUNCTION_UNSPECIFIED: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_ABS: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_NEG: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_EXP: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_EXPM1: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_LOG: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_LOG1P: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_LOG2: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_SQRT: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_RSQRT: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_SQUARE: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_RECIPROCAL: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_SIN: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_COS: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_TAN: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_ASIN: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_ACOS: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_ATAN: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_SINH: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_COSH: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_TANH: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_SIGMOID: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_RELU: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_ERF: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_SIGN: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_FLOOR: _ClassVar[ElementwiseFunction]
    ELEMENTWISE_FUNCTION_ROUND: _ClassVar[ElementwiseFunction]
REDUCER_UNSPECIFIED: Reducer
REDUCER_SUM: Reducer
REDUCER_MEAN: Reducer
REDUCER_AMAX: Reducer
REDUCER_AMIN: Reducer
REDUCER_MAX: Reducer
REDUCER_MIN: Reducer
REDUCER_PROD: Reducer
REDUCER_VAR: Reducer
REDUCER_STD: Reducer
REDUCER_NORM: Reducer
REDUCER_LOGSUMEXP: Reducer
REDUCER_MEDIAN: Reducer
ELEMENTWISE_FUNCTION_UNSPECIFIED: ElementwiseFunction
ELEMENTWISE_FUNCTION_ABS: ElementwiseFunction
ELEMENTWISE_FUNCTION_NEG: ElementwiseFunction
ELEMENTWISE_FUNCTION_EXP: ElementwiseFunction
ELEMENTWISE_FUNCTION_EXPM1: ElementwiseFunction
ELEMENTWISE_FUNCTION_LOG: ElementwiseFunction
ELEMENTWISE_FUNCTION_LOG1P: ElementwiseFunction
ELEMENTWISE_FUNCTION_LOG2: ElementwiseFunction
ELEMENTWISE_FUNCTION_SQRT: ElementwiseFunction
ELEMENTWISE_FUNCTION_RSQRT: ElementwiseFunction
ELEMENTWISE_FUNCTION_SQUARE: ElementwiseFunction
ELEMENTWISE_FUNCTION_RECIPROCAL: ElementwiseFunction
ELEMENTWISE_FUNCTION_SIN: ElementwiseFunction
ELEMENTWISE_FUNCTION_COS: ElementwiseFunction
ELEMENTWISE_FUNCTION_TAN: ElementwiseFunction
ELEMENTWISE_FUNCTION_ASIN: ElementwiseFunction
ELEMENTWISE_FUNCTION_ACOS: ElementwiseFunction
ELEMENTWISE_FUNCTION_ATAN: ElementwiseFunction
ELEMENTWISE_FUNCTION_SINH: ElementwiseFunction
ELEMENTWISE_FUNCTION_COSH: ElementwiseFunction
ELEMENTWISE_FUNCTION_TANH: ElementwiseFunction
ELEMENTWISE_FUNCTION_SIGMOID: ElementwiseFunction
ELEMENTWISE_FUNCTION_RELU: ElementwiseFunction
ELEMENTWISE_FUNCTION_ERF: ElementwiseFunction
ELEMENTWISE_FUNCTION_SIGN: ElementwiseFunction
ELEMENTWISE_FUNCTION_FLOOR: ElementwiseFunction
ELEMENTWISE_FUNCTION_ROUND: ElementwiseFunction

class Function(_message.Message):
    __slots__ = ("add", "subtract", "multiply", "divide", "matmul", "concatenate", "stack", "split", "unbind", "reshape", "permute", "transpose", "squeeze", "unsqueeze", "expand", "reduce", "index", "gather", "elementwise", "power", "clamp", "maximum", "minimum", "affine", "constant", "detach", "where", "cumulative_sum", "einsum", "normalize")
    ADD_FIELD_NUMBER: _ClassVar[int]
    SUBTRACT_FIELD_NUMBER: _ClassVar[int]
    MULTIPLY_FIELD_NUMBER: _ClassVar[int]
    DIVIDE_FIELD_NUMBER: _ClassVar[int]
    MATMUL_FIELD_NUMBER: _ClassVar[int]
    CONCATENATE_FIELD_NUMBER: _ClassVar[int]
    STACK_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    UNBIND_FIELD_NUMBER: _ClassVar[int]
    RESHAPE_FIELD_NUMBER: _ClassVar[int]
    PERMUTE_FIELD_NUMBER: _ClassVar[int]
    TRANSPOSE_FIELD_NUMBER: _ClassVar[int]
    SQUEEZE_FIELD_NUMBER: _ClassVar[int]
    UNSQUEEZE_FIELD_NUMBER: _ClassVar[int]
    EXPAND_FIELD_NUMBER: _ClassVar[int]
    REDUCE_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    GATHER_FIELD_NUMBER: _ClassVar[int]
    ELEMENTWISE_FIELD_NUMBER: _ClassVar[int]
    POWER_FIELD_NUMBER: _ClassVar[int]
    CLAMP_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    AFFINE_FIELD_NUMBER: _ClassVar[int]
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    CUMULATIVE_SUM_FIELD_NUMBER: _ClassVar[int]
    EINSUM_FIELD_NUMBER: _ClassVar[int]
    NORMALIZE_FIELD_NUMBER: _ClassVar[int]
    add: Add
    subtract: Subtract
    multiply: Multiply
    divide: Divide
    matmul: MatMul
    concatenate: Concatenate
    stack: Stack
    split: Split
    unbind: Unbind
    reshape: Reshape
    permute: Permute
    transpose: Transpose
    squeeze: Squeeze
    unsqueeze: Unsqueeze
    expand: Expand
    reduce: Reduce
    index: Index
    gather: Gather
    elementwise: Elementwise
    power: Power
    clamp: Clamp
    maximum: Maximum
    minimum: Minimum
    affine: Affine
    constant: Constant
    detach: Detach
    where: Where
    cumulative_sum: CumulativeSum
    einsum: Einsum
    normalize: Normalize
    def __init__(self, add: _Optional[_Union[Add, _Mapping]] = ..., subtract: _Optional[_Union[Subtract, _Mapping]] = ..., multiply: _Optional[_Union[Multiply, _Mapping]] = ..., divide: _Optional[_Union[Divide, _Mapping]] = ..., matmul: _Optional[_Union[MatMul, _Mapping]] = ..., concatenate: _Optional[_Union[Concatenate, _Mapping]] = ..., stack: _Optional[_Union[Stack, _Mapping]] = ..., split: _Optional[_Union[Split, _Mapping]] = ..., unbind: _Optional[_Union[Unbind, _Mapping]] = ..., reshape: _Optional[_Union[Reshape, _Mapping]] = ..., permute: _Optional[_Union[Permute, _Mapping]] = ..., transpose: _Optional[_Union[Transpose, _Mapping]] = ..., squeeze: _Optional[_Union[Squeeze, _Mapping]] = ..., unsqueeze: _Optional[_Union[Unsqueeze, _Mapping]] = ..., expand: _Optional[_Union[Expand, _Mapping]] = ..., reduce: _Optional[_Union[Reduce, _Mapping]] = ..., index: _Optional[_Union[Index, _Mapping]] = ..., gather: _Optional[_Union[Gather, _Mapping]] = ..., elementwise: _Optional[_Union[Elementwise, _Mapping]] = ..., power: _Optional[_Union[Power, _Mapping]] = ..., clamp: _Optional[_Union[Clamp, _Mapping]] = ..., maximum: _Optional[_Union[Maximum, _Mapping]] = ..., minimum: _Optional[_Union[Minimum, _Mapping]] = ..., affine: _Optional[_Union[Affine, _Mapping]] = ..., constant: _Optional[_Union[Constant, _Mapping]] = ..., detach: _Optional[_Union[Detach, _Mapping]] = ..., where: _Optional[_Union[Where, _Mapping]] = ..., cumulative_sum: _Optional[_Union[CumulativeSum, _Mapping]] = ..., einsum: _Optional[_Union[Einsum, _Mapping]] = ..., normalize: _Optional[_Union[Normalize, _Mapping]] = ...) -> None: ...

class Add(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class Subtract(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class Multiply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Divide(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MatMul(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Concatenate(_message.Message):
    __slots__ = ("dim",)
    DIM_FIELD_NUMBER: _ClassVar[int]
    dim: int
    def __init__(self, dim: _Optional[int] = ...) -> None: ...

class Stack(_message.Message):
    __slots__ = ("dim",)
    DIM_FIELD_NUMBER: _ClassVar[int]
    dim: int
    def __init__(self, dim: _Optional[int] = ...) -> None: ...

class Split(_message.Message):
    __slots__ = ("sizes", "dim")
    SIZES_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    sizes: _containers.RepeatedScalarFieldContainer[int]
    dim: int
    def __init__(self, sizes: _Optional[_Iterable[int]] = ..., dim: _Optional[int] = ...) -> None: ...

class Unbind(_message.Message):
    __slots__ = ("dim",)
    DIM_FIELD_NUMBER: _ClassVar[int]
    dim: int
    def __init__(self, dim: _Optional[int] = ...) -> None: ...

class Reshape(_message.Message):
    __slots__ = ("shape",)
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, shape: _Optional[_Iterable[int]] = ...) -> None: ...

class Permute(_message.Message):
    __slots__ = ("dims",)
    DIMS_FIELD_NUMBER: _ClassVar[int]
    dims: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, dims: _Optional[_Iterable[int]] = ...) -> None: ...

class Transpose(_message.Message):
    __slots__ = ("dim0", "dim1")
    DIM0_FIELD_NUMBER: _ClassVar[int]
    DIM1_FIELD_NUMBER: _ClassVar[int]
    dim0: int
    dim1: int
    def __init__(self, dim0: _Optional[int] = ..., dim1: _Optional[int] = ...) -> None: ...

class Squeeze(_message.Message):
    __slots__ = ("dim",)
    DIM_FIELD_NUMBER: _ClassVar[int]
    dim: int
    def __init__(self, dim: _Optional[int] = ...) -> None: ...

class Unsqueeze(_message.Message):
    __slots__ = ("dim",)
    DIM_FIELD_NUMBER: _ClassVar[int]
    dim: int
    def __init__(self, dim: _Optional[int] = ...) -> None: ...

class Expand(_message.Message):
    __slots__ = ("shape",)
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, shape: _Optional[_Iterable[int]] = ...) -> None: ...

class Reduce(_message.Message):
    __slots__ = ("reducer", "dims", "keepdim", "p", "correction")
    REDUCER_FIELD_NUMBER: _ClassVar[int]
    DIMS_FIELD_NUMBER: _ClassVar[int]
    KEEPDIM_FIELD_NUMBER: _ClassVar[int]
    P_FIELD_NUMBER: _ClassVar[int]
    CORRECTION_FIELD_NUMBER: _ClassVar[int]
    reducer: Reducer
    dims: _containers.RepeatedScalarFieldContainer[int]
    keepdim: bool
    p: float
    correction: int
    def __init__(self, reducer: _Optional[_Union[Reducer, str]] = ..., dims: _Optional[_Iterable[int]] = ..., keepdim: bool = ..., p: _Optional[float] = ..., correction: _Optional[int] = ...) -> None: ...

class Index(_message.Message):
    __slots__ = ("dim", "select", "slice", "list")
    DIM_FIELD_NUMBER: _ClassVar[int]
    SELECT_FIELD_NUMBER: _ClassVar[int]
    SLICE_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    dim: int
    select: int
    slice: Slice
    list: Positions
    def __init__(self, dim: _Optional[int] = ..., select: _Optional[int] = ..., slice: _Optional[_Union[Slice, _Mapping]] = ..., list: _Optional[_Union[Positions, _Mapping]] = ...) -> None: ...

class Slice(_message.Message):
    __slots__ = ("start", "stop", "step")
    START_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    start: int
    stop: int
    step: int
    def __init__(self, start: _Optional[int] = ..., stop: _Optional[int] = ..., step: _Optional[int] = ...) -> None: ...

class Positions(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, values: _Optional[_Iterable[int]] = ...) -> None: ...

class Gather(_message.Message):
    __slots__ = ("dim",)
    DIM_FIELD_NUMBER: _ClassVar[int]
    dim: int
    def __init__(self, dim: _Optional[int] = ...) -> None: ...

class Elementwise(_message.Message):
    __slots__ = ("function",)
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    function: ElementwiseFunction
    def __init__(self, function: _Optional[_Union[ElementwiseFunction, str]] = ...) -> None: ...

class Power(_message.Message):
    __slots__ = ("exponent",)
    EXPONENT_FIELD_NUMBER: _ClassVar[int]
    exponent: float
    def __init__(self, exponent: _Optional[float] = ...) -> None: ...

class Clamp(_message.Message):
    __slots__ = ("min", "max")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    min: float
    max: float
    def __init__(self, min: _Optional[float] = ..., max: _Optional[float] = ...) -> None: ...

class Maximum(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Minimum(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Affine(_message.Message):
    __slots__ = ("scale", "shift")
    SCALE_FIELD_NUMBER: _ClassVar[int]
    SHIFT_FIELD_NUMBER: _ClassVar[int]
    scale: float
    shift: float
    def __init__(self, scale: _Optional[float] = ..., shift: _Optional[float] = ...) -> None: ...

class Constant(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: _tensor_pb2.Tensor
    def __init__(self, value: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...

class Detach(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Where(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CumulativeSum(_message.Message):
    __slots__ = ("dim",)
    DIM_FIELD_NUMBER: _ClassVar[int]
    dim: int
    def __init__(self, dim: _Optional[int] = ...) -> None: ...

class Einsum(_message.Message):
    __slots__ = ("equation",)
    EQUATION_FIELD_NUMBER: _ClassVar[int]
    equation: str
    def __init__(self, equation: _Optional[str] = ...) -> None: ...

class Normalize(_message.Message):
    __slots__ = ("p", "dim", "eps")
    P_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    p: float
    dim: int
    eps: float
    def __init__(self, p: _Optional[float] = ..., dim: _Optional[int] = ..., eps: _Optional[float] = ...) -> None: ...
