from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CatalogEntry(_message.Message):
    __slots__ = ("name", "field", "doc", "arguments", "inputs", "outputs", "random")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DOC_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    RANDOM_FIELD_NUMBER: _ClassVar[int]
    name: str
    field: str
    doc: str
    arguments: _containers.RepeatedCompositeFieldContainer[CatalogArgument]
    inputs: _containers.RepeatedScalarFieldContainer[str]
    outputs: _containers.RepeatedScalarFieldContainer[str]
    random: bool
    def __init__(self, name: _Optional[str] = ..., field: _Optional[str] = ..., doc: _Optional[str] = ..., arguments: _Optional[_Iterable[_Union[CatalogArgument, _Mapping]]] = ..., inputs: _Optional[_Iterable[str]] = ..., outputs: _Optional[_Iterable[str]] = ..., random: bool = ...) -> None: ...

class CatalogArgument(_message.Message):
    __slots__ = ("name", "type", "required", "default", "doc")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    DOC_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    required: bool
    default: str
    doc: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., required: bool = ..., default: _Optional[str] = ..., doc: _Optional[str] = ...) -> None: ...

class CatalogOmission(_message.Message):
    __slots__ = ("name", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_request_bytes", "max_nodes", "max_parameters", "max_elements", "max_steps", "max_memory_bytes", "max_flops", "max_response_bytes", "max_call_seconds", "max_witness_seconds", "max_function_elements", "max_calls_per_caller", "max_bytes_per_caller")
    MAX_REQUEST_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_NODES_FIELD_NUMBER: _ClassVar[int]
    MAX_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    MAX_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    MAX_STEPS_FIELD_NUMBER: _ClassVar[int]
    MAX_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_FLOPS_FIELD_NUMBER: _ClassVar[int]
    MAX_RESPONSE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_CALL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MAX_WITNESS_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MAX_FUNCTION_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    MAX_CALLS_PER_CALLER_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_PER_CALLER_FIELD_NUMBER: _ClassVar[int]
    max_request_bytes: int
    max_nodes: int
    max_parameters: int
    max_elements: int
    max_steps: int
    max_memory_bytes: int
    max_flops: int
    max_response_bytes: int
    max_call_seconds: float
    max_witness_seconds: float
    max_function_elements: int
    max_calls_per_caller: int
    max_bytes_per_caller: int
    def __init__(self, max_request_bytes: _Optional[int] = ..., max_nodes: _Optional[int] = ..., max_parameters: _Optional[int] = ..., max_elements: _Optional[int] = ..., max_steps: _Optional[int] = ..., max_memory_bytes: _Optional[int] = ..., max_flops: _Optional[int] = ..., max_response_bytes: _Optional[int] = ..., max_call_seconds: _Optional[float] = ..., max_witness_seconds: _Optional[float] = ..., max_function_elements: _Optional[int] = ..., max_calls_per_caller: _Optional[int] = ..., max_bytes_per_caller: _Optional[int] = ...) -> None: ...

class Environment(_message.Message):
    __slots__ = ("gradproof_version", "torch_version", "device", "dtype", "threads")
    GRADPROOF_VERSION_FIELD_NUMBER: _ClassVar[int]
    TORCH_VERSION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    gradproof_version: str
    torch_version: str
    device: str
    dtype: str
    threads: int
    def __init__(self, gradproof_version: _Optional[str] = ..., torch_version: _Optional[str] = ..., device: _Optional[str] = ..., dtype: _Optional[str] = ..., threads: _Optional[int] = ...) -> None: ...
