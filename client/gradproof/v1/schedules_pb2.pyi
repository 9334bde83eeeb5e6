from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CyclicMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CYCLIC_MODE_UNSPECIFIED: _ClassVar[CyclicMode]
    CYCLIC_MODE_TRIANGULAR: _ClassVar[CyclicMode]
    CYCLIC_MODE_TRIANGULAR2: _ClassVar[CyclicMode]
    CYCLIC_MODE_EXP_RANGE: _ClassVar[CyclicMode]

class CyclicScaleMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CYCLIC_SCALE_MODE_UNSPECIFIED: _ClassVar[CyclicScaleMode]
    CYCLIC_SCALE_MODE_CYCLE: _ClassVar[CyclicScaleMode]
    CYCLIC_SCALE_MODE_ITERATIONS: _ClassVar[CyclicScaleMode]

class AnnealStrategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ANNEAL_STRATEGY_UNSPECIFIED: _ClassVar[AnnealStrategy]
    ANNEAL_STRATEGY_COS: _ClassVar[AnnealStrategy]
    ANNEAL_STRATEGY_LINEAR: _ClassVar[AnnealStrategy]

class PlateauMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLATEAU_MODE_UNSPECIFIED: _ClassVar[PlateauMode]
    PLATEAU_MODE_MIN: _ClassVar[PlateauMode]
    PLATEAU_MODE_MAX: _ClassVar[PlateauMode]

class PlateauThresholdMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLATEAU_THRESHOLD_MODE_UNSPECIFIED: _ClassVar[PlateauThresholdMode]
    PLATEAU_THRESHOLD_MODE_REL: _ClassVar[PlateauThresholdMode]
    PLATEAU_THRESHOLD_MODE_ABS: _ClassVar[PlateauThresholdMode]
CYCLIC_MODE_UNSPECIFIED: CyclicMode
CYCLIC_MODE_TRIANGULAR: CyclicMode
CYCLIC_MODE_TRIANGULAR2: CyclicMode
CYCLIC_MODE_EXP_RANGE: CyclicMode
CYCLIC_SCALE_MODE_UNSPECIFIED: CyclicScaleMode
CYCLIC_SCALE_MODE_CYCLE: CyclicScaleMode
CYCLIC_SCALE_MODE_ITERATIONS: CyclicScaleMode
ANNEAL_STRATEGY_UNSPECIFIED: AnnealStrategy
ANNEAL_STRATEGY_COS: AnnealStrategy
ANNEAL_STRATEGY_LINEAR: AnnealStrategy
PLATEAU_MODE_UNSPECIFIED: PlateauMode
PLATEAU_MODE_MIN: PlateauMode
PLATEAU_MODE_MAX: PlateauMode
PLATEAU_THRESHOLD_MODE_UNSPECIFIED: PlateauThresholdMode
PLATEAU_THRESHOLD_MODE_REL: PlateauThresholdMode
PLATEAU_THRESHOLD_MODE_ABS: PlateauThresholdMode

