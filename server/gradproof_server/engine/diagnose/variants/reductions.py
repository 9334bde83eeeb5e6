"""Variants of the reduction: sums, means, and what a mean divides by."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from ..case import Case
from ..loss_rules import (
    ELEMENTWISE,
    Given,
    call,
    divisor,
    given_of,
    propose_formula,
    rearranged,
    rows,
    samples,
    times,
    with_attributes,
)
from ..variant import Proposal, Stage, Variant

Factor = Callable[[Given], float]
CLASSES = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss")
PROBE = "Use a batch of two or more samples with two or more outputs, N ≠ K, and claim the loss value too."


def reduction(case: Case) -> str:
    """The declared reduction, "mean" where the loss has none; empty for losses that are not handled here."""
    if case.loss_module is None or case.loss_type == "CTCLoss" or case.target is None:
        return ""
    return str(getattr(case.loss_module, "reduction", "mean"))


def _outputs(given: Given) -> float:
    """K: elements of the prediction per sample."""
    return given.prediction.numel() / samples(given.prediction)


def _batch(given: Given) -> float:
    return float(samples(given.prediction))


def _propose(case: Case, factor: Factor, rank: int = 0) -> Iterator[Proposal]:
    value = factor(given_of(case))
    if value != 1 and value > 0:
        yield from propose_formula(case, times(factor), {"factor": f"{value:.6g}", **_sizes(case)}, rank)


def _sizes(case: Case) -> dict[str, str]:
    given = given_of(case)
    return {"n": f"{samples(given.prediction)}", "k": f"{_outputs(given):g}", "count": f"{divisor(given):g}"}


def _batchmean_count(given: Given) -> float:
    """What the sum is divided by, whatever mean is declared."""
    return _batch(given) if given.module.reduction == "batchmean" else divisor(given)


def _propose_sum(case: Case) -> Iterator[Proposal]:
    if reduction(case) in ("mean", "batchmean") and case.loss_type != "AdaptiveLogSoftmaxWithLoss":
        yield from _propose(case, _batchmean_count)


def _propose_mean(case: Case) -> Iterator[Proposal]:
    if reduction(case) == "sum":
        yield from _propose(case, lambda g: 1 / divisor(g))


def _propose_batch_mean(case: Case) -> Iterator[Proposal]:
    if reduction(case) == "mean" and case.loss_type in ELEMENTWISE and case.batch > 1:
        yield from _propose(case, _outputs)
    if reduction(case) == "sum" and case.loss_type in ELEMENTWISE and case.width > 1:
        yield from _propose(case, lambda g: 1 / _batch(g))
    if case.loss_type in ("CrossEntropyLoss", "NLLLoss") and case.output is not None and case.output.dim() > 2:
        positions: Factor = lambda g: rows(g) / _batch(g)  # noqa: E731
        if reduction(case) == "mean":
            yield from _propose(case, positions)
        elif reduction(case) == "sum":
            yield from _propose(case, lambda g: 1 / _batch(g))


def _propose_feature_sum(case: Case) -> Iterator[Proposal]:
    if (
        reduction(case) == "mean"
        and case.loss_type in ELEMENTWISE
        and case.output is not None
        and case.output.dim() > 2
    ):
        yield from _propose(case, lambda g: float(g.prediction.shape[-1]))
        yield from _propose(case, lambda g: float(g.prediction.shape[1]), 1)


def _propose_output_mean(case: Case) -> Iterator[Proposal]:
    if case.loss_type not in ELEMENTWISE or case.batch == 1 or case.width == 1:
        return
    if reduction(case) == "mean":
        yield from _propose(case, _batch)
    elif reduction(case) == "sum":
        yield from _propose(case, lambda g: 1 / _outputs(g))


def _propose_divided_twice(case: Case) -> Iterator[Proposal]:
    if reduction(case) in ("mean", "batchmean"):
        yield from _propose(case, lambda g: 1 / _batchmean_count(g))


def _propose_batch_twice(case: Case) -> Iterator[Proposal]:
    if reduction(case) == "mean" and case.batch > 1 and _batch(given_of(case)) != divisor(given_of(case)):
        yield from _propose(case, lambda g: 1 / _batch(g))


def _propose_outputs_twice(case: Case) -> Iterator[Proposal]:
    if reduction(case) == "mean" and case.loss_type in ELEMENTWISE and case.batch > 1:
        yield from _propose(case, lambda g: 1 / _outputs(g))


def _propose_classes(case: Case) -> Iterator[Proposal]:
    if case.loss_type in CLASSES and reduction(case) == "mean" and case.output is not None:
        dimension = 0 if case.output.dim() == 1 else 1
        yield from _propose(case, lambda g: 1 / g.prediction.shape[dimension])


def _propose_kl_batchmean(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "KLDivLoss" and reduction(case) == "mean":
        yield from _propose(case, lambda g: g.prediction.numel() / g.prediction.shape[0])


def _propose_kl_mean(case: Case) -> Iterator[Proposal]:
    if case.loss_type == "KLDivLoss" and reduction(case) == "batchmean":
        yield from _propose(case, lambda g: g.prediction.shape[0] / g.prediction.numel())


def _indices(case: Case) -> bool:
    return (
        case.loss_type in ("CrossEntropyLoss", "NLLLoss")
        and case.target is not None
        and not (case.target.is_floating_point())
    )


def _propose_weighted(case: Case) -> Iterator[Proposal]:
    if _indices(case) and reduction(case) == "mean" and case.loss_module.weight is not None:

        def kept(given: Given) -> float:
            return divisor(given) / float((given.target != given.module.ignore_index).sum())

        yield from _propose(case, kept)


def _propose_ignored(case: Case) -> Iterator[Proposal]:
    if not _indices(case) or reduction(case) != "mean":
        return
    ignored = int((case.target == case.loss_module.ignore_index).sum()) if case.target is not None else 0
    if ignored:
        yield from _propose(case, lambda g: divisor(g) / g.target.numel())


def _propose_sample(index: int) -> Callable[[Case], Iterator[Proposal]]:
    """Only one sample's loss is kept."""

    def propose(case: Case) -> Iterator[Proposal]:
        count = _count(case)
        if count < 2:
            return

        def one(given: Given) -> tuple[torch.Tensor, ...]:
            return tuple(tensor[index % count :][:1] for tensor in given.arguments)

        yield Proposal(rearranged(one), texts={"divided": ""})
        if reduction(case) == "mean":

            def scaled(given: Given) -> tuple[torch.Tensor, ...]:
                return one(given)

            text = {"divided": f", still divided by the batch size {count}"}
            yield Proposal(lambda plan: rearranged(scaled)(plan).scaled(1 / count), texts=text, rank=3)

    return propose


