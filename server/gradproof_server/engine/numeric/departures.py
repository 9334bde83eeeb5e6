"""Where PyTorch's gradient is not the derivative of what it computes forwards: by definition, or by its kernels.

Each row was found by the witness. It only adds words: what disagrees goes on disagreeing, and its reader learns that
PyTorch means it so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from torch import nn

from ..types import Verdict
from .objective import Downstream
from .types import Judgement


@dataclass(frozen=True)
class Departure:
    """A class of layers or losses, when it departs, and how in words."""

    kind: str
    text: str
    applies: Callable[[nn.Module], bool] = lambda _: True


def _has_padding(module: nn.Module) -> bool:
    return getattr(module, "padding_idx", None) is not None


def _scales_by_frequency(module: nn.Module) -> bool:
    return bool(getattr(module, "scale_grad_by_freq", False))


def _is_stretched(module: nn.Module) -> bool:
    return getattr(module, "alpha", 1.0) != 1.0


PADDING = "the row of padding_idx gets no gradient, by definition"
FREQUENCY = "with scale_grad_by_freq gradients are divided by how often a row is used, by definition"
DEPARTURES: tuple[Departure, ...] = (
    Departure("Embedding", PADDING, _has_padding),
    Departure("EmbeddingBag", PADDING, _has_padding),
    Departure("Embedding", FREQUENCY, _scales_by_frequency),
    Departure("EmbeddingBag", FREQUENCY, _scales_by_frequency),
    Departure("CTCLoss", "its gradient is that of the loss of log_softmax(log_probs), not of log_probs themselves"),
    Departure("BCELoss", "its second derivative adds 1e-12 to p and 1 - p"),
    Departure("Hardsigmoid", "its gradient is 1/6 rounded to float32, in float64 too"),
    Departure("CELU", "its gradient uses 1/alpha rounded to float32, in float64 too", _is_stretched),
    Departure("CrossMapLRN2d", "its gradient is that of another window than its output"),
)


def explained(judgement: Judgement, downstream: Downstream) -> Judgement:
    """The judgement, with what is known of PyTorch's departures downstream where it disagrees."""
    if judgement.verdict is not Verdict.DISAGREES:
        return judgement
    known = dict.fromkeys(_known(downstream))
    return replace(judgement, explanation=" ".join([judgement.explanation, *known])) if known else judgement


def _known(downstream: Downstream) -> Iterator[str]:
    loss = downstream.base.program.loss
    modules = [node.operation.module for node in downstream.nodes] + [loss.module if loss else None]
    for built in modules:
        for row in DEPARTURES:
            if built and built.type_name == row.kind and row.applies(built.module):
                yield f"Known of PyTorch's {row.kind}: {row.text}."
