"""Small networks under every loss, their cases, and the same numbers by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from gradproof import catalog, tensors
from gradproof.v1 import problem_pb2
from gradproof_server.engine import Wanted, run
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.variant import Proposal, Variant
from gradproof_server.engine.training import Training, read_problem
from gradproof_server.engine.types import ClaimedTensor, ComputedIn, Limits, Quantity, TensorId

Tensors = dict[str, torch.Tensor]
Told = dict[TensorId, torch.Tensor]


def rand(*shape: int, seed: int = 1, low: float = -1.5, high: float = 1.5) -> torch.Tensor:
    """Uniform numbers, float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator, dtype=torch.float64) * (high - low) + low


@dataclass(frozen=True)
class Setting:
    """A network Linear, Tanh, Linear and maybe one more layer, under a loss.

    batches: inputs and targets of each step. last: the layer after the second Linear, with its arguments.
    """

    loss: str
    batches: Sequence[tuple[torch.Tensor, Mapping[str, torch.Tensor]]]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    last: tuple[str, Mapping[str, Any]] | None = None
    width: int = 2
    lr: float | None = None
    state: Tensors = field(default_factory=dict)

    @property
    def parameters(self) -> Tensors:
        """Weights and biases by their names in the network."""
        features = self.batches[0][0].shape[-1]
        shapes = {"0.weight": (4, features), "0.bias": (4,), "2.weight": (self.width, 4), "2.bias": (self.width,)}
        return {name: rand(*shape, seed=10 + i, low=-0.9, high=0.9) for i, (name, shape) in enumerate(shapes.items())}

    def problem(self) -> problem_pb2.Problem:
        """As a message."""
        problem = problem_pb2.Problem()
        features = self.batches[0][0].shape[-1]
        layers = [("Linear", (features, 4), {}), ("Tanh", (), {}), ("Linear", (4, self.width), {})]
        layers += [(self.last[0], (), dict(self.last[1]))] if self.last else []
        for i, (name, args, kwargs) in enumerate(layers):
            problem.network.nodes.add(name=str(i)).layer.CopyFrom(catalog.construct("Layer", name, args, kwargs))
        problem.loss.CopyFrom(catalog.construct("Loss", self.loss, (), self.arguments))
        for name, value in self.parameters.items():
            problem.parameters[name].CopyFrom(tensors.as_tensor(value))
        for inputs, targets in self.batches:
            step = problem.steps.add()
            step.inputs["input"].CopyFrom(tensors.as_tensor(inputs))
            for name, value in targets.items():
                step.targets[name].CopyFrom(tensors.as_tensor(value))
        if self.lr is not None:
            problem.optimizer.sgd.lr = self.lr
        return problem

    def training(self) -> Training:
        """As the engine reads it."""
        return read_problem(self.problem(), Limits())

    def case(self, *quantities: Quantity) -> Case:
        """A case that claims these quantities of all steps; gradients where none is named."""
        wanted = quantities or (Quantity.GRADIENT,)
        training = self.training()
        outcome = run(training, Wanted(frozenset(wanted)))
        reference = {id: tensor for id, tensor in outcome.tensors.items() if id.quantity in wanted}
        claim = tuple(ClaimedTensor(id, tensor, ComputedIn(torch.float64)) for id, tensor in reference.items())
        return Case(training, claim, reference, ())

    def outputs(self, parameters: Tensors, batch: int = 0) -> torch.Tensor:
        """The network by hand, without its last layer."""
        x = self.batches[batch][0]
        hidden = torch.tanh(x @ parameters["0.weight"].T + parameters["0.bias"])
        return hidden @ parameters["2.weight"].T + parameters["2.bias"]

    def gradients_by_hand(self, loss: Callable[[torch.Tensor], torch.Tensor], batch: int = 0) -> Tensors:
        """Gradients of a loss of the outputs (without the last layer)."""
        parameters = {name: tensor.clone().requires_grad_() for name, tensor in self.parameters.items()}
        loss(self.outputs(parameters, batch)).backward()
        return {name: p.grad if p.grad is not None else torch.zeros_like(p) for name, p in parameters.items()}


def one_batch(loss: str, target: torch.Tensor, width: int = 2, **changes: Any) -> Setting:
    """One step on a batch as large as the target."""
    n = target.shape[0]
    return Setting(loss, [(rand(n, 3, seed=5), {"target": target})], width=width, **changes)


def find(variants: Sequence[Variant], code: str) -> Variant:
    """The row of a code."""
    return next(variant for variant in variants if variant.code == code)


def tell(case: Case, proposal: Proposal) -> Told:
    """What the altered step tells of the claimed tensors."""
    return proposal.alter(Plan(case.training)).tell(case.ids)


def differs(case: Case, told: Told) -> bool:
    """Whether anything is told differently."""
    return any(not torch.equal(told[id], case.reference[id].double()) for id in case.ids)


def gradients(told: Told, step: int = 0) -> Tensors:
    """The told gradients of a step by name."""
    return {id.name: tensor for id, tensor in told.items() if id.quantity is Quantity.GRADIENT and id.step == step}


def close(actual: Tensors, expected: Tensors) -> bool:
    """Whether all are equal within 1e-10."""
    return all(torch.allclose(actual[name], expected[name], rtol=1e-10, atol=1e-12) for name in expected)


def texts_of(variant: Variant, proposal: Proposal) -> tuple[str, str, str]:
    """Title, explanation and advice as they are shown."""
    texts = {"sites": ", ".join(proposal.sites) or "every layer", **proposal.texts}
    return variant.title.format(**texts), variant.explanation.format(**texts), variant.advice.format(**texts)
