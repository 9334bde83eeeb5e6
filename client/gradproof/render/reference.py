"""References: their tensors, long ones shortened."""

from __future__ import annotations

import html
import math

import numpy as np

from gradproof.reference import Reference
from gradproof.render.table import WIDTH, Row, count, html_table
from gradproof.tensors import Array


def reference_to_text(reference: Reference) -> str:
    """The tensors of a reference, one a block, long ones shortened."""
    lines = [_reference_head(reference)]
    for key, value in reference.tensors.items():
        text = array_text(value)
        separator = "\n" if "\n" in text else " "
        lines.append(f"{key} {_shape(value)}{separator}{text}" if value.ndim else f"{key} {text}")
    return "\n".join(lines)


def _reference_head(reference: Reference) -> str:
    env = reference.environment
    rates = f", learning rate {', '.join(f'{rate:g}' for rate in reference.learning_rates[:6])}"
    more = ", ..." if len(reference.learning_rates) > 6 else ""
    where = f"PyTorch {env.torch_version}, {env.dtype}, {env.device}"
    return f"{count(reference.parameters, 'parameter')}, {where}" + (rates + more if reference.learning_rates else "")


def array_text(value: Array) -> str:
    """The numbers of an array, to 8 significant digits, long ones shortened."""
    if value.ndim == 0:
        number = value.item()
        return f"{number:.8g}" if isinstance(number, float) and math.isfinite(number) else str(number)
    return np.array2string(value, precision=8, threshold=40, edgeitems=3, max_line_width=WIDTH, separator=", ")


def _shape(value: Array) -> str:
    return f"({', '.join(map(str, value.shape))}{',' if value.ndim == 1 else ''})"


def reference_to_html(reference: Reference) -> str:
    """A reference as an HTML fragment for notebooks."""
    rows = [
        Row((str(key), _shape(value), str(value.dtype), array_text(value)), "AGREES")
        for key, value in reference.tensors.items()
    ]
    table = html_table(("tensor", "shape", "dtype", "numbers"), rows)
    return f'<div class="gradproof-reference"><p>{html.escape(_reference_head(reference))}</p>{table}</div>'
