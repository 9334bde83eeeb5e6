from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LineSearch(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINE_SEARCH_UNSPECIFIED: _ClassVar[LineSearch]
    LINE_SEARCH_STRONG_WOLFE: _ClassVar[LineSearch]

class MuonLearningRateAdjustment(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MUON_LEARNING_RATE_ADJUSTMENT_UNSPECIFIED: _ClassVar[MuonLearningRateAdjustment]
    MUON_LEARNING_RATE_ADJUSTMENT_ORIGINAL: _ClassVar[MuonLearningRateAdjustment]
    MUON_LEARNING_RATE_ADJUSTMENT_MATCH_RMS_ADAMW: _ClassVar[MuonLearningRateAdjustment]
LINE_SEARCH_UNSPECIFIED: LineSearch
LINE_SEARCH_STRONG_WOLFE: LineSearch
MUON_LEARNING_RATE_ADJUSTMENT_UNSPECIFIED: MuonLearningRateAdjustment
MUON_LEARNING_RATE_ADJUSTMENT_ORIGINAL: MuonLearningRateAdjustment
MUON_LEARNING_RATE_ADJUSTMENT_MATCH_RMS_ADAMW: MuonLearningRateAdjustment

class Optimizer(_message.Message):
    __slots__ = ("asgd", "adadelta", "adafactor", "adagrad", "adam", "adamw", "adamax", "lbfgs", "muon", "nadam", "radam", "rmsprop", "rprop", "sgd", "sparse_adam", "groups")
    ASGD_FIELD_NUMBER: _ClassVar[int]
    ADADELTA_FIELD_NUMBER: _ClassVar[int]
    ADAFACTOR_FIELD_NUMBER: _ClassVar[int]
    ADAGRAD_FIELD_NUMBER: _ClassVar[int]
    ADAM_FIELD_NUMBER: _ClassVar[int]
    ADAMW_FIELD_NUMBER: _ClassVar[int]
    ADAMAX_FIELD_NUMBER: _ClassVar[int]
    LBFGS_FIELD_NUMBER: _ClassVar[int]
    MUON_FIELD_NUMBER: _ClassVar[int]
    NADAM_FIELD_NUMBER: _ClassVar[int]
    RADAM_FIELD_NUMBER: _ClassVar[int]
    RMSPROP_FIELD_NUMBER: _ClassVar[int]
    RPROP_FIELD_NUMBER: _ClassVar[int]
    SGD_FIELD_NUMBER: _ClassVar[int]
    SPARSE_ADAM_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    asgd: ASGD
    adadelta: Adadelta
    adafactor: Adafactor
    adagrad: Adagrad
    adam: Adam
    adamw: AdamW
    adamax: Adamax
    lbfgs: LBFGS
    muon: Muon
    nadam: NAdam
    radam: RAdam
    rmsprop: RMSprop
    rprop: Rprop
    sgd: SGD
    sparse_adam: SparseAdam
    groups: _containers.RepeatedCompositeFieldContainer[ParameterGroup]
    def __init__(self, asgd: _Optional[_Union[ASGD, _Mapping]] = ..., adadelta: _Optional[_Union[Adadelta, _Mapping]] = ..., adafactor: _Optional[_Union[Adafactor, _Mapping]] = ..., adagrad: _Optional[_Union[Adagrad, _Mapping]] = ..., adam: _Optional[_Union[Adam, _Mapping]] = ..., adamw: _Optional[_Union[AdamW, _Mapping]] = ..., adamax: _Optional[_Union[Adamax, _Mapping]] = ..., lbfgs: _Optional[_Union[LBFGS, _Mapping]] = ..., muon: _Optional[_Union[Muon, _Mapping]] = ..., nadam: _Optional[_Union[NAdam, _Mapping]] = ..., radam: _Optional[_Union[RAdam, _Mapping]] = ..., rmsprop: _Optional[_Union[RMSprop, _Mapping]] = ..., rprop: _Optional[_Union[Rprop, _Mapping]] = ..., sgd: _Optional[_Union[SGD, _Mapping]] = ..., sparse_adam: _Optional[_Union[SparseAdam, _Mapping]] = ..., groups: _Optional[_Iterable[_Union[ParameterGroup, _Mapping]]] = ...) -> None: ...

class ASGD(_message.Message):
    __slots__ = ("lr", "lambd", "alpha", "t0", "weight_decay", "maximize")
    LR_FIELD_NUMBER: _ClassVar[int]
    LAMBD_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    T0_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    lr: float
    lambd: float
    alpha: float
    t0: float
    weight_decay: float
    maximize: bool
    def __init__(self, lr: _Optional[float] = ..., lambd: _Optional[float] = ..., alpha: _Optional[float] = ..., t0: _Optional[float] = ..., weight_decay: _Optional[float] = ..., maximize: bool = ...) -> None: ...

class Adadelta(_message.Message):
    __slots__ = ("lr", "rho", "eps", "weight_decay", "maximize")
    LR_FIELD_NUMBER: _ClassVar[int]
    RHO_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    lr: float
    rho: float
    eps: float
    weight_decay: float
    maximize: bool
    def __init__(self, lr: _Optional[float] = ..., rho: _Optional[float] = ..., eps: _Optional[float] = ..., weight_decay: _Optional[float] = ..., maximize: bool = ...) -> None: ...

class Adafactor(_message.Message):
    __slots__ = ("lr", "beta2_decay", "eps", "d", "weight_decay", "maximize")
    LR_FIELD_NUMBER: _ClassVar[int]
    BETA2_DECAY_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    D_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    lr: float
    beta2_decay: float
    eps: _containers.RepeatedScalarFieldContainer[float]
    d: float
    weight_decay: float
    maximize: bool
    def __init__(self, lr: _Optional[float] = ..., beta2_decay: _Optional[float] = ..., eps: _Optional[_Iterable[float]] = ..., d: _Optional[float] = ..., weight_decay: _Optional[float] = ..., maximize: bool = ...) -> None: ...

class Adagrad(_message.Message):
    __slots__ = ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps", "maximize")
    LR_FIELD_NUMBER: _ClassVar[int]
    LR_DECAY_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    INITIAL_ACCUMULATOR_VALUE_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    lr: float
    lr_decay: float
    weight_decay: float
    initial_accumulator_value: float
    eps: float
    maximize: bool
    def __init__(self, lr: _Optional[float] = ..., lr_decay: _Optional[float] = ..., weight_decay: _Optional[float] = ..., initial_accumulator_value: _Optional[float] = ..., eps: _Optional[float] = ..., maximize: bool = ...) -> None: ...

class Adam(_message.Message):
    __slots__ = ("lr", "betas", "eps", "weight_decay", "amsgrad", "maximize", "decoupled_weight_decay")
    LR_FIELD_NUMBER: _ClassVar[int]
    BETAS_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    AMSGRAD_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    DECOUPLED_WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    lr: float
    betas: _containers.RepeatedScalarFieldContainer[float]
    eps: float
    weight_decay: float
    amsgrad: bool
    maximize: bool
    decoupled_weight_decay: bool
    def __init__(self, lr: _Optional[float] = ..., betas: _Optional[_Iterable[float]] = ..., eps: _Optional[float] = ..., weight_decay: _Optional[float] = ..., amsgrad: bool = ..., maximize: bool = ..., decoupled_weight_decay: bool = ...) -> None: ...

class AdamW(_message.Message):
    __slots__ = ("lr", "betas", "eps", "weight_decay", "amsgrad", "maximize")
    LR_FIELD_NUMBER: _ClassVar[int]
    BETAS_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    AMSGRAD_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    lr: float
    betas: _containers.RepeatedScalarFieldContainer[float]
    eps: float
    weight_decay: float
    amsgrad: bool
    maximize: bool
    def __init__(self, lr: _Optional[float] = ..., betas: _Optional[_Iterable[float]] = ..., eps: _Optional[float] = ..., weight_decay: _Optional[float] = ..., amsgrad: bool = ..., maximize: bool = ...) -> None: ...

class Adamax(_message.Message):
    __slots__ = ("lr", "betas", "eps", "weight_decay", "maximize")
    LR_FIELD_NUMBER: _ClassVar[int]
    BETAS_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    lr: float
    betas: _containers.RepeatedScalarFieldContainer[float]
    eps: float
    weight_decay: float
    maximize: bool
    def __init__(self, lr: _Optional[float] = ..., betas: _Optional[_Iterable[float]] = ..., eps: _Optional[float] = ..., weight_decay: _Optional[float] = ..., maximize: bool = ...) -> None: ...

class LBFGS(_message.Message):
    __slots__ = ("lr", "max_iter", "max_eval", "tolerance_grad", "tolerance_change", "history_size", "line_search_fn")
    LR_FIELD_NUMBER: _ClassVar[int]
    MAX_ITER_FIELD_NUMBER: _ClassVar[int]
    MAX_EVAL_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_GRAD_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_CHANGE_FIELD_NUMBER: _ClassVar[int]
    HISTORY_SIZE_FIELD_NUMBER: _ClassVar[int]
    LINE_SEARCH_FN_FIELD_NUMBER: _ClassVar[int]
    lr: float
    max_iter: int
    max_eval: int
    tolerance_grad: float
    tolerance_change: float
    history_size: int
    line_search_fn: LineSearch
    def __init__(self, lr: _Optional[float] = ..., max_iter: _Optional[int] = ..., max_eval: _Optional[int] = ..., tolerance_grad: _Optional[float] = ..., tolerance_change: _Optional[float] = ..., history_size: _Optional[int] = ..., line_search_fn: _Optional[_Union[LineSearch, str]] = ...) -> None: ...

class Muon(_message.Message):
    __slots__ = ("lr", "weight_decay", "momentum", "nesterov", "ns_coefficients", "eps", "ns_steps", "adjust_lr_fn")
    LR_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    NESTEROV_FIELD_NUMBER: _ClassVar[int]
    NS_COEFFICIENTS_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    NS_STEPS_FIELD_NUMBER: _ClassVar[int]
    ADJUST_LR_FN_FIELD_NUMBER: _ClassVar[int]
    lr: float
    weight_decay: float
    momentum: float
    nesterov: bool
    ns_coefficients: _containers.RepeatedScalarFieldContainer[float]
    eps: float
    ns_steps: int
    adjust_lr_fn: MuonLearningRateAdjustment
    def __init__(self, lr: _Optional[float] = ..., weight_decay: _Optional[float] = ..., momentum: _Optional[float] = ..., nesterov: bool = ..., ns_coefficients: _Optional[_Iterable[float]] = ..., eps: _Optional[float] = ..., ns_steps: _Optional[int] = ..., adjust_lr_fn: _Optional[_Union[MuonLearningRateAdjustment, str]] = ...) -> None: ...

class NAdam(_message.Message):
    __slots__ = ("lr", "betas", "eps", "weight_decay", "momentum_decay", "decoupled_weight_decay", "maximize")
    LR_FIELD_NUMBER: _ClassVar[int]
    BETAS_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_DECAY_FIELD_NUMBER: _ClassVar[int]
    DECOUPLED_WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    lr: float
    betas: _containers.RepeatedScalarFieldContainer[float]
    eps: float
    weight_decay: float
    momentum_decay: float
    decoupled_weight_decay: bool
    maximize: bool
    def __init__(self, lr: _Optional[float] = ..., betas: _Optional[_Iterable[float]] = ..., eps: _Optional[float] = ..., weight_decay: _Optional[float] = ..., momentum_decay: _Optional[float] = ..., decoupled_weight_decay: bool = ..., maximize: bool = ...) -> None: ...

class RAdam(_message.Message):
    __slots__ = ("lr", "betas", "eps", "weight_decay", "decoupled_weight_decay", "maximize")
    LR_FIELD_NUMBER: _ClassVar[int]
    BETAS_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    DECOUPLED_WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    lr: float
    betas: _containers.RepeatedScalarFieldContainer[float]
    eps: float
    weight_decay: float
    decoupled_weight_decay: bool
    maximize: bool
    def __init__(self, lr: _Optional[float] = ..., betas: _Optional[_Iterable[float]] = ..., eps: _Optional[float] = ..., weight_decay: _Optional[float] = ..., decoupled_weight_decay: bool = ..., maximize: bool = ...) -> None: ...

class RMSprop(_message.Message):
    __slots__ = ("lr", "alpha", "eps", "weight_decay", "momentum", "centered", "maximize")
    LR_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    CENTERED_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    lr: float
    alpha: float
    eps: float
    weight_decay: float
    momentum: float
    centered: bool
    maximize: bool
    def __init__(self, lr: _Optional[float] = ..., alpha: _Optional[float] = ..., eps: _Optional[float] = ..., weight_decay: _Optional[float] = ..., momentum: _Optional[float] = ..., centered: bool = ..., maximize: bool = ...) -> None: ...

class Rprop(_message.Message):
    __slots__ = ("lr", "etas", "step_sizes", "maximize")
    LR_FIELD_NUMBER: _ClassVar[int]
    ETAS_FIELD_NUMBER: _ClassVar[int]
    STEP_SIZES_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    lr: float
    etas: _containers.RepeatedScalarFieldContainer[float]
    step_sizes: _containers.RepeatedScalarFieldContainer[float]
    maximize: bool
    def __init__(self, lr: _Optional[float] = ..., etas: _Optional[_Iterable[float]] = ..., step_sizes: _Optional[_Iterable[float]] = ..., maximize: bool = ...) -> None: ...

class SGD(_message.Message):
    __slots__ = ("lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize")
    LR_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    DAMPENING_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    NESTEROV_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    lr: float
    momentum: float
    dampening: float
    weight_decay: float
    nesterov: bool
    maximize: bool
    def __init__(self, lr: _Optional[float] = ..., momentum: _Optional[float] = ..., dampening: _Optional[float] = ..., weight_decay: _Optional[float] = ..., nesterov: bool = ..., maximize: bool = ...) -> None: ...

class SparseAdam(_message.Message):
    __slots__ = ("lr", "betas", "eps", "maximize")
    LR_FIELD_NUMBER: _ClassVar[int]
    BETAS_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    lr: float
    betas: _containers.RepeatedScalarFieldContainer[float]
    eps: float
    maximize: bool
    def __init__(self, lr: _Optional[float] = ..., betas: _Optional[_Iterable[float]] = ..., eps: _Optional[float] = ..., maximize: bool = ...) -> None: ...

class ParameterGroup(_message.Message):
    __slots__ = ("parameters", "overrides")
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    OVERRIDES_FIELD_NUMBER: _ClassVar[int]
    parameters: _containers.RepeatedScalarFieldContainer[str]
    overrides: Optimizer
    def __init__(self, parameters: _Optional[_Iterable[str]] = ..., overrides: _Optional[_Union[Optimizer, _Mapping]] = ...) -> None: ...
