"""One specimen of every layer, loss, optimizer and schedule: constructor arguments and what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

Make = Callable[[torch.Generator], torch.Tensor]


def normal(*shape: int) -> Make:
    """Standard normal numbers, float64."""
    return lambda generator: torch.randn(shape, generator=generator, dtype=torch.float64)


def integers(high: int, *shape: int, low: int = 0) -> Make:
    """Integers from low to high - 1, int64."""
    return lambda generator: torch.randint(low, high, shape, generator=generator)


def uniform(*shape: int) -> Make:
    """Numbers in (0.05, 0.95), float64."""
    return lambda generator: torch.rand(shape, generator=generator, dtype=torch.float64) * 0.9 + 0.05


def signs(*shape: int) -> Make:
    """-1 and 1, float64."""
    return lambda generator: torch.randint(0, 2, shape, generator=generator).double() * 2 - 1


def log_probabilities(*shape: int, dim: int = -1) -> Make:
    """Logarithms of numbers that sum to 1 along dim."""
    return lambda generator: normal(*shape)(generator).log_softmax(dim)


def probabilities(*shape: int) -> Make:
    """Numbers that sum to 1 along the last dimension."""
    return lambda generator: normal(*shape)(generator).softmax(-1)


def fixed(values: Any) -> Make:
    """Given numbers."""
    return lambda generator: torch.tensor(values)


@dataclass(frozen=True)
class Specimen:
    """A class of PyTorch with arguments; `inputs` are given in the order of forward, `named` by name."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Make, ...] = ()
    named: dict[str, Make] = field(default_factory=dict)


def S(
    name: str, *args: Any, given: tuple[Make, ...] | Make = (), named: dict[str, Make] | None = None, **kwargs: Any
) -> Specimen:  # noqa: N802
    """A specimen; `given` is its input, or its inputs."""
    inputs = given if isinstance(given, tuple) else (given,)
    return Specimen(name, args, kwargs, inputs, named or {})


L, I, V = normal(2, 4, 6), normal(2, 4, 6, 6), normal(1, 4, 4, 4, 4)
DIMENSIONS = {1: L, 2: I, 3: V}
ELEMENTWISE = ("CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Identity", "LeakyReLU",
               "LogSigmoid", "Mish", "PReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softplus", "Softshrink",
               "Softsign", "Tanh", "Tanhshrink", "RReLU", "Dropout", "AlphaDropout")  # fmt: skip

