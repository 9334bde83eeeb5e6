# Generated from losses.proto by protos/generate.py; do not edit.
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from gradproof.network import Node
from gradproof.tensors import ArrayLike
from gradproof.v1.losses_pb2 import Loss
from gradproof.v1.optimizers_pb2 import Optimizer
from gradproof.v1.schedules_pb2 import Schedule

__all__: list[str] = [
    "AdaptiveLogSoftmaxWithLoss", "BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CosineEmbeddingLoss", "CrossEntropyLoss",
    "GaussianNLLLoss", "HingeEmbeddingLoss", "HuberLoss", "KLDivLoss", "L1Loss", "LinearCrossEntropyLoss", "MSELoss",
    "MarginRankingLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss", "NLLLoss",
    "PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss",
]

def AdaptiveLogSoftmaxWithLoss(
    in_features: int, n_classes: int, cutoffs: int | Sequence[int], div_value: float | None = None,
    head_bias: bool | None = None, *, inputs: str | Sequence[str] | None = None,
) -> Loss:
    """Negative log likelihood with an adaptive softmax for many classes. It has parameters of its own
    (`loss.head.weight`, ...). input (N, in_features), target (N) int64.

    Args:
        in_features: Size of the input, >= 1.
        n_classes: Number of classes.
        cutoffs: Class indices at which a new cluster begins, increasing.
        div_value: Divisor of the cluster sizes. Default: 4.0.
        head_bias: Whether the head has a bias. Default: false.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def BCELoss(
    weight: ArrayLike | None = None, reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *,
    inputs: str | Sequence[str] | None = None,
) -> Loss:
    """-(t log p + (1 - t) log(1 - p)) for probabilities p. input and target of one shape.

    Args:
        weight: Weight per class (C), or per element. Default: none.
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def BCEWithLogitsLoss(
    weight: ArrayLike | None = None, reduction: Literal["mean", "sum", "batchmean", "none"] | None = None,
    pos_weight: ArrayLike | None = None, *, inputs: str | Sequence[str] | None = None,
) -> Loss:
    """BCELoss of sigmoid(x), computed stably from logits x. input and target of one shape.

    Args:
        weight: Weight per class (C), or per element. Default: none.
        reduction: How the elements become one number. Default: mean.
        pos_weight: Weight of the positive class, broadcastable to the input. Default: none.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def CTCLoss(
    blank: int | None = None, reduction: Literal["mean", "sum", "batchmean", "none"] | None = None,
    zero_infinity: bool | None = None, *, inputs: str | Sequence[str] | None = None,
) -> Loss:
    """Connectionist temporal classification. log_probs (T, N, C), targets (N, S) or (sum), input_lengths (N),
    target_lengths (N), int64.

    Args:
        blank: Index of the blank label. Default: 0.
        reduction: How the elements become one number. Default: mean.
        zero_infinity: Whether infinite losses and their gradients become zero. Default: false.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def CosineEmbeddingLoss(
    margin: float | None = None, reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *,
    inputs: str | Sequence[str] | None = None,
) -> Loss:
    """1 - cos(x1, x2) where target is 1, max(0, cos(x1, x2) - margin) where it is -1. input1, input2 (N, D),
    target (N).

    Args:
        margin: Margin of the formula above. Default: 0.0.
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def CrossEntropyLoss(
    weight: ArrayLike | None = None, ignore_index: int | None = None,
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, label_smoothing: float | None = None, *,
    inputs: str | Sequence[str] | None = None,
) -> Loss:
    """-log softmax(x)[class], from logits. input (N, C) or (N, C, d1, ...), target class indices int64 (N, ...)
    or probabilities of the input's shape. With weight, the mean divides by the sum of the weights.

    Args:
        weight: Weight per class (C), or per element. Default: none.
        ignore_index: Target value whose elements count neither in the sum nor in the divisor. Default: -100.
        reduction: How the elements become one number. Default: mean.
        label_smoothing: Share s of the target spread over all classes, (1 - s) t + s / C; in [0, 1]. Default: 0.0.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def GaussianNLLLoss(
    full: bool | None = None, eps: float | None = None,
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *, inputs: str | Sequence[str] | None = None,
) -> Loss:
    """(log var + (x - t)^2 / var) / 2. input, target and var of one shape.

    Args:
        full: Whether the constant term is included. Default: false.
        eps: Lower bound of var, > 0. Default: 1e-06.
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def HingeEmbeddingLoss(
    margin: float | None = None, reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *,
    inputs: str | Sequence[str] | None = None,
) -> Loss:
    """x where target is 1, max(0, margin - x) where it is -1.

    Args:
        margin: Margin of the formula above. Default: 1.0.
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def HuberLoss(
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, delta: float | None = None, *,
    inputs: str | Sequence[str] | None = None,
) -> Loss:
    """e^2 / 2 where |e| <= delta, else delta * (|e| - delta / 2), with e = x - t.

    Args:
        reduction: How the elements become one number. Default: mean.
        delta: Where the square ends. Default: 1.0.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def KLDivLoss(
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, log_target: bool | None = None, *,
    inputs: str | Sequence[str] | None = None,
) -> Loss:
    """t * (log t - x), with x log-probabilities. reduction `mean` divides by all elements, `batchmean` by the
    batch.

    Args:
        reduction: How the elements become one number. Default: mean.
        log_target: Whether the target is given as logarithms. Default: false.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def L1Loss(
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *, inputs: str | Sequence[str] | None = None,
) -> Loss:
    """|x - t|; derivative sign(x - t), 0 at 0.

    Args:
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def LinearCrossEntropyLoss(
    in_features: int, num_classes: int, out_features: int | Sequence[int] | None = None,
    bias: bool | ArrayLike | None = None, reduction: Literal["mean", "sum", "batchmean", "none"] | None = None,
    weight: ArrayLike | None = None, ignore_index: int | None = None, label_smoothing: float | None = None, *,
    inputs: str | Sequence[str] | None = None,
) -> Loss:
    """CrossEntropyLoss of a linear layer's output, the layer being part of the loss (`loss.linear.weight`).
    input (N, in_features), target (N).

    Args:
        in_features: Size of the input, >= 1.
        num_classes: Number of classes.
        out_features: Size of the output, >= 1. Default: ().
        bias: Whether there is a learned bias. Default: false.
        reduction: How the elements become one number. Default: mean.
        weight: Weight per class (C), or per element. Default: none.
        ignore_index: Target value whose elements count neither in the sum nor in the divisor. Default: none.
        label_smoothing: Share s of the target spread over all classes, (1 - s) t + s / C; in [0, 1]. Default: 0.0.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def MSELoss(
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *, inputs: str | Sequence[str] | None = None,
) -> Loss:
    """(x - t)^2; no factor one half.

    Args:
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def MarginRankingLoss(
    margin: float | None = None, reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *,
    inputs: str | Sequence[str] | None = None,
) -> Loss:
    """max(0, -t * (x1 - x2) + margin). input1, input2 and target (N).

    Args:
        margin: Margin of the formula above. Default: 0.0.
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def MultiLabelMarginLoss(
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *, inputs: str | Sequence[str] | None = None,
) -> Loss:
    """Sum over pairs of max(0, 1 - (x[target] - x[other])) / C. input (N, C), target (N, C) int64, ended by -1.

    Args:
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def MultiLabelSoftMarginLoss(
    weight: ArrayLike | None = None, reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *,
    inputs: str | Sequence[str] | None = None,
) -> Loss:
    """Mean over classes of the binary cross entropy of logits. input and target (N, C).

    Args:
        weight: Weight per class (C), or per element. Default: none.
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def MultiMarginLoss(
    p: int | None = None, margin: float | None = None, weight: ArrayLike | None = None,
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *, inputs: str | Sequence[str] | None = None,
) -> Loss:
    """Sum over wrong classes of max(0, margin - x[target] + x[other])^p / C. input (N, C), target (N) int64.

    Args:
        p: Exponent, 1 or 2. Default: 1.
        margin: Margin of the formula above. Default: 1.0.
        weight: Weight per class (C), or per element. Default: none.
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def NLLLoss(
    weight: ArrayLike | None = None, ignore_index: int | None = None,
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *, inputs: str | Sequence[str] | None = None,
) -> Loss:
    """-x[class], with x log-probabilities. input (N, C) or (N, C, d1, ...), target int64. With weight, the mean
    divides by the sum of the weights.

    Args:
        weight: Weight per class (C), or per element. Default: none.
        ignore_index: Target value whose elements count neither in the sum nor in the divisor. Default: -100.
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def PoissonNLLLoss(
    log_input: bool | None = None, full: bool | None = None, eps: float | None = None,
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *, inputs: str | Sequence[str] | None = None,
) -> Loss:
    """exp(x) - t * x (log_input), or x - t * log(x + eps).

    Args:
        log_input: Whether the input is the logarithm of the rate. Default: true.
        full: Whether the constant term is included. Default: false.
        eps: Small number added to x in the logarithm, > 0. Default: 1e-08.
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def SmoothL1Loss(
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, beta: float | None = None, *,
    inputs: str | Sequence[str] | None = None,
) -> Loss:
    """e^2 / (2 beta) where |e| < beta, else |e| - beta / 2, with e = x - t.

    Args:
        reduction: How the elements become one number. Default: mean.
        beta: Parameter of the formula above. Default: 1.0.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def SoftMarginLoss(
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *, inputs: str | Sequence[str] | None = None,
) -> Loss:
    """log(1 + exp(-t * x)), target 1 or -1.

    Args:
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def TripletMarginLoss(
    margin: float | None = None, p: float | None = None, eps: float | None = None, swap: bool | None = None,
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *, inputs: str | Sequence[str] | None = None,
) -> Loss:
    """max(0, |a - p|_p - |a - n|_p + margin). anchor, positive, negative (N, D).

    Args:
        margin: Margin of the formula above. Default: 1.0.
        p: The p of the norm. Default: 2.0.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-06.
        swap: Whether the distance of positive and negative is used where it is smaller. Default: false.
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """

def TripletMarginWithDistanceLoss(
    margin: float | None = None, swap: bool | None = None,
    reduction: Literal["mean", "sum", "batchmean", "none"] | None = None, *, inputs: str | Sequence[str] | None = None,
) -> Loss:
    """max(0, d(a, p) - d(a, n) + margin) with the Euclidean distance. anchor, positive, negative (N, D).

    Args:
        margin: Margin of the formula above. Default: 1.0.
        swap: Whether the distance of positive and negative is used where it is smaller. Default: false.
        reduction: How the elements become one number. Default: mean.
        inputs: names of the tensors that the loss takes, if not outputs and targets in their order.
    """
