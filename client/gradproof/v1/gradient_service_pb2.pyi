from gradproof.v1 import catalog_pb2 as _catalog_pb2
from gradproof.v1 import claim_pb2 as _claim_pb2
from gradproof.v1 import comparison_pb2 as _comparison_pb2
from gradproof.v1 import diagnosis_pb2 as _diagnosis_pb2
from gradproof.v1 import problem_pb2 as _problem_pb2
from gradproof.v1 import tensor_pb2 as _tensor_pb2
from gradproof.v1 import witness_pb2 as _witness_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ComputeGradientsRequest(_message.Message):
    __slots__ = ("problem", "include", "steps")
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    problem: _problem_pb2.Problem
    include: _containers.RepeatedScalarFieldContainer[_tensor_pb2.Quantity]
    steps: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, problem: _Optional[_Union[_problem_pb2.Problem, _Mapping]] = ..., include: _Optional[_Iterable[_Union[_tensor_pb2.Quantity, str]]] = ..., steps: _Optional[_Iterable[int]] = ...) -> None: ...

class ComputeGradientsResponse(_message.Message):
    __slots__ = ("reference",)
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    reference: Reference
    def __init__(self, reference: _Optional[_Union[Reference, _Mapping]] = ...) -> None: ...

class CheckGradientsRequest(_message.Message):
    __slots__ = ("problem", "claim", "include", "diagnosis")
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSIS_FIELD_NUMBER: _ClassVar[int]
    problem: _problem_pb2.Problem
    claim: _claim_pb2.Claim
    include: _containers.RepeatedScalarFieldContainer[_tensor_pb2.Quantity]
    diagnosis: _diagnosis_pb2.DiagnosisOptions
    def __init__(self, problem: _Optional[_Union[_problem_pb2.Problem, _Mapping]] = ..., claim: _Optional[_Union[_claim_pb2.Claim, _Mapping]] = ..., include: _Optional[_Iterable[_Union[_tensor_pb2.Quantity, str]]] = ..., diagnosis: _Optional[_Union[_diagnosis_pb2.DiagnosisOptions, _Mapping]] = ...) -> None: ...

class CheckGradientsResponse(_message.Message):
    __slots__ = ("verdict", "comparisons", "reference", "diagnosis")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    COMPARISONS_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSIS_FIELD_NUMBER: _ClassVar[int]
    verdict: _comparison_pb2.Verdict
    comparisons: _containers.RepeatedCompositeFieldContainer[_comparison_pb2.Comparison]
    reference: Reference
    diagnosis: _diagnosis_pb2.Diagnosis
    def __init__(self, verdict: _Optional[_Union[_comparison_pb2.Verdict, str]] = ..., comparisons: _Optional[_Iterable[_Union[_comparison_pb2.Comparison, _Mapping]]] = ..., reference: _Optional[_Union[Reference, _Mapping]] = ..., diagnosis: _Optional[_Union[_diagnosis_pb2.Diagnosis, _Mapping]] = ...) -> None: ...

class VerifyGradientsRequest(_message.Message):
    __slots__ = ("problem", "claim", "options")
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    problem: _problem_pb2.Problem
    claim: _claim_pb2.Claim
    options: _witness_pb2.WitnessOptions
    def __init__(self, problem: _Optional[_Union[_problem_pb2.Problem, _Mapping]] = ..., claim: _Optional[_Union[_claim_pb2.Claim, _Mapping]] = ..., options: _Optional[_Union[_witness_pb2.WitnessOptions, _Mapping]] = ...) -> None: ...

class VerifyGradientsResponse(_message.Message):
    __slots__ = ("estimate", "progress", "tensor", "report")
    ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    estimate: _witness_pb2.WitnessEstimate
    progress: _witness_pb2.WitnessProgress
    tensor: _witness_pb2.TensorWitness
    report: _witness_pb2.WitnessReport
    def __init__(self, estimate: _Optional[_Union[_witness_pb2.WitnessEstimate, _Mapping]] = ..., progress: _Optional[_Union[_witness_pb2.WitnessProgress, _Mapping]] = ..., tensor: _Optional[_Union[_witness_pb2.TensorWitness, _Mapping]] = ..., report: _Optional[_Union[_witness_pb2.WitnessReport, _Mapping]] = ...) -> None: ...

