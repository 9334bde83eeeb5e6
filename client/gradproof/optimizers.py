"""The optimizers of torch.optim."""

from typing import TYPE_CHECKING

from gradproof._builders import OPTIMIZERS, lazy_module

if TYPE_CHECKING:
    from gradproof._generated.optimizers import *  # noqa: F403
    from gradproof._generated.optimizers import __all__ as __all__
else:
    __all__, __getattr__, __dir__ = lazy_module(__name__, OPTIMIZERS)
