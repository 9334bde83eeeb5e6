"""Losses with their arguments and targets, as random problems declare them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from .draw import Draw, Tensor

Shape = tuple[int, ...]
Target = Callable[[Draw, Shape], Mapping[str, Tensor]]
Arguments = Callable[[Draw, Shape], dict[str, Any]]


@dataclass(frozen=True)
class Loss:
    """A loss, its arguments, its targets for an output of some shape, and the layers that must stand before it."""

    kind: str
    target: Target
    arguments: Arguments
    before: tuple[tuple[str, Mapping[str, Any]], ...] = ()


def target(make: Callable[[Draw, Shape], Tensor]) -> Target:
    """Only the target itself."""
    return lambda draw, shape: {"target": make(draw, shape)}


real = target(lambda d, s: d.values(*s))
bits = target(lambda d, s: d.integers(2, *s).double())
shares_of_one = target(lambda d, s: d.uniform(*s))
signs = target(lambda d, s: 2 * d.integers(2, *s).double() - 1)
counts = target(lambda d, s: d.integers(5, *s).double())
rates = target(lambda d, s: d.integers(5, *s).double() + 1)
labels = target(lambda d, s: d.integers(s[1], s[0], *s[2:]))
shares = target(lambda d, s: d.normal(*s).softmax(1))
log_shares = target(lambda d, s: d.normal(*s).log_softmax(1))


def one_hot(draw: Draw, shape: Shape) -> dict[str, Tensor]:
    """One 1 in each row."""
    rows = torch.nn.functional.one_hot(draw.integers(shape[-1], *shape[:-1]), shape[-1])
    return {"target": rows.double()}


def several_labels(draw: Draw, shape: Shape) -> dict[str, Tensor]:
    """One or two classes of each row, the rest -1."""
    rows = torch.full(shape, -1)
    for row in rows:
        chosen = torch.randperm(shape[1], generator=draw.generator)[: draw.integer(1, 2)]
        row[: len(chosen)] = chosen
    return {"target": rows}


def variances(draw: Draw, shape: Shape) -> dict[str, Tensor]:
    """Targets with a variance each."""
    return {"target": draw.values(*shape), "var": 0.2 + draw.uniform(*shape)}


def compared(draw: Draw, shape: Shape) -> dict[str, Tensor]:
    """Other values and which of both is to be the larger one."""
    return {"input2": draw.values(*shape), **signs(draw, shape)}


def compared_rows(draw: Draw, shape: Shape) -> dict[str, Tensor]:
    """Other rows and whether each is to be alike."""
    return {"input2": draw.values(*shape), **signs(draw, shape[:1])}


def other_rows(draw: Draw, shape: Shape) -> dict[str, Tensor]:
    """Rows to be near to and rows to be far from."""
    return {"positive": draw.values(*shape), "negative": draw.values(*shape)}


def transcripts(draw: Draw, shape: Shape) -> dict[str, Tensor]:
    """For outputs (T, N, C) up to two symbols, none of them 0, and the lengths."""
    time, batch, classes = shape
    return {
        "targets": draw.integers(classes - 1, batch, 2) + 1,
        "input_lengths": torch.full((batch,), time),
        "target_lengths": draw.integers(2, batch) + 1,
    }


def from_zero(draw: Draw, shape: Shape) -> dict[str, Tensor]:
    """Transcripts in which the last class is the one for nothing."""
    found = transcripts(draw, shape)
    return {**found, "targets": found["targets"] - 1}


def too_long(draw: Draw, shape: Shape) -> dict[str, Tensor]:
    """Transcripts, the first of which is the same symbol twice within two time steps: an infinite loss."""
    found = transcripts(draw, shape)
    found["targets"][0], found["target_lengths"][0], found["input_lengths"][0] = 1, 2, 2
    return found


def always(**kwargs: Any) -> Arguments:
    """These arguments."""
    return lambda _draw, _shape: kwargs


def reduced(**kwargs: Any) -> Arguments:
    """These arguments, and a sum in one case of three."""
    return lambda draw, _: {**kwargs, **draw.choice(({}, {}, {"reduction": "sum"}))}


def per_class(name: str, **kwargs: Any) -> Arguments:
    """A number for each class."""
    return lambda draw, shape: {name: (0.3 + draw.uniform(shape[1])).tolist(), **reduced(**kwargs)(draw, shape)}


def ignoring(draw: Draw, shape: Shape) -> dict[str, Any]:
    """One class is left out."""
    return {"ignore_index": draw.integer(0, shape[1] - 1), **reduced()(draw, shape)}


SIGMOID: Any = (("Sigmoid", {}),)
LOG_SOFTMAX: Any = (("LogSoftmax", {"dim": 1}),)
SOFTMAX: Any = (("Softmax", {"dim": 1}),)

REGRESSION = (
    *(4 * (Loss("MSELoss", real, reduced()),)),
    Loss("MSELoss", one_hot, reduced()),
    Loss("MSELoss", bits, reduced(), SIGMOID),
    Loss("MSELoss", one_hot, reduced(), SOFTMAX),
    Loss("L1Loss", real, reduced()),
    Loss("L1Loss", one_hot, reduced()),
    Loss("SmoothL1Loss", real, reduced()),
    Loss("SmoothL1Loss", real, reduced(beta=0.5)),
    Loss("SmoothL1Loss", one_hot, reduced(beta=1.5)),
    Loss("HuberLoss", real, reduced()),
    Loss("HuberLoss", real, reduced(delta=0.5)),
    Loss("HuberLoss", one_hot, reduced(delta=1.5)),
    Loss("BCEWithLogitsLoss", bits, reduced()),
    Loss("BCEWithLogitsLoss", bits, reduced(), SIGMOID),
    Loss("BCEWithLogitsLoss", shares_of_one, per_class("pos_weight")),
    Loss("BCEWithLogitsLoss", bits, per_class("weight")),
    Loss("BCELoss", bits, reduced(), SIGMOID),
    Loss("BCELoss", bits, per_class("weight"), SIGMOID),
    Loss("PoissonNLLLoss", counts, reduced()),
    Loss("PoissonNLLLoss", rates, reduced(full=True)),
    Loss("PoissonNLLLoss", counts, reduced(log_input=False, eps=0.01), SIGMOID),
    Loss("SoftMarginLoss", signs, reduced()),
    Loss("HingeEmbeddingLoss", signs, reduced()),
    Loss("HingeEmbeddingLoss", signs, reduced(margin=0.6)),
    Loss("GaussianNLLLoss", variances, reduced()),
    Loss("GaussianNLLLoss", variances, reduced(full=True, eps=0.5)),
    Loss("MarginRankingLoss", compared, reduced()),
    Loss("MarginRankingLoss", compared, reduced(margin=0.5)),
)
ANY_NUMBER = tuple(loss for loss in REGRESSION if loss.kind != "BCELoss")
"""Losses that PyTorch computes of NaN too."""
ROWS = (
    Loss("CosineEmbeddingLoss", compared_rows, reduced()),
    Loss("CosineEmbeddingLoss", compared_rows, reduced(margin=0.2)),
    Loss("TripletMarginLoss", other_rows, reduced()),
    Loss("TripletMarginLoss", other_rows, reduced(p=1.0, margin=1.5)),
    Loss("TripletMarginLoss", other_rows, reduced(swap=True, margin=2.0, eps=0.01)),
    Loss("TripletMarginWithDistanceLoss", other_rows, reduced(margin=2.0)),
    Loss("TripletMarginWithDistanceLoss", other_rows, reduced(swap=True)),
)
CLASSES = (
    *(3 * (Loss("CrossEntropyLoss", labels, reduced()),)),
    Loss("CrossEntropyLoss", labels, reduced(label_smoothing=0.1)),
    Loss("CrossEntropyLoss", labels, per_class("weight")),
    Loss("CrossEntropyLoss", labels, per_class("weight", label_smoothing=0.2)),
    Loss("CrossEntropyLoss", labels, ignoring),
    Loss("CrossEntropyLoss", labels, reduced(), SOFTMAX),
    Loss("CrossEntropyLoss", shares, reduced()),
    Loss("NLLLoss", labels, reduced(), LOG_SOFTMAX),
    Loss("NLLLoss", labels, per_class("weight"), LOG_SOFTMAX),
    Loss("NLLLoss", labels, ignoring, LOG_SOFTMAX),
    Loss("NLLLoss", labels, reduced()),
    Loss("NLLLoss", labels, reduced(), SOFTMAX),
    Loss("KLDivLoss", shares, always(reduction="batchmean"), LOG_SOFTMAX),
    Loss("KLDivLoss", shares, reduced(), LOG_SOFTMAX),
    Loss("KLDivLoss", log_shares, always(reduction="batchmean", log_target=True), LOG_SOFTMAX),
    Loss("KLDivLoss", shares, always(reduction="batchmean")),
    Loss("KLDivLoss", shares, always(reduction="batchmean"), SOFTMAX),
    Loss("MultiMarginLoss", labels, reduced()),
    Loss("MultiMarginLoss", labels, reduced(p=2, margin=0.5)),
    Loss("MultiMarginLoss", labels, per_class("weight")),
    Loss("MultiLabelMarginLoss", several_labels, reduced()),
    Loss("MultiLabelSoftMarginLoss", bits, reduced()),
    Loss("MultiLabelSoftMarginLoss", bits, per_class("weight")),
)
POSITIONS = (
    Loss("CrossEntropyLoss", labels, reduced()),
    Loss("CrossEntropyLoss", labels, per_class("weight")),
    Loss("CrossEntropyLoss", labels, ignoring),
    Loss("NLLLoss", labels, reduced(), LOG_SOFTMAX),
    *(2 * (Loss("MSELoss", real, reduced()),)),
    Loss("L1Loss", real, reduced()),
)
SEQUENCES = (
    Loss("CTCLoss", transcripts, reduced(), (("LogSoftmax", {"dim": 2}),)),
    Loss("CTCLoss", transcripts, always(), (("LogSoftmax", {"dim": 2}),)),
    Loss("CTCLoss", from_zero, lambda _, shape: {"blank": shape[2] - 1}, (("LogSoftmax", {"dim": 2}),)),
    Loss("CTCLoss", too_long, always(zero_infinity=True), (("LogSoftmax", {"dim": 2}),)),
)
EXACT = (
    *(2 * (Loss("L1Loss", real, reduced()),)),
    Loss("MSELoss", real, reduced()),
    Loss("SmoothL1Loss", real, reduced()),
    Loss("HingeEmbeddingLoss", signs, reduced()),
    Loss("MarginRankingLoss", compared, reduced(margin=1.0)),
    Loss("MultiMarginLoss", labels, reduced()),
)
"""Losses whose kinks are met by integers."""
