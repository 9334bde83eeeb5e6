"""A training step at its point, float64: everything that goes in, every value and gradient that comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch

from ..network import Node
from ..program import Program
from ..run import Rules, run
from ..training import Training
from ..types import Quantity, ShouldStop, TensorId
from ..wanted import Wanted

TRACED = frozenset(
    {
        Quantity.LOSS,
        Quantity.OUTPUT,
        Quantity.GRADIENT,
        Quantity.INPUT_GRADIENT,
        Quantity.NODE_VALUE,
        Quantity.NODE_GRADIENT,
    }
)
Tensor = torch.Tensor


@dataclass
class _Recorder:
    """Notes the state of the random generator before each call of a node."""

    device: torch.device
    states: list[Tensor] = field(default_factory=list)

    def __call__(
        self, node: Node, own: dict[str, Tensor], given: tuple[Tensor, ...], named: dict[str, Tensor]
    ) -> object:
        self.states.append(get_random_state(self.device))
        assert node.operation.module is not None
        return node.operation.module.call(own, given, named)


def root_mean_square(tensor: Tensor) -> float:
    """Of all elements; 0 where there are none."""
    return float(tensor.double().square().mean().sqrt()) if tensor.numel() else 0.0


def get_random_state(device: torch.device) -> Tensor:
    """State of the random generator that layers on the device draw from."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def set_random_state(state: Tensor, device: torch.device) -> None:
    """Brings the random generator back to a state."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)


@dataclass(frozen=True)
class Base:
    """A training step at its point: all tensors that go in, all values and gradients that come out. float64, on the
    training's device.

    together: whether a node gives the same for many points at once, as far as that was tried; by its name, the tensor
    of its own that changes, and which of its inputs change.
    """

    training: Training
    step: int
    parameters: Mapping[str, Tensor]
    buffers: Mapping[str, Tensor]
    values: Mapping[str, Tensor]
    targets: Mapping[str, Tensor]
    gradients: Mapping[TensorId, Tensor]
    loss: float
    random_states: Mapping[str, Tensor]
    together: dict[tuple[str, str, tuple[bool, ...]], bool] = field(default_factory=dict)

    @property
    def program(self) -> Program:
        """The network and the loss."""
        return self.training.program

    def variable(self, id: TensorId) -> Tensor:
        """The value of what a gradient is taken with respect to."""
        return self.parameters[id.name] if id.quantity is Quantity.GRADIENT else self.values[id.name]

    @cached_property
    def rounding(self) -> float:
        """How far rounding of the nodes' values may move the loss, to first order: ε (Σ (value · gradient)²)^½. It is
        there although the loss shows none of it on a line where it stands still."""
        squares = 0.0
        for id, gradient in self.gradients.items():
            if id.quantity is Quantity.NODE_GRADIENT and id.name in self.values:
                value = self.values[id.name].to(gradient.device)
                squares += float((value * gradient).nan_to_num(0.0, 0.0, 0.0).square().sum())
        return float(torch.finfo(torch.float64).eps * squares**0.5)

    @cached_property
    def keys(self) -> Mapping[str, tuple[str, ...]]:
        """Keys of the values of each node, by its name."""
        names = {
            node.name: [node.key(output) for output in node.operation.signature.outputs] for node in self.program.nodes
        }
        return {name: tuple(key for key in keys if key in self.values) for name, keys in names.items()}


def base_of(training: Training, step: int, should_stop: ShouldStop) -> Base:
    """Runs the training in float64 up to a step and keeps what the witness needs of it.

    Raises InvalidProblemError, MemoryError, StoppedError as `run`.
    """
    training = replace(training, dtype=torch.float64)
    random = [node.name for node in training.program.nodes if _draws(node, training)]
    recorders = {name: _Recorder(training.device) for name in random}
    ids = frozenset(
        TensorId(step - 1, quantity, name)
        for quantity, names in (
            (Quantity.UPDATED, training.program.parameters),
            (Quantity.BUFFER, training.program.buffers),
        )
        for name in names
        if step > 0
    )
    outcome = run(training, Wanted(TRACED, ids, frozenset({step})), should_stop, Rules(nodes=recorders))
    tensors = outcome.tensors
    place = _placer(training)
    data = training.steps[step]
    before = {
        quantity: {name: tensors.get(TensorId(step - 1, quantity, name), start) for name, start in starts.items()}
        for quantity, starts in (
            (Quantity.UPDATED, training.parameters_before),
            (Quantity.BUFFER, training.buffers_before),
        )
    }
    values = {id.name: place(t) for id, t in tensors.items() if id.quantity is Quantity.NODE_VALUE and id.step == step}
    kinds = (Quantity.GRADIENT, Quantity.INPUT_GRADIENT, Quantity.NODE_GRADIENT)
    return Base(
        training=training,
        step=step,
        parameters={name: place(t) for name, t in before[Quantity.UPDATED].items()},
        buffers={name: place(t) for name, t in before[Quantity.BUFFER].items()},
        values={**{name: place(t) for name, t in data.inputs.items()}, **values},
        targets={name: place(t) for name, t in data.targets.items()},
        gradients={id: t for id, t in tensors.items() if id.quantity in kinds and id.step == step},
        loss=float(tensors[TensorId(step, Quantity.LOSS)]),
        random_states={name: recorder.states[step] for name, recorder in recorders.items() if recorder.states},
    )


def _draws(node: Node, training: Training) -> bool:
    return training.train and training.program.draws_random_numbers and node.operation.module is not None


def _placer(training: Training) -> Callable[[Tensor], Tensor]:
    return lambda t: t.to(training.device, torch.float64 if t.is_floating_point() else t.dtype)
