"""The reference: what PyTorch computes for a problem, by step, quantity and name."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from gradproof._printed import Printed
from gradproof.tensors import Array
from gradproof.v1 import gradient_service_pb2


class Quantity(enum.StrEnum):
    """What a tensor of a training step is, by the names that Claim and Reference use."""

    LOSS = "loss"
    OUTPUT = "outputs"
    GRADIENT = "gradients"
    INPUT_GRADIENT = "input_gradients"
    NODE_VALUE = "node_values"
    NODE_GRADIENT = "node_gradients"
    UPDATED = "updated"
    STATE = "state"
    BUFFER = "buffers"


@dataclass(frozen=True, order=True)
class TensorName:
    """The name of one tensor of a training run: step (from 0), what it is, and which one."""

    step: int
    quantity: Quantity
    name: str = ""

    def __str__(self) -> str:
        kind = self.quantity.name.lower().replace("_", " ")
        which = f"{kind} {self.name}".strip()
        return f"{which}, step {self.step}" if self.step else which


@dataclass(frozen=True)
class Environment:
    """By what something was computed."""

    gradproof_version: str = ""
    torch_version: str = ""
    device: str = ""
    dtype: str = ""
    threads: int = 0


@dataclass(frozen=True)
class StepReference:
    """What PyTorch computes in one training step; empty mappings for what was not asked for.

    Attributes:
        index: of the step, from 0.
        outputs: of the network, by name.
        gradients: of the loss with respect to the parameters, before clipping.
        input_gradients: of the loss with respect to the inputs.
        node_values: values of nodes.
        node_gradients: gradients with respect to the values of nodes.
        updated: parameters after the optimizer's step.
        state: the optimizer's state after the step, by "parameter.key".
        buffers: after the step.
        learning_rate: of the first parameter group; None without an optimizer.
    """

    index: int
    losses: Mapping[str, Array] = field(default_factory=dict)
    outputs: Mapping[str, Array] = field(default_factory=dict)
    gradients: Mapping[str, Array] = field(default_factory=dict)
    input_gradients: Mapping[str, Array] = field(default_factory=dict)
    node_values: Mapping[str, Array] = field(default_factory=dict)
    node_gradients: Mapping[str, Array] = field(default_factory=dict)
    updated: Mapping[str, Array] = field(default_factory=dict)
    state: Mapping[str, Array] = field(default_factory=dict)
    buffers: Mapping[str, Array] = field(default_factory=dict)
    learning_rate: float | None = None

    @property
    def loss(self) -> float:
        """The loss.

        Raises:
            LookupError: it was not asked for.
        """
        if "" not in self.losses:
            raise LookupError(f"the loss of step {self.index} was not asked for; add 'loss' to `include`")
        return float(self.losses[""])


@dataclass(frozen=True, eq=False)
class Reference(Printed):
    """What PyTorch computes for a problem, in float64 unless the problem asks for another dtype.

    With several steps, `loss`, `outputs` and gradients are those of the first step, `updated`, `state` and `buffers`
    those after the last; `step(i)` gives any step.

    Attributes:
        tensors: all tensors of the answer, in the server's order; bfloat16 is widened to float32.
        learning_rates: of each step (of the first parameter group); empty without an optimizer.
        environment: by what it was computed.
        parameters: number of elements of all parameters.
        flops: estimated floating-point operations of one forward pass.
        seconds: that the computation took on the server.
        message: the answer as it came.
    """

    tensors: Mapping[TensorName, Array]
    learning_rates: tuple[float, ...]
    environment: Environment
    parameters: int
    flops: int
    seconds: float
    message: gradient_service_pb2.Reference = field(repr=False)

    def step(self, index: int) -> StepReference:
        """One step, from 0; negative counts from the last step of the answer.

        Raises:
            IndexError: the answer has no tensor of this step.
        """
        indices = self.step_indices
        wanted = indices[index] if index < 0 and -index <= len(indices) else index
        if wanted not in indices:
            raise IndexError(f"no step {index} in the answer; it has {list(indices)}")
        parts: dict[str, dict[str, Array]] = {}
        for key, value in self.tensors.items():
            if key.step == wanted:
                parts.setdefault("losses" if key.quantity is Quantity.LOSS else key.quantity.value, {})[key.name] = (
                    value
                )
        rate = self.learning_rates[wanted] if wanted < len(self.learning_rates) else None
        return StepReference(wanted, learning_rate=rate, **parts)

    @property
    def step_indices(self) -> tuple[int, ...]:
        """The steps of which the answer has tensors."""
        return tuple(sorted({key.step for key in self.tensors}))

    def _first(self) -> StepReference:
        return self.step(self.step_indices[0]) if self.tensors else StepReference(0)

    def _last(self) -> StepReference:
        return self.step(-1) if self.tensors else StepReference(0)

    @property
    def loss(self) -> float:
        """The loss of the first step. Raises LookupError where it was not asked for."""
        return self._first().loss

    @property
    def losses(self) -> tuple[float, ...]:
        """The loss of each step."""
        return tuple(float(value) for key, value in self.tensors.items() if key.quantity is Quantity.LOSS)

    @property
    def outputs(self) -> Mapping[str, Array]:
        """Outputs of the network in the first step, by name."""
        return self._first().outputs

    @property
    def gradients(self) -> Mapping[str, Array]:
        """Gradients with respect to the parameters in the first step, before clipping, by state_dict names."""
        return self._first().gradients

    @property
    def input_gradients(self) -> Mapping[str, Array]:
        """Gradients with respect to the inputs in the first step, by name."""
        return self._first().input_gradients

    @property
    def node_values(self) -> Mapping[str, Array]:
        """Values of nodes in the first step, by name."""
        return self._first().node_values

    @property
    def node_gradients(self) -> Mapping[str, Array]:
        """Gradients with respect to the values of nodes in the first step, by name."""
        return self._first().node_gradients

    @property
    def updated(self) -> Mapping[str, Array]:
        """Parameters after the last step, by state_dict names."""
        return self._last().updated

    @property
    def state(self) -> Mapping[str, Array]:
        """The optimizer's state after the last step, by "parameter.key"."""
        return self._last().state

    @property
    def buffers(self) -> Mapping[str, Array]:
        """Buffers after the last step, by state_dict names."""
        return self._last().buffers