LAYERS: list[Specimen] = [
    *(S(name, given=normal(3, 5)) for name in ELEMENTWISE),
    S("GELU", approximate="tanh", given=normal(3, 5)),
    S("PReLU", 5, given=normal(3, 5)),
    S("Hardtanh", -0.5, 0.7, given=normal(3, 5)),
    S("CELU", 1.3, given=normal(3, 5)),
    S("Threshold", 0.1, 0.2, given=normal(3, 5)),
    S("GLU", given=normal(3, 6)),
    S("Softmax", 1, given=normal(3, 5)),
    S("Softmin", dim=1, given=normal(3, 5)),
    S("LogSoftmax", dim=-1, given=normal(3, 5)),
    S("Softmax2d", given=I),
    S("Linear", 5, 3, given=normal(4, 5)),
    S("Linear", 5, 3, bias=False, given=normal(2, 4, 5)),
    S("Bilinear", 3, 4, 2, given=(normal(5, 3), normal(5, 4))),
    S("Flatten", given=I),
    S("Flatten", 2, 3, given=I),
    S("Unflatten", 1, (2, 2), given=normal(3, 4)),
    *(S(f"Conv{d}d", 4, 6, 3, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    S("Conv2d", 4, 6, (3, 2), (2, 1), padding=(1, 0), groups=2, given=I),
    S("Conv2d", 4, 6, 3, padding="same", padding_mode="reflect", given=I),
    S("Conv1d", 4, 6, 3, padding="valid", dilation=2, bias=False, given=L),
    *(S(f"ConvTranspose{d}d", 4, 3, 2, stride=2, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    *(S(f"AvgPool{d}d", 2, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    S("AvgPool2d", 3, stride=2, padding=1, count_include_pad=False, given=I),
    S("AvgPool2d", 3, 2, divisor_override=5, ceil_mode=True, given=I),
    *(S(f"MaxPool{d}d", 2, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    *(S(f"LPPool{d}d", 2, 2, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    *(S(f"AdaptiveAvgPool{d}d", 2, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    S("AdaptiveAvgPool2d", (None, 2), given=I),
    *(S(f"AdaptiveMaxPool{d}d", 2, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    S("FractionalMaxPool2d", 2, output_size=3, given=I),
    S("FractionalMaxPool3d", 2, output_ratio=0.5, given=V),
    *(S(f"{kind}Pad{d}d", 1, given=DIMENSIONS[d]) for kind in ("Reflection", "Replication", "Zero", "Circular")
      for d in (1, 2, 3)),
    *(S(f"ConstantPad{d}d", 1, 0.5, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    S("ZeroPad2d", (1, 2, 0, 1), given=I),
    *(S(f"BatchNorm{d}d", 4, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    S("BatchNorm1d", 4, momentum=None, given=normal(5, 4)),
    S("BatchNorm1d", 4, affine=False, track_running_stats=False, given=normal(5, 4)),
    *(S(f"InstanceNorm{d}d", 4, affine=True, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    S("InstanceNorm1d", 4, track_running_stats=True, given=L),
    S("SyncBatchNorm", 4, given=I),
    S("LayerNorm", 6, given=L),
    S("LayerNorm", (4, 6), bias=False, given=L),
    S("GroupNorm", 2, 4, given=I),
    S("RMSNorm", 6, given=L),
    S("LocalResponseNorm", 2, given=I),
    S("CrossMapLRN2d", 3, given=I),
    *(S(f"Dropout{d}d", 0.4, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    S("FeatureAlphaDropout", given=I),
    S("CosineSimilarity", given=(normal(4, 5), normal(4, 5))),
    S("PairwiseDistance", p=1.5, given=(normal(4, 5), normal(4, 5))),
    S("ChannelShuffle", 2, given=I),
    S("PixelShuffle", 2, given=I),
    S("PixelUnshuffle", 2, given=I),
    S("Fold", (4, 5), (2, 2), given=normal(2, 8, 12)),
    S("Unfold", 2, given=I),
    S("Upsample", scale_factor=2, given=I),
    S("Upsample", (7, 8), mode="bilinear", align_corners=True, given=I),
    S("Upsample", scale_factor=1.5, mode="nearest-exact", given=L),
    S("UpsamplingBilinear2d", scale_factor=2, given=I),
    S("UpsamplingNearest2d", 12, given=I),
    *(S(f"MaxUnpool{d}d", 2, given=(normal(*shape), fixed_indices)) for d, shape, fixed_indices in (
        (1, (1, 1, 2), fixed([[[0, 3]]])),
        (2, (1, 1, 1, 2), fixed([[[[0, 6]]]])),
        (3, (1, 1, 1, 1, 2), fixed([[[[[0, 12]]]]])),
    )),
    S("MaxUnpool1d", 2, given=(normal(1, 1, 2), fixed([[[0, 3]]]))),
    S("Embedding", 7, 3, padding_idx=1, given=integers(7, 4, 5)),
    S("Embedding", 7, 3, scale_grad_by_freq=True, given=integers(7, 4, 5)),
    S("EmbeddingBag", 7, 3, given=integers(7, 4, 5)),
    S("EmbeddingBag", 7, 3, mode="sum", given=integers(7, 6), named={"offsets": fixed([0, 2, 4])}),
    S("EmbeddingBag", 7, 3, mode="max", given=integers(7, 4, 5)),
    S("RNN", 3, 4, given=normal(5, 2, 3)),
    S("RNN", 3, 4, 2, "relu", batch_first=True, bidirectional=True, given=normal(2, 5, 3)),
    S("RNN", 3, 4, given=(normal(5, 2, 3), normal(1, 2, 4))),
    S("LSTM", 3, 4, given=normal(5, 2, 3)),
    S("LSTM", 3, 4, proj_size=2, batch_first=True, given=normal(2, 5, 3)),
    S("LSTM", 3, 4, given=(normal(5, 2, 3), normal(1, 2, 4), normal(1, 2, 4))),
    S("GRU", 3, 4, 2, dropout=0.5, given=normal(5, 2, 3)),
    S("RNNCell", 3, 4, given=normal(2, 3)),
    S("LSTMCell", 3, 4, given=(normal(2, 3), normal(2, 4), normal(2, 4))),
    S("GRUCell", 3, 4, given=(normal(2, 3), normal(2, 4))),
    S("MultiheadAttention", 4, 2, batch_first=True, given=(normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 4))),
    S("MultiheadAttention", 4, 2, given=(normal(3, 2, 4), normal(3, 2, 4), normal(3, 2, 4)),
      named={"attn_mask": fixed([[False, True, True], [False, False, True], [False, False, False]])}),
    S("TransformerEncoderLayer", 4, 2, 8, batch_first=True, given=normal(2, 3, 4)),
    S("TransformerDecoderLayer", 4, 2, 8, 0.0, "gelu", batch_first=True, norm_first=True,
      given=(normal(2, 3, 4), normal(2, 5, 4))),
    S("TransformerEncoder", {"d_model": 4, "nhead": 2, "dim_feedforward": 8}, 2, given=normal(3, 2, 4)),
    S("TransformerDecoder", {"d_model": 4, "nhead": 2, "dim_feedforward": 8}, 2, {"normalized_shape": 4},
      given=(normal(3, 2, 4), normal(5, 2, 4))),
    S("Transformer", 4, 2, 1, 1, 8, given=(normal(3, 2, 4), normal(5, 2, 4))),
]  # fmt: skip

N, C = 5, 4
LOSSES: list[Specimen] = [
    S("L1Loss", given=(normal(N, C), normal(N, C))),
    S("L1Loss", reduction="sum", given=(normal(N, C), normal(N, C))),
    S("MSELoss", given=(normal(N, C), normal(N, C))),
    S("SmoothL1Loss", beta=0.5, given=(normal(N, C), normal(N, C))),
    S("HuberLoss", delta=0.7, given=(normal(N, C), normal(N, C))),
    S("CrossEntropyLoss", label_smoothing=0.1, given=(normal(N, C), integers(C, N))),
    S("CrossEntropyLoss", weight=[0.5, 1.0, 2.0, 1.5], ignore_index=1, given=(normal(N, C), integers(C, N))),
    S("CrossEntropyLoss", given=(normal(N, C), probabilities(N, C))),
    S("NLLLoss", given=(log_probabilities(N, C), integers(C, N))),
    S("NLLLoss", given=(log_probabilities(2, C, 3, 3, dim=1), integers(C, 2, 3, 3))),
    S("BCELoss", given=(uniform(N, C), uniform(N, C))),
    S("BCEWithLogitsLoss", pos_weight=[1.0, 2.0, 0.5, 3.0], given=(normal(N, C), uniform(N, C))),
    S("KLDivLoss", reduction="batchmean", given=(log_probabilities(N, C), probabilities(N, C))),
    S("KLDivLoss", reduction="sum", log_target=True, given=(log_probabilities(N, C), log_probabilities(N, C))),
    S("PoissonNLLLoss", full=True, given=(normal(N, C), uniform(N, C))),
    S("GaussianNLLLoss", given=(normal(N, C), normal(N, C), uniform(N, C))),
    S("HingeEmbeddingLoss", margin=0.8, given=(normal(N, C), signs(N, C))),
    S("SoftMarginLoss", given=(normal(N, C), signs(N, C))),
    S("MultiLabelMarginLoss", given=(normal(2, C), fixed([[1, 0, -1, 0], [3, -1, 0, 0]]))),
    S("MultiLabelSoftMarginLoss", given=(normal(N, C), integers(2, N, C))),
    S("MultiMarginLoss", 2, 0.9, given=(normal(N, C), integers(C, N))),
    S("CosineEmbeddingLoss", 0.1, given=(normal(N, C), normal(N, C), signs(N))),
    S("MarginRankingLoss", 0.2, given=(normal(N), normal(N), signs(N))),
    S("TripletMarginLoss", swap=True, given=(normal(N, C), normal(N, C), normal(N, C))),
    S("TripletMarginWithDistanceLoss", given=(normal(N, C), normal(N, C), normal(N, C))),
    S("CTCLoss", given=(log_probabilities(6, 2, C), integers(C, 2, 2, low=1), fixed([6, 6]), fixed([2, 1]))),
    S("AdaptiveLogSoftmaxWithLoss", 4, 6, [2, 4], given=(normal(N, 4), integers(6, N))),
    S("LinearCrossEntropyLoss", 4, 3, given=(normal(N, 4), integers(3, N))),
]

OPTIMIZERS: list[Specimen] = [
    S("SGD", 0.1),
    S("SGD", 0.1, 0.9, 0.1, 0.01),
    S("SGD", lr=0.1, momentum=0.9, nesterov=True, maximize=True),
    S("Adam", 0.1, (0.8, 0.99), amsgrad=True, weight_decay=0.1),
    S("AdamW", 0.1),
    S("Adamax", 0.1),
    S("NAdam", 0.1),
    S("RAdam", 0.1),
    S("Adagrad", 0.1, lr_decay=0.1),
    S("Adadelta", 0.5),
    S("Adafactor", 0.1),
    S("Adafactor", 0.1, eps=(1e-20, 0.01)),
    S("RMSprop", 0.1, momentum=0.5, centered=True),
    S("Rprop", 0.1),
    S("ASGD", 0.1),
    S("LBFGS", 0.5, max_iter=3),
    S("LBFGS", 0.5, max_iter=3, line_search_fn="strong_wolfe"),
    S("Muon", 0.1),
]

SCHEDULES: list[Specimen] = [
    S("StepLR", 2, 0.5),
    S("MultiStepLR", [1, 3], 0.5),
    S("ConstantLR", 0.5, 2),
    S("LinearLR", 0.5, total_iters=3),
    S("ExponentialLR", 0.9),
    S("PolynomialLR", 4, 2.0),
    S("CosineAnnealingLR", 4, 0.01),
    S("CosineAnnealingWarmRestarts", 2, 2),
    S("CyclicLR", 0.01, 0.1, 2),
    S("OneCycleLR", 0.1, 6),
    S("ReduceLROnPlateau", factor=0.5, patience=0),
    S("SWALR", 0.05, anneal_epochs=2),
    S("SequentialLR", [{"constant_lr": {"factor": 0.1}}, {"exponential_lr": {"gamma": 0.9}}], [2]),
    S("ChainedScheduler", [{"constant_lr": {"factor": 0.1, "total_iters": 2}}, {"exponential_lr": {"gamma": 0.9}}]),
]
