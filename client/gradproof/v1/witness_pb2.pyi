from gradproof.v1 import catalog_pb2 as _catalog_pb2
from gradproof.v1 import comparison_pb2 as _comparison_pb2
from gradproof.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WitnessMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WITNESS_MODE_UNSPECIFIED: _ClassVar[WitnessMode]
    WITNESS_MODE_AUTO: _ClassVar[WitnessMode]
    WITNESS_MODE_ELEMENTS: _ClassVar[WitnessMode]
    WITNESS_MODE_DIRECTIONS: _ClassVar[WitnessMode]

class Subject(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUBJECT_UNSPECIFIED: _ClassVar[Subject]
    SUBJECT_REFERENCE: _ClassVar[Subject]
    SUBJECT_CLAIM: _ClassVar[Subject]
    SUBJECT_FORWARD_MODE: _ClassVar[Subject]
    SUBJECT_SECOND_ORDER: _ClassVar[Subject]

class Cause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAUSE_UNSPECIFIED: _ClassVar[Cause]
    CAUSE_WRONG_DERIVATIVE: _ClassVar[Cause]
    CAUSE_TRUNCATION: _ClassVar[Cause]
    CAUSE_ROUNDING: _ClassVar[Cause]
    CAUSE_NOISE: _ClassVar[Cause]
    CAUSE_KINK_CONVENTION: _ClassVar[Cause]
    CAUSE_KINK_OUTSIDE: _ClassVar[Cause]
    CAUSE_JUMP: _ClassVar[Cause]
    CAUSE_NOT_FINITE: _ClassVar[Cause]
    CAUSE_DEAD: _ClassVar[Cause]
    CAUSE_TOO_SMALL: _ClassVar[Cause]
    CAUSE_KINKS_CANCEL: _ClassVar[Cause]
WITNESS_MODE_UNSPECIFIED: WitnessMode
WITNESS_MODE_AUTO: WitnessMode
WITNESS_MODE_ELEMENTS: WitnessMode
WITNESS_MODE_DIRECTIONS: WitnessMode
SUBJECT_UNSPECIFIED: Subject
SUBJECT_REFERENCE: Subject
SUBJECT_CLAIM: Subject
SUBJECT_FORWARD_MODE: Subject
SUBJECT_SECOND_ORDER: Subject
CAUSE_UNSPECIFIED: Cause
CAUSE_WRONG_DERIVATIVE: Cause
CAUSE_TRUNCATION: Cause
CAUSE_ROUNDING: Cause
CAUSE_NOISE: Cause
CAUSE_KINK_CONVENTION: Cause
CAUSE_KINK_OUTSIDE: Cause
CAUSE_JUMP: Cause
CAUSE_NOT_FINITE: Cause
CAUSE_DEAD: Cause
CAUSE_TOO_SMALL: Cause
CAUSE_KINKS_CANCEL: Cause

class WitnessOptions(_message.Message):
    __slots__ = ("mode", "only", "directions", "samples", "seed", "max_seconds", "max_evaluations", "estimate_only", "second_order", "step", "include_values")
    MODE_FIELD_NUMBER: _ClassVar[int]
    ONLY_FIELD_NUMBER: _ClassVar[int]
    DIRECTIONS_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    MAX_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MAX_EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    SECOND_ORDER_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_VALUES_FIELD_NUMBER: _ClassVar[int]
    mode: WitnessMode
    only: _containers.RepeatedCompositeFieldContainer[Selection]
    directions: int
    samples: int
    seed: int
    max_seconds: float
    max_evaluations: int
    estimate_only: bool
    second_order: bool
    step: int
    include_values: bool
    def __init__(self, mode: _Optional[_Union[WitnessMode, str]] = ..., only: _Optional[_Iterable[_Union[Selection, _Mapping]]] = ..., directions: _Optional[int] = ..., samples: _Optional[int] = ..., seed: _Optional[int] = ..., max_seconds: _Optional[float] = ..., max_evaluations: _Optional[int] = ..., estimate_only: bool = ..., second_order: bool = ..., step: _Optional[int] = ..., include_values: bool = ...) -> None: ...

class Selection(_message.Message):
    __slots__ = ("id", "elements")
    ID_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    id: _tensor_pb2.TensorId
    elements: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, id: _Optional[_Union[_tensor_pb2.TensorId, _Mapping]] = ..., elements: _Optional[_Iterable[int]] = ...) -> None: ...

