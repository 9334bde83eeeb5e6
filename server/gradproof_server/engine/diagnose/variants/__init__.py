"""The table of variants, by what they alter."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..variant import Variant
from . import (
    activation_constants,
    activations,
    adam,
    adam_family,
    adaptive,
    attention,
    backward_order,
    biases,
    binary,
    bookkeeping,
    branches,
    classification,
    clipping,
    convolution,
    data,
    derivatives,
    divergences,
    embedding,
    gradients,
    gru,
    jacobians,
    layers,
    layouts,
    learning_rates,
    linear,
    look_alikes,
    loss_arguments,
    losses,
    lstm,
    lstm_backward,
    margins,
    normalization,
    optimizer_arguments,
    pooling,
    rectifiers,
    reductions,
    regularization,
    residuals,
    rnn,
    rnn_backward,
    running_statistics,
    schedules,
    sgd,
    sibling_optimizers,
    steps,
    subgradients,
    thresholds,
    ties,
    transformers,
    updates,
    weight_inputs,
)

ROWS: tuple[Variant, ...] = (
    *activation_constants.VARIANTS,
    *activations.VARIANTS,
    *adam.VARIANTS,
    *adam_family.VARIANTS,
    *adaptive.VARIANTS,
    *attention.VARIANTS,
    *backward_order.VARIANTS,
    *biases.VARIANTS,
    *binary.VARIANTS,
    *bookkeeping.VARIANTS,
    *branches.VARIANTS,
    *classification.VARIANTS,
    *clipping.VARIANTS,
    *convolution.VARIANTS,
    *data.VARIANTS,
    *derivatives.VARIANTS,
    *divergences.VARIANTS,
    *embedding.VARIANTS,
    *gradients.VARIANTS,
    *gru.VARIANTS,
    *jacobians.VARIANTS,
    *layers.VARIANTS,
    *layouts.VARIANTS,
    *learning_rates.VARIANTS,
    *linear.VARIANTS,
    *loss_arguments.VARIANTS,
    *losses.VARIANTS,
    *lstm.VARIANTS,
    *lstm_backward.VARIANTS,
    *margins.VARIANTS,
    *normalization.VARIANTS,
    *optimizer_arguments.VARIANTS,
    *pooling.VARIANTS,
    *rectifiers.VARIANTS,
    *reductions.VARIANTS,
    *regularization.VARIANTS,
    *residuals.VARIANTS,
    *rnn.VARIANTS,
    *rnn_backward.VARIANTS,
    *running_statistics.VARIANTS,
    *schedules.VARIANTS,
    *sgd.VARIANTS,
    *sibling_optimizers.VARIANTS,
    *steps.VARIANTS,
    *subgradients.VARIANTS,
    *thresholds.VARIANTS,
    *ties.VARIANTS,
    *transformers.VARIANTS,
    *updates.VARIANTS,
    *weight_inputs.VARIANTS,
)
"""Every row as it is written."""


def with_look_alikes(rows: Sequence[Variant]) -> Iterator[Variant]:
    """The rows; of two that give the same numbers in some problems each names the other."""
    alike = defaultdict(set)
    stated = ((row.code, row.look_alikes) for row in rows)
    measured = ((code, others.split()) for code, others in look_alikes.MEASURED.items())
    for code, others in (*stated, *measured):
        for other in others:
            alike[code].add(other)
            alike[other].add(code)
    for row in rows:
        further = alike[row.code] - {row.code, *row.look_alikes}
        yield replace(row, look_alikes=(*row.look_alikes, *sorted(further)))


TABLE: tuple[Variant, ...] = tuple(with_look_alikes(ROWS))
"""Every row, in no order that matters."""
