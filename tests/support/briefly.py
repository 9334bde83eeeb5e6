"""Problems written briefly: a list of layers, tensors by name, a claim."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from gradproof import tensors
from gradproof.v1 import claim_pb2, problem_pb2
from gradproof_server.engine import Training, Wanted, read_claim, read_problem, run
from gradproof_server.engine.types import Limits, Outcome, Quantity

catalog = importlib.import_module("gradproof.catalog")
LIMITS = Limits()


def problem_of(
    layers: Sequence[tuple[Any, ...]],
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Any],
    target: Any = None,
    loss: str = "MSELoss",
    lr: float | None = 0.1,
) -> problem_pb2.Problem:
    """A problem; a layer is (name of the class, arguments..., {keywords}), a function is (node message,)."""
    problem = problem_pb2.Problem()
    for layer in layers:
        node = problem.network.nodes.add()
        keywords = layer[-1] if isinstance(layer[-1], dict) else {}
        args = [a for a in layer[1:] if a is not keywords]
        options = {key: keywords.pop(key) for key in ("name", "inputs", "shared") if key in keywords}
        family = "Function" if catalog_has("Function", layer[0]) and not catalog_has("Layer", layer[0]) else "Layer"
        if layer[0] == "shared":
            node.shared = options["shared"]
        else:
            getattr(node, family.lower()).CopyFrom(catalog.construct(family, layer[0], args, keywords))
        node.name = options.get("name", "")
        node.inputs.extend(options.get("inputs", []))
    for field, values in (("parameters", parameters), ("inputs", inputs)):
        for name, value in values.items():
            getattr(problem, field)[name].CopyFrom(tensors.as_tensor(value))
    if target is not None:
        problem.targets["target"].CopyFrom(tensors.as_tensor(target))
        problem.loss.CopyFrom(catalog.construct("Loss", loss))
    if lr is not None:
        problem.optimizer.sgd.lr = lr
    return problem


def catalog_has(family: str, name: str) -> bool:
    """Whether the family has a message of that name."""
    return name in catalog.names(family)


def claim_of(quantity: Quantity, name: str, value: Any, step: int = 0, **precision: Any) -> claim_pb2.Claim:
    """A claim of one tensor; precision is digits=, rounding=, dtype=, absolute=, relative=."""
    claim = claim_pb2.Claim()
    tensor = claim.tensors.add()
    tensor.id.quantity, tensor.id.name, tensor.id.step = quantity, name, step
    tensor.value.CopyFrom(tensors.as_tensor(value))
    if "digits" in precision:
        claim.precision.decimals.digits = precision["digits"]
        claim.precision.decimals.rounding = precision.get("rounding", 0)
    elif "dtype" in precision:
        claim.precision.dtype = precision["dtype"]
    elif precision:
        claim.precision.tolerances.absolute = precision.get("absolute", 0.0)
        claim.precision.tolerances.relative = precision.get("relative", 0.0)
    return claim


def outcome_of(problem: problem_pb2.Problem) -> tuple[Training, Outcome]:
    """The training and everything that a run of it gives."""
    training = read_problem(problem, LIMITS)
    return training, run(training, Wanted(frozenset(Quantity)))


def claim_for(problem: problem_pb2.Problem, claim: claim_pb2.Claim) -> Any:
    """Training, outcome of the claimed tensors, and the claim as the engine reads it."""
    training = read_problem(problem, LIMITS)
    read = read_claim(claim, training, LIMITS)
    return training, run(training, Wanted(ids=frozenset(tensor.id for tensor in read))), read


def double(values: Any) -> torch.Tensor:
    """A float64 tensor."""
    return torch.tensor(values, dtype=torch.float64)
