"""Small recurrent problems with claims, for tests of the recurrent variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from torch import nn

from tests.engine.plain import tensor_message

Named = dict[str, torch.Tensor]
CLAIMED = frozenset({Quantity.LOSS, Quantity.OUTPUT, Quantity.GRADIENT, Quantity.INPUT_GRADIENT})


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    """Normal numbers, float64."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def training_of(
    layers: Sequence[tuple[str, tuple[Any, ...], Mapping[str, Any]]],
    inputs: Mapping[str, torch.Tensor],
    target: torch.Tensor,
    output: str = "",
    optimizer: Any = None,
    parameters: Mapping[str, torch.Tensor] | None = None,
    loss: tuple[str, Mapping[str, Any]] = ("MSELoss", {}),
) -> Training:
    """Layers one after the other under a loss; the first takes all inputs and gives `output` on."""
    problem = problem_pb2.Problem()
    for i, (name, args, kwargs) in enumerate(layers):
        node = problem.network.nodes.add(name=str(i))
        node.layer.CopyFrom(catalog.construct("Layer", name, args, kwargs))
        if i == 0:
            node.inputs.extend(inputs)
            node.output = output
        module = getattr(nn, name)(*args, **kwargs)
        for j, (key, value) in enumerate(module.named_parameters()):
            given = (parameters or {}).get(f"{i}.{key}", 0.6 * drawn(*value.shape, seed=100 * i + j + 1))
            problem.parameters[f"{i}.{key}"].CopyFrom(tensor_message(given))
    for key, value in inputs.items():
        problem.inputs[key].CopyFrom(tensor_message(value))
    problem.targets["target"].CopyFrom(tensor_message(target))
    problem.loss.CopyFrom(catalog.construct("Loss", loss[0], (), dict(loss[1])))
    if optimizer is not None:
        problem.optimizer.CopyFrom(optimizer)
    return read_problem(problem, Limits())


def case_of(training: Training, quantities: frozenset[Quantity] = CLAIMED) -> Case:
    """A case that claims zeros for everything of these quantities."""
    reference = run(training, Wanted(quantities | {Quantity.LOSS})).tensors
    kept = {id: t for id, t in reference.items() if id.quantity in quantities}
    claim = tuple(ClaimedTensor(id, torch.zeros_like(t), ComputedIn(torch.float64)) for id, t in kept.items())
    comparisons: tuple[Comparison, ...] = ()
    return Case(training, claim, kept, comparisons)


def proposed(table: tuple[Variant, ...], code: str, case: Case) -> list[Proposal]:
    """What a row proposes."""
    (variant,) = [row for row in table if row.code == code]
    return list(variant.propose(case))


def told(
    table: tuple[Variant, ...], code: str, case: Case, texts: Mapping[str, str] | None = None
) -> dict[TensorId, Any]:
    """What the first proposal of a row with these texts tells."""
    wanted = dict(texts or {})
    for proposal in proposed(table, code, case):
        if wanted.items() <= dict(proposal.texts).items():
            return proposal.alter(Plan(case.training)).tell(case.ids)
    raise AssertionError(f"{code} does not propose {wanted}")


def all_proposals(table: tuple[Variant, ...], case: Case) -> Iterator[tuple[Variant, Proposal]]:
    """Every proposal of every row."""
    for variant in table:
        for proposal in variant.propose(case):
            yield variant, proposal


def parameters_of(case: Case) -> Named:
    """The parameters as leaves."""
    return {name: p.double().clone().requires_grad_() for name, p in case.training.parameters_before.items()}


def check(case: Case, numbers: Mapping[TensorId, torch.Tensor], loss: torch.Tensor, leaves: Named) -> None:
    """The told loss and gradients are those of a loss computed otherwise, and differ from PyTorch's."""
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    compared = 0
    for (name, leaf), gradient in zip(leaves.items(), gradients, strict=True):
        expected = torch.zeros_like(leaf) if gradient is None else gradient
        id = TensorId(0, Quantity.GRADIENT, name)
        if id in numbers:
            torch.testing.assert_close(numbers[id], expected, rtol=1e-11, atol=1e-13)
            compared += 1
    assert compared == len(leaves)
    torch.testing.assert_close(numbers[TensorId(0, Quantity.LOSS)], loss.detach(), rtol=1e-11, atol=1e-13)
    assert differs(case, numbers)


def differs(case: Case, numbers: Mapping[TensorId, torch.Tensor]) -> bool:
    """Whether anything told is not PyTorch's."""
    return any(not torch.equal(numbers[id], case.reference[id].double()) for id in case.ids)
