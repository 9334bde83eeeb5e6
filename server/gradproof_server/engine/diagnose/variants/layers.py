"""Variants of layers in general: dropout, the order of flattened values, and arguments that were ignored."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ...errors import TORCH_ERRORS
from ...forward import NodeCall
from ...network import Node
from ..case import Case
from ..plan import Plan
from ..rules import ordinary, rewire
from ..variant import Proposal, Stage, Variant
from .sites import at_each, at_nodes, by_module, module_of, passed

Tensors = dict[str, torch.Tensor]
Inputs = tuple[torch.Tensor, ...]
DROPOUT = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d")
ALL_DROPOUT = (*DROPOUT, "AlphaDropout", "FeatureAlphaDropout")
ELSEWHERE = frozenset({"RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell", "Linear", "Bilinear"})
NOT_NUMBERS = frozenset({"bias", "affine", "elementwise_affine", "track_running_stats", "device", "dtype", "inplace"})
KNOWN_ELSEWHERE = frozenset({
    ("GELU", "approximate"), ("LeakyReLU", "negative_slope"), ("ELU", "alpha"), ("Softplus", "beta"),
    ("AvgPool1d", "count_include_pad"), ("AvgPool2d", "count_include_pad"), ("AvgPool3d", "count_include_pad"),
    ("EmbeddingBag", "mode"), ("Embedding", "scale_grad_by_freq"), ("Embedding", "padding_idx"),
    ("TransformerEncoderLayer", "norm_first"), ("TransformerDecoderLayer", "norm_first"),
})  # fmt: skip
"""Arguments with a variant of their own."""


def dropping(case: Case, *types: str) -> list[Node]:
    """Dropout layers that drop in this training."""
    return [n for n in case.nodes(*types) if case.training.train and 0 < module_of(n).p < 1]


def not_applied(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
    """x; random numbers are drawn all the same, so that later layers drop as before."""
    ordinary(node, tensors, inputs, named)
    return inputs[0].clone()


def rescaled(by: str) -> NodeCall:
    """The dropped values with another factor than 1/(1 - p)."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        p = float(module_of(node).p)
        factor = {"none": 1 - p, "p": p * (1 - p), "inverse": (1 - p) / p, "square": 1 / (1 - p)}[by]
        made: torch.Tensor = ordinary(node, tensors, inputs, named) * factor
        return made

    return rule


def scaled_wrongly(case: Case) -> Iterator[Proposal]:
    """Kept values not scaled, or scaled by p."""
    nodes = dropping(case, *DROPOUT)
    yield from at_each(nodes, rescaled("none"), {"used": "not scaled"})
    yield from at_each(nodes, rescaled("inverse"), {"used": "divided by p"}, 8)
    yield from at_each(nodes, rescaled("p"), {"used": "multiplied by p"}, 10)
    yield from at_each(nodes, rescaled("square"), {"used": "divided by 1 − p twice"}, 20)