class Schedule(_message.Message):
    __slots__ = ("chained_scheduler", "constant_lr", "cosine_annealing_lr", "cosine_annealing_warm_restarts", "cyclic_lr", "exponential_lr", "linear_lr", "multi_step_lr", "one_cycle_lr", "polynomial_lr", "reduce_lr_on_plateau", "swalr", "sequential_lr", "step_lr")
    CHAINED_SCHEDULER_FIELD_NUMBER: _ClassVar[int]
    CONSTANT_LR_FIELD_NUMBER: _ClassVar[int]
    COSINE_ANNEALING_LR_FIELD_NUMBER: _ClassVar[int]
    COSINE_ANNEALING_WARM_RESTARTS_FIELD_NUMBER: _ClassVar[int]
    CYCLIC_LR_FIELD_NUMBER: _ClassVar[int]
    EXPONENTIAL_LR_FIELD_NUMBER: _ClassVar[int]
    LINEAR_LR_FIELD_NUMBER: _ClassVar[int]
    MULTI_STEP_LR_FIELD_NUMBER: _ClassVar[int]
    ONE_CYCLE_LR_FIELD_NUMBER: _ClassVar[int]
    POLYNOMIAL_LR_FIELD_NUMBER: _ClassVar[int]
    REDUCE_LR_ON_PLATEAU_FIELD_NUMBER: _ClassVar[int]
    SWALR_FIELD_NUMBER: _ClassVar[int]
    SEQUENTIAL_LR_FIELD_NUMBER: _ClassVar[int]
    STEP_LR_FIELD_NUMBER: _ClassVar[int]
    chained_scheduler: ChainedScheduler
    constant_lr: ConstantLR
    cosine_annealing_lr: CosineAnnealingLR
    cosine_annealing_warm_restarts: CosineAnnealingWarmRestarts
    cyclic_lr: CyclicLR
    exponential_lr: ExponentialLR
    linear_lr: LinearLR
    multi_step_lr: MultiStepLR
    one_cycle_lr: OneCycleLR
    polynomial_lr: PolynomialLR
    reduce_lr_on_plateau: ReduceLROnPlateau
    swalr: SWALR
    sequential_lr: SequentialLR
    step_lr: StepLR
    def __init__(self, chained_scheduler: _Optional[_Union[ChainedScheduler, _Mapping]] = ..., constant_lr: _Optional[_Union[ConstantLR, _Mapping]] = ..., cosine_annealing_lr: _Optional[_Union[CosineAnnealingLR, _Mapping]] = ..., cosine_annealing_warm_restarts: _Optional[_Union[CosineAnnealingWarmRestarts, _Mapping]] = ..., cyclic_lr: _Optional[_Union[CyclicLR, _Mapping]] = ..., exponential_lr: _Optional[_Union[ExponentialLR, _Mapping]] = ..., linear_lr: _Optional[_Union[LinearLR, _Mapping]] = ..., multi_step_lr: _Optional[_Union[MultiStepLR, _Mapping]] = ..., one_cycle_lr: _Optional[_Union[OneCycleLR, _Mapping]] = ..., polynomial_lr: _Optional[_Union[PolynomialLR, _Mapping]] = ..., reduce_lr_on_plateau: _Optional[_Union[ReduceLROnPlateau, _Mapping]] = ..., swalr: _Optional[_Union[SWALR, _Mapping]] = ..., sequential_lr: _Optional[_Union[SequentialLR, _Mapping]] = ..., step_lr: _Optional[_Union[StepLR, _Mapping]] = ...) -> None: ...

class ChainedScheduler(_message.Message):
    __slots__ = ("schedulers",)
    SCHEDULERS_FIELD_NUMBER: _ClassVar[int]
    schedulers: _containers.RepeatedCompositeFieldContainer[Schedule]
    def __init__(self, schedulers: _Optional[_Iterable[_Union[Schedule, _Mapping]]] = ...) -> None: ...

class ConstantLR(_message.Message):
    __slots__ = ("factor", "total_iters", "last_epoch")
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ITERS_FIELD_NUMBER: _ClassVar[int]
    LAST_EPOCH_FIELD_NUMBER: _ClassVar[int]
    factor: float
    total_iters: int
    last_epoch: int
    def __init__(self, factor: _Optional[float] = ..., total_iters: _Optional[int] = ..., last_epoch: _Optional[int] = ...) -> None: ...

class CosineAnnealingLR(_message.Message):
    __slots__ = ("t_max", "eta_min", "last_epoch")
    T_MAX_FIELD_NUMBER: _ClassVar[int]
    ETA_MIN_FIELD_NUMBER: _ClassVar[int]
    LAST_EPOCH_FIELD_NUMBER: _ClassVar[int]
    t_max: int
    eta_min: float
    last_epoch: int
    def __init__(self, t_max: _Optional[int] = ..., eta_min: _Optional[float] = ..., last_epoch: _Optional[int] = ...) -> None: ...

class CosineAnnealingWarmRestarts(_message.Message):
    __slots__ = ("t_0", "t_mult", "eta_min", "last_epoch")
    T_0_FIELD_NUMBER: _ClassVar[int]
    T_MULT_FIELD_NUMBER: _ClassVar[int]
    ETA_MIN_FIELD_NUMBER: _ClassVar[int]
    LAST_EPOCH_FIELD_NUMBER: _ClassVar[int]
    t_0: int
    t_mult: int
    eta_min: float
    last_epoch: int
    def __init__(self, t_0: _Optional[int] = ..., t_mult: _Optional[int] = ..., eta_min: _Optional[float] = ..., last_epoch: _Optional[int] = ...) -> None: ...

