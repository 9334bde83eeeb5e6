"""Runs a training as PyTorch does: forward, loss, backward, clipping, optimizer, schedule, step by step."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch

from .determinism import deterministic
from .errors import TORCH_ERRORS, as_problem_error
from .forward import NodeCall, Values, forward, loss_of
from .program import LossProgram, Program
from .shapes import set_mode
from .state import load_state, state_tensors
from .training import Clipping, StepData, Training
from .types import InvalidProblemError, Outcome, Quantity, ShouldStop, StoppedError, TensorId, Violation
from .wanted import Wanted

Named = dict[str, torch.Tensor]
LossRule = Callable[[LossProgram | None, Named, Values, Mapping[str, torch.Tensor]], torch.Tensor]
GradientRule = Callable[[Named, "Moment"], Named]
UpdateRule = Callable[[Named, Named, "Moment"], Named]


@dataclass(frozen=True)
class Moment:
    """Where a run is when a rule is asked: the step, the values of its forward pass, and the state that rules keep.

    `memory` is a dictionary of its own for each run, in which a rule may keep what it needs in later steps.
    """

    step: int
    training: Training
    values: Values
    parameters: Named
    learning_rates: Mapping[str, float]
    memory: dict[Any, Any]


@dataclass(frozen=True)
class Rules:
    """Other rules for some stages of a run; the default is PyTorch's own at every stage.

    nodes: by node, its operation (an autograd function may alter only the backward pass). loss: the loss from the
    values. gradients: from the raw gradients to those that go on. clip: instead of clipping. update: new parameters
    from the old ones and the gradients, instead of the optimizer.
    """

    nodes: Mapping[str, NodeCall] = field(default_factory=dict)
    loss: LossRule | None = None
    gradients: GradientRule | None = None
    clip: GradientRule | None = None
    update: UpdateRule | None = None


PYTORCH = Rules()


@dataclass(frozen=True)
class Evaluation:
    """Forward, loss and backward of the first step, for several runs that differ only in what comes after.

    values: by key, inputs included; those in `retained` have kept their gradient. gradients: of the trained
    parameters, before any rule. parameters, buffers: after the forward pass (max_norm of Embedding changes a weight).
    """

    values: Values
    inputs: Named
    loss: torch.Tensor
    gradients: Named
    retained: frozenset[str]
    parameters: Named
    buffers: Named


def never() -> bool:
    """Never stop."""
    return False


def run(
    training: Training,
    wanted: Wanted,
    should_stop: ShouldStop = never,
    rules: Rules = PYTORCH,
    evaluation: Evaluation | None = None,
) -> Outcome:
    """Runs the training and returns the wanted tensors, on CPU, ordered by step, quantity and the network's order.

    The random generator of the calling process and PyTorch's global switches are as before afterwards. The same
    training gives the same bits. With an `evaluation`, which `evaluate` gave for the same forward pass, loss and
    backward pass, the first step goes on from there.

    Raises:
        InvalidProblemError: PyTorch cannot run it; names the node or the stage.
        MemoryError: the memory of the device is not enough.
        StoppedError: `should_stop` returned True between two steps.
    """
    started = time.perf_counter()
    with deterministic(training):
        runner = _Runner(training, wanted, rules, evaluation)
        for step in range(min(wanted.last_step(len(training.steps)), training.last_step) + 1):
            if should_stop():
                raise StoppedError("the caller does not wait any more")
            runner.take_step(step)
    tensors = {id: runner.kept[id] for id in sorted(runner.kept, key=lambda id: (id.step, id.quantity))}
    return Outcome(
        tensors=tensors,
        learning_rates=tuple(runner.learning_rates),
        device=device_name(training.device),
        dtype=training.dtype,
        seconds=time.perf_counter() - started,
    )


def evaluate(training: Training, wanted: Wanted, rules: Rules = PYTORCH) -> Evaluation:
    """Forward, loss and backward of the first step; raises as `run`."""
    with deterministic(training):
        return _Runner(training, wanted, rules).evaluate(0)


def device_name(device: torch.device) -> str:
    """ "cpu", or "cuda:0 (name of the device)"."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


