"""Plots of a verification: gaps over the ladder of steps, and maps of the differences. Needs the extra `plot`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradproof.errors import PlotExtraMissingError
from gradproof.render.table import shorten
from gradproof.render.verification import place_text, short_name
from gradproof.tensors import Array
from gradproof.verdict import GRAVITY
from gradproof.witness import Sweep, TensorWitness, Verification

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
MOST_TENSORS = 8
"""Of more tensors those with the gravest verdicts are shown."""
PANEL_INCHES = (6.0, 3.2)
LOGARITHMS = (-16.0, 0.0)
"""Ends of the scale of colours, the same in all maps: from float64's rounding to wrong altogether."""


def save_plot(verification: Verification, file: Path | str) -> None:
    """Writes the plots of a verification, one row a tensor; the suffix of the file says the format.

    On the left is the gap to the stated derivative over the step: it falls as h² and rises as rounding/h for a right
    derivative, and stays level for a wrong one. On the right is |stated - numeric| / (|numeric| + bar) of each element
    that was looked at, where `include_values` asked for them.

    Raises:
        PlotExtraMissingError: matplotlib is not installed.
        ValueError: the format is none of FORMATS.
        OSError: the file cannot be written.
    """
    kind = Path(file).suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise ValueError(f"{file} has no suffix of a plot; valid are {', '.join('.' + name for name in FORMATS)}")
    verification_to_figure(verification).savefig(file, format=kind)


def verification_to_figure(verification: Verification) -> Figure:
    """The plots as a figure of matplotlib. Raises PlotExtraMissingError where that is not installed."""
    try:
        figures: Any = importlib.import_module("matplotlib.figure")
    except ImportError as error:
        text = f'plots need matplotlib ({error}); install it with: pip install "gradproof[plot]"'
        raise PlotExtraMissingError(text) from error
    tensors = shown_tensors(verification)
    rows = max(1, len(tensors))
    figure: Figure = figures.Figure(figsize=(2 * PANEL_INCHES[0], rows * PANEL_INCHES[1]), layout="constrained")
    panels = figure.subplots(rows, 2, squeeze=False)
    for tensor, (left, right) in zip(tensors, panels, strict=False):
        _draw_sweep(left, tensor)
        _draw_map(right, tensor)
    if not tensors:
        _say(panels[0][0], "nothing was looked at")
        panels[0][1].set_axis_off()
    figure.suptitle(f"{verification.verdict}, {len(tensors)} of {len(verification.tensors)} tensors")
    return figure


def shown_tensors(verification: Verification) -> list[TensorWitness]:
    """The tensors that are shown: the gravest first, in their order."""
    return sorted(verification.tensors, key=lambda tensor: -GRAVITY[tensor.verdict])[:MOST_TENSORS]


def _name(tensor: TensorWitness) -> str:
    return shorten(short_name(tensor.tensor), 40)


def _say(axes: Axes, text: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)


def _draw_sweep(axes: Axes, tensor: TensorWitness) -> None:
    """The gap, the rounding and the bar over the step, both axes logarithmic."""
    sweep = tensor.sweep
    name = _name(tensor)
    if sweep is None:
        _say(axes, f"{name}: {tensor.verdict}, no sweep")
        return
    gaps = np.abs(sweep.slopes - sweep.stated)
    axes.loglog(sweep.steps, _positive(gaps), "o-", label="|slope - stated|")
    axes.loglog(sweep.steps, _positive(sweep.rounding), "--", color="gray", label="rounding")
    if tensor.worst is not None and tensor.worst.bar > 0:
        axes.axhline(tensor.worst.bar, linestyle=":", color="black", label="bar")
    axes.set_xlabel("step")
    axes.set_title(f"{name} {_place(sweep, tensor)}: {tensor.verdict}", fontsize="medium")
    axes.legend(fontsize="small")


def _place(sweep: Sweep, tensor: TensorWitness) -> str:
    if sweep.direction:
        return f"direction {sweep.direction}"
    return f"[{','.join(map(str, sweep.index))}]" if sweep.index or tensor.worst is None else place_text(tensor.worst)


def _positive(values: Array) -> Array:
    """The values without those that a logarithmic axis cannot show."""
    return np.where(values > 0, values, np.nan)


def _draw_map(axes: Axes, tensor: TensorWitness) -> None:
    """The relative difference of each element that was looked at, as colours on a logarithmic scale."""
    if not tensor.positions.size:
        _say(axes, "no values were asked for")
        return
    ticker: Any = importlib.import_module("matplotlib.ticker")
    low, high = LOGARITHMS
    image = axes.imshow(difference_map(tensor), aspect="auto", interpolation="nearest", vmin=low, vmax=high)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(ticker.MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.figure.colorbar(image, ax=axes, label="log10 of the relative difference")
    axes.set_title(f"{_name(tensor)}: |stated - numeric| / (|numeric| + bar)", fontsize="medium")


def difference_map(tensor: TensorWitness) -> Array:
    """log10 of the relative differences as a matrix; NaN where an element was not looked at.

    Its rows are the tensor's first axis; a vector is one row. For a Jacobian the largest difference of all outputs
    stands for an element.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.abs(tensor.stated - tensor.numeric) / (np.abs(tensor.numeric) + tensor.bars)
        logarithms = np.log10(np.maximum(relative, np.finfo(np.float64).eps))
    worst = logarithms.reshape(len(tensor.positions), -1).max(axis=1)
    rows = tensor.shape[0] if len(tensor.shape) > 1 else 1
    columns = tensor.elements // rows
    flat = np.full(rows * columns, np.nan)
    flat[tensor.positions] = worst
    return flat.reshape(rows, columns)