def _count(case: Case) -> int:
    """The batch size, 0 where the loss's arguments do not all have one."""
    sizes = {tensor.shape[0] for tensor in case.loss_arguments if tensor.dim()}
    batched = all(tensor.dim() for tensor in case.loss_arguments) and case.loss_arguments
    if not batched or len(sizes) != 1 or case.loss_type == "CTCLoss":
        return 0
    if case.output is not None and case.output.dim() == 1 and case.loss_type not in ELEMENTWISE:
        return 0
    return int(sizes.pop())


def _propose_ctc(case: Case) -> Iterator[Proposal]:
    if case.loss_type != "CTCLoss":
        return
    kinds = {"sum": "the sum over the batch", "batch": "the sum over the batch divided by the batch size",
             "mean": "each sequence's loss divided by its target's length, then averaged"}  # fmt: skip
    for kind, words in kinds.items():
        if kind != case.loss_module.reduction:
            yield from propose_formula(case, lambda g, kind=kind: _ctc(g, kind), {"what": words})  # type: ignore[misc]


def _ctc(given: Given, kind: str) -> torch.Tensor:
    losses = call(with_attributes(given.module, reduction="none"), *given.arguments)
    if kind == "mean":
        return (losses / given.arguments[3].clamp_min(1)).mean()
    return losses.sum() if kind == "sum" else losses.mean()


