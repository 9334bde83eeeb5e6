"""The mathematics: problems in, reference, comparison and explanation out. torch, and no transport."""

from .catalog import catalog
from .claim import read_claim
from .compare import compare, overall
from .diagnose import diagnose
from .run import PYTORCH, Rules, device_name, never, run
from .tolerance import calibration_of
from .training import Training, read_problem
from .wanted import Wanted

__all__ = [
    "PYTORCH",
    "Rules",
    "Training",
    "Wanted",
    "calibration_of",
    "catalog",
    "compare",
    "device_name",
    "diagnose",
    "never",
    "overall",
    "read_claim",
    "read_problem",
    "run",
]