class _Runner:
    """The moving parts of one run."""

    def __init__(self, training: Training, wanted: Wanted, rules: Rules, evaluation: Evaluation | None = None) -> None:
        self.training, self.wanted, self.rules, self.evaluation = training, wanted, rules, evaluation
        self.kept: dict[TensorId, torch.Tensor] = {}
        self.learning_rates: list[float] = []
        self.memory: dict[Any, Any] = {}
        program = training.program
        self.parameters = {
            name: self._place(training.parameters_before[name]).requires_grad_(name not in training.frozen)
            for name in program.parameters
        }
        self.buffers = {name: self._place(tensor) for name, tensor in training.buffers_before.items()}
        self.trained = {name: p for name, p in self.parameters.items() if name not in training.frozen}
        set_mode(program, training.train)

    def _place(self, tensor: torch.Tensor) -> torch.Tensor:
        dtype = self.training.dtype if tensor.is_floating_point() else tensor.dtype
        return tensor.to(self.training.device, dtype, copy=True)

    @property
    def optimizer(self) -> torch.optim.Optimizer | None:
        """None where there is none, or nothing to train."""
        return self._stepper[0]

    @cached_property
    def _stepper(self) -> tuple[torch.optim.Optimizer | None, Any]:
        """Optimizer and schedule, which may set the first learning rate; built when first needed."""
        spec, schedule = self.training.optimizer, self.training.schedule
        if spec is None or not self.trained:
            return None, None
        optimizer = spec.build(self.trained)
        if self.training.state:
            load_state(optimizer, spec, self.trained, self.training.state, f"{self.training.program.path}.state")
        if schedule is None:
            return optimizer, None
        with self._stage("schedule", "the schedule does not fit the optimizer"):
            return optimizer, schedule.build(optimizer)

    @contextlib.contextmanager
    def _stage(self, field_name: str, what: str) -> Iterator[None]:
        try:
            yield
        except TORCH_ERRORS as error:
            raise as_problem_error(error, f"{self.training.program.path}.{field_name}", what) from error

    def take_step(self, k: int) -> None:
        """Takes step k and keeps what is wanted of it."""
        step = self.training.steps[k]
        if not self._needs_update(k) or self.optimizer is None:
            self._evaluate(k)
            self._keep_buffers(k)
            return
        rates = self._set_learning_rate(step)
        if self.rules.update is None and isinstance(self.optimizer, torch.optim.LBFGS):
            with self._stage("optimizer", "the optimizer cannot take a step"):
                loss = self.optimizer.step(lambda: float(self._evaluate(k)))  # type: ignore[no-untyped-call]
        else:
            loss = self._evaluate(k)
            self._update(k)
        self._restore_learning_rate(rates)
        self._step_schedule(float(loss))
        self._keep_step(k)
        self._keep_buffers(k)

    def _needs_update(self, k: int) -> bool:
        last = min(self.wanted.last_step(len(self.training.steps)), self.training.last_step)
        kinds = (Quantity.UPDATED, Quantity.STATE)
        return k < last or any(self.wanted.any_of(kind, k) for kind in kinds)

    def _evaluate(self, k: int) -> torch.Tensor:
        """Forward, loss, backward, clipping; keeps what is wanted of the first evaluation in a step."""
        first = TensorId(k, Quantity.LOSS) not in self.kept
        if self.evaluation is not None and first and k == 0:
            evaluation = self._resumed(self.evaluation)
        else:
            evaluation = self.evaluate(k)
        gradients = self._altered_gradients(k, evaluation)
        if first:
            self._keep_evaluation(k, evaluation, gradients)
        self._clip(k, evaluation, gradients)
        return evaluation.loss

    def evaluate(self, k: int) -> Evaluation:
        """Forward, loss and backward of step k."""
        step = self.training.steps[k]
        inputs = self._inputs(k, step)
        targets = {name: self._place(tensor) for name, tensor in step.targets.items()}
        tensors = {**self.parameters, **self.buffers}
        for parameter in self.trained.values():
            parameter.grad = None
        values = forward(self.training.program, tensors, inputs, self.training.dtype, self.rules.nodes)
        retained = self._retain(k, values)
        loss = self._loss(tensors, values, targets)
        if loss.requires_grad:
            with self._stage("network", "the backward pass failed"):
                loss.backward()  # type: ignore[no-untyped-call]
        gradients = {name: p.grad for name, p in self.trained.items() if p.grad is not None}
        return Evaluation(values, inputs, loss.detach(), gradients, retained, self.parameters, self.buffers)

    def _resumed(self, evaluation: Evaluation) -> Evaluation:
        """The evaluation, with its parameters, gradients and buffers as those of this run."""
        with torch.no_grad():
            for name, parameter in evaluation.parameters.items():
                self.parameters[name].copy_(parameter)
        for name, gradient in evaluation.gradients.items():
            self.trained[name].grad = gradient.clone()
        for name, buffer in evaluation.buffers.items():
            self.buffers[name].copy_(buffer)
        return evaluation

    def _moment(self, k: int, values: Values) -> Moment:
        rates = {}
        if self.optimizer is not None:
            names = {id(tensor): name for name, tensor in self.trained.items()}
            for group in self.optimizer.param_groups:
                rates.update({names[id(tensor)]: float(group["lr"]) for tensor in group["params"]})
        return Moment(k, self.training, values, self.parameters, rates, self.memory)

    def _inputs(self, k: int, step: StepData) -> Named:
        wants = self.wanted.any_of(Quantity.INPUT_GRADIENT, k)
        inputs = {name: self._place(tensor) for name, tensor in step.inputs.items()}
        for name in self.training.program.inputs:
            if name not in inputs:
                path = f"{self.training.program.path}.steps[{k}].inputs"
                raise InvalidProblemError([Violation(path, "REQUIRED", f"the input {name!r} has no value")])
            if wants and inputs[name].is_floating_point():
                inputs[name].requires_grad_()
        return inputs

    def _retain(self, k: int, values: Values) -> frozenset[str]:
        if not self.wanted.any_of(Quantity.NODE_GRADIENT, k):
            return frozenset()
        keys = [key for key, value in values.items() if value.requires_grad and not value.is_leaf]
        for key in keys:
            values[key].retain_grad()
        return frozenset(keys)

    def _loss(self, tensors: Named, values: Values, targets: Named) -> torch.Tensor:
        program = self.training.program
        if self.rules.loss is not None:
            with self._stage("loss", "the loss cannot be computed"):
                return self.rules.loss(program.loss, tensors, values, targets)
        return loss_of(program, tensors, values, targets)

    def _altered_gradients(self, k: int, evaluation: Evaluation) -> Named:
        """The gradients after the rule for them, which are those of the parameters from here on."""
        gradients = {name: p.grad for name, p in self.trained.items() if p.grad is not None}
        if self.rules.gradients is None:
            return gradients
        changed = self.rules.gradients(gradients, self._moment(k, evaluation.values))
        for name, parameter in self.trained.items():
            parameter.grad = changed.get(name)
        return changed

    def _clip(self, k: int, evaluation: Evaluation, gradients: Named) -> None:
        if self.rules.clip is not None:
            for name, gradient in self.rules.clip(gradients, self._moment(k, evaluation.values)).items():
                self.trained[name].grad = gradient
            return
        clipping = self.training.clipping
        if self.trained and clipping != Clipping():
            with self._stage("clip_grad_norm", "the gradients cannot be clipped"):
                clip(list(self.trained.values()), clipping)

    def _update(self, k: int) -> None:
        assert self.optimizer is not None
        if self.rules.update is None:
            with self._stage("optimizer", f"{type(self.optimizer).__name__} cannot take a step"):
                self.optimizer.step()
            return
        gradients = {name: p.grad for name, p in self.trained.items() if p.grad is not None}
        with torch.no_grad(), self._stage("optimizer", "the altered update failed"):
            new = self.rules.update(dict(self.trained), gradients, self._moment(k, {}))
            for name, value in new.items():
                self.trained[name].copy_(value)

    def _set_learning_rate(self, step: StepData) -> list[Any]:
        assert self.optimizer is not None
        groups = self.optimizer.param_groups
        before = [group["lr"] for group in groups]
        if step.lr is not None:
            for group in groups:
                group["lr"] = step.lr
        self.learning_rates.append(float(groups[0]["lr"]))
        return before

    def _restore_learning_rate(self, rates: list[Any]) -> None:
        assert self.optimizer is not None
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate

    def _step_schedule(self, loss: float) -> None:
        scheduler = self._stepper[1]
        if scheduler is None:
            return
        with self._stage("schedule", "the schedule cannot take a step"):
            if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
                scheduler.step(loss)
            else:
                scheduler.step()

    def _keep(self, k: int, quantity: Quantity, names: Iterable[str], make: Callable[[str], torch.Tensor]) -> None:
        """Keeps those of the named tensors that are wanted."""
        if self.wanted.any_of(quantity, k):
            ids = (TensorId(k, quantity, name) for name in names)
            self.kept.update({id: make(id.name) for id in ids if self.wanted.has(id)})

    def _keep_evaluation(self, k: int, evaluation: Evaluation, gradients: Named) -> None:
        program, values, inputs = self.training.program, evaluation.values, evaluation.inputs
        self.kept[TensorId(k, Quantity.LOSS)] = to_host(evaluation.loss.reshape(()))

        def value(key: str) -> torch.Tensor:
            return to_host(values[key])

        def node_gradient(key: str) -> torch.Tensor:
            return gradient_of(values[key], values[key].grad if key in evaluation.retained else None)

        keys = node_keys(program, values)
        self._keep(k, Quantity.OUTPUT, program.outputs, value)
        self._keep(k, Quantity.GRADIENT, self.parameters, lambda n: gradient_of(self.parameters[n], gradients.get(n)))
        self._keep(k, Quantity.INPUT_GRADIENT, floating(inputs), lambda n: gradient_of(inputs[n], inputs[n].grad))
        self._keep(k, Quantity.NODE_VALUE, keys, value)
        self._keep(k, Quantity.NODE_GRADIENT, (key for key in keys if values[key].is_floating_point()), node_gradient)

    def _state(self) -> Named:
        """The optimizer's state by "parameter.key"; an altered update keeps its own in memory["state"]."""
        assert self.optimizer is not None
        if self.rules.update is not None:
            return dict(self.memory.get("state", {}))
        return state_tensors(self.optimizer, self.trained)

    def _keep_step(self, k: int) -> None:
        state = self._state()
        self._keep(k, Quantity.UPDATED, self.parameters, lambda name: to_host(self.parameters[name]))
        self._keep(k, Quantity.STATE, state, lambda name: to_host(state[name]))

    def _keep_buffers(self, k: int) -> None:
        self._keep(k, Quantity.BUFFER, self.buffers, lambda name: to_host(self.buffers[name]))