class CheckFunctionRequest(_message.Message):
    __slots__ = ("start", "values")
    START_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    start: FunctionStart
    values: _witness_pb2.BatchValues
    def __init__(self, start: _Optional[_Union[FunctionStart, _Mapping]] = ..., values: _Optional[_Union[_witness_pb2.BatchValues, _Mapping]] = ...) -> None: ...

class FunctionStart(_message.Message):
    __slots__ = ("claim", "options")
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    claim: _witness_pb2.FunctionClaim
    options: _witness_pb2.WitnessOptions
    def __init__(self, claim: _Optional[_Union[_witness_pb2.FunctionClaim, _Mapping]] = ..., options: _Optional[_Union[_witness_pb2.WitnessOptions, _Mapping]] = ...) -> None: ...

class CheckFunctionResponse(_message.Message):
    __slots__ = ("estimate", "points", "progress", "report")
    ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    estimate: _witness_pb2.WitnessEstimate
    points: _witness_pb2.PointBatch
    progress: _witness_pb2.WitnessProgress
    report: _witness_pb2.WitnessReport
    def __init__(self, estimate: _Optional[_Union[_witness_pb2.WitnessEstimate, _Mapping]] = ..., points: _Optional[_Union[_witness_pb2.PointBatch, _Mapping]] = ..., progress: _Optional[_Union[_witness_pb2.WitnessProgress, _Mapping]] = ..., report: _Optional[_Union[_witness_pb2.WitnessReport, _Mapping]] = ...) -> None: ...

class Reference(_message.Message):
    __slots__ = ("tensors", "learning_rates", "environment", "parameters", "flops", "seconds")
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATES_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    FLOPS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    tensors: _containers.RepeatedCompositeFieldContainer[_tensor_pb2.NamedTensor]
    learning_rates: _containers.RepeatedScalarFieldContainer[float]
    environment: _catalog_pb2.Environment
    parameters: int
    flops: int
    seconds: float
    def __init__(self, tensors: _Optional[_Iterable[_Union[_tensor_pb2.NamedTensor, _Mapping]]] = ..., learning_rates: _Optional[_Iterable[float]] = ..., environment: _Optional[_Union[_catalog_pb2.Environment, _Mapping]] = ..., parameters: _Optional[int] = ..., flops: _Optional[int] = ..., seconds: _Optional[float] = ...) -> None: ...

class ListCatalogRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListCatalogResponse(_message.Message):
    __slots__ = ("layers", "functions", "losses", "optimizers", "schedules", "omissions", "limits", "environment", "devices")
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZERS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULES_FIELD_NUMBER: _ClassVar[int]
    OMISSIONS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    layers: _containers.RepeatedCompositeFieldContainer[_catalog_pb2.CatalogEntry]
    functions: _containers.RepeatedCompositeFieldContainer[_catalog_pb2.CatalogEntry]
    losses: _containers.RepeatedCompositeFieldContainer[_catalog_pb2.CatalogEntry]
    optimizers: _containers.RepeatedCompositeFieldContainer[_catalog_pb2.CatalogEntry]
    schedules: _containers.RepeatedCompositeFieldContainer[_catalog_pb2.CatalogEntry]
    omissions: _containers.RepeatedCompositeFieldContainer[_catalog_pb2.CatalogOmission]
    limits: _catalog_pb2.Limits
    environment: _catalog_pb2.Environment
    devices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, layers: _Optional[_Iterable[_Union[_catalog_pb2.CatalogEntry, _Mapping]]] = ..., functions: _Optional[_Iterable[_Union[_catalog_pb2.CatalogEntry, _Mapping]]] = ..., losses: _Optional[_Iterable[_Union[_catalog_pb2.CatalogEntry, _Mapping]]] = ..., optimizers: _Optional[_Iterable[_Union[_catalog_pb2.CatalogEntry, _Mapping]]] = ..., schedules: _Optional[_Iterable[_Union[_catalog_pb2.CatalogEntry, _Mapping]]] = ..., omissions: _Optional[_Iterable[_Union[_catalog_pb2.CatalogOmission, _Mapping]]] = ..., limits: _Optional[_Union[_catalog_pb2.Limits, _Mapping]] = ..., environment: _Optional[_Union[_catalog_pb2.Environment, _Mapping]] = ..., devices: _Optional[_Iterable[str]] = ...) -> None: ...
