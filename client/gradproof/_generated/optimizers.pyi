# Generated from optimizers.proto by protos/generate.py; do not edit.
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from gradproof.network import Node
from gradproof.tensors import ArrayLike
from gradproof.v1.losses_pb2 import Loss
from gradproof.v1.optimizers_pb2 import Optimizer
from gradproof.v1.schedules_pb2 import Schedule

__all__: list[str] = [
    "ASGD", "LBFGS", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Muon", "NAdam", "RAdam",
    "RMSprop", "Rprop", "SparseAdam",
]

def ASGD(
    lr: float | None = None, lambd: float | None = None, alpha: float | None = None, t0: float | None = None,
    weight_decay: float | None = None, maximize: bool | None = None, *,
    groups: Sequence[Mapping[str, Any]] | None = None, **without_effect: Any,
) -> Optimizer:
    """Averaged stochastic gradient descent (Polyak and Juditsky 1992).

    Args:
        lr: Learning rate, >= 0. Default: 0.01.
        lambd: Decay term: eta = lr / (1 + lambd * lr * t)^alpha, and p is multiplied by 1 - lambd * eta. Default:
            0.0001.
        alpha: Exponent in the decay of eta. Default: 0.75.
        t0: Step at which averaging starts. Default: 1000000.0.
        weight_decay: Weight decay: weight_decay * p is added to the gradient. Default: 0.
        maximize: Whether the step maximizes: it goes along the gradient instead of against it. Default: false.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def LBFGS(
    lr: float | None = None, max_iter: int | None = None, max_eval: int | None = None,
    tolerance_grad: float | None = None, tolerance_change: float | None = None, history_size: int | None = None,
    line_search_fn: Literal["strong_wolfe"] | None = None, *, groups: Sequence[Mapping[str, Any]] | None = None,
    **without_effect: Any,
) -> Optimizer:
    """Limited-memory BFGS; evaluates the loss several times in one step.

    Args:
        lr: Learning rate, >= 0. Default: 1.
        max_iter: Largest number of iterations in a step. Default: 20.
        max_eval: Largest number of evaluations in a step; none means 1.25 * max_iter. Default: none.
        tolerance_grad: Iteration stops when the gradient is smaller than this. Default: 1e-07.
        tolerance_change: Iteration stops when the change is smaller than this. Default: 1e-09.
        history_size: Number of past updates kept. Default: 100.
        line_search_fn: Line search. Default: none.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def SGD(
    lr: float | None = None, momentum: float | None = None, dampening: float | None = None,
    weight_decay: float | None = None, nesterov: bool | None = None, maximize: bool | None = None, *,
    groups: Sequence[Mapping[str, Any]] | None = None, **without_effect: Any,
) -> Optimizer:
    """g = g + weight_decay * p; b = momentum * b + (1 - dampening) * g, b = g at the first step; p - lr * b, or
    p - lr * (g + momentum * b) with nesterov.

    Args:
        lr: Learning rate, >= 0. Default: 0.001.
        momentum: Share of the momentum buffer that is kept, >= 0. Default: 0.
        dampening: Share of the gradient left out of the momentum buffer. Default: 0.
        weight_decay: Weight decay: weight_decay * p is added to the gradient. Default: 0.
        nesterov: Whether Nesterov momentum is used. Default: false.
        maximize: Whether the step maximizes: it goes along the gradient instead of against it. Default: false.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def Adadelta(
    lr: float | None = None, rho: float | None = None, eps: float | None = None, weight_decay: float | None = None,
    maximize: bool | None = None, *, groups: Sequence[Mapping[str, Any]] | None = None, **without_effect: Any,
) -> Optimizer:
    """Steps scaled by the ratio of running root mean squares of updates and gradients (Zeiler 2012).

    Args:
        lr: Learning rate, >= 0. Default: 1.0.
        rho: Decay of the running averages, in [0, 1]. Default: 0.9.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-06.
        weight_decay: Weight decay: weight_decay * p is added to the gradient. Default: 0.
        maximize: Whether the step maximizes: it goes along the gradient instead of against it. Default: false.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def Adafactor(
    lr: float | None = None, beta2_decay: float | None = None, eps: float | Sequence[float | None] | None = None,
    d: float | None = None, weight_decay: float | None = None, maximize: bool | None = None, *,
    groups: Sequence[Mapping[str, Any]] | None = None, **without_effect: Any,
) -> Optimizer:
    """Adam with a factored second moment (Shazeer and Stern 2018).

    Args:
        lr: Learning rate, >= 0. Default: 0.01.
        beta2_decay: Exponent of the decay of the second moment, <= 0. Default: -0.8.
        eps: eps2, or eps1 and eps2, the regularisation constants of the square and of the step. Default: eps1 is the
            machine epsilon of the dtype, eps2 is 0.001.
        d: Clipping threshold of the update. Default: 1.0.
        weight_decay: Weight decay: p is multiplied by 1 - lr * weight_decay before the step. Default: 0.0.
        maximize: Whether the step maximizes: it goes along the gradient instead of against it. Default: false.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def Adagrad(
    lr: float | None = None, lr_decay: float | None = None, weight_decay: float | None = None,
    initial_accumulator_value: float | None = None, eps: float | None = None, maximize: bool | None = None, *,
    groups: Sequence[Mapping[str, Any]] | None = None, **without_effect: Any,
) -> Optimizer:
    """Steps divided by the root of the sum of squared gradients (Duchi, Hazan and Singer 2011).

    Args:
        lr: Learning rate, >= 0. Default: 0.01.
        lr_decay: lr is divided by 1 + (step - 1) * lr_decay. Default: 0.
        weight_decay: Weight decay: weight_decay * p is added to the gradient. Default: 0.
        initial_accumulator_value: Initial sum of squares, >= 0. Default: 0.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-10.
        maximize: Whether the step maximizes: it goes along the gradient instead of against it. Default: false.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def Adam(
    lr: float | None = None, betas: float | Sequence[float] | None = None, eps: float | None = None,
    weight_decay: float | None = None, amsgrad: bool | None = None, maximize: bool | None = None,
    decoupled_weight_decay: bool | None = None, *, groups: Sequence[Mapping[str, Any]] | None = None,
    **without_effect: Any,
) -> Optimizer:
    """p - lr * m_hat / (sqrt(v_hat) + eps) with bias-corrected moments (Kingma and Ba 2015).

    Args:
        lr: Learning rate, >= 0. Default: 0.001.
        betas: The two decay rates of the moments, each in [0, 1). Default: (0.9, 0.999).
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-08.
        weight_decay: Weight decay: weight_decay * p is added to the gradient; with decoupled_weight_decay, p is
            multiplied by 1 - lr * weight_decay before the step. Default: 0.
        amsgrad: Whether the maximum of the second moments is used. Default: false.
        maximize: Whether the step maximizes: it goes along the gradient instead of against it. Default: false.
        decoupled_weight_decay: Whether weight decay is taken from the parameter directly. Default: false.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def AdamW(
    lr: float | None = None, betas: float | Sequence[float] | None = None, eps: float | None = None,
    weight_decay: float | None = None, amsgrad: bool | None = None, maximize: bool | None = None, *,
    groups: Sequence[Mapping[str, Any]] | None = None, **without_effect: Any,
) -> Optimizer:
    """Adam with weight decay taken from the parameter directly (Loshchilov and Hutter 2019).

    Args:
        lr: Learning rate, >= 0. Default: 0.001.
        betas: The two decay rates of the moments, each in [0, 1). Default: (0.9, 0.999).
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-08.
        weight_decay: Weight decay: p is multiplied by 1 - lr * weight_decay before the step. Default: 0.01.
        amsgrad: Whether the maximum of the second moments is used. Default: false.
        maximize: Whether the step maximizes: it goes along the gradient instead of against it. Default: false.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def Adamax(
    lr: float | None = None, betas: float | Sequence[float] | None = None, eps: float | None = None,
    weight_decay: float | None = None, maximize: bool | None = None, *,
    groups: Sequence[Mapping[str, Any]] | None = None, **without_effect: Any,
) -> Optimizer:
    """Adam with the infinity norm: u = max(beta2 * u, |g| + eps) (Kingma and Ba 2015).

    Args:
        lr: Learning rate, >= 0. Default: 0.002.
        betas: The two decay rates of the moments, each in [0, 1). Default: (0.9, 0.999).
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-08.
        weight_decay: Weight decay: weight_decay * p is added to the gradient. Default: 0.
        maximize: Whether the step maximizes: it goes along the gradient instead of against it. Default: false.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def Muon(
    lr: float | None = None, weight_decay: float | None = None, momentum: float | None = None,
    nesterov: bool | None = None, ns_coefficients: float | Sequence[float] | None = None, eps: float | None = None,
    ns_steps: int | None = None, adjust_lr_fn: Literal["original", "match_rms_adamw"] | None = None, *,
    groups: Sequence[Mapping[str, Any]] | None = None, **without_effect: Any,
) -> Optimizer:
    """Momentum orthogonalised by Newton-Schulz iterations; matrices only (Jordan 2024).

    Args:
        lr: Learning rate, >= 0. Default: 0.001.
        weight_decay: Weight decay: p is multiplied by 1 - lr * weight_decay before the step. Default: 0.1.
        momentum: Share of the momentum buffer that is kept, >= 0. Default: 0.95.
        nesterov: Whether Nesterov momentum is used. Default: true.
        ns_coefficients: The three coefficients of the Newton-Schulz polynomial. Default: (3.4445, -4.775, 2.0315).
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-07.
        ns_steps: Number of Newton-Schulz iterations. Default: 5.
        adjust_lr_fn: How lr depends on the shape of the matrix. Default: none.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def NAdam(
    lr: float | None = None, betas: float | Sequence[float] | None = None, eps: float | None = None,
    weight_decay: float | None = None, momentum_decay: float | None = None, decoupled_weight_decay: bool | None = None,
    maximize: bool | None = None, *, groups: Sequence[Mapping[str, Any]] | None = None, **without_effect: Any,
) -> Optimizer:
    """Adam with Nesterov momentum (Dozat 2016).

    Args:
        lr: Learning rate, >= 0. Default: 0.002.
        betas: The two decay rates of the moments, each in [0, 1). Default: (0.9, 0.999).
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-08.
        weight_decay: Weight decay: weight_decay * p is added to the gradient; with decoupled_weight_decay, p is
            multiplied by 1 - lr * weight_decay before the step. Default: 0.
        momentum_decay: Decay of the momentum schedule. Default: 0.004.
        decoupled_weight_decay: Whether weight decay is taken from the parameter directly. Default: false.
        maximize: Whether the step maximizes: it goes along the gradient instead of against it. Default: false.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def RAdam(
    lr: float | None = None, betas: float | Sequence[float] | None = None, eps: float | None = None,
    weight_decay: float | None = None, decoupled_weight_decay: bool | None = None, maximize: bool | None = None, *,
    groups: Sequence[Mapping[str, Any]] | None = None, **without_effect: Any,
) -> Optimizer:
    """Adam with a rectified adaptive term (Liu et al. 2020).

    Args:
        lr: Learning rate, >= 0. Default: 0.001.
        betas: The two decay rates of the moments, each in [0, 1). Default: (0.9, 0.999).
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-08.
        weight_decay: Weight decay: weight_decay * p is added to the gradient; with decoupled_weight_decay, p is
            multiplied by 1 - lr * weight_decay before the step. Default: 0.
        decoupled_weight_decay: Whether weight decay is taken from the parameter directly. Default: false.
        maximize: Whether the step maximizes: it goes along the gradient instead of against it. Default: false.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def RMSprop(
    lr: float | None = None, alpha: float | None = None, eps: float | None = None, weight_decay: float | None = None,
    momentum: float | None = None, centered: bool | None = None, maximize: bool | None = None, *,
    groups: Sequence[Mapping[str, Any]] | None = None, **without_effect: Any,
) -> Optimizer:
    """Steps divided by the root of a running mean of squared gradients (Hinton 2012).

    Args:
        lr: Learning rate, >= 0. Default: 0.01.
        alpha: Decay of the running mean of squares, in [0, 1]. Default: 0.99.
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-08.
        weight_decay: Weight decay: weight_decay * p is added to the gradient. Default: 0.
        momentum: Share of the momentum buffer that is kept, >= 0. Default: 0.
        centered: Whether the mean gradient is subtracted from the second moment. Default: false.
        maximize: Whether the step maximizes: it goes along the gradient instead of against it. Default: false.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def Rprop(
    lr: float | None = None, etas: float | Sequence[float] | None = None,
    step_sizes: float | Sequence[float] | None = None, maximize: bool | None = None, *,
    groups: Sequence[Mapping[str, Any]] | None = None, **without_effect: Any,
) -> Optimizer:
    """Steps from the sign of the gradient, with a step size per element (Riedmiller and Braun 1993).

    Args:
        lr: Learning rate, >= 0. Default: 0.01.
        etas: Factors for a step that shrinks and that grows. Default: (0.5, 1.2).
        step_sizes: Smallest and largest step size. Default: (1e-06, 50).
        maximize: Whether the step maximizes: it goes along the gradient instead of against it. Default: false.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """

def SparseAdam(
    lr: float | None = None, betas: float | Sequence[float] | None = None, eps: float | None = None,
    maximize: bool | None = None, *, groups: Sequence[Mapping[str, Any]] | None = None, **without_effect: Any,
) -> Optimizer:
    """Adam that touches only the rows that have gradients; for sparse gradients of embeddings.

    Args:
        lr: Learning rate, >= 0. Default: 0.001.
        betas: The two decay rates of the moments, each in [0, 1). Default: (0.9, 0.999).
        eps: Small number that keeps a denominator from zero, > 0. Default: 1e-08.
        maximize: Whether the step maximizes: it goes along the gradient instead of against it. Default: false.
        groups: parameter groups, as {'parameters': ['0.weight'], 'lr': 0.1}.
        without_effect: foreach, fused, capturable and differentiable are accepted and dropped.
    """
