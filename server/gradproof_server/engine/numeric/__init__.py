"""The witness: gradients held against numerical differentiation, of problems and of functions known by values only."""

from .verify import verify

__all__ = ["verify"]
