"""What wrong derivatives look like beside the measured ones: a factor, the transpose, a constant, one element."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from .types import Array

LARGEST_DENOMINATOR = 64


def resemblance(stated: Array, numeric: Array, slack: Array, shape: tuple[int, ...]) -> str:
    """In words, what makes the measured derivatives the stated ones; empty where nothing simple does.

    stated, numeric: of the same shape, finite. slack: by how much each may differ. shape: two sizes where transposing
    has a sense.
    """
    if stated.size < 2 or not np.isfinite(stated).all() or not np.isfinite(numeric).all():
        return ""
    wrong = np.abs(stated - numeric) > slack
    if not wrong.any():
        return ""
    if not stated.any():
        return "All stated numbers are 0."
    return (
        _transposed(stated, numeric, slack, shape)
        or _factor(stated, numeric, slack)
        or _shift(stated, numeric, slack, wrong)
    )


def _transposed(stated: Array, numeric: Array, slack: Array, shape: tuple[int, ...]) -> str:
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 2:
        return ""
    other = numeric.reshape(shape).T.reshape(stated.shape)
    room = np.maximum(slack, slack.reshape(shape).T.reshape(stated.shape))
    return (
        "The stated numbers are the transpose of the measured ones." if (np.abs(stated - other) <= room).all() else ""
    )


def _factor(stated: Array, numeric: Array, slack: Array) -> str:
    clear = np.abs(numeric) > 10 * slack
    if clear.sum() < 2:
        return ""
    ratio = float(np.median(stated[clear] / numeric[clear]))
    if not np.isfinite(ratio) or (np.abs(stated - ratio * numeric) > slack * (1 + abs(ratio))).any():
        return ""
    simple = Fraction(ratio).limit_denominator(LARGEST_DENOMINATOR)
    near = abs(float(simple) - ratio) <= 1e-3 * abs(ratio)
    if ratio == 0:
        return ""
    name = str(simple) if near else f"{ratio:.6g}"
    return (
        "Every stated number has the wrong sign."
        if name == "-1"
        else f"Every stated number is {name} times the measured one."
    )


def _shift(stated: Array, numeric: Array, slack: Array, wrong: Array) -> str:
    gap = stated - numeric
    if wrong.sum() == 1:
        return f"One number of {stated.size} is wrong; all others are right."
    if wrong.all() and (np.abs(gap - np.median(gap)) <= 2 * slack).all():
        return f"Every stated number is off by the same {float(np.median(gap)):.6g}: a term is missing, or there twice."
    return ""
