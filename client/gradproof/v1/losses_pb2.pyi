from gradproof.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Reduction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REDUCTION_UNSPECIFIED: _ClassVar[Reduction]
    REDUCTION_MEAN: _ClassVar[Reduction]
    REDUCTION_SUM: _ClassVar[Reduction]
    REDUCTION_BATCHMEAN: _ClassVar[Reduction]
    REDUCTION_NONE: _ClassVar[Reduction]
REDUCTION_UNSPECIFIED: Reduction
REDUCTION_MEAN: Reduction
REDUCTION_SUM: Reduction
REDUCTION_BATCHMEAN: Reduction
REDUCTION_NONE: Reduction

class Loss(_message.Message):
    __slots__ = ("adaptive_log_softmax_with_loss", "bce_loss", "bce_with_logits_loss", "ctc_loss", "cosine_embedding_loss", "cross_entropy_loss", "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss", "kl_div_loss", "l1_loss", "linear_cross_entropy_loss", "mse_loss", "margin_ranking_loss", "multi_label_margin_loss", "multi_label_soft_margin_loss", "multi_margin_loss", "nll_loss", "poisson_nll_loss", "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss", "inputs")
    ADAPTIVE_LOG_SOFTMAX_WITH_LOSS_FIELD_NUMBER: _ClassVar[int]
    BCE_LOSS_FIELD_NUMBER: _ClassVar[int]
    BCE_WITH_LOGITS_LOSS_FIELD_NUMBER: _ClassVar[int]
    CTC_LOSS_FIELD_NUMBER: _ClassVar[int]
    COSINE_EMBEDDING_LOSS_FIELD_NUMBER: _ClassVar[int]
    CROSS_ENTROPY_LOSS_FIELD_NUMBER: _ClassVar[int]
    GAUSSIAN_NLL_LOSS_FIELD_NUMBER: _ClassVar[int]
    HINGE_EMBEDDING_LOSS_FIELD_NUMBER: _ClassVar[int]
    HUBER_LOSS_FIELD_NUMBER: _ClassVar[int]
    KL_DIV_LOSS_FIELD_NUMBER: _ClassVar[int]
    L1_LOSS_FIELD_NUMBER: _ClassVar[int]
    LINEAR_CROSS_ENTROPY_LOSS_FIELD_NUMBER: _ClassVar[int]
    MSE_LOSS_FIELD_NUMBER: _ClassVar[int]
    MARGIN_RANKING_LOSS_FIELD_NUMBER: _ClassVar[int]
    MULTI_LABEL_MARGIN_LOSS_FIELD_NUMBER: _ClassVar[int]
    MULTI_LABEL_SOFT_MARGIN_LOSS_FIELD_NUMBER: _ClassVar[int]
    MULTI_MARGIN_LOSS_FIELD_NUMBER: _ClassVar[int]
    NLL_LOSS_FIELD_NUMBER: _ClassVar[int]
    POISSON_NLL_LOSS_FIELD_NUMBER: _ClassVar[int]
    SMOOTH_L1_LOSS_FIELD_NUMBER: _ClassVar[int]
    SOFT_MARGIN_LOSS_FIELD_NUMBER: _ClassVar[int]
    TRIPLET_MARGIN_LOSS_FIELD_NUMBER: _ClassVar[int]
    TRIPLET_MARGIN_WITH_DISTANCE_LOSS_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    adaptive_log_softmax_with_loss: AdaptiveLogSoftmaxWithLoss
    bce_loss: BCELoss
    bce_with_logits_loss: BCEWithLogitsLoss
    ctc_loss: CTCLoss
    cosine_embedding_loss: CosineEmbeddingLoss
    cross_entropy_loss: CrossEntropyLoss
    gaussian_nll_loss: GaussianNLLLoss
    hinge_embedding_loss: HingeEmbeddingLoss
    huber_loss: HuberLoss
    kl_div_loss: KLDivLoss
    l1_loss: L1Loss
    linear_cross_entropy_loss: LinearCrossEntropyLoss
    mse_loss: MSELoss
    margin_ranking_loss: MarginRankingLoss
    multi_label_margin_loss: MultiLabelMarginLoss
    multi_label_soft_margin_loss: MultiLabelSoftMarginLoss
    multi_margin_loss: MultiMarginLoss
    nll_loss: NLLLoss
    poisson_nll_loss: PoissonNLLLoss
    smooth_l1_loss: SmoothL1Loss
    soft_margin_loss: SoftMarginLoss
    triplet_margin_loss: TripletMarginLoss
    triplet_margin_with_distance_loss: TripletMarginWithDistanceLoss
    inputs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, adaptive_log_softmax_with_loss: _Optional[_Union[AdaptiveLogSoftmaxWithLoss, _Mapping]] = ..., bce_loss: _Optional[_Union[BCELoss, _Mapping]] = ..., bce_with_logits_loss: _Optional[_Union[BCEWithLogitsLoss, _Mapping]] = ..., ctc_loss: _Optional[_Union[CTCLoss, _Mapping]] = ..., cosine_embedding_loss: _Optional[_Union[CosineEmbeddingLoss, _Mapping]] = ..., cross_entropy_loss: _Optional[_Union[CrossEntropyLoss, _Mapping]] = ..., gaussian_nll_loss: _Optional[_Union[GaussianNLLLoss, _Mapping]] = ..., hinge_embedding_loss: _Optional[_Union[HingeEmbeddingLoss, _Mapping]] = ..., huber_loss: _Optional[_Union[HuberLoss, _Mapping]] = ..., kl_div_loss: _Optional[_Union[KLDivLoss, _Mapping]] = ..., l1_loss: _Optional[_Union[L1Loss, _Mapping]] = ..., linear_cross_entropy_loss: _Optional[_Union[LinearCrossEntropyLoss, _Mapping]] = ..., mse_loss: _Optional[_Union[MSELoss, _Mapping]] = ..., margin_ranking_loss: _Optional[_Union[MarginRankingLoss, _Mapping]] = ..., multi_label_margin_loss: _Optional[_Union[MultiLabelMarginLoss, _Mapping]] = ..., multi_label_soft_margin_loss: _Optional[_Union[MultiLabelSoftMarginLoss, _Mapping]] = ..., multi_margin_loss: _Optional[_Union[MultiMarginLoss, _Mapping]] = ..., nll_loss: _Optional[_Union[NLLLoss, _Mapping]] = ..., poisson_nll_loss: _Optional[_Union[PoissonNLLLoss, _Mapping]] = ..., smooth_l1_loss: _Optional[_Union[SmoothL1Loss, _Mapping]] = ..., soft_margin_loss: _Optional[_Union[SoftMarginLoss, _Mapping]] = ..., triplet_margin_loss: _Optional[_Union[TripletMarginLoss, _Mapping]] = ..., triplet_margin_with_distance_loss: _Optional[_Union[TripletMarginWithDistanceLoss, _Mapping]] = ..., inputs: _Optional[_Iterable[str]] = ...) -> None: ...

