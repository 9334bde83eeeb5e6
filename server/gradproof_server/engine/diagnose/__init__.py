"""Why a claim disagrees: the smallest alteration of the training step that reproduces the claimed numbers."""

from .diagnosis import diagnose

__all__ = ["diagnose"]