class WitnessEstimate(_message.Message):
    __slots__ = ("tensors", "evaluations", "flops", "seconds")
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    FLOPS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    tensors: _containers.RepeatedCompositeFieldContainer[TensorEstimate]
    evaluations: int
    flops: float
    seconds: float
    def __init__(self, tensors: _Optional[_Iterable[_Union[TensorEstimate, _Mapping]]] = ..., evaluations: _Optional[int] = ..., flops: _Optional[float] = ..., seconds: _Optional[float] = ...) -> None: ...

class TensorEstimate(_message.Message):
    __slots__ = ("id", "mode", "elements", "lines", "evaluations", "flops_per_evaluation")
    ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    FLOPS_PER_EVALUATION_FIELD_NUMBER: _ClassVar[int]
    id: _tensor_pb2.TensorId
    mode: WitnessMode
    elements: int
    lines: int
    evaluations: int
    flops_per_evaluation: float
    def __init__(self, id: _Optional[_Union[_tensor_pb2.TensorId, _Mapping]] = ..., mode: _Optional[_Union[WitnessMode, str]] = ..., elements: _Optional[int] = ..., lines: _Optional[int] = ..., evaluations: _Optional[int] = ..., flops_per_evaluation: _Optional[float] = ...) -> None: ...

class WitnessProgress(_message.Message):
    __slots__ = ("evaluations", "expected", "seconds", "tensor")
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    evaluations: int
    expected: int
    seconds: float
    tensor: _tensor_pb2.TensorId
    def __init__(self, evaluations: _Optional[int] = ..., expected: _Optional[int] = ..., seconds: _Optional[float] = ..., tensor: _Optional[_Union[_tensor_pb2.TensorId, _Mapping]] = ...) -> None: ...

class WitnessedValue(_message.Message):
    __slots__ = ("index", "direction", "stated", "numeric", "bar", "tolerance", "gap", "ulps", "smallest_step", "largest_step", "left", "right", "output_index")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    STATED_FIELD_NUMBER: _ClassVar[int]
    NUMERIC_FIELD_NUMBER: _ClassVar[int]
    BAR_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    ULPS_FIELD_NUMBER: _ClassVar[int]
    SMALLEST_STEP_FIELD_NUMBER: _ClassVar[int]
    LARGEST_STEP_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    index: _containers.RepeatedScalarFieldContainer[int]
    direction: int
    stated: float
    numeric: float
    bar: float
    tolerance: float
    gap: float
    ulps: float
    smallest_step: float
    largest_step: float
    left: float
    right: float
    output_index: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, index: _Optional[_Iterable[int]] = ..., direction: _Optional[int] = ..., stated: _Optional[float] = ..., numeric: _Optional[float] = ..., bar: _Optional[float] = ..., tolerance: _Optional[float] = ..., gap: _Optional[float] = ..., ulps: _Optional[float] = ..., smallest_step: _Optional[float] = ..., largest_step: _Optional[float] = ..., left: _Optional[float] = ..., right: _Optional[float] = ..., output_index: _Optional[_Iterable[int]] = ...) -> None: ...

class Judgement(_message.Message):
    __slots__ = ("subject", "verdict", "disagreeing", "inconclusive", "worst", "cause", "explanation")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    DISAGREEING_FIELD_NUMBER: _ClassVar[int]
    INCONCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    WORST_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    subject: Subject
    verdict: _comparison_pb2.Verdict
    disagreeing: int
    inconclusive: int
    worst: WitnessedValue
    cause: Cause
    explanation: str
    def __init__(self, subject: _Optional[_Union[Subject, str]] = ..., verdict: _Optional[_Union[_comparison_pb2.Verdict, str]] = ..., disagreeing: _Optional[int] = ..., inconclusive: _Optional[int] = ..., worst: _Optional[_Union[WitnessedValue, _Mapping]] = ..., cause: _Optional[_Union[Cause, str]] = ..., explanation: _Optional[str] = ...) -> None: ...

