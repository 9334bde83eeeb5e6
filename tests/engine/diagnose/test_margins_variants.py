"""Variants of likelihood and margin losses, and of ignored arguments, give the numbers of formulas by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from gradproof_server.engine.diagnose.variants import divergences, loss_arguments, margins
from gradproof_server.engine.types import Quantity

from tests.engine.loss_problems import Setting, close, differs, find, gradients, one_batch, rand, tell, texts_of

VARIANTS = (*divergences.VARIANTS, *margins.VARIANTS, *loss_arguments.VARIANTS)
N, K = 4, 3
X = rand(N, 3, seed=5)
T = rand(N, K, seed=3)
Q = T.softmax(1)
COUNTS = torch.tensor([[0.0, 1.0, 3.0], [2.0, 2.0, 0.0], [5.0, 1.0, 1.0], [0.0, 0.0, 4.0]], dtype=torch.float64)
VAR = rand(N, K, seed=7, low=0.2, high=2.0)
OTHER, FAR = rand(N, K, seed=8), rand(N, K, seed=9)
SIGNS = torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64)
SIGN_TABLE = torch.stack([SIGNS, -SIGNS, SIGNS], 1)
CLASSES = torch.tensor([2, 0, 1, 2])
ROWS = torch.arange(N)
LOG_SOFTMAX, SOFTMAX = ("LogSoftmax", {"dim": 1}), ("Softmax", {"dim": 1})


def setting(loss: str, last: Any = None, arguments: Any = None, **targets: torch.Tensor) -> Setting:
    """A network with three outputs under a loss."""
    return Setting(loss, [(X, targets)], width=K, last=last, arguments=arguments or {})


def kl(last: Any = LOG_SOFTMAX, target: torch.Tensor = Q, **arguments: Any) -> Setting:
    """KLDivLoss, averaged over the batch."""
    return setting("KLDivLoss", last, {"reduction": "batchmean", **arguments}, target=target)


def distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Euclidean, of rows."""
    return ((a - b) ** 2).sum(1).sqrt()


GAUSS = setting("GaussianNLLLoss", target=T, var=VAR)
POISSON = setting("PoissonNLLLoss", target=COUNTS)
RANKING = setting("MarginRankingLoss", arguments={"margin": 0.4}, input2=OTHER, target=SIGN_TABLE)
COSINE = setting("CosineEmbeddingLoss", arguments={"margin": 0.2}, input2=OTHER, target=SIGNS)
HINGE = setting("HingeEmbeddingLoss", target=SIGN_TABLE)
TRIPLET = setting("TripletMarginLoss", arguments={"eps": 0.0}, positive=OTHER, negative=FAR)
MULTI = setting("MultiMarginLoss", target=CLASSES)
SOFT = setting("SoftMarginLoss", target=SIGN_TABLE)
MULTI_SOFT = setting("MultiLabelSoftMarginLoss", target=(SIGN_TABLE + 1) / 2)


def gauss(y: torch.Tensor, log: float, square: float, var: torch.Tensor = VAR) -> torch.Tensor:
    """log·ln var + square·e²/var."""
    return (log * var.log() + square * (y - T) ** 2 / var).mean()


