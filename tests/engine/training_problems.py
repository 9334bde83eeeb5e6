"""Small training problems with claims, for tests of alterations around the optimizer's step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from gradproof import catalog
from gradproof.v1 import problem_pb2
from gradproof_server.engine import Wanted, run
from gradproof_server.engine.compare import Comparison
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.variant import Proposal, Variant
from gradproof_server.engine.training import Training, read_problem
from gradproof_server.engine.types import ClaimedTensor, ComputedIn, Limits, Quantity, TensorId

from tests.engine.plain import tensor_message

Layer = tuple[str, tuple[Any, ...], dict[str, Any]]
MLP: tuple[Layer, ...] = (("Linear", (3, 4), {}), ("Tanh", (), {}), ("Linear", (4, 2), {}))


def optimizer_message(name: str, groups: Mapping[str, Mapping[str, Any]] | None = None, **arguments: Any) -> Any:
    """The optimizer, with a group of its own for each parameter named in `groups`."""
    message = catalog.construct("Optimizer", name, (), arguments)
    for parameter, overrides in (groups or {}).items():
        group = message.groups.add(parameters=[parameter])
        group.overrides.CopyFrom(catalog.construct("Optimizer", name, (), dict(overrides)))
    return message


def training_of(
    optimizer: Any,
    rates: Sequence[float | None] = (None,),
    layers: Sequence[Layer] = MLP,
    batch: int = 3,
    change: Any = None,
    seed: int = 1,
) -> Training:
    """Layers one after the other, MSELoss, and steps on different data, each with its learning rate.

    `change` may alter the message before it is read.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    problem = problem_pb2.Problem()
    for i, (name, args, kwargs) in enumerate(layers):
        module = getattr(torch.nn, name)(*args, **kwargs)
        problem.network.nodes.add(name=str(i)).layer.CopyFrom(catalog.construct("Layer", name, args, kwargs))
        for key, value in module.named_parameters():
            problem.parameters[f"{i}.{key}"].CopyFrom(tensor_message(draw(*value.shape)))
    problem.loss.mse_loss.SetInParent()
    problem.optimizer.CopyFrom(optimizer)
    wide, narrow = layers[0][1][0], layers[-1][1][1]
    for rate in rates:
        step = problem.steps.add()
        step.inputs["input"].CopyFrom(tensor_message(draw(batch, wide)))
        step.targets["target"].CopyFrom(tensor_message(draw(batch, narrow)))
        if rate is not None:
            step.lr = rate
    if change is not None:
        change(problem)
    return read_problem(problem, Limits())


EVERYTHING = Wanted(frozenset({Quantity.GRADIENT, Quantity.UPDATED, Quantity.STATE, Quantity.LOSS}))


def case_of(training: Training, quantities: Sequence[Quantity] = (Quantity.GRADIENT, Quantity.UPDATED)) -> Case:
    """A case in which all tensors of these quantities are claimed, all steps."""
    reference = run(training, Wanted(frozenset(quantities))).tensors
    claim = tuple(ClaimedTensor(id, t.double(), ComputedIn(torch.float64)) for id, t in reference.items())
    comparisons: tuple[Comparison, ...] = ()
    return Case(training, claim, reference, comparisons)


def proposals(variant: Variant, case: Case) -> list[Proposal]:
    """What the variant proposes; every text must be complete."""
    found = list(variant.propose(case))
    for proposal in found:
        texts = {"sites": ", ".join(proposal.sites) or "every layer", **proposal.texts}
        for text in (variant.title, variant.explanation, variant.advice):
            text.format(**texts)
    return found


def told(case: Case, proposal: Proposal) -> dict[TensorId, torch.Tensor]:
    """What the altered step tells of the claimed tensors."""
    return proposal.alter(Plan(case.training)).tell(case.ids)


def weights(tensors: Mapping[TensorId, torch.Tensor], step: int) -> dict[str, torch.Tensor]:
    """The updated parameters after a step, by name."""
    return {i.name: t for i, t in tensors.items() if i.quantity is Quantity.UPDATED and i.step == step}


def gradients(tensors: Mapping[TensorId, torch.Tensor], step: int) -> dict[str, torch.Tensor]:
    """The gradients of a step, by name."""
    return {i.name: t for i, t in tensors.items() if i.quantity is Quantity.GRADIENT and i.step == step}
