from gradproof.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DiagnosisOptions(_message.Message):
    __slots__ = ("disabled", "max_seconds", "max_combination", "max_findings")
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    MAX_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MAX_COMBINATION_FIELD_NUMBER: _ClassVar[int]
    MAX_FINDINGS_FIELD_NUMBER: _ClassVar[int]
    disabled: bool
    max_seconds: float
    max_combination: int
    max_findings: int
    def __init__(self, disabled: bool = ..., max_seconds: _Optional[float] = ..., max_combination: _Optional[int] = ..., max_findings: _Optional[int] = ...) -> None: ...

class Diagnosis(_message.Message):
    __slots__ = ("findings", "localization", "caution", "variants_tried", "budget_exhausted", "seconds")
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATION_FIELD_NUMBER: _ClassVar[int]
    CAUTION_FIELD_NUMBER: _ClassVar[int]
    VARIANTS_TRIED_FIELD_NUMBER: _ClassVar[int]
    BUDGET_EXHAUSTED_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    localization: Localization
    caution: str
    variants_tried: int
    budget_exhausted: bool
    seconds: float
    def __init__(self, findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., localization: _Optional[_Union[Localization, _Mapping]] = ..., caution: _Optional[str] = ..., variants_tried: _Optional[int] = ..., budget_exhausted: bool = ..., seconds: _Optional[float] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("codes", "title", "explanation", "advice", "convention", "sites", "reproduction", "probe", "documentation_urls")
    CODES_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    CONVENTION_FIELD_NUMBER: _ClassVar[int]
    SITES_FIELD_NUMBER: _ClassVar[int]
    REPRODUCTION_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTATION_URLS_FIELD_NUMBER: _ClassVar[int]
    codes: _containers.RepeatedScalarFieldContainer[str]
    title: str
    explanation: str
    advice: str
    convention: bool
    sites: _containers.RepeatedScalarFieldContainer[str]
    reproduction: Reproduction
    probe: str
    documentation_urls: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, codes: _Optional[_Iterable[str]] = ..., title: _Optional[str] = ..., explanation: _Optional[str] = ..., advice: _Optional[str] = ..., convention: bool = ..., sites: _Optional[_Iterable[str]] = ..., reproduction: _Optional[_Union[Reproduction, _Mapping]] = ..., probe: _Optional[str] = ..., documentation_urls: _Optional[_Iterable[str]] = ...) -> None: ...

class Reproduction(_message.Message):
    __slots__ = ("reproduced", "claimed", "largest_distance")
    REPRODUCED_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_FIELD_NUMBER: _ClassVar[int]
    LARGEST_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    reproduced: int
    claimed: int
    largest_distance: float
    def __init__(self, reproduced: _Optional[int] = ..., claimed: _Optional[int] = ..., largest_distance: _Optional[float] = ...) -> None: ...

class Localization(_message.Message):
    __slots__ = ("summary", "agreeing", "disagreeing", "enters_at", "observations")
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    AGREEING_FIELD_NUMBER: _ClassVar[int]
    DISAGREEING_FIELD_NUMBER: _ClassVar[int]
    ENTERS_AT_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    summary: str
    agreeing: _containers.RepeatedCompositeFieldContainer[_tensor_pb2.TensorId]
    disagreeing: _containers.RepeatedCompositeFieldContainer[_tensor_pb2.TensorId]
    enters_at: str
    observations: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, summary: _Optional[str] = ..., agreeing: _Optional[_Iterable[_Union[_tensor_pb2.TensorId, _Mapping]]] = ..., disagreeing: _Optional[_Iterable[_Union[_tensor_pb2.TensorId, _Mapping]]] = ..., enters_at: _Optional[str] = ..., observations: _Optional[_Iterable[str]] = ...) -> None: ...
