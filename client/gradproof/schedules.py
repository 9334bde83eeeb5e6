"""The learning-rate schedules of torch.optim."""

from typing import TYPE_CHECKING

from gradproof._builders import SCHEDULES, lazy_module

if TYPE_CHECKING:
    from gradproof._generated.schedules import *  # noqa: F403
    from gradproof._generated.schedules import __all__ as __all__
else:
    __all__, __getattr__, __dir__ = lazy_module(__name__, SCHEDULES)
