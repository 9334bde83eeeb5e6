"""The witness: gradients held against numerical differentiation, of problems and of functions known by values only."""

from .blackbox import check_function
from .verify import verify

__all__ = ["check_function", "verify"]
