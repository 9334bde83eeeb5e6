from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Dtype(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DTYPE_UNSPECIFIED: _ClassVar[Dtype]
    DTYPE_FLOAT64: _ClassVar[Dtype]
    DTYPE_FLOAT32: _ClassVar[Dtype]
    DTYPE_FLOAT16: _ClassVar[Dtype]
    DTYPE_BFLOAT16: _ClassVar[Dtype]
    DTYPE_INT64: _ClassVar[Dtype]
    DTYPE_INT32: _ClassVar[Dtype]
    DTYPE_BOOL: _ClassVar[Dtype]

class Quantity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUANTITY_UNSPECIFIED: _ClassVar[Quantity]
    QUANTITY_LOSS: _ClassVar[Quantity]
    QUANTITY_OUTPUT: _ClassVar[Quantity]
    QUANTITY_GRADIENT: _ClassVar[Quantity]
    QUANTITY_INPUT_GRADIENT: _ClassVar[Quantity]
    QUANTITY_NODE_VALUE: _ClassVar[Quantity]
    QUANTITY_NODE_GRADIENT: _ClassVar[Quantity]
    QUANTITY_UPDATED: _ClassVar[Quantity]
    QUANTITY_STATE: _ClassVar[Quantity]
    QUANTITY_BUFFER: _ClassVar[Quantity]
DTYPE_UNSPECIFIED: Dtype
DTYPE_FLOAT64: Dtype
DTYPE_FLOAT32: Dtype
DTYPE_FLOAT16: Dtype
DTYPE_BFLOAT16: Dtype
DTYPE_INT64: Dtype
DTYPE_INT32: Dtype
DTYPE_BOOL: Dtype
QUANTITY_UNSPECIFIED: Quantity
QUANTITY_LOSS: Quantity
QUANTITY_OUTPUT: Quantity
QUANTITY_GRADIENT: Quantity
QUANTITY_INPUT_GRADIENT: Quantity
QUANTITY_NODE_VALUE: Quantity
QUANTITY_NODE_GRADIENT: Quantity
QUANTITY_UPDATED: Quantity
QUANTITY_STATE: Quantity
QUANTITY_BUFFER: Quantity

class Tensor(_message.Message):
    __slots__ = ("dtype", "shape", "data")
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    dtype: Dtype
    shape: _containers.RepeatedScalarFieldContainer[int]
    data: bytes
    def __init__(self, dtype: _Optional[_Union[Dtype, str]] = ..., shape: _Optional[_Iterable[int]] = ..., data: _Optional[bytes] = ...) -> None: ...

class TensorId(_message.Message):
    __slots__ = ("quantity", "name", "step")
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    quantity: Quantity
    name: str
    step: int
    def __init__(self, quantity: _Optional[_Union[Quantity, str]] = ..., name: _Optional[str] = ..., step: _Optional[int] = ...) -> None: ...

class NamedTensor(_message.Message):
    __slots__ = ("id", "value")
    ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    id: TensorId
    value: Tensor
    def __init__(self, id: _Optional[_Union[TensorId, _Mapping]] = ..., value: _Optional[_Union[Tensor, _Mapping]] = ...) -> None: ...