def cosine(y: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """1 - cos for pairs, max(0, cos - 0.2) for the others."""
    c = (y * OTHER).sum(1) / (y.norm(dim=1) * OTHER.norm(dim=1))
    return torch.where(t == 1, 1 - c, (c - 0.2).clamp_min(0)).mean()


def multi(y: torch.Tensor, power: int, divided: int, every: bool = False) -> torch.Tensor:
    """Σ max(0, 1 - y_t + y_j)^p over the other classes."""
    terms = (1 - y[ROWS, CLASSES].unsqueeze(1) + y).clamp_min(0) ** power
    mask = torch.ones(N, K, dtype=torch.float64)
    if not every:
        mask[ROWS, CLASSES] = 0
    return (terms * mask).sum() / divided / N


BY_HAND: list[tuple[str, Setting, Callable[[torch.Tensor], torch.Tensor]]] = [
    ("kl_reversed", kl(), lambda z: (z.softmax(1) * (z.log_softmax(1) - Q.log())).sum() / N),
    ("kl_input_not_log", kl(), lambda z: -(Q * z.softmax(1)).sum() / N),
    ("kl_log_of_input", kl(SOFTMAX), lambda z: -(Q * z.log_softmax(1)).sum() / N),
    ("kl_log_softmax_of_input", kl(None), lambda z: -(Q * z.log_softmax(1)).sum() / N),
    ("kl_log_target_mismatch", kl(), lambda z: -(Q.exp() * z.log_softmax(1)).sum() / N),
    ("kl_log_target_mismatch", kl(target=Q.log(), log_target=True),
     lambda z: -(Q.log() * z.log_softmax(1)).sum() / N),
    ("gaussian_variance_as_deviation", GAUSS, lambda y: gauss(y, 0.5, 0.5, VAR**2)),
    ("gaussian_variance_as_log", GAUSS, lambda y: gauss(y, 0.5, 0.5, VAR.exp())),
    ("gaussian_without_half", GAUSS, lambda y: gauss(y, 1, 1)),
    ("gaussian_square_without_half", GAUSS, lambda y: gauss(y, 0.5, 1)),
    ("half_squared_error_instead_of_gaussian", GAUSS, lambda y: ((y - T) ** 2).mean() / 2),
    ("poisson_log_input_mismatch", setting("PoissonNLLLoss", ("Softplus", {}), {"log_input": False}, target=COUNTS),
     lambda z: ((1 + z.exp()).log().exp() - COUNTS * (1 + z.exp()).log()).mean()),
    ("poisson_rate_term_missing", POISSON, lambda y: -(COUNTS * y).mean()),
    ("mse_instead_of_poisson", POISSON, lambda y: ((y.exp() - COUNTS) ** 2).mean()),
    ("target_sign", RANKING, lambda y: (SIGN_TABLE * (y - OTHER) + 0.4).clamp_min(0).mean()),
    ("target_sign", COSINE, lambda y: cosine(y, -SIGNS)),
    ("target_sign", SOFT, lambda y: (1 + (SIGN_TABLE * y).exp()).log().mean()),
    ("targets_zero_one", SOFT, lambda y: (1 + (-(SIGN_TABLE + 1) / 2 * y).exp()).log().mean()),
    ("margin_sign", RANKING, lambda y: (-SIGN_TABLE * (y - OTHER) - 0.4).clamp_min(0).mean()),
    ("other_margin", RANKING, lambda y: (-SIGN_TABLE * (y - OTHER) + 1).clamp_min(0).mean()),
    ("margin_sign", TRIPLET, lambda y: (distance(y, OTHER) - distance(y, FAR) - 1).clamp_min(0).mean()),
    ("triplet_swapped", TRIPLET, lambda y: (distance(y, FAR) - distance(y, OTHER) + 1).clamp_min(0).mean()),
    ("triplet_squared_distance", TRIPLET,
     lambda y: (distance(y, OTHER) ** 2 - distance(y, FAR) ** 2 + 1).clamp_min(0).mean()),
    ("hinge_not_clamped", RANKING, lambda y: (-SIGN_TABLE * (y - OTHER)).mean()),
    ("hinge_squared", RANKING, lambda y: ((-SIGN_TABLE * (y - OTHER) + 0.4).clamp_min(0) ** 2).mean()),
    ("hinge_squared", MULTI, lambda y: multi(y, 2, K)),
    ("classification_hinge_instead_of_embedding", HINGE, lambda y: (1 - SIGN_TABLE * y).clamp_min(0).mean()),
    ("margin_not_divided_by_classes", MULTI, lambda y: multi(y, 1, 1)),
    ("true_class_in_margin", setting("MultiMarginLoss", arguments={"p": 2}, target=CLASSES),
     lambda y: multi(y, 2, K, True)),
    ("hinge_instead_of_soft_margin", SOFT, lambda y: (1 - SIGN_TABLE * y).clamp_min(0).mean()),
    ("dot_product_instead_of_cosine", COSINE,
     lambda y: torch.where(SIGNS == 1, 1 - (y * OTHER).sum(1), ((y * OTHER).sum(1) - 0.2).clamp_min(0)).mean()),
    ("label_smoothing_ignored", setting("CrossEntropyLoss", arguments={"label_smoothing": 0.2}, target=CLASSES),
     lambda z: -z.log_softmax(1)[ROWS, CLASSES].mean()),
    ("weight_ignored", setting("CrossEntropyLoss", arguments={"weight": VAR[0]}, target=CLASSES),
     lambda z: -z.log_softmax(1)[ROWS, CLASSES].mean()),
    ("ignore_index_ignored", setting("CrossEntropyLoss", arguments={"ignore_index": 2}, target=CLASSES),
     lambda z: -z.log_softmax(1)[ROWS, CLASSES].mean()),
    ("pos_weight_ignored", setting("BCEWithLogitsLoss", arguments={"pos_weight": VAR[0]}, target=Q),
     lambda z: (-Q * z.sigmoid().log() - (1 - Q) * (-z).sigmoid().log()).mean()),
    ("beta_ignored", setting("SmoothL1Loss", arguments={"beta": 0.2}, target=T),
     lambda y: torch.where((y - T).abs() < 1, (y - T) ** 2 / 2, (y - T).abs() - 0.5).mean()),
    ("margin_ignored", RANKING, lambda y: (-SIGN_TABLE * (y - OTHER)).clamp_min(0).mean()),
    ("p_ignored", setting("TripletMarginLoss", arguments={"p": 1.0, "eps": 0.0}, positive=OTHER, negative=FAR),
     lambda y: (distance(y, OTHER) - distance(y, FAR) + 1).clamp_min(0).mean()),
]  # fmt: skip


@pytest.mark.parametrize(("code", "case_setting", "formula"), BY_HAND)
def test_gradients_by_hand(code: str, case_setting: Setting, formula: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """A proposal of the variant gives the gradients of the formula, and these are not PyTorch's."""
    case = case_setting.case()
    expected = case_setting.gradients_by_hand(formula)
    told = [tell(case, proposal) for proposal in find(VARIANTS, f"loss.{code}").propose(case)]
    fitting = [t for t in told if close(gradients(t), expected)]
    assert fitting
    assert differs(case, fitting[0])


def test_ctc_true_derivative_is_that_of_the_recursion() -> None:
    """At the log-probabilities the gradient is the difference quotient of the loss, at the logits PyTorch's."""
    lengths = {"targets": torch.tensor([[1, 2], [3, 1]]), "input_lengths": torch.tensor([5, 4]),
               "target_lengths": torch.tensor([2, 1])}  # fmt: skip
    x = rand(5, 2, 3, seed=5)
    made = Setting("CTCLoss", [(x, lengths)], width=4, last=("LogSoftmax", {"dim": 2}))
    case = made.case(Quantity.NODE_GRADIENT, Quantity.GRADIENT)
    (proposal,) = find(VARIANTS, "loss.ctc_true_derivative").propose(case)
    told = tell(case, proposal)
    logs = made.outputs(made.parameters).log_softmax(2)
    loss = torch.nn.CTCLoss()
    numeric, step = torch.zeros_like(logs), 1e-6
    for index in torch.cartesian_prod(*(torch.arange(size) for size in logs.shape)).tolist():
        moved = torch.zeros_like(logs)
        moved[tuple(index)] = step
        numeric[tuple(index)] = (loss(logs + moved, *lengths.values()) - loss(logs - moved, *lengths.values())) / (
            2 * step
        )
    found = next(tensor for id, tensor in told.items() if id.quantity is Quantity.NODE_GRADIENT and id.name == "3")
    torch.testing.assert_close(found, numeric, rtol=1e-6, atol=1e-8)
    assert close(gradients(told), gradients(dict(case.reference)))


SMALL: list[Setting] = [
    GAUSS, POISSON, MULTI_SOFT, HINGE, TRIPLET,
    setting("PoissonNLLLoss", arguments={"full": True}, target=COUNTS),
    setting("PoissonNLLLoss", ("Sigmoid", {}), {"log_input": False, "eps": 0.1}, target=COUNTS),
    setting("GaussianNLLLoss", arguments={"full": True, "eps": 1.0}, target=T, var=VAR),
    setting("TripletMarginLoss", arguments={"swap": True, "margin": 3.0}, positive=OTHER, negative=0.2 * OTHER + 0.3),
    setting("HuberLoss", arguments={"delta": 0.3}, target=T),
    setting("CTCLoss", ("LogSoftmax", {"dim": 1}), {"blank": 1}, targets=torch.tensor([2, 0]),
            input_lengths=torch.tensor(4), target_lengths=torch.tensor(2)),
    setting("CTCLoss", ("LogSoftmax", {"dim": 1}), {"zero_infinity": True}, targets=torch.tensor([2, 2, 2, 1]),
            input_lengths=torch.tensor(4), target_lengths=torch.tensor(4)),
]  # fmt: skip
POOL = [*(made for _, made, _ in BY_HAND), *SMALL]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.code)
def test_every_row_acts(variant: margins.Variant) -> None:
    """Each row is proposed somewhere, runs, changes the numbers there, and reads well."""
    acted = 0
    for made in POOL:
        case = made.case(Quantity.LOSS, Quantity.GRADIENT, Quantity.NODE_GRADIENT)
        for proposal in variant.propose(case):
            acted += differs(case, tell(case, proposal))
            assert not any(brace in text for text in texts_of(variant, proposal) for brace in "{}")
    assert acted


def test_nothing_under_a_squared_error() -> None:
    """A squared error has no margin, no distribution and no argument that could be ignored."""
    case = one_batch("MSELoss", rand(N, 2)).case(Quantity.GRADIENT, Quantity.LOSS)
    assert not [variant.code for variant in VARIANTS if list(variant.propose(case))]
