"""Variants of the reduction give factors that follow from the sizes, and one sample's own gradient."""

from __future__ import annotations

import pytest
import torch
from gradproof_server.engine.diagnose.plan import Plan
from gradproof_server.engine.diagnose.variants import losses, reductions
from gradproof_server.engine.types import Quantity, TensorId
from torch.nn import functional as F

from tests.engine.loss_problems import Setting, close, differs, find, gradients, one_batch, rand, tell, texts_of

VARIANTS = reductions.VARIANTS
N, K = 4, 3
T = rand(N, K, seed=3)
CLASSES = torch.tensor([2, 0, 1, 2])
WEIGHT = torch.tensor([0.5, 2.0, 1.25], dtype=torch.float64)
MSE = one_batch("MSELoss", T, K)
MSE_SUM = one_batch("MSELoss", T, K, arguments={"reduction": "sum"})
CE = one_batch("CrossEntropyLoss", CLASSES, K)
KL_TARGET = T.softmax(1)
LOG_SOFTMAX = ("LogSoftmax", {"dim": 1})
KL = one_batch("KLDivLoss", KL_TARGET, K, last=LOG_SOFTMAX)
KL_BATCH = one_batch("KLDivLoss", KL_TARGET, K, last=LOG_SOFTMAX, arguments={"reduction": "batchmean"})
WEIGHTED = one_batch("CrossEntropyLoss", CLASSES, K, arguments={"weight": WEIGHT})
IGNORED = one_batch("CrossEntropyLoss", CLASSES, K, arguments={"ignore_index": 2})
BOTH = one_batch("CrossEntropyLoss", CLASSES, K, arguments={"ignore_index": 0, "weight": WEIGHT})
WEIGHTS = float(WEIGHT[CLASSES].sum())

FACTORS: list[tuple[str, Setting, float]] = [
    ("sum_instead_of_mean", MSE, N * K),
    ("sum_instead_of_mean", CE, N),
    ("sum_instead_of_mean", WEIGHTED, WEIGHTS),
    ("sum_instead_of_mean", IGNORED, 2),
    ("sum_instead_of_mean", KL_BATCH, N),
    ("mean_instead_of_sum", MSE_SUM, 1 / (N * K)),
    ("batch_mean_only", MSE, K),
    ("batch_mean_only", MSE_SUM, 1 / N),
    ("output_mean_only", MSE, N),
    ("output_mean_only", MSE_SUM, 1 / K),
    ("mean_divided_twice", MSE, 1 / (N * K)),
    ("mean_divided_twice", CE, 1 / N),
    ("divided_by_batch_twice", MSE, 1 / N),
    ("divided_by_outputs_twice", MSE, 1 / K),
    ("divided_by_classes_too", CE, 1 / K),
    ("kl_batchmean_instead_of_mean", KL, K),
    ("kl_mean_instead_of_batchmean", KL_BATCH, 1 / K),
    ("weighted_mean_divided_by_count", WEIGHTED, WEIGHTS / N),
    ("weighted_mean_divided_by_count", BOTH, (1.25 + 2 + 1.25) / 3),
    ("ignored_rows_counted", IGNORED, 2 / N),
    ("ignored_rows_counted", BOTH, (1.25 + 2 + 1.25) / N),
]


@pytest.mark.parametrize(("code", "setting", "factor"), FACTORS)
def test_factor(code: str, setting: Setting, factor: float) -> None:
    """Loss and gradients are the factor times PyTorch's; the text states it."""
    case = setting.case(Quantity.LOSS, Quantity.GRADIENT)
    variant = find(VARIANTS, f"reduction.{code}")
    proposal = next(iter(variant.propose(case)))
    told = tell(case, proposal)
    for id in case.ids:
        torch.testing.assert_close(told[id], case.reference[id] * factor)
    assert f"{factor:.6g}" in proposal.texts["factor"]
    assert not any(brace in text for text in texts_of(variant, proposal) for brace in "{}")