def backward_without_mask(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
    """The gradient passes unchanged."""
    return passed(ordinary(node, tensors, inputs, named), inputs[0])


def backward_unscaled(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
    """The gradient is masked and not divided by 1 - p."""
    y = ordinary(node, tensors, inputs, named)
    p = float(module_of(node).p)
    return rewire(y, (y,), lambda u: (u * (1 - p),))


def backward_only(case: Case) -> Iterator[Proposal]:
    """Mask or factor forgotten on the way back."""
    nodes = dropping(case, *DROPOUT)
    yield from at_each(nodes, backward_without_mask, {"used": "without the mask"})
    yield from at_each(nodes, backward_unscaled, {"used": "without the factor 1/(1 − p)"}, 2)


def scaled_in_evaluation(case: Case) -> Iterator[Proposal]:
    """Values times 1 - p in evaluation, as the first paper has it."""

    def rule(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        return inputs[0] * (1 - float(module_of(node).p))

    nodes = [n for n in case.nodes(*DROPOUT) if not case.training.train and 0 < module_of(n).p < 1]
    return at_each(nodes, rule)


def flattening(case: Case) -> Iterator[Node]:
    """Nodes that turn (N, C, ...) into rows."""
    for node in case.nodes("Flatten", "Reshape"):
        x, y = case.value(node.inputs[0]), case.value(node.name)
        if x.dim() >= 3 and y.dim() == 2 and x.shape[0] == y.shape[0]:
            yield node


def flatten_order(case: Case) -> Iterator[Proposal]:
    """Channels last, and column-major order."""

    def channels_last(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        return inputs[0].movedim(1, -1).flatten(1)

    def column_major(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> torch.Tensor:
        x = inputs[0]
        return x.permute(0, *reversed(range(1, x.dim()))).flatten(1)

    for node in flattening(case):
        shape = case.value(node.inputs[0]).shape
        if shape[1] > 1 and shape[2:].numel() > 1:
            texts = {"used": "with the channels last (NHWC), as Keras and TensorFlow have it"}
            yield at_nodes([node], channels_last, texts)
        if sum(size > 1 for size in shape[2:]) > 1:
            texts = {"used": "in column-major order, as MATLAB and Fortran have it"}
            yield at_nodes([node], column_major, texts, 10)


def own_arguments(module: nn.Module) -> dict[str, Any] | None:
    """The arguments from which a module was made; None where an attribute does not tell."""
    made: dict[str, Any] = {}
    for name, parameter in list(inspect.signature(type(module).__init__).parameters.items())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or name in ("device", "dtype"):
            continue
        if name.startswith("_") or not hasattr(module, name):
            if parameter.default is parameter.empty:
                return None
            continue
        value = getattr(module, name)
        made[name] = value is not None if name == "bias" else value
    return made


def with_default(node: Node, name: str) -> NodeCall | None:
    """The rule of a layer made with the default of one argument; None where it would need other parameters."""
    assert node.operation.module is not None
    module = node.operation.module.module
    arguments = own_arguments(module)
    if arguments is None:
        return None
    default = inspect.signature(type(module).__init__).parameters[name].default
    try:
        with torch.device("meta"):
            made = type(module)(**{**arguments, name: default})
    except TORCH_ERRORS:
        return None
    shapes = [{n: t.shape for n, t in (*m.named_parameters(), *m.named_buffers())} for m in (module, made)]
    if shapes[0] != shapes[1]:
        return None
    return by_module(node, made)


def differing(node: Node) -> Iterator[tuple[str, Any, Any]]:
    """Arguments of a layer that are not their default: name, declared value, default."""
    module = module_of(node)
    for name, parameter in inspect.signature(type(module).__init__).parameters.items():
        if parameter.default is parameter.empty or name in NOT_NUMBERS or not hasattr(module, name):
            continue
        declared = getattr(module, name)
        if isinstance(declared, torch.Tensor | nn.Module) or callable(declared):
            continue
        plain = declared[0] if isinstance(declared, tuple) and len(set(declared)) == 1 else declared
        if (node.operation.type_name, name) not in KNOWN_ELSEWHERE and plain != parameter.default:
            yield name, plain, parameter.default


def ignored_arguments(case: Case) -> Iterator[Proposal]:
    """Each argument that is not its default, where the default gives the same shape."""
    for node in case.nodes():
        if node.operation.module is None or node.operation.type_name in ELSEWHERE:
            continue
        for name, declared, default in differing(node):
            rule = with_default(node, name)
            if rule is not None:
                texts = {"argument": name, "declared": str(declared), "default": str(default),
                         "layer": node.operation.type_name}  # fmt: skip
                yield at_nodes([node], same_shape(rule, case.value(node.name).shape), texts)


def same_shape(rule: NodeCall, shape: torch.Size) -> NodeCall:
    """A rule that fails where its first output has not the shape that the node's value has in the first step."""

    def checked(node: Node, tensors: Tensors, inputs: Inputs, named: Any) -> Any:
        outputs = rule(node, tensors, inputs, named)
        first: Any = outputs[0] if isinstance(outputs, tuple) else outputs
        if first.shape[1:] != shape[1:] or first.dim() != len(shape):
            raise RuntimeError("the altered layer gives another shape")
        return outputs

    return checked


def other_mode(case: Case) -> Iterator[Proposal]:
    """Training for evaluation and the reverse, for the whole network."""
    kinds = (*ALL_DROPOUT, "RReLU", *(f"{kind}Norm{d}d" for kind in ("Batch", "Instance") for d in (1, 2, 3)))
    if not case.nodes(*kinds) and not case.training.program.draws_random_numbers:
        return
    train = case.training.train
    texts = {"used": "evaluation" if train else "training", "declared": "training" if train else "evaluation"}

    def alter(plan: Plan) -> Plan:
        return plan.with_training(train=not train)

    yield Proposal(alter, (), texts)


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="layer.other_mode",
        stage=Stage.FORWARD,
        title="The numbers are those of {used} mode; declared is {declared}.",
        explanation="In training dropout drops and BatchNorm uses the statistics of the batch; in evaluation dropout "
        "does "
        "nothing and BatchNorm uses its running statistics. Your numbers are those of {used}.",
        advice="Declare the mode that you compute in, or call model.train() or model.eval() accordingly.",
        propose=other_mode,
        rank=5,
        look_alikes=("dropout.not_applied", "normalization.train_and_eval"),
    ),
    Variant(
        code="dropout.not_applied",
        stage=Stage.FORWARD,
        title="Dropout was not applied at {sites}.",
        explanation="In training PyTorch drops each value with probability p and divides the others by 1 − p. Your "
        "numbers "
        "follow without.",
        advice="Apply it, or declare MODE_EVAL.",
        propose=lambda case: at_each(dropping(case, *ALL_DROPOUT), not_applied),
        rank=7,
        look_alikes=("layer.other_mode",),
    ),
    Variant(
        code="dropout.scale",
        stage=Stage.FORWARD,
        title="The values that dropout kept at {sites} were {used}.",
        explanation="PyTorch divides the kept values by 1 − p in training, so that nothing is left to do in "
        "evaluation. In your "
        "numbers they are {used}.",
        advice="Divide the kept values by 1 − p.",
        propose=scaled_wrongly,
        rank=8,
        convention=True,
    ),
    Variant(
        code="dropout.backward",
        stage=Stage.BACKWARD,
        title="The gradient went back through dropout at {sites} {used}.",
        explanation="The backward pass uses the same mask and the same factor 1/(1 − p) as the forward pass.",
        advice="Keep the scaled mask and multiply the gradient by it.",
        propose=backward_only,
        rank=10,
    ),
    Variant(
        code="dropout.scaled_in_evaluation",
        stage=Stage.FORWARD,
        title="Values were multiplied by 1 − p at {sites} in evaluation mode.",
        explanation=(
            "PyTorch scales in training and does nothing in evaluation; the first paper does it the other way round."
        ),
        advice="Leave the factor out.",
        propose=scaled_in_evaluation,
        rank=10,
        convention=True,
    ),
    Variant(
        code="layout.flatten_order",
        stage=Stage.FORWARD,
        title="The values were flattened {used} at {sites}.",
        explanation="PyTorch keeps images as (N, C, H, W) and flattens the last dimension fastest: all pixels of "
        "channel 0, "
        "then those of channel 1. Your numbers follow when they are flattened {used}.",
        advice="Permute the columns of the next weight, or flatten in PyTorch's order.",
        propose=flatten_order,
        rank=8,
        convention=True,
    ),
    Variant(
        code="layer.argument_ignored",
        stage=Stage.FORWARD,
        title="{layer} at {sites} was used with {argument} = {default}, PyTorch's default; declared is {declared}.",
        explanation="Your numbers follow if {argument} is left at its default.",
        advice="Pass {argument} = {declared}, or declare the default.",
        propose=ignored_arguments,
        rank=10,
    ),
)
