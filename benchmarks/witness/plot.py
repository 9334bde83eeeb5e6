"""Cost against the number of parameters, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .speed import Cost


def of_costs(costs: Sequence[Cost], path: Path) -> None:
    """Seconds and evaluations against parameters on logarithmic axes. Raises ImportError without matplotlib."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    sizes = [cost.parameters for cost in costs]
    axes.loglog(sizes, [cost.seconds for cost in costs], "o-", label="seconds")
    axes.loglog(sizes, [cost.evaluations for cost in costs], "s--", label="evaluations")
    axes.set_xlabel("parameters")
    axes.set_title("What AUTO costs, one thread")
    axes.grid(True, which="major", alpha=0.3)
    axes.legend()
    figure.savefig(path)
    pyplot.close(figure)