def _row(
    code: str, title: str, explanation: str, advice: str, propose: Callable[[Case], Iterator[Proposal]], rank: int,
    look_alikes: tuple[str, ...] = (), convention: bool = False, source: str = "",
) -> Variant:  # fmt: skip
    return Variant(
        code=f"reduction.{code}",
        stage=Stage.REDUCTION,
        title=title,
        explanation=explanation,
        advice=advice,
        propose=propose,
        rank=rank,
        look_alikes=tuple(f"reduction.{name}" if "." not in name else name for name in look_alikes),
        probe=PROBE,
        convention=convention,
        source=source,
    )


VARIANTS: tuple[Variant, ...] = (
    _row("sum_instead_of_mean", "You summed the loss where it is averaged{only}.",
         "Your loss is the sum over all {count} values. The declared loss is their mean, so every gradient is "
         "{factor} times "
         "PyTorch's.",
         "Divide by {count}, or declare reduction='sum'.", _propose_sum, 2,
         ("batch_mean_only", "output_mean_only", "kl_batchmean_instead_of_mean", "gradient.scaled_by_constant")),
    _row("mean_instead_of_sum", "You averaged the loss where it is summed{only}.",
         "Your loss is the mean over {count} values. Declared is reduction='sum', so your gradients are {factor} times "
         "PyTorch's.",
         "Leave the division by {count} out, or declare reduction='mean'.", _propose_mean, 3,
         ("batch_mean_only", "output_mean_only", "gradient.scaled_by_constant")),
    _row("batch_mean_only", "You divided the summed loss by the batch size only{only}.",
         "You summed over the outputs of a sample and averaged over the batch of {n}. PyTorch's 'mean' divides by "
         "every element "
         "of the output, 'sum' by nothing: your gradients are {factor} times PyTorch's.",
         "Divide by the number of all outputs, as reduction='mean' does, or declare reduction='sum' and divide by N "
         "yourself.",
         _propose_batch_mean, 5, ("sum_instead_of_mean", "mean_instead_of_sum", "gradient.scaled_by_constant"), True,
         "textbooks and some frameworks average over samples only"),
    _row("feature_sum", "You summed over one dimension of the outputs and averaged over the others{only}.",
         "PyTorch's 'mean' divides by all elements; yours leaves one dimension out of the division, which makes the "
         "gradients "
         "{factor} times as large.",
         "Divide by that dimension's size too.", _propose_feature_sum, 12, ("batch_mean_only",), True),
    _row("output_mean_only", "You averaged over the outputs of a sample and summed over the batch{only}.",
         "You divided by the {k} outputs of a sample, not by the batch size {n}. Your gradients are {factor} times "
         "PyTorch's.",
         "Average over the batch too if reduction='mean' is declared; divide by nothing if 'sum' is.",
         _propose_output_mean, 10,
         ("sum_instead_of_mean", "mean_instead_of_sum", "gradient.scaled_by_constant")),
    _row("mean_divided_twice", "The mean was divided by its count twice{only}.",
         "The loss divides by {count} once. You divided by it again, for example in the derivative of the loss and "
         "once more "
         "in the gradient of the weights: {factor} times PyTorch's gradient.",
         "Divide by {count} in one place only.", _propose_divided_twice, 8,
         ("divided_by_batch_twice", "divided_by_outputs_twice", "loss.half_squared_error",
          "gradient.scaled_by_constant")),
    _row("divided_by_batch_twice", "The gradient was divided by the batch size twice{only}.",
         "The mean of the loss contains the division by the batch size {n}. You divided by it again when you "
         "averaged the "
         "gradient over the batch.",
         "Sum over the batch in the gradient of the weights: the loss has divided already.", _propose_batch_twice, 6,
         ("mean_divided_twice", "loss.half_squared_error", "gradient.scaled_by_constant")),
    _row("divided_by_outputs_twice", "The gradient was divided by the number of outputs twice{only}.",
         "The mean of the loss contains the division by the {k} outputs of a sample. You divided by it again.",
         "Divide by it once.", _propose_outputs_twice, 14,
         ("mean_divided_twice", "loss.half_squared_error", "gradient.scaled_by_constant")),
    _row("divided_by_classes_too", "You averaged over the classes too{only}.",
         "{factor} times PyTorch's: you took a mean over all classes and samples, as of −y·ln p for each class. This "
         "loss sums "
         "over the classes and averages over the samples.",
         "Sum over the classes, then average over the samples.", _propose_classes, 8,
         ("loss.half_squared_error", "gradient.scaled_by_constant")),
    _row("kl_batchmean_instead_of_mean", "You divided the divergence by the batch size only; reduction='mean' "
                                         "divides by all "
         "elements{only}.",
         "The Kullback–Leibler divergence is the sum over the classes, averaged over the batch: 'batchmean'. "
         "KLDivLoss's default "
         "'mean' divides by the classes too: your gradients are {factor} times PyTorch's.",
         "Declare reduction='batchmean'.", _propose_kl_batchmean, 1, ("batch_mean_only", "sum_instead_of_mean"), True,
         "pytorch/pytorch#2259"),
    _row("kl_mean_instead_of_batchmean", "You divided the divergence by all elements; 'batchmean' divides by the "
                                         "batch size "
         "only{only}.",
         "Declared is reduction='batchmean', the sum over the classes averaged over the batch. You averaged over the "
         "classes too: "
         "{factor} times PyTorch's.",
         "Sum over the classes, or declare reduction='mean'.", _propose_kl_mean, 1, ("divided_by_outputs_twice",)),
    _row("weighted_mean_divided_by_count", "Your weighted mean is divided by the number of samples, not by the sum "
                                           "of their "
         "weights{only}.",
         "With class weights, the mean of PyTorch's cross-entropy is Σ wₜ·ℓ / Σ wₜ over the samples' own classes. "
         "Yours divides by "
         "the number of samples: {factor} times PyTorch's.",
         "Divide by the sum of the weights of the samples' classes ({count}).", _propose_weighted, 3, (), True),
    _row("ignored_rows_counted", "Ignored samples are counted in your mean{only}.",
         "Targets equal to ignore_index have no loss, and PyTorch does not count them: the mean divides by {count}. "
         "Yours divides by "
         "all samples: {factor} times PyTorch's.",
         "Divide by the samples that are not ignored.", _propose_ignored, 3, ("weighted_mean_divided_by_count",), False,
         "pytorch/pytorch#73205"),
    _row("last_sample_only", "Only the last sample of the batch is in your numbers{divided}.",
         "Your gradient is that of the last sample alone, as when a loop over samples assigns (=) where it should "
         "add (+=).",
         "Add the samples' gradients up.", _propose_sample(-1), 8, ("backward.one_sample_only",)),
    _row("first_sample_only", "Only the first sample of the batch is in your numbers{divided}.",
         "Your gradient is that of the first sample alone; the declared batch has more.",
         "Use all samples of the batch, or declare a batch of one.", _propose_sample(0), 9,
         ("backward.one_sample_only",)),
    _row("ctc", "Your CTC loss is {what}{only}.",
         "PyTorch's 'mean' divides each sequence's loss by its target's length and averages over the batch; 'sum' "
         "adds the "
         "losses. You used {what}.",
         "Declare the reduction that you use, or reduce as declared.", _propose_ctc, 5, (), True),
)  # fmt: skip
