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


def specimen(
    name: str, *args: Any, given: tuple[Make, ...] | Make = (), named: dict[str, Make] | None = None, **kwargs: Any
) -> Specimen:
    """A specimen; `given` is its input, or its inputs."""
    inputs = given if isinstance(given, tuple) else (given,)
    return Specimen(name, args, kwargs, inputs, named or {})


SERIES, IMAGE, VOLUME = normal(2, 4, 6), normal(2, 4, 6, 6), normal(1, 4, 4, 4, 4)
DIMENSIONS = {1: SERIES, 2: IMAGE, 3: VOLUME}
ELEMENTWISE = ("CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Identity", "LeakyReLU",
               "LogSigmoid", "Mish", "PReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softplus", "Softshrink",
               "Softsign", "Tanh", "Tanhshrink", "RReLU", "Dropout", "AlphaDropout")  # fmt: skip

LAYERS: list[Specimen] = [
    *(specimen(name, given=normal(3, 5)) for name in ELEMENTWISE),
    specimen("GELU", approximate="tanh", given=normal(3, 5)),
    specimen("PReLU", 5, given=normal(3, 5)),
    specimen("Hardtanh", -0.5, 0.7, given=normal(3, 5)),
    specimen("CELU", 1.3, given=normal(3, 5)),
    specimen("Threshold", 0.1, 0.2, given=normal(3, 5)),
    specimen("GLU", given=normal(3, 6)),
    specimen("Softmax", 1, given=normal(3, 5)),
    specimen("Softmin", dim=1, given=normal(3, 5)),
    specimen("LogSoftmax", dim=-1, given=normal(3, 5)),
    specimen("Softmax2d", given=IMAGE),
    specimen("Linear", 5, 3, given=normal(4, 5)),
    specimen("Linear", 5, 3, bias=False, given=normal(2, 4, 5)),
    specimen("Bilinear", 3, 4, 2, given=(normal(5, 3), normal(5, 4))),
    specimen("Flatten", given=IMAGE),
    specimen("Flatten", 2, 3, given=IMAGE),
    specimen("Unflatten", 1, (2, 2), given=normal(3, 4)),
    *(specimen(f"Conv{d}d", 4, 6, 3, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    specimen("Conv2d", 4, 6, (3, 2), (2, 1), padding=(1, 0), groups=2, given=IMAGE),
    specimen("Conv2d", 4, 6, 3, padding="same", padding_mode="reflect", given=IMAGE),
    specimen("Conv1d", 4, 6, 3, padding="valid", dilation=2, bias=False, given=SERIES),
    *(specimen(f"ConvTranspose{d}d", 4, 3, 2, stride=2, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    *(specimen(f"AvgPool{d}d", 2, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    specimen("AvgPool2d", 3, stride=2, padding=1, count_include_pad=False, given=IMAGE),
    specimen("AvgPool2d", 3, 2, divisor_override=5, ceil_mode=True, given=IMAGE),
    *(specimen(f"MaxPool{d}d", 2, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    *(specimen(f"LPPool{d}d", 2, 2, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    *(specimen(f"AdaptiveAvgPool{d}d", 2, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    specimen("AdaptiveAvgPool2d", (None, 2), given=IMAGE),
    *(specimen(f"AdaptiveMaxPool{d}d", 2, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    specimen("FractionalMaxPool2d", 2, output_size=3, given=IMAGE),
    specimen("FractionalMaxPool3d", 2, output_ratio=0.5, given=VOLUME),
    *(specimen(f"{kind}Pad{d}d", 1, given=DIMENSIONS[d]) for kind in ("Reflection", "Replication", "Zero", "Circular")
      for d in (1, 2, 3)),
    *(specimen(f"ConstantPad{d}d", 1, 0.5, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    specimen("ZeroPad2d", (1, 2, 0, 1), given=IMAGE),
    *(specimen(f"BatchNorm{d}d", 4, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    specimen("BatchNorm1d", 4, momentum=None, given=normal(5, 4)),
    specimen("BatchNorm1d", 4, affine=False, track_running_stats=False, given=normal(5, 4)),
    *(specimen(f"InstanceNorm{d}d", 4, affine=True, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    specimen("InstanceNorm1d", 4, track_running_stats=True, given=SERIES),
    specimen("SyncBatchNorm", 4, given=IMAGE),
    specimen("LayerNorm", 6, given=SERIES),
    specimen("LayerNorm", (4, 6), bias=False, given=SERIES),
    specimen("GroupNorm", 2, 4, given=IMAGE),
    specimen("RMSNorm", 6, given=SERIES),
    specimen("LocalResponseNorm", 2, given=IMAGE),
    specimen("CrossMapLRN2d", 3, given=IMAGE),
    *(specimen(f"Dropout{d}d", 0.4, given=DIMENSIONS[d]) for d in (1, 2, 3)),
    specimen("FeatureAlphaDropout", given=IMAGE),
    specimen("CosineSimilarity", given=(normal(4, 5), normal(4, 5))),
    specimen("PairwiseDistance", p=1.5, given=(normal(4, 5), normal(4, 5))),
    specimen("ChannelShuffle", 2, given=IMAGE),
    specimen("PixelShuffle", 2, given=IMAGE),
    specimen("PixelUnshuffle", 2, given=IMAGE),
    specimen("Fold", (4, 5), (2, 2), given=normal(2, 8, 12)),
    specimen("Unfold", 2, given=IMAGE),
    specimen("Upsample", scale_factor=2, given=IMAGE),
    specimen("Upsample", (7, 8), mode="bilinear", align_corners=True, given=IMAGE),
    specimen("Upsample", scale_factor=1.5, mode="nearest-exact", given=SERIES),
    specimen("UpsamplingBilinear2d", scale_factor=2, given=IMAGE),
    specimen("UpsamplingNearest2d", 12, given=IMAGE),
    *(specimen(f"MaxUnpool{d}d", 2, given=(normal(*shape), fixed_indices)) for d, shape, fixed_indices in (
        (1, (1, 1, 2), fixed([[[0, 3]]])),
        (2, (1, 1, 1, 2), fixed([[[[0, 6]]]])),
        (3, (1, 1, 1, 1, 2), fixed([[[[[0, 12]]]]])),
    )),
    specimen("MaxUnpool1d", 2, given=(normal(1, 1, 2), fixed([[[0, 3]]]))),
    specimen("Embedding", 7, 3, padding_idx=1, given=integers(7, 4, 5)),
    specimen("Embedding", 7, 3, scale_grad_by_freq=True, given=integers(7, 4, 5)),
    specimen("EmbeddingBag", 7, 3, given=integers(7, 4, 5)),
    specimen("EmbeddingBag", 7, 3, mode="sum", given=integers(7, 6), named={"offsets": fixed([0, 2, 4])}),
    specimen("EmbeddingBag", 7, 3, mode="max", given=integers(7, 4, 5)),
    specimen("RNN", 3, 4, given=normal(5, 2, 3)),
    specimen("RNN", 3, 4, 2, "relu", batch_first=True, bidirectional=True, given=normal(2, 5, 3)),
    specimen("RNN", 3, 4, given=(normal(5, 2, 3), normal(1, 2, 4))),
    specimen("LSTM", 3, 4, given=normal(5, 2, 3)),
    specimen("LSTM", 3, 4, proj_size=2, batch_first=True, given=normal(2, 5, 3)),
    specimen("LSTM", 3, 4, given=(normal(5, 2, 3), normal(1, 2, 4), normal(1, 2, 4))),
    specimen("GRU", 3, 4, 2, dropout=0.5, given=normal(5, 2, 3)),
    specimen("RNNCell", 3, 4, given=normal(2, 3)),
    specimen("LSTMCell", 3, 4, given=(normal(2, 3), normal(2, 4), normal(2, 4))),
    specimen("GRUCell", 3, 4, given=(normal(2, 3), normal(2, 4))),
    specimen("MultiheadAttention", 4, 2, batch_first=True, given=(normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 4))),
    specimen("MultiheadAttention", 4, 2, given=(normal(3, 2, 4), normal(3, 2, 4), normal(3, 2, 4)),
      named={"attn_mask": fixed([[False, True, True], [False, False, True], [False, False, False]])}),
    specimen("TransformerEncoderLayer", 4, 2, 8, batch_first=True, given=normal(2, 3, 4)),
    specimen("TransformerDecoderLayer", 4, 2, 8, 0.0, "gelu", batch_first=True, norm_first=True,
      given=(normal(2, 3, 4), normal(2, 5, 4))),
    specimen("TransformerEncoder", {"d_model": 4, "nhead": 2, "dim_feedforward": 8}, 2, given=normal(3, 2, 4)),
    specimen("TransformerDecoder", {"d_model": 4, "nhead": 2, "dim_feedforward": 8}, 2, {"normalized_shape": 4},
      given=(normal(3, 2, 4), normal(5, 2, 4))),
    specimen("Transformer", 4, 2, 1, 1, 8, given=(normal(3, 2, 4), normal(5, 2, 4))),
]  # fmt: skip

N, C = 5, 4
LOSSES: list[Specimen] = [
    specimen("L1Loss", given=(normal(N, C), normal(N, C))),
    specimen("L1Loss", reduction="sum", given=(normal(N, C), normal(N, C))),
    specimen("MSELoss", given=(normal(N, C), normal(N, C))),
    specimen("SmoothL1Loss", beta=0.5, given=(normal(N, C), normal(N, C))),
    specimen("HuberLoss", delta=0.7, given=(normal(N, C), normal(N, C))),
    specimen("CrossEntropyLoss", label_smoothing=0.1, given=(normal(N, C), integers(C, N))),
    specimen("CrossEntropyLoss", weight=[0.5, 1.0, 2.0, 1.5], ignore_index=1, given=(normal(N, C), integers(C, N))),
    specimen("CrossEntropyLoss", given=(normal(N, C), probabilities(N, C))),
    specimen("NLLLoss", given=(log_probabilities(N, C), integers(C, N))),
    specimen("NLLLoss", given=(log_probabilities(2, C, 3, 3, dim=1), integers(C, 2, 3, 3))),
    specimen("BCELoss", given=(uniform(N, C), uniform(N, C))),
    specimen("BCEWithLogitsLoss", pos_weight=[1.0, 2.0, 0.5, 3.0], given=(normal(N, C), uniform(N, C))),
    specimen("KLDivLoss", reduction="batchmean", given=(log_probabilities(N, C), probabilities(N, C))),
    specimen("KLDivLoss", reduction="sum", log_target=True, given=(log_probabilities(N, C), log_probabilities(N, C))),
    specimen("PoissonNLLLoss", full=True, given=(normal(N, C), uniform(N, C))),
    specimen("GaussianNLLLoss", given=(normal(N, C), normal(N, C), uniform(N, C))),
    specimen("HingeEmbeddingLoss", margin=0.8, given=(normal(N, C), signs(N, C))),
    specimen("SoftMarginLoss", given=(normal(N, C), signs(N, C))),
    specimen("MultiLabelMarginLoss", given=(normal(2, C), fixed([[1, 0, -1, 0], [3, -1, 0, 0]]))),
    specimen("MultiLabelSoftMarginLoss", given=(normal(N, C), integers(2, N, C))),
    specimen("MultiMarginLoss", 2, 0.9, given=(normal(N, C), integers(C, N))),
    specimen("CosineEmbeddingLoss", 0.1, given=(normal(N, C), normal(N, C), signs(N))),
    specimen("MarginRankingLoss", 0.2, given=(normal(N), normal(N), signs(N))),
    specimen("TripletMarginLoss", swap=True, given=(normal(N, C), normal(N, C), normal(N, C))),
    specimen("TripletMarginWithDistanceLoss", given=(normal(N, C), normal(N, C), normal(N, C))),
    specimen("CTCLoss", given=(log_probabilities(6, 2, C), integers(C, 2, 2, low=1), fixed([6, 6]), fixed([2, 1]))),
    specimen("AdaptiveLogSoftmaxWithLoss", 4, 6, [2, 4], given=(normal(N, 4), integers(6, N))),
    specimen("LinearCrossEntropyLoss", 4, 3, given=(normal(N, 4), integers(3, N))),
]

OPTIMIZERS: list[Specimen] = [
    specimen("SGD", 0.1),
    specimen("SGD", 0.1, 0.9, 0.1, 0.01),
    specimen("SGD", lr=0.1, momentum=0.9, nesterov=True, maximize=True),
    specimen("Adam", 0.1, (0.8, 0.99), amsgrad=True, weight_decay=0.1),
    specimen("AdamW", 0.1),
    specimen("Adamax", 0.1),
    specimen("NAdam", 0.1),
    specimen("RAdam", 0.1),
    specimen("Adagrad", 0.1, lr_decay=0.1),
    specimen("Adadelta", 0.5),
    specimen("Adafactor", 0.1),
    specimen("Adafactor", 0.1, eps=(1e-20, 0.01)),
    specimen("RMSprop", 0.1, momentum=0.5, centered=True),
    specimen("Rprop", 0.1),
    specimen("ASGD", 0.1),
    specimen("LBFGS", 0.5, max_iter=3),
    specimen("LBFGS", 0.5, max_iter=3, line_search_fn="strong_wolfe"),
    specimen("Muon", 0.1),
]

SCHEDULES: list[Specimen] = [
    specimen("StepLR", 2, 0.5),
    specimen("MultiStepLR", [1, 3], 0.5),
    specimen("ConstantLR", 0.5, 2),
    specimen("LinearLR", 0.5, total_iters=3),
    specimen("ExponentialLR", 0.9),
    specimen("PolynomialLR", 4, 2.0),
    specimen("CosineAnnealingLR", 4, 0.01),
    specimen("CosineAnnealingWarmRestarts", 2, 2),
    specimen("CyclicLR", 0.01, 0.1, 2),
    specimen("OneCycleLR", 0.1, 6),
    specimen("ReduceLROnPlateau", factor=0.5, patience=0),
    specimen("SWALR", 0.05, anneal_epochs=2),
    specimen("SequentialLR", [{"constant_lr": {"factor": 0.1}}, {"exponential_lr": {"gamma": 0.9}}], [2]),
    specimen(
        "ChainedScheduler", [{"constant_lr": {"factor": 0.1, "total_iters": 2}}, {"exponential_lr": {"gamma": 0.9}}]
    ),
]