class Sweep(_message.Message):
    __slots__ = ("index", "direction", "steps", "slopes", "rounding", "stated")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    SLOPES_FIELD_NUMBER: _ClassVar[int]
    ROUNDING_FIELD_NUMBER: _ClassVar[int]
    STATED_FIELD_NUMBER: _ClassVar[int]
    index: _containers.RepeatedScalarFieldContainer[int]
    direction: int
    steps: _containers.RepeatedScalarFieldContainer[float]
    slopes: _containers.RepeatedScalarFieldContainer[float]
    rounding: _containers.RepeatedScalarFieldContainer[float]
    stated: float
    def __init__(self, index: _Optional[_Iterable[int]] = ..., direction: _Optional[int] = ..., steps: _Optional[_Iterable[float]] = ..., slopes: _Optional[_Iterable[float]] = ..., rounding: _Optional[_Iterable[float]] = ..., stated: _Optional[float] = ...) -> None: ...

class Kink(_message.Message):
    __slots__ = ("node", "type", "index", "value", "left", "right", "taken", "text")
    NODE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    TAKEN_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    node: str
    type: str
    index: _containers.RepeatedScalarFieldContainer[int]
    value: float
    left: float
    right: float
    taken: float
    text: str
    def __init__(self, node: _Optional[str] = ..., type: _Optional[str] = ..., index: _Optional[_Iterable[int]] = ..., value: _Optional[float] = ..., left: _Optional[float] = ..., right: _Optional[float] = ..., taken: _Optional[float] = ..., text: _Optional[str] = ...) -> None: ...

class TensorWitness(_message.Message):
    __slots__ = ("id", "mode", "elements", "elements_checked", "directions_checked", "judgements", "kinks", "detectable", "detectable_relative", "note", "sweep", "positions", "numeric", "bars", "stated", "taylor_order", "shape")
    ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_CHECKED_FIELD_NUMBER: _ClassVar[int]
    DIRECTIONS_CHECKED_FIELD_NUMBER: _ClassVar[int]
    JUDGEMENTS_FIELD_NUMBER: _ClassVar[int]
    KINKS_FIELD_NUMBER: _ClassVar[int]
    DETECTABLE_FIELD_NUMBER: _ClassVar[int]
    DETECTABLE_RELATIVE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    NUMERIC_FIELD_NUMBER: _ClassVar[int]
    BARS_FIELD_NUMBER: _ClassVar[int]
    STATED_FIELD_NUMBER: _ClassVar[int]
    TAYLOR_ORDER_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    id: _tensor_pb2.TensorId
    mode: WitnessMode
    elements: int
    elements_checked: int
    directions_checked: int
    judgements: _containers.RepeatedCompositeFieldContainer[Judgement]
    kinks: _containers.RepeatedCompositeFieldContainer[Kink]
    detectable: float
    detectable_relative: float
    note: str
    sweep: Sweep
    positions: _containers.RepeatedScalarFieldContainer[int]
    numeric: _tensor_pb2.Tensor
    bars: _tensor_pb2.Tensor
    stated: _tensor_pb2.Tensor
    taylor_order: float
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, id: _Optional[_Union[_tensor_pb2.TensorId, _Mapping]] = ..., mode: _Optional[_Union[WitnessMode, str]] = ..., elements: _Optional[int] = ..., elements_checked: _Optional[int] = ..., directions_checked: _Optional[int] = ..., judgements: _Optional[_Iterable[_Union[Judgement, _Mapping]]] = ..., kinks: _Optional[_Iterable[_Union[Kink, _Mapping]]] = ..., detectable: _Optional[float] = ..., detectable_relative: _Optional[float] = ..., note: _Optional[str] = ..., sweep: _Optional[_Union[Sweep, _Mapping]] = ..., positions: _Optional[_Iterable[int]] = ..., numeric: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., bars: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., stated: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., taylor_order: _Optional[float] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...

class Reproducer(_message.Message):
    __slots__ = ("seed", "environment", "directions")
    SEED_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    DIRECTIONS_FIELD_NUMBER: _ClassVar[int]
    seed: int
    environment: _catalog_pb2.Environment
    directions: str
    def __init__(self, seed: _Optional[int] = ..., environment: _Optional[_Union[_catalog_pb2.Environment, _Mapping]] = ..., directions: _Optional[str] = ...) -> None: ...

