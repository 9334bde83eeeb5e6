"""Names of tensors in words."""

from __future__ import annotations

from .types import Quantity, TensorId


def describe(id: TensorId) -> str:
    """A tensor in words: "gradient of 0.weight", "updated 0.weight after step 1"."""
    words = {
        Quantity.LOSS: "loss",
        Quantity.OUTPUT: "output {}",
        Quantity.GRADIENT: "gradient of {}",
        Quantity.INPUT_GRADIENT: "gradient of the input {}",
        Quantity.NODE_VALUE: "value of node {}",
        Quantity.NODE_GRADIENT: "gradient at node {}",
        Quantity.UPDATED: "updated {}",
        Quantity.STATE: "optimizer state {}",
        Quantity.BUFFER: "buffer {}",
    }
    text = words[id.quantity].format(id.name)
    return f"{text} (step {id.step})" if id.step else text
