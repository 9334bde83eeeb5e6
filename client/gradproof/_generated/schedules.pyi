# Generated from schedules.proto by protos/generate.py; do not edit.
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from gradproof.network import Node
from gradproof.tensors import ArrayLike
from gradproof.v1.losses_pb2 import Loss
from gradproof.v1.optimizers_pb2 import Optimizer
from gradproof.v1.schedules_pb2 import Schedule

__all__: list[str] = [
    "SWALR", "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR",
    "ExponentialLR", "LinearLR", "MultiStepLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR",
    "StepLR",
]

def SWALR(
    swa_lr: float, anneal_epochs: int | None = None, anneal_strategy: Literal["cos", "linear"] | None = None,
    last_epoch: int | None = None,
) -> Schedule:
    """Anneals to swa_lr in anneal_epochs steps and stays there.

    Args:
        swa_lr: The final learning rate.
        anneal_epochs: Steps of annealing. Default: 10.
        anneal_strategy: Shape of the curve. Default: cos.
        last_epoch: Index of the last step; -1 starts from the beginning. Default: -1.
    """

def ChainedScheduler(
    schedulers: Sequence[Schedule],
) -> Schedule:
    """Several schedules at once: their factors multiply.

    Args:
        schedulers: The schedules.
    """

def ConstantLR(
    factor: float | None = None, total_iters: int | None = None, last_epoch: int | None = None,
) -> Schedule:
    """lr times factor for total_iters steps, then lr.

    Args:
        factor: The factor. Default: 0.3333333333333333.
        total_iters: Number of steps over which the factor acts. Default: 5.
        last_epoch: Index of the last step; -1 starts from the beginning. Default: -1.
    """

def CosineAnnealingLR(
    T_max: int, eta_min: float | None = None, last_epoch: int | None = None,
) -> Schedule:
    """eta_min + (lr - eta_min) * (1 + cos(pi * t / t_max)) / 2.

    Args:
        T_max: Half period in steps.
        eta_min: Smallest learning rate. Default: 0.0.
        last_epoch: Index of the last step; -1 starts from the beginning. Default: -1.
    """

def CosineAnnealingWarmRestarts(
    T_0: int, T_mult: int | None = None, eta_min: float | None = None, last_epoch: int | None = None,
) -> Schedule:
    """Cosine annealing that starts again after t_0 steps, then t_0 * t_mult, ... (Loshchilov and Hutter 2017).

    Args:
        T_0: Steps until the first restart.
        T_mult: Factor of the period at each restart. Default: 1.
        eta_min: Smallest learning rate. Default: 0.0.
        last_epoch: Index of the last step; -1 starts from the beginning. Default: -1.
    """

def CyclicLR(
    base_lr: float, max_lr: float, step_size_up: int | None = None, step_size_down: int | None = None,
    mode: Literal["triangular", "triangular2", "exp_range"] | None = None, gamma: float | None = None,
    scale_mode: Literal["cycle", "iterations"] | None = None, cycle_momentum: bool | None = None,
    base_momentum: float | None = None, max_momentum: float | None = None, last_epoch: int | None = None,
) -> Schedule:
    """Between base_lr and max_lr and back, again and again (Smith 2017).

    Args:
        base_lr: Lower bound of the learning rate.
        max_lr: Upper bound of the learning rate.
        step_size_up: Number of steps from base_lr to max_lr. Default: 2000.
        step_size_down: Number of steps from max_lr to base_lr; none means step_size_up. Default: none.
        mode: How the amplitude changes from cycle to cycle. Default: triangular.
        gamma: Factor of the amplitude, for mode exp_range. Default: 1.0.
        scale_mode: What the amplitude depends on. Default: cycle.
        cycle_momentum: Whether momentum is cycled too, opposite to the learning rate. Default: true.
        base_momentum: Lower bound of the momentum. Default: 0.8.
        max_momentum: Upper bound of the momentum. Default: 0.9.
        last_epoch: Index of the last step; -1 starts from the beginning. Default: -1.
    """

def ExponentialLR(
    gamma: float, last_epoch: int | None = None,
) -> Schedule:
    """lr * gamma^t.

    Args:
        gamma: Factor.
        last_epoch: Index of the last step; -1 starts from the beginning. Default: -1.
    """

