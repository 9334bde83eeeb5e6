"""What a diagnosis starts from: the training, the claim, the reference with all its inner values, and shortcuts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from ..forward import loss_arguments
from ..network import Node
from ..run import never, run
from ..tolerance import Calibration
from ..training import Training
from ..types import Claim, ClaimedTensor, Comparison, Quantity, ShouldStop, TensorId, Verdict
from ..wanted import Wanted

TRACED = frozenset(
    {
        Quantity.LOSS,
        Quantity.OUTPUT,
        Quantity.GRADIENT,
        Quantity.INPUT_GRADIENT,
        Quantity.NODE_VALUE,
        Quantity.NODE_GRADIENT,
    }
)


@dataclass(frozen=True)
class Case:
    """A claim that disagrees. Cached properties compute what several variants ask for.

    `measured` is the calibration that the comparisons were made with, where it is at hand.
    """

    training: Training
    claim: Claim
    reference: Mapping[TensorId, torch.Tensor]
    comparisons: tuple[Comparison, ...]
    should_stop: ShouldStop = never
    measured: Calibration | None = None

    @cached_property
    def ids(self) -> frozenset[TensorId]:
        """The claimed tensors."""
        return frozenset(tensor.id for tensor in self.claim)

    @cached_property
    def disagreeing(self) -> frozenset[TensorId]:
        """The claimed tensors that disagree."""
        return frozenset(c.id for c in self.comparisons if c.verdict is Verdict.DISAGREES)

    @cached_property
    def claimed_quantities(self) -> frozenset[Quantity]:
        """What is claimed at all."""
        return frozenset(id.quantity for id in self.ids)

    @cached_property
    def calibration(self) -> Calibration:
        """Errors that the claims' dtypes bring with them."""
        reference = {id: self.reference[id] for id in self.ids}
        return self.measured or Calibration(self.training, reference, self.should_stop)

    @cached_property
    def trace(self) -> Mapping[TensorId, torch.Tensor]:
        """All inner values and gradients of the first step of the reference, float64."""
        wanted = Wanted(TRACED, steps=frozenset({0}))
        outcome = run(self.training, wanted, self.should_stop)
        return {id: tensor.double() for id, tensor in outcome.tensors.items()}

    def value(self, key: str) -> torch.Tensor:
        """The value of a node, by its key, or of an input, in the first step."""
        found = self.trace.get(TensorId(0, Quantity.NODE_VALUE, key))
        return found if found is not None else self.training.steps[0].inputs[key]

    def node_gradient(self, key: str) -> torch.Tensor:
        """The gradient of the loss with respect to a node's value in the first step."""
        return self.trace[TensorId(0, Quantity.NODE_GRADIENT, key)]

    def gradient(self, name: str) -> torch.Tensor:
        """The gradient of a parameter in the first step."""
        return self.trace[TensorId(0, Quantity.GRADIENT, name)]

    def claimed(self, quantity: Quantity) -> Iterator[ClaimedTensor]:
        """The claimed tensors of a quantity."""
        return (tensor for tensor in self.claim if tensor.id.quantity is quantity)

    def moved(self, id: TensorId, values: torch.Tensor) -> torch.Tensor:
        """The values themselves; of an updated parameter the change, new minus old. float64."""
        if id.quantity is not Quantity.UPDATED:
            return values.double()
        return values.double() - self.training.parameters_before[id.name].double()

    def nodes(self, *types: str) -> list[Node]:
        """The nodes whose operation is of one of these types ("Linear"), in order; all nodes without types."""
        return [node for node in self.training.program.nodes if not types or node.operation.type_name in types]

    @property
    def loss_type(self) -> str:
        """The class of the loss, empty without one."""
        loss = self.training.program.loss
        return loss.module.type_name if loss else ""

    @property
    def loss_module(self) -> Any:
        """The loss as a module of torch.nn (its arguments are attributes); None without one."""
        loss = self.training.program.loss
        return loss.module.module if loss else None

    @cached_property
    def loss_arguments(self) -> tuple[torch.Tensor, ...]:
        """What the loss takes in the first step, floating tensors in float64."""
        loss = self.training.program.loss
        if loss is None:
            return ()
        step = self.training.steps[0]
        keys = {id.name: t for id, t in self.trace.items() if id.quantity is Quantity.NODE_VALUE}
        taken = loss_arguments(loss, {**step.inputs, **keys}, step.targets)
        return tuple(tensor.double() if tensor.is_floating_point() else tensor for tensor in taken)

    @property
    def output(self) -> torch.Tensor | None:
        """The first argument of the loss in the first step: the prediction."""
        return self.loss_arguments[0] if self.loss_arguments else None

    @property
    def target(self) -> torch.Tensor | None:
        """The second argument of the loss in the first step."""
        return self.loss_arguments[1] if len(self.loss_arguments) > 1 else None

    @property
    def batch(self) -> int:
        """N: the first size of the prediction, 1 where it has less than two dimensions."""
        return int(self.output.shape[0]) if self.output is not None and self.output.dim() > 1 else 1

    @property
    def width(self) -> int:
        """K: the elements of the prediction of one sample."""
        return int(self.output.numel()) // max(self.batch, 1) if self.output is not None else 1

    @property
    def optimizer_type(self) -> str:
        """The class of the optimizer, empty without one."""
        return self.training.optimizer.type_name if self.training.optimizer else ""

    @cached_property
    def optimizer_arguments(self) -> dict[str, Any]:
        """All arguments of the optimizer, PyTorch's defaults included; of the parameters that are in no group."""
        return self.training.optimizer.arguments_of("") if self.training.optimizer else {}

    def plain_rate(self, name: str) -> float | None:
        """η where the only step of a parameter is w − η·g, plain gradient descent; else None.

        The first step of SGD with momentum is that too, without Nesterov.
        """
        if self.optimizer_type != "SGD" or self.steps > 1 or self.training.optimizer is None:
            return None
        arguments = self.training.optimizer.arguments_of(name)
        if any(arguments[other] for other in ("nesterov", "weight_decay", "maximize")):
            return None
        stated = self.training.steps[0].lr
        return float(arguments["lr"] if stated is None else stated)

    @property
    def steps(self) -> int:
        """Number of training steps."""
        return len(self.training.steps)
