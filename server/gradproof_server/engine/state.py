"""The state of an optimizer as named tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from .errors import TORCH_ERRORS, as_problem_error
from .near import near_miss
from .optimizers import OptimizerSpec
from .tensors import shape_text
from .types import InvalidProblemError, Violation

Named = Mapping[str, torch.Tensor]


def state_tensors(optimizer: torch.optim.Optimizer, parameters: Named) -> dict[str, torch.Tensor]:
    """The optimizer's state by "parameter.key"; numbers become scalars, lists (of LBFGS) are left out."""
    return named_state({name: optimizer.state.get(parameter, {}) for name, parameter in parameters.items()})


def named_state(states: Mapping[str, Mapping[str, object]]) -> dict[str, torch.Tensor]:
    """States of parameters, by key, as `state_tensors` names them."""
    tensors = {}
    for name, state in states.items():
        for key, value in state.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{name}.{key}"] = value
            elif isinstance(value, bool | int | float):
                tensors[f"{name}.{key}"] = torch.tensor(float(value))
    return tensors


def load_state(
    optimizer: torch.optim.Optimizer, spec: OptimizerSpec, parameters: Named, state: Named, path: str
) -> None:
    """Gives a new optimizer the state that the caller states for some of its parameters.

    Raises:
        InvalidProblemError: an unknown name, a wrong shape, or a parameter with only a part of its state.
    """
    templates = _templates(spec, parameters, path)
    violations = _unknown(state, templates, path)
    for name, parameter in parameters.items():
        given = {key: state[f"{name}.{key}"] for key in templates[name] if f"{name}.{key}" in state}
        if given:
            violations.extend(_misfits(name, given, templates[name], path))
            optimizer.state[parameter] = {
                key: tensor.to(templates[name][key].device, templates[name][key].dtype, copy=True)
                for key, tensor in given.items()
            }
    if violations:
        raise InvalidProblemError(violations)


def state_after_zeros(spec: OptimizerSpec, parameters: Named) -> dict[str, dict[str, object]]:
    """What state each parameter has after one step on zeros with zero gradients, by key.

    Raises one of TORCH_ERRORS where the optimizer cannot take such a step.
    """
    copies = {name: torch.zeros_like(parameter).requires_grad_() for name, parameter in parameters.items()}
    for copy in copies.values():
        copy.grad = torch.zeros_like(copy)
    optimizer = spec.build(copies)
    optimizer.step(lambda: 0.0)
    return {name: dict(optimizer.state.get(copy, {})) for name, copy in copies.items()}


def _templates(spec: OptimizerSpec, parameters: Named, path: str) -> dict[str, dict[str, torch.Tensor]]:
    try:
        states = state_after_zeros(spec, parameters)
    except TORCH_ERRORS as error:
        raise as_problem_error(error, path, f"the state of {spec.type_name} cannot be given") from error
    return {n: {k: v for k, v in s.items() if isinstance(v, torch.Tensor)} for n, s in states.items()}


def _unknown(state: Named, templates: Mapping[str, Mapping[str, torch.Tensor]], path: str) -> list[Violation]:
    known = {f"{name}.{key}" for name, keys in templates.items() for key in keys}
    return [
        Violation(f'{path}["{name}"]', "UNKNOWN_STATE", f"the optimizer has no {name!r}{near_miss(name, known)}")
        for name in state
        if name not in known
    ]


def _misfits(name: str, given: Named, template: Named, path: str) -> list[Violation]:
    violations = []
    for key in template:
        where = f'{path}["{name}.{key}"]'
        if key not in given:
            text = f"{name!r} has a part of its state, but not {key!r}; give all of it or none"
            violations.append(Violation(where, "REQUIRED", text))
        elif given[key].shape != template[key].shape:
            text = f"shape {shape_text(given[key].shape)}, but it is {shape_text(template[key].shape)}"
            violations.append(Violation(f"{where}.shape", "SHAPE_MISMATCH", text))
    return violations
