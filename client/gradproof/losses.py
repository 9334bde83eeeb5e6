"""The losses of torch.nn."""

from typing import TYPE_CHECKING

from gradproof._builders import LOSSES, lazy_module

if TYPE_CHECKING:
    from gradproof._generated.losses import *  # noqa: F403
    from gradproof._generated.losses import __all__ as __all__
else:
    __all__, __getattr__, __dir__ = lazy_module(__name__, LOSSES)