class AdaptiveLogSoftmaxWithLoss(_message.Message):
    __slots__ = ("in_features", "n_classes", "cutoffs", "div_value", "head_bias")
    IN_FEATURES_FIELD_NUMBER: _ClassVar[int]
    N_CLASSES_FIELD_NUMBER: _ClassVar[int]
    CUTOFFS_FIELD_NUMBER: _ClassVar[int]
    DIV_VALUE_FIELD_NUMBER: _ClassVar[int]
    HEAD_BIAS_FIELD_NUMBER: _ClassVar[int]
    in_features: int
    n_classes: int
    cutoffs: _containers.RepeatedScalarFieldContainer[int]
    div_value: float
    head_bias: bool
    def __init__(self, in_features: _Optional[int] = ..., n_classes: _Optional[int] = ..., cutoffs: _Optional[_Iterable[int]] = ..., div_value: _Optional[float] = ..., head_bias: bool = ...) -> None: ...

class BCELoss(_message.Message):
    __slots__ = ("weight", "reduction")
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    weight: _tensor_pb2.Tensor
    reduction: Reduction
    def __init__(self, weight: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class BCEWithLogitsLoss(_message.Message):
    __slots__ = ("weight", "reduction", "pos_weight")
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    POS_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    weight: _tensor_pb2.Tensor
    reduction: Reduction
    pos_weight: _tensor_pb2.Tensor
    def __init__(self, weight: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., reduction: _Optional[_Union[Reduction, str]] = ..., pos_weight: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...

class CTCLoss(_message.Message):
    __slots__ = ("blank", "reduction", "zero_infinity")
    BLANK_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    ZERO_INFINITY_FIELD_NUMBER: _ClassVar[int]
    blank: int
    reduction: Reduction
    zero_infinity: bool
    def __init__(self, blank: _Optional[int] = ..., reduction: _Optional[_Union[Reduction, str]] = ..., zero_infinity: bool = ...) -> None: ...

class CosineEmbeddingLoss(_message.Message):
    __slots__ = ("margin", "reduction")
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    margin: float
    reduction: Reduction
    def __init__(self, margin: _Optional[float] = ..., reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class CrossEntropyLoss(_message.Message):
    __slots__ = ("weight", "ignore_index", "reduction", "label_smoothing")
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    IGNORE_INDEX_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    LABEL_SMOOTHING_FIELD_NUMBER: _ClassVar[int]
    weight: _tensor_pb2.Tensor
    ignore_index: int
    reduction: Reduction
    label_smoothing: float
    def __init__(self, weight: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., ignore_index: _Optional[int] = ..., reduction: _Optional[_Union[Reduction, str]] = ..., label_smoothing: _Optional[float] = ...) -> None: ...

class GaussianNLLLoss(_message.Message):
    __slots__ = ("full", "eps", "reduction")
    FULL_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    full: bool
    eps: float
    reduction: Reduction
    def __init__(self, full: bool = ..., eps: _Optional[float] = ..., reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class HingeEmbeddingLoss(_message.Message):
    __slots__ = ("margin", "reduction")
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    margin: float
    reduction: Reduction
    def __init__(self, margin: _Optional[float] = ..., reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class HuberLoss(_message.Message):
    __slots__ = ("reduction", "delta")
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    reduction: Reduction
    delta: float
    def __init__(self, reduction: _Optional[_Union[Reduction, str]] = ..., delta: _Optional[float] = ...) -> None: ...

class KLDivLoss(_message.Message):
    __slots__ = ("reduction", "log_target")
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    LOG_TARGET_FIELD_NUMBER: _ClassVar[int]
    reduction: Reduction
    log_target: bool
    def __init__(self, reduction: _Optional[_Union[Reduction, str]] = ..., log_target: bool = ...) -> None: ...

class L1Loss(_message.Message):
    __slots__ = ("reduction",)
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    reduction: Reduction
    def __init__(self, reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class LinearCrossEntropyLoss(_message.Message):
    __slots__ = ("in_features", "num_classes", "out_features", "bias", "reduction", "weight", "ignore_index", "label_smoothing")
    IN_FEATURES_FIELD_NUMBER: _ClassVar[int]
    NUM_CLASSES_FIELD_NUMBER: _ClassVar[int]
    OUT_FEATURES_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    IGNORE_INDEX_FIELD_NUMBER: _ClassVar[int]
    LABEL_SMOOTHING_FIELD_NUMBER: _ClassVar[int]
    in_features: int
    num_classes: int
    out_features: _containers.RepeatedScalarFieldContainer[int]
    bias: bool
    reduction: Reduction
    weight: _tensor_pb2.Tensor
    ignore_index: int
    label_smoothing: float
    def __init__(self, in_features: _Optional[int] = ..., num_classes: _Optional[int] = ..., out_features: _Optional[_Iterable[int]] = ..., bias: bool = ..., reduction: _Optional[_Union[Reduction, str]] = ..., weight: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., ignore_index: _Optional[int] = ..., label_smoothing: _Optional[float] = ...) -> None: ...

class MSELoss(_message.Message):
    __slots__ = ("reduction",)
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    reduction: Reduction
    def __init__(self, reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class MarginRankingLoss(_message.Message):
    __slots__ = ("margin", "reduction")
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    margin: float
    reduction: Reduction
    def __init__(self, margin: _Optional[float] = ..., reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class MultiLabelMarginLoss(_message.Message):
    __slots__ = ("reduction",)
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    reduction: Reduction
    def __init__(self, reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class MultiLabelSoftMarginLoss(_message.Message):
    __slots__ = ("weight", "reduction")
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    weight: _tensor_pb2.Tensor
    reduction: Reduction
    def __init__(self, weight: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class MultiMarginLoss(_message.Message):
    __slots__ = ("p", "margin", "weight", "reduction")
    P_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    p: int
    margin: float
    weight: _tensor_pb2.Tensor
    reduction: Reduction
    def __init__(self, p: _Optional[int] = ..., margin: _Optional[float] = ..., weight: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class NLLLoss(_message.Message):
    __slots__ = ("weight", "ignore_index", "reduction")
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    IGNORE_INDEX_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    weight: _tensor_pb2.Tensor
    ignore_index: int
    reduction: Reduction
    def __init__(self, weight: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., ignore_index: _Optional[int] = ..., reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class PoissonNLLLoss(_message.Message):
    __slots__ = ("log_input", "full", "eps", "reduction")
    LOG_INPUT_FIELD_NUMBER: _ClassVar[int]
    FULL_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    log_input: bool
    full: bool
    eps: float
    reduction: Reduction
    def __init__(self, log_input: bool = ..., full: bool = ..., eps: _Optional[float] = ..., reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class SmoothL1Loss(_message.Message):
    __slots__ = ("reduction", "beta")
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    BETA_FIELD_NUMBER: _ClassVar[int]
    reduction: Reduction
    beta: float
    def __init__(self, reduction: _Optional[_Union[Reduction, str]] = ..., beta: _Optional[float] = ...) -> None: ...

class SoftMarginLoss(_message.Message):
    __slots__ = ("reduction",)
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    reduction: Reduction
    def __init__(self, reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class TripletMarginLoss(_message.Message):
    __slots__ = ("margin", "p", "eps", "swap", "reduction")
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    P_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    SWAP_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    margin: float
    p: float
    eps: float
    swap: bool
    reduction: Reduction
    def __init__(self, margin: _Optional[float] = ..., p: _Optional[float] = ..., eps: _Optional[float] = ..., swap: bool = ..., reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...

class TripletMarginWithDistanceLoss(_message.Message):
    __slots__ = ("margin", "swap", "reduction")
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    SWAP_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    margin: float
    swap: bool
    reduction: Reduction
    def __init__(self, margin: _Optional[float] = ..., swap: bool = ..., reduction: _Optional[_Union[Reduction, str]] = ...) -> None: ...
