"""A training step with alterations: what is run to see whether a mistake gives the claimed numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TypeAlias

import torch

from ..forward import NodeCall, Values, loss_of
from ..program import LossProgram
from ..run import Evaluation, GradientRule, LossRule, Moment, Named, Rules, UpdateRule, never, run
from ..training import Training
from ..types import Outcome, ShouldStop, TensorId
from ..wanted import Wanted

Report: TypeAlias = Callable[[TensorId], tuple[TensorId, Callable[[torch.Tensor], torch.Tensor]]]
"""What is said of a tensor: which tensor of the run it really is, and how it is changed before it is told."""


@dataclass(frozen=True)
class Plan:
    """PyTorch's training with alterations at some stages.

    training: the training, its data, arguments or mode altered. nodes: other rules for nodes, by name. loss: another
    loss. loss_scale: a factor of the loss, and so of all gradients. gradients: changes of the raw gradients, in order.
    clip, update: other rules for clipping and for the optimizer's step. reports: what is told of the tensors, in order.
    """

    training: Training
    nodes: Mapping[str, NodeCall] = field(default_factory=dict)
    loss: LossRule | None = None
    loss_scale: float = 1.0
    gradients: tuple[GradientRule, ...] = ()
    clip: GradientRule | None = None
    update: UpdateRule | None = None
    reports: tuple[Report, ...] = ()

    def with_training(self, **changes: object) -> Plan:
        """With fields of the training replaced."""
        return replace(self, training=replace(self.training, **changes))  # type: ignore[arg-type]

    def with_node(self, name: str, rule: NodeCall) -> Plan:
        """With another rule for one node."""
        return replace(self, nodes={**self.nodes, name: rule})

    def with_nodes(self, rules: Mapping[str, NodeCall]) -> Plan:
        """With other rules for some nodes."""
        return replace(self, nodes={**self.nodes, **rules})

    def with_loss(self, rule: LossRule) -> Plan:
        """With another loss."""
        return replace(self, loss=rule)

    def scaled(self, factor: float) -> Plan:
        """With the loss multiplied by a factor, and so all gradients."""
        return replace(self, loss_scale=self.loss_scale * factor)

    def with_gradients(self, rule: GradientRule) -> Plan:
        """With one more change of the raw gradients."""
        return replace(self, gradients=(*self.gradients, rule))

    def with_clip(self, rule: GradientRule) -> Plan:
        """With another rule instead of clipping."""
        return replace(self, clip=rule)

    def with_update(self, rule: UpdateRule) -> Plan:
        """With another rule instead of the optimizer's step."""
        return replace(self, update=rule)

    def with_report(self, report: Report) -> Plan:
        """With one more change of what is told."""
        return replace(self, reports=(*self.reports, report))

    def rules(self) -> Rules:
        """The alterations as rules of a run."""
        return Rules(
            nodes=self.nodes,
            loss=self._loss if self.loss is not None or self.loss_scale != 1.0 else None,
            gradients=self._gradients if self.gradients else None,
            clip=self.clip,
            update=self.update,
        )

    def _loss(
        self, loss: LossProgram | None, tensors: Named, values: Values, targets: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        if self.loss is not None:
            value = self.loss(loss, tensors, values, targets)
        else:
            value = loss_of(self.training.program, tensors, values, targets)
        return value * self.loss_scale

    def _gradients(self, gradients: Named, moment: Moment) -> Named:
        for rule in self.gradients:
            gradients = rule(gradients, moment)
        return gradients

    def tell(
        self, ids: frozenset[TensorId], should_stop: ShouldStop = never, evaluation: Evaluation | None = None
    ) -> dict[TensorId, torch.Tensor]:
        """Runs the plan, from its first evaluation if that is given; what is told of the tensors `ids`, float64.

        Raises as `run`.
        """
        wanted = Wanted(ids=frozenset(self.sources(ids).values()))
        outcome = run(self.training, wanted, should_stop, self.rules(), evaluation)
        return self.told(outcome.tensors, ids)

    def sources(self, ids: Iterable[TensorId]) -> dict[TensorId, TensorId]:
        """Which tensors of the run are told as these ones."""
        return {id: self._source(id)[0] if self.reports else id for id in ids}

    def told(self, tensors: Mapping[TensorId, torch.Tensor], ids: Iterable[TensorId]) -> dict[TensorId, torch.Tensor]:
        """What is told of the tensors `ids`, float64, from those of the run."""
        if not self.reports:
            return {id: tensors[id].double() for id in ids}
        found = {id: self._source(id) for id in ids}
        return {id: change(tensors[source].double()) for id, (source, change) in found.items()}

    def _source(self, id: TensorId) -> tuple[TensorId, Callable[[torch.Tensor], torch.Tensor]]:
        changes: list[Callable[[torch.Tensor], torch.Tensor]] = []
        for report in reversed(self.reports):
            id, change = report(id)
            changes.append(change)

        def changed(tensor: torch.Tensor) -> torch.Tensor:
            for change in reversed(changes):
                tensor = change(tensor)
            return tensor

        return id, changed

    def outcome(self, wanted: Wanted, should_stop: ShouldStop = never) -> Outcome:
        """Runs the plan without its reports, for evidence."""
        return run(self.training, wanted, should_stop, self.rules())


def plan_of(training: Training, alterations: Iterable[Callable[[Plan], Plan]]) -> Plan:
    """PyTorch's training with alterations, in order."""
    return reduce(lambda plan, alter: alter(plan), alterations, Plan(training))


def same(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor as it is."""
    return tensor