class CyclicLR(_message.Message):
    __slots__ = ("base_lr", "max_lr", "step_size_up", "step_size_down", "mode", "gamma", "scale_mode", "cycle_momentum", "base_momentum", "max_momentum", "last_epoch")
    BASE_LR_FIELD_NUMBER: _ClassVar[int]
    MAX_LR_FIELD_NUMBER: _ClassVar[int]
    STEP_SIZE_UP_FIELD_NUMBER: _ClassVar[int]
    STEP_SIZE_DOWN_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    GAMMA_FIELD_NUMBER: _ClassVar[int]
    SCALE_MODE_FIELD_NUMBER: _ClassVar[int]
    CYCLE_MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    BASE_MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    MAX_MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    LAST_EPOCH_FIELD_NUMBER: _ClassVar[int]
    base_lr: float
    max_lr: float
    step_size_up: int
    step_size_down: int
    mode: CyclicMode
    gamma: float
    scale_mode: CyclicScaleMode
    cycle_momentum: bool
    base_momentum: float
    max_momentum: float
    last_epoch: int
    def __init__(self, base_lr: _Optional[float] = ..., max_lr: _Optional[float] = ..., step_size_up: _Optional[int] = ..., step_size_down: _Optional[int] = ..., mode: _Optional[_Union[CyclicMode, str]] = ..., gamma: _Optional[float] = ..., scale_mode: _Optional[_Union[CyclicScaleMode, str]] = ..., cycle_momentum: bool = ..., base_momentum: _Optional[float] = ..., max_momentum: _Optional[float] = ..., last_epoch: _Optional[int] = ...) -> None: ...

class ExponentialLR(_message.Message):
    __slots__ = ("gamma", "last_epoch")
    GAMMA_FIELD_NUMBER: _ClassVar[int]
    LAST_EPOCH_FIELD_NUMBER: _ClassVar[int]
    gamma: float
    last_epoch: int
    def __init__(self, gamma: _Optional[float] = ..., last_epoch: _Optional[int] = ...) -> None: ...

class LinearLR(_message.Message):
    __slots__ = ("start_factor", "end_factor", "total_iters", "last_epoch")
    START_FACTOR_FIELD_NUMBER: _ClassVar[int]
    END_FACTOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ITERS_FIELD_NUMBER: _ClassVar[int]
    LAST_EPOCH_FIELD_NUMBER: _ClassVar[int]
    start_factor: float
    end_factor: float
    total_iters: int
    last_epoch: int
    def __init__(self, start_factor: _Optional[float] = ..., end_factor: _Optional[float] = ..., total_iters: _Optional[int] = ..., last_epoch: _Optional[int] = ...) -> None: ...

class MultiStepLR(_message.Message):
    __slots__ = ("milestones", "gamma", "last_epoch")
    MILESTONES_FIELD_NUMBER: _ClassVar[int]
    GAMMA_FIELD_NUMBER: _ClassVar[int]
    LAST_EPOCH_FIELD_NUMBER: _ClassVar[int]
    milestones: _containers.RepeatedScalarFieldContainer[int]
    gamma: float
    last_epoch: int
    def __init__(self, milestones: _Optional[_Iterable[int]] = ..., gamma: _Optional[float] = ..., last_epoch: _Optional[int] = ...) -> None: ...

class OneCycleLR(_message.Message):
    __slots__ = ("max_lr", "total_steps", "epochs", "steps_per_epoch", "pct_start", "anneal_strategy", "cycle_momentum", "base_momentum", "max_momentum", "div_factor", "final_div_factor", "three_phase", "last_epoch")
    MAX_LR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_STEPS_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    STEPS_PER_EPOCH_FIELD_NUMBER: _ClassVar[int]
    PCT_START_FIELD_NUMBER: _ClassVar[int]
    ANNEAL_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    CYCLE_MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    BASE_MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    MAX_MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    DIV_FACTOR_FIELD_NUMBER: _ClassVar[int]
    FINAL_DIV_FACTOR_FIELD_NUMBER: _ClassVar[int]
    THREE_PHASE_FIELD_NUMBER: _ClassVar[int]
    LAST_EPOCH_FIELD_NUMBER: _ClassVar[int]
    max_lr: float
    total_steps: int
    epochs: int
    steps_per_epoch: int
    pct_start: float
    anneal_strategy: AnnealStrategy
    cycle_momentum: bool
    base_momentum: float
    max_momentum: float
    div_factor: float
    final_div_factor: float
    three_phase: bool
    last_epoch: int
    def __init__(self, max_lr: _Optional[float] = ..., total_steps: _Optional[int] = ..., epochs: _Optional[int] = ..., steps_per_epoch: _Optional[int] = ..., pct_start: _Optional[float] = ..., anneal_strategy: _Optional[_Union[AnnealStrategy, str]] = ..., cycle_momentum: bool = ..., base_momentum: _Optional[float] = ..., max_momentum: _Optional[float] = ..., div_factor: _Optional[float] = ..., final_div_factor: _Optional[float] = ..., three_phase: bool = ..., last_epoch: _Optional[int] = ...) -> None: ...