def floating(tensors: Named) -> list[str]:
    """Names of the floating tensors."""
    return [name for name, tensor in tensors.items() if tensor.is_floating_point()]


def node_keys(program: Program, values: Container[str]) -> list[str]:
    """Keys of the values of nodes, in the network's order."""
    keys = (node.key(output) for node in program.nodes for output in node.operation.signature.outputs)
    return [key for key in keys if key in values]


def to_host(tensor: torch.Tensor) -> torch.Tensor:
    """A dense copy on CPU without its history."""
    dense = tensor.detach().to_dense() if tensor.is_sparse else tensor.detach()
    return dense.to("cpu", copy=True).contiguous()


def gradient_of(tensor: torch.Tensor, gradient: torch.Tensor | None) -> torch.Tensor:
    """The gradient, zeros where the loss does not depend on the tensor."""
    return torch.zeros_like(tensor, device="cpu") if gradient is None else to_host(gradient)


def clip(parameters: list[torch.Tensor], clipping: Clipping) -> None:
    """Clips the gradients of leaf tensors in place, by norm, then by value."""
    if clipping.max_norm is not None:
        torch.nn.utils.clip_grad_norm_(parameters, clipping.max_norm, clipping.norm_type)
    if clipping.clip_value is not None:
        torch.nn.utils.clip_grad_value_(parameters, clipping.clip_value)
