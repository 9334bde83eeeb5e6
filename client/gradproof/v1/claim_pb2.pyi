from gradproof.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Rounding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUNDING_UNSPECIFIED: _ClassVar[Rounding]
    ROUNDING_NEAREST: _ClassVar[Rounding]
    ROUNDING_TRUNCATED: _ClassVar[Rounding]
ROUNDING_UNSPECIFIED: Rounding
ROUNDING_NEAREST: Rounding
ROUNDING_TRUNCATED: Rounding

class Claim(_message.Message):
    __slots__ = ("tensors", "precision")
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    tensors: _containers.RepeatedCompositeFieldContainer[ClaimedTensor]
    precision: Precision
    def __init__(self, tensors: _Optional[_Iterable[_Union[ClaimedTensor, _Mapping]]] = ..., precision: _Optional[_Union[Precision, _Mapping]] = ...) -> None: ...

class ClaimedTensor(_message.Message):
    __slots__ = ("id", "value", "precision")
    ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    id: _tensor_pb2.TensorId
    value: _tensor_pb2.Tensor
    precision: Precision
    def __init__(self, id: _Optional[_Union[_tensor_pb2.TensorId, _Mapping]] = ..., value: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., precision: _Optional[_Union[Precision, _Mapping]] = ...) -> None: ...

class Precision(_message.Message):
    __slots__ = ("decimals", "dtype", "tolerances")
    DECIMALS_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    TOLERANCES_FIELD_NUMBER: _ClassVar[int]
    decimals: PrintedDecimals
    dtype: _tensor_pb2.Dtype
    tolerances: Tolerances
    def __init__(self, decimals: _Optional[_Union[PrintedDecimals, _Mapping]] = ..., dtype: _Optional[_Union[_tensor_pb2.Dtype, str]] = ..., tolerances: _Optional[_Union[Tolerances, _Mapping]] = ...) -> None: ...

class PrintedDecimals(_message.Message):
    __slots__ = ("digits", "rounding")
    DIGITS_FIELD_NUMBER: _ClassVar[int]
    ROUNDING_FIELD_NUMBER: _ClassVar[int]
    digits: int
    rounding: Rounding
    def __init__(self, digits: _Optional[int] = ..., rounding: _Optional[_Union[Rounding, str]] = ...) -> None: ...

class Tolerances(_message.Message):
    __slots__ = ("absolute", "relative")
    ABSOLUTE_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_FIELD_NUMBER: _ClassVar[int]
    absolute: float
    relative: float
    def __init__(self, absolute: _Optional[float] = ..., relative: _Optional[float] = ...) -> None: ...