class PolynomialLR(_message.Message):
    __slots__ = ("total_iters", "power", "last_epoch")
    TOTAL_ITERS_FIELD_NUMBER: _ClassVar[int]
    POWER_FIELD_NUMBER: _ClassVar[int]
    LAST_EPOCH_FIELD_NUMBER: _ClassVar[int]
    total_iters: int
    power: float
    last_epoch: int
    def __init__(self, total_iters: _Optional[int] = ..., power: _Optional[float] = ..., last_epoch: _Optional[int] = ...) -> None: ...

class ReduceLROnPlateau(_message.Message):
    __slots__ = ("mode", "factor", "patience", "threshold", "threshold_mode", "cooldown", "min_lr", "eps")
    MODE_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    PATIENCE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_MODE_FIELD_NUMBER: _ClassVar[int]
    COOLDOWN_FIELD_NUMBER: _ClassVar[int]
    MIN_LR_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    mode: PlateauMode
    factor: float
    patience: int
    threshold: float
    threshold_mode: PlateauThresholdMode
    cooldown: int
    min_lr: float
    eps: float
    def __init__(self, mode: _Optional[_Union[PlateauMode, str]] = ..., factor: _Optional[float] = ..., patience: _Optional[int] = ..., threshold: _Optional[float] = ..., threshold_mode: _Optional[_Union[PlateauThresholdMode, str]] = ..., cooldown: _Optional[int] = ..., min_lr: _Optional[float] = ..., eps: _Optional[float] = ...) -> None: ...

class SWALR(_message.Message):
    __slots__ = ("swa_lr", "anneal_epochs", "anneal_strategy", "last_epoch")
    SWA_LR_FIELD_NUMBER: _ClassVar[int]
    ANNEAL_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    ANNEAL_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    LAST_EPOCH_FIELD_NUMBER: _ClassVar[int]
    swa_lr: float
    anneal_epochs: int
    anneal_strategy: AnnealStrategy
    last_epoch: int
    def __init__(self, swa_lr: _Optional[float] = ..., anneal_epochs: _Optional[int] = ..., anneal_strategy: _Optional[_Union[AnnealStrategy, str]] = ..., last_epoch: _Optional[int] = ...) -> None: ...

class SequentialLR(_message.Message):
    __slots__ = ("schedulers", "milestones", "last_epoch")
    SCHEDULERS_FIELD_NUMBER: _ClassVar[int]
    MILESTONES_FIELD_NUMBER: _ClassVar[int]
    LAST_EPOCH_FIELD_NUMBER: _ClassVar[int]
    schedulers: _containers.RepeatedCompositeFieldContainer[Schedule]
    milestones: _containers.RepeatedScalarFieldContainer[int]
    last_epoch: int
    def __init__(self, schedulers: _Optional[_Iterable[_Union[Schedule, _Mapping]]] = ..., milestones: _Optional[_Iterable[int]] = ..., last_epoch: _Optional[int] = ...) -> None: ...

class StepLR(_message.Message):
    __slots__ = ("step_size", "gamma", "last_epoch")
    STEP_SIZE_FIELD_NUMBER: _ClassVar[int]
    GAMMA_FIELD_NUMBER: _ClassVar[int]
    LAST_EPOCH_FIELD_NUMBER: _ClassVar[int]
    step_size: int
    gamma: float
    last_epoch: int
    def __init__(self, step_size: _Optional[int] = ..., gamma: _Optional[float] = ..., last_epoch: _Optional[int] = ...) -> None: ...
