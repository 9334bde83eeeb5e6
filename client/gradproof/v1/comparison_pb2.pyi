from gradproof.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_AGREES: _ClassVar[Verdict]
    VERDICT_DISAGREES: _ClassVar[Verdict]
    VERDICT_INCONCLUSIVE: _ClassVar[Verdict]

class ToleranceSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOLERANCE_SOURCE_UNSPECIFIED: _ClassVar[ToleranceSource]
    TOLERANCE_SOURCE_PRINTED: _ClassVar[ToleranceSource]
    TOLERANCE_SOURCE_TRUNCATED: _ClassVar[ToleranceSource]
    TOLERANCE_SOURCE_CALIBRATED: _ClassVar[ToleranceSource]
    TOLERANCE_SOURCE_EXPLICIT: _ClassVar[ToleranceSource]
VERDICT_UNSPECIFIED: Verdict
VERDICT_AGREES: Verdict
VERDICT_DISAGREES: Verdict
VERDICT_INCONCLUSIVE: Verdict
TOLERANCE_SOURCE_UNSPECIFIED: ToleranceSource
TOLERANCE_SOURCE_PRINTED: ToleranceSource
TOLERANCE_SOURCE_TRUNCATED: ToleranceSource
TOLERANCE_SOURCE_CALIBRATED: ToleranceSource
TOLERANCE_SOURCE_EXPLICIT: ToleranceSource

class Comparison(_message.Message):
    __slots__ = ("id", "verdict", "elements", "disagreeing", "worst", "tolerance_source", "tolerance", "update", "note")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    DISAGREEING_FIELD_NUMBER: _ClassVar[int]
    WORST_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_SOURCE_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    id: _tensor_pb2.TensorId
    verdict: Verdict
    elements: int
    disagreeing: int
    worst: WorstElement
    tolerance_source: ToleranceSource
    tolerance: str
    update: UpdateComparison
    note: str
    def __init__(self, id: _Optional[_Union[_tensor_pb2.TensorId, _Mapping]] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., elements: _Optional[int] = ..., disagreeing: _Optional[int] = ..., worst: _Optional[_Union[WorstElement, _Mapping]] = ..., tolerance_source: _Optional[_Union[ToleranceSource, str]] = ..., tolerance: _Optional[str] = ..., update: _Optional[_Union[UpdateComparison, _Mapping]] = ..., note: _Optional[str] = ...) -> None: ...

class UpdateComparison(_message.Message):
    __slots__ = ("disagreeing", "worst", "tolerance")
    DISAGREEING_FIELD_NUMBER: _ClassVar[int]
    WORST_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    disagreeing: int
    worst: WorstElement
    tolerance: str
    def __init__(self, disagreeing: _Optional[int] = ..., worst: _Optional[_Union[WorstElement, _Mapping]] = ..., tolerance: _Optional[str] = ...) -> None: ...

class WorstElement(_message.Message):
    __slots__ = ("index", "claimed", "reference", "absolute", "relative", "ulps", "tolerance")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    ABSOLUTE_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_FIELD_NUMBER: _ClassVar[int]
    ULPS_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    index: _containers.RepeatedScalarFieldContainer[int]
    claimed: float
    reference: float
    absolute: float
    relative: float
    ulps: float
    tolerance: float
    def __init__(self, index: _Optional[_Iterable[int]] = ..., claimed: _Optional[float] = ..., reference: _Optional[float] = ..., absolute: _Optional[float] = ..., relative: _Optional[float] = ..., ulps: _Optional[float] = ..., tolerance: _Optional[float] = ...) -> None: ...
