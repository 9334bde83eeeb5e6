"""Functions without parameters, as nodes of a network."""

from typing import TYPE_CHECKING

from gradproof._builders import FUNCTIONS, lazy_module

if TYPE_CHECKING:
    from gradproof._generated.functions import *  # noqa: F403
    from gradproof._generated.functions import __all__ as __all__
else:
    __all__, __getattr__, __dir__ = lazy_module(__name__, FUNCTIONS)
