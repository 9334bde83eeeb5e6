"""The optimizer's arguments, altered: for all parameters, in groups, or another optimizer altogether."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from torch import optim

from ...network import Node
from ...optimizers import OptimizerSpec
from ...types import Quantity
from ..case import Case
from ..plan import Plan

CLOSED = frozenset({"LBFGS", "SparseAdam"})
"""Optimizers whose step cannot be wrapped: one evaluates the loss itself, one needs sparse gradients."""


def acts(case: Case, *types: str) -> bool:
    """Whether a claim shows the optimizer's step and the optimizer is one of these types, any without types."""
    shown = case.claimed_quantities & {Quantity.UPDATED, Quantity.STATE} or any(id.step for id in case.ids)
    return bool(shown) and bool(case.optimizer_type) and (not types or case.optimizer_type in types)


def wraps(case: Case) -> bool:
    """Whether the optimizer's step can be wrapped."""
    return acts(case) and case.optimizer_type not in CLOSED


def spec_of(case: Case) -> OptimizerSpec:
    """The optimizer of a case that has one."""
    assert case.training.optimizer is not None
    return case.training.optimizer


def values_of(case: Case, key: str) -> list[Any]:
    """The values of an argument: that of the parameters in no group, then those of the groups; empty where unknown."""
    if not case.optimizer_type or key not in case.optimizer_arguments:
        return []
    own = [arguments[key] for _, arguments in spec_of(case).groups if key in arguments]
    return [case.optimizer_arguments[key], *own]


def uses(case: Case, key: str) -> bool:
    """Whether the argument is set, and not zero or False, for any parameter."""
    return any(values_of(case, key))


def with_arguments(plan: Plan, **changes: Any) -> Plan:
    """With these arguments for all parameters; what a group says of them itself is replaced too."""
    return mapped(plan, {key: _constant(value) for key, value in changes.items()})


def _constant(value: Any) -> Callable[[Any], Any]:
    return lambda old: value


def mapped(plan: Plan, changes: Mapping[str, Callable[[Any], Any]]) -> Plan:
    """With arguments replaced by a function of their values, in the groups too."""
    spec = plan.training.optimizer
    assert spec is not None
    defaults = spec.arguments_of("")
    arguments = {**spec.arguments, **{key: change(defaults[key]) for key, change in changes.items()}}
    groups = tuple(
        (names, {key: changes[key](value) if key in changes else value for key, value in given.items()})
        for names, given in spec.groups
    )
    return plan.with_training(optimizer=replace(spec, arguments=arguments, groups=groups))


def with_override(plan: Plan, names: Iterable[str], **changes: Any) -> Plan:
    """With other arguments for these parameters only, the rest of their arguments kept."""
    spec = plan.training.optimizer
    assert spec is not None
    chosen = set(names)
    groups: list[tuple[tuple[str, ...], Mapping[str, Any]]] = []
    for members, given in spec.groups:
        inside = tuple(name for name in members if name in chosen)
        outside = tuple(name for name in members if name not in chosen)
        groups += [(outside, given)] if outside else []
        groups += [(inside, {**given, **changes})] if inside else []
    grouped = {name for members, _ in spec.groups for name in members}
    loose = tuple(sorted(chosen - grouped))
    groups += [(loose, dict(changes))] if loose else []
    return plan.with_training(optimizer=replace(spec, groups=tuple(groups)))


def with_optimizer(plan: Plan, type_name: str, **changes: Any) -> Plan:
    """With another optimizer, which keeps the arguments that both have; of ε only a stated one, as defaults differ."""
    spec = plan.training.optimizer
    assert spec is not None
    kept = SHARED & set(inspect.signature(getattr(optim, type_name)).parameters)
    stated = (
        {"eps": spec.arguments["eps"]} if isinstance(spec.arguments.get("eps"), float) and type_name in PLAIN else {}
    )
    arguments = {k: v for k, v in spec.arguments_of("").items() if k in kept} | stated | changes
    groups = tuple((names, {k: v for k, v in given.items() if k in kept}) for names, given in spec.groups)
    return plan.with_training(optimizer=OptimizerSpec(type_name, arguments, groups), state={})


SHARED = frozenset({"lr", "betas", "weight_decay", "maximize", "momentum", "amsgrad"})
"""Arguments that mean the same in several optimizers."""
PLAIN = frozenset({"Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta"})
"""Optimizers whose ε is one number."""

BIASES = ("bias", "bias_ih", "bias_hh", "bias_ih_l", "bias_hh_l", "in_proj_bias", "bias_k", "bias_v")
NORMALIZATIONS = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm")


def trained(case: Case) -> list[str]:
    """Names of the parameters that are trained."""
    return [name for name in case.training.program.parameters if name not in case.training.frozen]


def biases(case: Case) -> list[str]:
    """Names of the trained biases, those of normalisations included."""
    return [name for name in trained(case) if name.rpartition(".")[2].startswith(BIASES)]


def is_normalization(node: Node) -> bool:
    """Whether the node normalises."""
    return any(kind in node.operation.type_name for kind in NORMALIZATIONS)


def normalization_parameters(case: Case) -> list[str]:
    """Names of the trained parameters of normalisation layers."""
    names = {name for node in case.nodes() if is_normalization(node) for name in node.tensors.values()}
    return [name for name in trained(case) if name in names]


def owners(case: Case) -> list[tuple[str, tuple[str, ...]]]:
    """Nodes that have trained parameters, in order, each with their names."""
    left = set(trained(case))
    found = []
    for node in case.nodes():
        names = tuple(name for name in dict.fromkeys(node.tensors.values()) if name in left)
        if names:
            found.append((node.name, names))
    return found
