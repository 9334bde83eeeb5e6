"""What there is to read of each row of the table, without a problem: `gradproof explain` and its pages show it."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from .variant import Stage, Variant
from .variants import TABLE

FAMILIES: Mapping[str, str] = {
    "loss": "Loss functions",
    "reduction": "Reductions and batch averages",
    "backward": "The backward pass",
    "gradient": "Gradients as a whole",
    "activation": "Activations",
    "layer": "Layers",
    "normalization": "Normalization",
    "convolution": "Convolutions",
    "pooling": "Pooling",
    "embedding": "Embeddings",
    "dropout": "Dropout",
    "attention": "Attention",
    "rnn": "Recurrent layers",
    "gru": "GRU",
    "lstm": "LSTM",
    "subgradient": "Kinks and ties",
    "regularization": "Regularization",
    "clipping": "Gradient clipping",
    "optimizer": "Optimizers",
    "update": "The update",
    "schedule": "Learning-rate schedules",
    "data": "Data and steps",
    "layout": "Layout and bookkeeping",
}
"""Families by the part of their codes before the first dot, in the order in which they are listed."""
STAGES: Mapping[Stage, str] = {
    Stage.DATA: "data",
    Stage.FORWARD: "forward pass",
    Stage.LOSS: "loss",
    Stage.REDUCTION: "reduction of the loss",
    Stage.BACKWARD: "backward pass",
    Stage.GRADIENT: "gradients",
    Stage.CLIP: "clipping",
    Stage.SCHEDULE: "learning-rate schedule",
    Stage.UPDATE: "update",
    Stage.LAYOUT: "layout and bookkeeping",
}
PLACEHOLDERS: Mapping[str, str] = {"sites": "<the layer>", "only": ""}
"""What stands for placeholders whose names would not read well."""


class _Readable(string.Formatter):
    """Shows a placeholder by its name: {beta} becomes <beta>."""

    def get_value(self, key: int | str, args: object, kwargs: object) -> str:
        name = str(key)
        return PLACEHOLDERS.get(name, f"<{name.replace('_', ' ')}>")

    def format_field(self, value: object, format_spec: str) -> str:
        return str(value)


def readable(text: str) -> str:
    """A text of the table with its placeholders by name, and no gaps where a placeholder is empty."""
    shown = _Readable().vformat(text, (), {})
    return re.sub(r" {2,}", " ", re.sub(r"\s+([.,;:])", r"\1", shown)).strip()


def texts(variants: Iterable[Variant] = TABLE) -> list[dict[str, Any]]:
    """The fields of `gradproof.mistakes.Mistake` for every row, as JSON values, by family and code.

    Raises:
        ValueError: two rows have the same code, or a row is of no family.
    """
    families = list(FAMILIES)
    rows = sorted(variants, key=lambda variant: (families.index(family(variant.code)), variant.code))
    for first, second in pairwise(rows):
        if first.code == second.code:
            raise ValueError(f"two rows have the code {first.code!r}")
    return [_texts_of(row) for row in rows]


def _texts_of(row: Variant) -> dict[str, Any]:
    shown = {name: readable(getattr(row, name)) for name in ("title", "explanation", "advice", "probe", "source")}
    return {
        "code": row.code,
        "family": FAMILIES[family(row.code)],
        "stage": STAGES[row.stage],
        "convention": row.convention,
        "look_alikes": list(row.look_alikes),
        **shown,
    }


def family(code: str) -> str:
    """The part of a code before its first dot."""
    return code.partition(".")[0]