class WitnessReport(_message.Message):
    __slots__ = ("verdict", "reference_verdict", "claim_verdict", "tensors", "not_reached", "complete", "evaluations", "seconds", "value", "rounding_noise", "repeat_noise", "summary", "reproducer")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_VERDICT_FIELD_NUMBER: _ClassVar[int]
    CLAIM_VERDICT_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    NOT_REACHED_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ROUNDING_NOISE_FIELD_NUMBER: _ClassVar[int]
    REPEAT_NOISE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    REPRODUCER_FIELD_NUMBER: _ClassVar[int]
    verdict: _comparison_pb2.Verdict
    reference_verdict: _comparison_pb2.Verdict
    claim_verdict: _comparison_pb2.Verdict
    tensors: _containers.RepeatedCompositeFieldContainer[TensorWitness]
    not_reached: _containers.RepeatedCompositeFieldContainer[_tensor_pb2.TensorId]
    complete: bool
    evaluations: int
    seconds: float
    value: float
    rounding_noise: float
    repeat_noise: float
    summary: str
    reproducer: Reproducer
    def __init__(self, verdict: _Optional[_Union[_comparison_pb2.Verdict, str]] = ..., reference_verdict: _Optional[_Union[_comparison_pb2.Verdict, str]] = ..., claim_verdict: _Optional[_Union[_comparison_pb2.Verdict, str]] = ..., tensors: _Optional[_Iterable[_Union[TensorWitness, _Mapping]]] = ..., not_reached: _Optional[_Iterable[_Union[_tensor_pb2.TensorId, _Mapping]]] = ..., complete: bool = ..., evaluations: _Optional[int] = ..., seconds: _Optional[float] = ..., value: _Optional[float] = ..., rounding_noise: _Optional[float] = ..., repeat_noise: _Optional[float] = ..., summary: _Optional[str] = ..., reproducer: _Optional[_Union[Reproducer, _Mapping]] = ...) -> None: ...

class FunctionClaim(_message.Message):
    __slots__ = ("point", "output", "gradient", "jacobian", "vjp", "jvp", "relative_tolerance", "max_batch")
    class PointEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _tensor_pb2.Tensor
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...
    POINT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_FIELD_NUMBER: _ClassVar[int]
    JACOBIAN_FIELD_NUMBER: _ClassVar[int]
    VJP_FIELD_NUMBER: _ClassVar[int]
    JVP_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    MAX_BATCH_FIELD_NUMBER: _ClassVar[int]
    point: _containers.MessageMap[str, _tensor_pb2.Tensor]
    output: _tensor_pb2.Tensor
    gradient: DerivativeTensors
    jacobian: DerivativeTensors
    vjp: VectorJacobian
    jvp: JacobianVector
    relative_tolerance: float
    max_batch: int
    def __init__(self, point: _Optional[_Mapping[str, _tensor_pb2.Tensor]] = ..., output: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., gradient: _Optional[_Union[DerivativeTensors, _Mapping]] = ..., jacobian: _Optional[_Union[DerivativeTensors, _Mapping]] = ..., vjp: _Optional[_Union[VectorJacobian, _Mapping]] = ..., jvp: _Optional[_Union[JacobianVector, _Mapping]] = ..., relative_tolerance: _Optional[float] = ..., max_batch: _Optional[int] = ...) -> None: ...

class DerivativeTensors(_message.Message):
    __slots__ = ("tensors",)
    class TensorsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _tensor_pb2.Tensor
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    tensors: _containers.MessageMap[str, _tensor_pb2.Tensor]
    def __init__(self, tensors: _Optional[_Mapping[str, _tensor_pb2.Tensor]] = ...) -> None: ...

class VectorJacobian(_message.Message):
    __slots__ = ("cotangent", "result")
    COTANGENT_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    cotangent: _tensor_pb2.Tensor
    result: DerivativeTensors
    def __init__(self, cotangent: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., result: _Optional[_Union[DerivativeTensors, _Mapping]] = ...) -> None: ...

class JacobianVector(_message.Message):
    __slots__ = ("tangent", "result")
    TANGENT_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    tangent: DerivativeTensors
    result: _tensor_pb2.Tensor
    def __init__(self, tangent: _Optional[_Union[DerivativeTensors, _Mapping]] = ..., result: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...

class PointBatch(_message.Message):
    __slots__ = ("batch", "points", "tensors")
    class TensorsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _tensor_pb2.Tensor
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...
    BATCH_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    batch: int
    points: int
    tensors: _containers.MessageMap[str, _tensor_pb2.Tensor]
    def __init__(self, batch: _Optional[int] = ..., points: _Optional[int] = ..., tensors: _Optional[_Mapping[str, _tensor_pb2.Tensor]] = ...) -> None: ...

class BatchValues(_message.Message):
    __slots__ = ("batch", "values")
    BATCH_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    batch: int
    values: _tensor_pb2.Tensor
    def __init__(self, batch: _Optional[int] = ..., values: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...
