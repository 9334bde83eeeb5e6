"""Small networks as problems, cases of them, and what the proposals of a variant give."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch
from gradproof import catalog, tensors
from gradproof.v1 import problem_pb2
from gradproof_server.engine import Wanted, read_problem, run
from gradproof_server.engine.diagnose.case import Case
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.variant import Proposal, Stage, Variant
from gradproof_server.engine.types import Limits, Quantity, TensorId
from torch import nn

EVERYTHING = Wanted(frozenset(Quantity))
TOLD = (Quantity.LOSS, Quantity.OUTPUT, Quantity.GRADIENT, Quantity.INPUT_GRADIENT, Quantity.UPDATED, Quantity.BUFFER)


def message(value: torch.Tensor) -> Any:
    """The encoded tensor."""
    return tensors.as_tensor(value.detach())


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    """Standard normal numbers, float64."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Network:
    """A network node by node; `parameters` holds float64 values by name, `case` is the case without a claim."""

    def __init__(self, inputs: torch.Tensor, target: torch.Tensor, loss: str = "MSELoss", train: bool = True) -> None:
        self.problem = problem_pb2.Problem()
        self.problem.inputs["input"].CopyFrom(message(inputs))
        self.problem.targets["target"].CopyFrom(message(target))
        self.problem.loss.CopyFrom(catalog.construct("Loss", loss))
        self.problem.optimizer.sgd.lr = 0.1
        self.problem.mode = problem_pb2.MODE_TRAIN if train else problem_pb2.MODE_EVAL
        self.parameters: dict[str, torch.Tensor] = {}

    def layer(self, kind: str, *args: Any, inputs: Sequence[str] = (), **kwargs: Any) -> Network:
        """Adds a layer with random parameters."""
        name = str(len(self.problem.network.nodes))
        self.problem.network.nodes.add(inputs=inputs).layer.CopyFrom(catalog.construct("Layer", kind, args, kwargs))
        for inner, like in getattr(nn, kind)(*args, **kwargs).named_parameters():
            value = normal(*like.shape, seed=7 + len(self.parameters)) * 0.7
            self.parameters[f"{name}.{inner}"] = value
            self.problem.parameters[f"{name}.{inner}"].CopyFrom(message(value))
        return self

    def function(self, kind: str, *inputs: str, **kwargs: Any) -> Network:
        """Adds a function."""
        node = self.problem.network.nodes.add(inputs=inputs)
        node.function.CopyFrom(catalog.construct("Function", kind, (), kwargs))
        return self

    def shared(self, name: str, *inputs: str) -> Network:
        """Adds an earlier layer once more."""
        self.problem.network.nodes.add(inputs=inputs, shared=name)
        return self

    @property
    def case(self) -> Case:
        """The case."""
        training = read_problem(self.problem, Limits())
        return Case(training, (), run(training, EVERYTHING).tensors, ())


def row(module: ModuleType, code: str) -> Variant:
    """The variant of that code."""
    return next(variant for variant in module.VARIANTS if variant.code == code)


def proposals(case: Case, variant: Variant) -> list[Proposal]:
    """What it proposes; its texts are complete for each."""
    made = list(variant.propose(case))
    for proposal in made:
        texts = {"sites": ", ".join(proposal.sites), **proposal.texts}
        assert all(text.format(**texts) for text in (variant.title, variant.explanation, variant.advice))
    return made


def tell(case: Case, proposal: Proposal) -> dict[TensorId, torch.Tensor]:
    """Everything that the altered step tells."""
    ids = frozenset(id for id in case.reference if id.quantity in TOLD)
    return proposal.alter(Plan(case.training)).tell(ids)


def chosen(case: Case, variant: Variant, sites: tuple[str, ...], **texts: str) -> dict[TensorId, torch.Tensor]:
    """What is told by the proposal with these sites and texts; the forward pass of a backward variant is untouched."""
    found = [p for p in proposals(case, variant) if p.sites == sites and texts.items() <= dict(p.texts).items()]
    assert found, [(p.sites, dict(p.texts)) for p in proposals(case, variant)]
    told = tell(case, found[0])
    reference = {id: case.reference[id].double() for id in told}
    assert any(not torch.equal(told[id], reference[id]) for id in told)
    if variant.stage is Stage.BACKWARD:
        for id in told:
            assert id.quantity not in (Quantity.LOSS, Quantity.OUTPUT) or torch.equal(told[id], reference[id])
    return told


def gradient(told: dict[TensorId, torch.Tensor], name: str) -> torch.Tensor:
    """A parameter's gradient in the first step."""
    return told[TensorId(0, Quantity.GRADIENT, name)]


def assert_close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    """Equal up to rounding, in shape too."""
    torch.testing.assert_close(actual, expected, rtol=1e-11, atol=1e-13)
