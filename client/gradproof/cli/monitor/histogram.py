"""Quantiles of histograms that are known by their cumulative buckets."""

from __future__ import annotations

import math
from collections.abc import Mapping


def quantile(buckets: Mapping[str, float], share: float) -> float | None:
    """The value that a share (0 to 1) of the observations is at or below; None without observations.

    Observations are taken as even within a bucket, the first of which begins at 0, as Prometheus' histogram_quantile()
    takes them; those beyond the last bound count as that bound.

    Args:
        buckets: how many observations are at or below a bound, by the bound as text ("0.1", "+Inf").
        share: 0.5 for the median.
    """
    bounds = sorted((float(bound), count) for bound, count in buckets.items())
    if not bounds or bounds[-1][1] <= 0:
        return None
    rank = share * bounds[-1][1]
    below, low = 0.0, 0.0
    for bound, count in bounds:
        if math.isinf(bound):
            break
        if count > below and count >= rank:
            return low + (bound - low) * max(0.0, rank - below) / (count - below)
        # Sums of servers with different bounds may go down from one to the next.
        below, low = max(below, count), bound
    return low
