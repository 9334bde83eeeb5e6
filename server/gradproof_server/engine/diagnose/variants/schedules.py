"""Learning-rate schedules ignored, or stepped too early, too often or too seldom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from ...optimizers import ScheduleSpec
from ..case import Case
from ..plan import Plan
from ..stepping.specs import acts
from ..variant import Alter, Proposal, Stage, Variant


@dataclass(frozen=True)
class Stepped(ScheduleSpec):
    """A schedule whose steps come otherwise: `early` before the first step, then `often` in every `every`-th step."""

    early: int = 0
    late: int = 0
    often: int = 1
    every: int = 1

    def build(self, optimizer: torch.optim.Optimizer) -> Any:
        """The scheduler over that optimizer."""
        scheduler = super().build(optimizer)
        for _ in range(self.early):
            scheduler.step()
        return _Pacer(scheduler, self)


@dataclass
class _Pacer:
    """Counts the steps of training and passes on those that count."""

    scheduler: Any
    pace: Stepped
    taken: int = field(default=0)

    def step(self) -> None:
        """After a step of training."""
        self.taken += 1
        if self.taken > self.pace.late and self.taken % self.pace.every == 0:
            for _ in range(self.pace.often):
                self.scheduler.step()


def scheduled(case: Case) -> bool:
    """Whether a schedule is declared that can be seen."""
    return acts(case) and case.training.schedule is not None


def paced(least: int = 1, **pace: int) -> Callable[[Case], Iterator[Proposal]]:
    """The schedule with another pace; needs `least` steps to be seen."""

    def alter(plan: Plan) -> Plan:
        spec = plan.training.schedule
        assert spec is not None
        return plan.with_training(schedule=Stepped(spec.type_name, spec.arguments, **pace))

    def propose(case: Case) -> Iterator[Proposal]:
        # ReduceLROnPlateau asks for the loss in every step, so it has no other pace.
        schedule = case.training.schedule
        if scheduled(case) and case.steps >= least and schedule and schedule.type_name != "ReduceLROnPlateau":
            yield Proposal(alter)

    return propose


def ignored(case: Case) -> Iterator[Proposal]:
    """No schedule at all."""
    if scheduled(case):
        yield Proposal(lambda plan: plan.with_training(schedule=None))


def off_by_one(case: Case) -> Iterator[Proposal]:
    """Other readings of a schedule's numbers: milestones and periods off by one."""
    spec = case.training.schedule
    if not scheduled(case) or spec is None or case.steps < 2:
        return
    for key in ("step_size", "T_max", "total_iters", "T_0", "patience", "cooldown"):
        value = spec.arguments.get(key)
        if isinstance(value, int):
            for other in (value + 1, value - 1):
                if other >= (0 if key in ("patience", "cooldown", "total_iters") else 1):
                    texts = {"key": key, "declared": str(value), "value": str(other)}
                    yield Proposal(_with(key, other), texts=texts)
    milestones = spec.arguments.get("milestones")
    if isinstance(milestones, list | tuple) and spec.type_name == "MultiStepLR":
        for by in (1, -1):
            other_stones = [m + by for m in milestones]
            texts = {"key": "milestones", "declared": str(list(milestones)), "value": str(other_stones)}
            yield Proposal(_with("milestones", other_stones), texts=texts)


def _with(key: str, value: Any) -> Alter:
    def alter(plan: Plan) -> Plan:
        spec = plan.training.schedule
        assert spec is not None
        return plan.with_training(schedule=ScheduleSpec(spec.type_name, {**spec.arguments, key: value}))

    return alter


VARIANTS: tuple[Variant, ...] = (
    Variant(
        code="schedule.ignored",
        stage=Stage.SCHEDULE,
        title="You ignored the schedule of the learning rate.",
        explanation="Your numbers are those of the optimizer's own learning rate in every step. A schedule may also "
        "change the very first step: a warm-up starts below the declared rate.",
        advice="Change the learning rate after every step as the schedule says, or declare none.",
        propose=ignored,
        rank=4,
        look_alikes=("schedule.stepped_late",),
    ),
    Variant(
        code="schedule.stepped_before_optimizer",
        stage=Stage.SCHEDULE,
        title="You moved the schedule on before the optimizer's step, so every learning rate comes one step early.",
        explanation="PyTorch's order is optimizer.step(), then scheduler.step(): step k has the k-th learning rate, "
        "counted from 0.",
        advice="Call the scheduler after the optimizer.",
        propose=paced(early=1),
        rank=4,
        probe="Claim the weights after each of four steps.",
        source="PyTorch's warning since 1.1",
    ),
    Variant(
        code="schedule.stepped_late",
        stage=Stage.SCHEDULE,
        title="You moved the schedule on one step too late.",
        explanation="The first two steps have the same place in the schedule. In PyTorch the second step has the next "
        "learning rate already.",
        advice="Call the scheduler after every optimizer step, the first one included.",
        propose=paced(least=2, late=1),
        rank=8,
        look_alikes=("schedule.ignored",),
    ),
    Variant(
        code="schedule.stepped_twice",
        stage=Stage.SCHEDULE,
        title="You moved the schedule on twice after every step.",
        explanation="Only every second learning rate of the schedule was used.",
        advice="Call the scheduler once after every optimizer step.",
        propose=paced(least=2, often=2),
        rank=10,
    ),
    Variant(
        code="schedule.every_second_step",
        stage=Stage.SCHEDULE,
        title="You moved the schedule on after every second step only.",
        explanation="Every learning rate was used in two steps.",
        advice="Call the scheduler after every optimizer step.",
        propose=paced(least=2, every=2),
        rank=18,
        look_alikes=("schedule.stepped_late",),
    ),
    Variant(
        code="schedule.period_off_by_one",
        stage=Stage.SCHEDULE,
        title="Your schedule has {key} = {value} where {declared} was declared.",
        explanation="The schedule's turning points are one step away from PyTorch's, which counts finished steps.",
        advice="Count the finished steps from 0: the change comes when their number reaches {key}.",
        propose=off_by_one,
        rank=12,
        look_alikes=("schedule.stepped_before_optimizer", "schedule.stepped_late"),
    ),
)