def LinearLR(
    start_factor: float | None = None, end_factor: float | None = None, total_iters: int | None = None,
    last_epoch: int | None = None,
) -> Schedule:
    """lr times a factor that goes linearly from start_factor to end_factor in total_iters steps.

    Args:
        start_factor: Factor at the first step. Default: 0.3333333333333333.
        end_factor: Factor at the last step. Default: 1.0.
        total_iters: Number of steps over which the factor acts. Default: 5.
        last_epoch: Index of the last step; -1 starts from the beginning. Default: -1.
    """

def MultiStepLR(
    milestones: int | Sequence[int], gamma: float | None = None, last_epoch: int | None = None,
) -> Schedule:
    """lr times gamma at each milestone.

    Args:
        milestones: Step indices, increasing.
        gamma: Factor. Default: 0.1.
        last_epoch: Index of the last step; -1 starts from the beginning. Default: -1.
    """

def OneCycleLR(
    max_lr: float, total_steps: int | None = None, epochs: int | None = None, steps_per_epoch: int | None = None,
    pct_start: float | None = None, anneal_strategy: Literal["cos", "linear"] | None = None,
    cycle_momentum: bool | None = None, base_momentum: float | None = None, max_momentum: float | None = None,
    div_factor: float | None = None, final_div_factor: float | None = None, three_phase: bool | None = None,
    last_epoch: int | None = None,
) -> Schedule:
    """Up to max_lr and down again once (Smith and Topin 2018).

    Args:
        max_lr: Upper bound of the learning rate.
        total_steps: Length of the cycle in steps; none means epochs * steps_per_epoch. Default: none.
        epochs: Number of epochs. Default: none.
        steps_per_epoch: Steps in an epoch. Default: none.
        pct_start: Share of the cycle spent going up. Default: 0.3.
        anneal_strategy: Shape of the curve. Default: cos.
        cycle_momentum: Whether momentum is cycled too, opposite to the learning rate. Default: true.
        base_momentum: Lower bound of the momentum. Default: 0.85.
        max_momentum: Upper bound of the momentum. Default: 0.95.
        div_factor: max_lr divided by the initial lr. Default: 25.0.
        final_div_factor: Initial lr divided by the last. Default: 10000.0.
        three_phase: Whether there are three phases: up, down to the initial learning rate, and down to the last one.
            Default: false.
        last_epoch: Index of the last step; -1 starts from the beginning. Default: -1.
    """

def PolynomialLR(
    total_iters: int | None = None, power: float | None = None, last_epoch: int | None = None,
) -> Schedule:
    """lr * (1 - t / total_iters)^power.

    Args:
        total_iters: Number of steps over which the factor acts. Default: 5.
        power: Exponent. Default: 1.0.
        last_epoch: Index of the last step; -1 starts from the beginning. Default: -1.
    """

def ReduceLROnPlateau(
    mode: Literal["min", "max"] | None = None, factor: float | None = None, patience: int | None = None,
    threshold: float | None = None, threshold_mode: Literal["rel", "abs"] | None = None, cooldown: int | None = None,
    min_lr: float | None = None, eps: float | None = None,
) -> Schedule:
    """lr times factor when the loss has not improved for patience steps; the step's loss is the metric.

    Args:
        mode: Whether the metric should fall or rise. Default: min.
        factor: The factor. Default: 0.1.
        patience: Number of steps without improvement that are tolerated. Default: 10.
        threshold: Smallest change of the metric that counts as an improvement. Default: 0.0001.
        threshold_mode: Whether threshold is relative or absolute. Default: rel.
        cooldown: Number of steps after a reduction that do not count towards patience. Default: 0.
        min_lr: Smallest learning rate. Default: 0.
        eps: Smallest change of the learning rate; a smaller one is not made. Default: 1e-08.
    """

def SequentialLR(
    schedulers: Sequence[Schedule], milestones: int | Sequence[int], last_epoch: int | None = None,
) -> Schedule:
    """One schedule after another, changing at the milestones.

    Args:
        schedulers: The schedules.
        milestones: Step indices, increasing.
        last_epoch: Index of the last step; -1 starts from the beginning. Default: -1.
    """

def StepLR(
    step_size: int, gamma: float | None = None, last_epoch: int | None = None,
) -> Schedule:
    """lr times gamma every step_size steps.

    Args:
        step_size: Steps between changes.
        gamma: Factor. Default: 0.1.
        last_epoch: Index of the last step; -1 starts from the beginning. Default: -1.
    """
