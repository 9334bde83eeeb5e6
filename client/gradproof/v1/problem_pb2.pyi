from gradproof.v1 import losses_pb2 as _losses_pb2
from gradproof.v1 import network_pb2 as _network_pb2
from gradproof.v1 import optimizers_pb2 as _optimizers_pb2
from gradproof.v1 import schedules_pb2 as _schedules_pb2
from gradproof.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODE_UNSPECIFIED: _ClassVar[Mode]
    MODE_TRAIN: _ClassVar[Mode]
    MODE_EVAL: _ClassVar[Mode]

class Device(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEVICE_UNSPECIFIED: _ClassVar[Device]
    DEVICE_AUTO: _ClassVar[Device]
    DEVICE_CPU: _ClassVar[Device]
    DEVICE_CUDA: _ClassVar[Device]
MODE_UNSPECIFIED: Mode
MODE_TRAIN: Mode
MODE_EVAL: Mode
DEVICE_UNSPECIFIED: Device
DEVICE_AUTO: Device
DEVICE_CPU: Device
DEVICE_CUDA: Device

class Problem(_message.Message):
    __slots__ = ("network", "parameters", "buffers", "inputs", "targets", "loss", "optimizer", "state", "schedule", "clip_grad_norm", "clip_grad_value", "steps", "mode", "frozen", "seed", "dtype", "device")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _tensor_pb2.Tensor
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...
    class BuffersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _tensor_pb2.Tensor
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...
    class InputsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _tensor_pb2.Tensor
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...
    class TargetsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _tensor_pb2.Tensor
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...
    class StateEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _tensor_pb2.Tensor
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    CLIP_GRAD_NORM_FIELD_NUMBER: _ClassVar[int]
    CLIP_GRAD_VALUE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    FROZEN_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    network: _network_pb2.Network
    parameters: _containers.MessageMap[str, _tensor_pb2.Tensor]
    buffers: _containers.MessageMap[str, _tensor_pb2.Tensor]
    inputs: _containers.MessageMap[str, _tensor_pb2.Tensor]
    targets: _containers.MessageMap[str, _tensor_pb2.Tensor]
    loss: _losses_pb2.Loss
    optimizer: _optimizers_pb2.Optimizer
    state: _containers.MessageMap[str, _tensor_pb2.Tensor]
    schedule: _schedules_pb2.Schedule
    clip_grad_norm: ClipGradNorm
    clip_grad_value: ClipGradValue
    steps: _containers.RepeatedCompositeFieldContainer[Step]
    mode: Mode
    frozen: _containers.RepeatedScalarFieldContainer[str]
    seed: int
    dtype: _tensor_pb2.Dtype
    device: Device
    def __init__(self, network: _Optional[_Union[_network_pb2.Network, _Mapping]] = ..., parameters: _Optional[_Mapping[str, _tensor_pb2.Tensor]] = ..., buffers: _Optional[_Mapping[str, _tensor_pb2.Tensor]] = ..., inputs: _Optional[_Mapping[str, _tensor_pb2.Tensor]] = ..., targets: _Optional[_Mapping[str, _tensor_pb2.Tensor]] = ..., loss: _Optional[_Union[_losses_pb2.Loss, _Mapping]] = ..., optimizer: _Optional[_Union[_optimizers_pb2.Optimizer, _Mapping]] = ..., state: _Optional[_Mapping[str, _tensor_pb2.Tensor]] = ..., schedule: _Optional[_Union[_schedules_pb2.Schedule, _Mapping]] = ..., clip_grad_norm: _Optional[_Union[ClipGradNorm, _Mapping]] = ..., clip_grad_value: _Optional[_Union[ClipGradValue, _Mapping]] = ..., steps: _Optional[_Iterable[_Union[Step, _Mapping]]] = ..., mode: _Optional[_Union[Mode, str]] = ..., frozen: _Optional[_Iterable[str]] = ..., seed: _Optional[int] = ..., dtype: _Optional[_Union[_tensor_pb2.Dtype, str]] = ..., device: _Optional[_Union[Device, str]] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("inputs", "targets", "lr")
    class InputsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _tensor_pb2.Tensor
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...
    class TargetsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _tensor_pb2.Tensor
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    LR_FIELD_NUMBER: _ClassVar[int]
    inputs: _containers.MessageMap[str, _tensor_pb2.Tensor]
    targets: _containers.MessageMap[str, _tensor_pb2.Tensor]
    lr: float
    def __init__(self, inputs: _Optional[_Mapping[str, _tensor_pb2.Tensor]] = ..., targets: _Optional[_Mapping[str, _tensor_pb2.Tensor]] = ..., lr: _Optional[float] = ...) -> None: ...

class ClipGradNorm(_message.Message):
    __slots__ = ("max_norm", "norm_type")
    MAX_NORM_FIELD_NUMBER: _ClassVar[int]
    NORM_TYPE_FIELD_NUMBER: _ClassVar[int]
    max_norm: float
    norm_type: float
    def __init__(self, max_norm: _Optional[float] = ..., norm_type: _Optional[float] = ...) -> None: ...

class ClipGradValue(_message.Message):
    __slots__ = ("clip_value",)
    CLIP_VALUE_FIELD_NUMBER: _ClassVar[int]
    clip_value: float
    def __init__(self, clip_value: _Optional[float] = ...) -> None: ...
