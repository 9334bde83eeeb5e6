"""The upstream gradient that an author must have used, recovered from the weight gradient that he claims."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ..network import Node
from ..types import ClaimedTensor, Quantity
from .case import Case
from .fit import tolerance

LOOSE = 1e-6
"""Relative distance within which a recovered gradient is taken for a named one, where the claim is exact."""


def observe_upstream(case: Case) -> list[str]:
    """What the recovered upstream gradient of the wrong linear layer nearest to the loss is, in words."""
    for node in reversed(case.nodes("Linear")):
        tensor = _claimed_weight(case, node)
        if tensor is None or tensor.id not in case.disagreeing:
            continue
        recovered = recover(case, node, tensor)
        return [] if recovered is None else list(_named(case, node, tensor, recovered))
    return []


def _claimed_weight(case: Case, node: Node) -> ClaimedTensor | None:
    wanted = node.tensors.get("weight")
    both = [*case.claimed(Quantity.GRADIENT), *case.claimed(Quantity.UPDATED)]
    return next((t for t in both if t.id.name == wanted and t.id.step == 0), None)


def implied_gradient(case: Case, tensor: ClaimedTensor) -> torch.Tensor | None:
    """The gradient that a claimed tensor stands for: itself, or (old - new) / learning rate where the step is plain."""
    if tensor.id.quantity is Quantity.GRADIENT:
        return tensor.value.double()
    rate = case.plain_rate(tensor.id.name)
    if not rate:
        return None
    return (case.training.parameters_before[tensor.id.name].double() - tensor.value.double()) / rate


def recover(case: Case, node: Node, tensor: ClaimedTensor) -> torch.Tensor | None:
    """delta (N, out) with claimed dW = delta^T x, by least squares; None where it is not determined by the claim."""
    gradient = implied_gradient(case, tensor)
    x = case.value(node.inputs[0]).double()
    x = x.reshape(-1, x.shape[-1])
    if gradient is None or not (gradient.isfinite().all() and x.isfinite().all()):
        return None
    if x.shape[0] > x.shape[1] or int(torch.linalg.matrix_rank(x)) < x.shape[0]:
        return None
    delta = torch.linalg.lstsq(x.T, gradient.T).solution
    return delta if torch.allclose(delta.T @ x, gradient, rtol=1e-3, atol=1e-9) else None


def _named(case: Case, node: Node, tensor: ClaimedTensor, used: torch.Tensor) -> Iterator[str]:
    key = node.key("output")
    right = case.node_gradient(key).reshape(used.shape)
    scale = float(used.abs().max()) or 1.0
    near = max(LOOSE, 5 * _relative_precision(case, tensor))
    for name, value in _local_quantities(case, node, right, used.shape):
        if value.shape == used.shape and float((used - value).abs().max()) <= near * scale:
            yield f"the gradient used at the output of node {node.name!r} is {name}"
            return
    shown = ", ".join(f"{float(v):.6g}" for v in used.flatten()[:4])
    wanted = ", ".join(f"{float(v):.6g}" for v in right.flatten()[:4])
    yield f"the gradient used at the output of node {node.name!r} is [{shown}], PyTorch's is [{wanted}]"


def _relative_precision(case: Case, tensor: ClaimedTensor) -> float:
    reference = case.reference[tensor.id].double()
    largest = float(case.moved(tensor.id, reference).abs().max())
    return float(tolerance(case, tensor, reference).max()) / largest if largest else 1.0


def _local_quantities(
    case: Case, node: Node, right: torch.Tensor, shape: torch.Size
) -> Iterator[tuple[str, torch.Tensor]]:
    following = next((n for n in case.training.program.nodes if n.inputs == (node.name,)), None)
    z = case.value(node.key("output")).reshape(shape)
    if following is not None:
        name = f"{following.name!r} ({following.operation.type_name})"
        after, a = case.node_gradient(following.name), case.value(following.name)
        if after.numel() == right.numel():
            after, a = after.reshape(shape), a.reshape(shape)
            derivative = torch.where(after == 0, torch.zeros_like(after), right / after)
            yield f"the one after node {name}: its derivative is missing", after
            yield f"PyTorch's times the derivative of node {name} once more", right * derivative
            yield f"the one after node {name} times its value", after * a
            yield f"the one after node {name} times a(1 − a) of its value", after * a * (1 - a)
            yield f"the one after node {name} times 1 − z² of the pre-activation", after * (1 - z * z)
    target = case.target
    if target is not None and target.is_floating_point() and case.output is not None:
        error = (case.output - target) if target.shape == case.output.shape else None
        if error is not None and error.numel() == right.numel():
            yield "the residual ŷ − t", error.reshape(shape)
            yield "the residual with the other sign, t − ŷ", -error.reshape(shape)
            yield "PyTorch's times the residual", right * error.reshape(shape)
    yield "PyTorch's with the other sign", -right
    yield "PyTorch's times the pre-activation", right * z