@pytest.mark.parametrize(("code", "index"), [("last_sample_only", -1), ("first_sample_only", 0)])
def test_one_sample(code: str, index: int) -> None:
    """The gradient is that of one sample's loss, with and without the division by N."""
    for setting, loss in ((MSE, lambda y: F.mse_loss(y, T[index])), (CE, lambda y: F.cross_entropy(y, CLASSES[index]))):
        case = setting.case()
        found = [gradients(tell(case, p)) for p in find(VARIANTS, f"reduction.{code}").propose(case)]
        alone = setting.gradients_by_hand(lambda y, loss=loss: loss(y[index]))  # type: ignore[misc]
        assert [close(f, alone) for f in found] == [True, False]
        assert close(found[1], {name: tensor / N for name, tensor in alone.items()})


def test_positions_of_a_sequence() -> None:
    """A loss of (N, T, K) may be averaged over the batch alone, or summed over the features or the times alone."""
    x, t = rand(2, 5, 3, seed=5), rand(2, 5, 3, seed=6)
    case = Setting("MSELoss", [(x, {"target": t})], width=3).case()
    for code, factors in (("batch_mean_only", [15]), ("feature_sum", [3, 5])):
        told = [tell(case, p) for p in find(VARIANTS, f"reduction.{code}").propose(case)]
        bias = TensorId(0, Quantity.GRADIENT, "2.bias")
        ratios = [float((t[bias] / case.reference[bias]).mean()) for t in told]
        assert ratios == pytest.approx(factors)


def test_ctc() -> None:
    """The three reductions of CTC divide by nothing, by the batch, and by the target lengths too."""
    setting = ctc_setting()
    case = setting.case()
    found = [gradients(tell(case, p)) for p in find(VARIANTS, "reduction.ctc").propose(case)]
    total = setting.gradients_by_hand(lambda z: ctc(z, "none").sum())
    assert [close(f, total) for f in found] == [True, False]
    assert close(found[1], {name: tensor / 2 for name, tensor in total.items()})


def ctc_setting() -> Setting:
    """Two sequences of five times over four symbols."""
    targets = {"targets": torch.tensor([[1, 2], [3, 1]]), "input_lengths": torch.tensor([5, 4]),
               "target_lengths": torch.tensor([2, 1])}  # fmt: skip
    return Setting("CTCLoss", [(rand(5, 2, 3, seed=5), targets)], width=4, last=("LogSoftmax", {"dim": 2}))


def ctc(z: torch.Tensor, reduction: str) -> torch.Tensor:
    """PyTorch's CTC loss of raw outputs."""
    _, targets = ctc_setting().batches[0]
    return F.ctc_loss(z.log_softmax(2), targets["targets"], targets["input_lengths"], targets["target_lengths"],
                      reduction=reduction)  # fmt: skip


POOL = [MSE, MSE_SUM, CE, KL, KL_BATCH, WEIGHTED, IGNORED, BOTH, ctc_setting(),
        Setting("MSELoss", [(rand(2, 5, 3, seed=5), {"target": rand(2, 5, 3, seed=6)})], width=3)]  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.code)
def test_every_row_acts(variant: reductions.Variant) -> None:
    """Each row is proposed somewhere, changes the numbers wherever it is proposed, and reads well."""
    acted = 0
    for setting in POOL:
        case = setting.case(Quantity.GRADIENT)
        for proposal in variant.propose(case):
            assert differs(case, tell(case, proposal))
            assert not any(brace in text for text in texts_of(variant, proposal) for brace in "{}")
            acted += 1
    assert acted


def test_nothing_for_one_number() -> None:
    """With one sample and one output every reduction is the same, and none is proposed."""
    case = one_batch("MSELoss", rand(1, 1), 1).case(Quantity.GRADIENT, Quantity.LOSS)
    assert not [variant.code for variant in VARIANTS if list(variant.propose(case))]


def test_composes_with_another_loss() -> None:
    """A reduction on top of an altered loss scales that loss."""
    case = MSE.case()
    l1 = next(iter(find(losses.VARIANTS, "loss.l1_instead_of_mse").propose(case)))
    total = next(iter(find(VARIANTS, "reduction.sum_instead_of_mean").propose(case)))
    last = next(iter(find(VARIANTS, "reduction.last_sample_only").propose(case)))
    summed = gradients(total.alter(l1.alter(Plan(case.training))).tell(case.ids))
    assert close(summed, MSE.gradients_by_hand(lambda y: (y - T).abs().sum()))
    alone = gradients(last.alter(l1.alter(Plan(case.training))).tell(case.ids))
    assert close(alone, MSE.gradients_by_hand(lambda y: (y - T)[-1].abs().mean()))
