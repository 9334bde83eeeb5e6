"""One parameter at one step: its arguments, learning rate and named state; and PyTorch's own step as a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch

from ...run import Moment, Named, UpdateRule
from ...state import load_state, state_tensors
from ..plan import Plan


@dataclass(frozen=True)
class Slot:
    """What a rule knows of one parameter at one step.

    step: counts from 0 in the run, `t` from 1 with a given state included. index, count: position among the parameters
    that have gradients. arguments: the optimizer's arguments for this parameter, `lr` being that of the step. state:
    tensors by "<parameter>.<key>", named as PyTorch names them. scratch: what a rule keeps without a name of PyTorch.
    """

    name: str
    step: int
    index: int
    count: int
    arguments: Mapping[str, Any]
    state: Named = field(repr=False)
    scratch: dict[Any, Any] = field(repr=False)

    @property
    def lr(self) -> float:
        """The learning rate of this step."""
        return float(self.arguments["lr"])

    @property
    def betas(self) -> tuple[float, float]:
        """The decay rates of Adam and its relatives."""
        first, second = self.arguments["betas"]
        return float(first), float(second)

    def number(self, key: str) -> float:
        """An argument that is a number."""
        return float(self.arguments[key])

    def flag(self, key: str) -> bool:
        """An argument that is true or false."""
        return bool(self.arguments[key])

    def has(self, key: str) -> bool:
        """Whether the state holds that key."""
        return f"{self.name}.{key}" in self.state

    def get(self, key: str, like: torch.Tensor, start: float = 0.0) -> torch.Tensor:
        """That state, filled with `start` before the first step."""
        found = self.state.get(f"{self.name}.{key}")
        return torch.full_like(like, start) if found is None else found

    def keep(self, key: str, value: torch.Tensor) -> torch.Tensor:
        """Stores that state and returns it."""
        self.state[f"{self.name}.{key}"] = value
        return value

    def tick(self) -> int:
        """t: counts the steps of this parameter from 1, as the state "step"."""
        before = self.state.get(f"{self.name}.step")
        t = 1 if before is None else round(float(before)) + 1
        self.keep("step", torch.tensor(float(t)))
        return t


SlotRule: TypeAlias = Callable[[torch.Tensor, torch.Tensor, Slot], torch.Tensor]
"""From a parameter, its gradient and its slot to the new parameter."""


def each(rule: SlotRule) -> UpdateRule:
    """The rule for all parameters, one after the other."""

    def update(parameters: Named, gradients: Named, moment: Moment) -> Named:
        state = _state(parameters, moment)
        arguments = _arguments(moment)
        new = {}
        for index, (name, gradient) in enumerate(gradients.items()):
            dense = gradient.to_dense() if gradient.is_sparse else gradient
            slot = Slot(name, moment.step, index, len(gradients), arguments[name], state, moment.memory)
            new[name] = rule(parameters[name].detach(), dense, slot)
        return new

    return update


def _state(parameters: Named, moment: Moment) -> Named:
    if "state" not in moment.memory:
        moment.memory["state"] = {key: _placed(key, t, parameters) for key, t in moment.training.state.items()}
    state: Named = moment.memory["state"]
    return state


def _placed(key: str, tensor: torch.Tensor, parameters: Named) -> torch.Tensor:
    name, _, inner = key.rpartition(".")
    if inner == "step" or name not in parameters:
        return tensor.clone()
    return tensor.to(parameters[name].device, parameters[name].dtype, copy=True)


def _arguments(moment: Moment) -> dict[str, dict[str, Any]]:
    """The arguments of every parameter now; a schedule may move momentum and betas, not only the learning rate."""
    if "shadow" not in moment.memory:
        moment.memory["shadow"] = _Shadow(
            {name: p.detach().new_zeros(p.shape) for name, p in moment.parameters.items()}, moment
        )
    shadow: _Shadow = moment.memory["shadow"]
    arguments = {
        name: {**{k: v for k, v in group.items() if k != "params"}, "lr": moment.learning_rates[name]}
        for name, group in shadow.groups.items()
    }
    shadow.step_schedule()
    return arguments


class _Shadow:
    """An optimizer of torch.optim over copies of the parameters, with its schedule."""

    def __init__(self, copies: Named, moment: Moment) -> None:
        training = moment.training
        assert training.optimizer is not None
        names = [name for name in copies if name in moment.learning_rates]
        self.leaves = {name: copies[name].requires_grad_() for name in names}
        self.optimizer = training.optimizer.build(self.leaves)
        plateau = training.schedule is not None and training.schedule.type_name == "ReduceLROnPlateau"
        self.schedule = training.schedule.build(self.optimizer) if training.schedule and not plateau else None
        by_id = {id(leaf): name for name, leaf in self.leaves.items()}
        self.groups = {by_id[id(p)]: group for group in self.optimizer.param_groups for p in group["params"]}

    def step_schedule(self) -> None:
        if self.schedule is not None:
            self.schedule.step()

    def step(self, parameters: Named, gradients: Named, rates: Mapping[str, float]) -> None:
        for name, leaf in self.leaves.items():
            leaf.detach().copy_(parameters[name])
            leaf.grad = gradients[name].clone() if name in gradients else None
        before = {name: group["lr"] for name, group in self.groups.items()}
        for name, group in self.groups.items():
            group["lr"] = rates[name]
        self.optimizer.step()
        for name, group in self.groups.items():
            group["lr"] = before[name]
        self.step_schedule()


def torch_step(parameters: Named, gradients: Named, moment: Moment) -> Named:
    """PyTorch's own step, as a rule that others wrap. Not for LBFGS, which evaluates the loss itself."""
    if "torch" not in moment.memory:
        shadow = _Shadow({name: p.detach().clone() for name, p in parameters.items()}, moment)
        if moment.training.state:
            spec = moment.training.optimizer
            assert spec is not None
            load_state(shadow.optimizer, spec, shadow.leaves, moment.training.state, "state")
        moment.memory["torch"] = shadow
    shadow = moment.memory["torch"]
    shadow.step(parameters, gradients, moment.learning_rates)
    moment.memory["state"] = state_tensors(shadow.optimizer, shadow.leaves)
    return {name: leaf.detach().clone() for name, leaf in shadow.leaves.items()}


Wrap: TypeAlias = Callable[[Named, Named, Named, Moment], Named]
"""From old parameters, new ones, gradients and the moment to other new parameters."""


def after_step(plan: Plan, change: Wrap) -> Plan:
    """With the new parameters of the plan's own update changed."""
    inner = plan.update or torch_step

    def update(parameters: Named, gradients: Named, moment: Moment) -> Named:
        old = {name: p.detach().clone() for name, p in parameters.items()}
        return change(old, {**old, **inner(parameters, gradients, moment)}, gradients, moment)

    return plan.with_update(update)


def before_step(plan: Plan, change: Callable[[Named, Named, Moment], Named]) -> Plan:
    """With the gradients that the plan's own update is given changed: change(parameters, gradients, moment)."""
    inner = plan.update or torch_step

    def update(parameters: Named, gradients: Named, moment: Moment) -> Named:
        old = {name: p.detach() for name, p in parameters.items()}
        return inner(parameters, change(old, gradients, moment), moment)

    return plan.with_update(update)
