"""The layers of torch.nn, as nodes of a network."""

from typing import TYPE_CHECKING

from gradproof._builders import LAYERS, lazy_module

if TYPE_CHECKING:
    from gradproof._generated.layers import *  # noqa: F403
    from gradproof._generated.layers import __all__ as __all__
else:
    __all__, __getattr__, __dir__ = lazy_module(__name__, LAYERS)
