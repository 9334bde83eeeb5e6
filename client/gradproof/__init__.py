"""Is my gradient, or my updated weight, right, and if not, what exactly did I do wrong?

    import gradproof as gp

    with gp.Client("localhost:50051") as client:
        report = client.check(problem, claim)

Layers, losses, optimizers and schedules are named and called as in torch; functions for graphs are in gp.functions.
"""

import typing

from gradproof import _builders, functions, layers, losses, optimizers, schedules
from gradproof import render as _render  # noqa: F401  registers the printed forms of results
from gradproof._channel import TLS
from gradproof._function_calls import FunctionOptions
from gradproof._retry import Retry
from gradproof._shortcuts import check_function
from gradproof._version import __version__
from gradproof._witness_calls import VerifyOptions, WitnessOptions
from gradproof.aio import AsyncClient
from gradproof.claim import Claim
from gradproof.client import Client
from gradproof.errors import (
    CallError,
    CancelledError,
    ClosedClientError,
    DeadlineError,
    DeviceUnavailableError,
    DisagreementError,
    FailedPreconditionError,
    GradproofError,
    InsecureTokenError,
    InvalidProblemError,
    PermissionDeniedError,
    PlotExtraMissingError,
    ResourceExhaustedError,
    ServerError,
    ServerExtraMissingError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
    Violation,
)
from gradproof.network import Node, Sequential
from gradproof.problem import Problem, Step
from gradproof.results import (
    Catalog,
    CatalogArgument,
    CatalogEntry,
    Comparison,
    Diagnosis,
    Environment,
    Finding,
    Localization,
    Quantity,
    Reference,
    Report,
    StepReference,
    TensorName,
    ToleranceSource,
    UpdateComparison,
    WorstElement,
)
from gradproof.verdict import Verdict
from gradproof.witness import (
    Cause,
    Estimate,
    Judgement,
    Kink,
    Progress,
    Reproducer,
    Subject,
    Sweep,
    TensorEstimate,
    TensorWitness,
    Verification,
    WitnessedValue,
    WitnessMode,
)

if typing.TYPE_CHECKING:
    from gradproof.layers import *  # noqa: F403
    from gradproof.losses import *  # noqa: F403
    from gradproof.optimizers import *  # noqa: F403
    from gradproof.schedules import *  # noqa: F403
else:
    _short = (_builders.LAYERS, _builders.LOSSES, _builders.OPTIMIZERS, _builders.SCHEDULES)
    _, __getattr__, __dir__ = _builders.lazy_module(__name__, *_short)

__all__ = [
    "TLS",
    "AsyncClient",
    "CallError",
    "CancelledError",
    "Catalog",
    "CatalogArgument",
    "CatalogEntry",
    "Cause",
    "Claim",
    "Client",
    "ClosedClientError",
    "Comparison",
    "DeadlineError",
    "DeviceUnavailableError",
    "Diagnosis",
    "DisagreementError",
    "Environment",
    "Estimate",
    "FailedPreconditionError",
    "Finding",
    "FunctionOptions",
    "GradproofError",
    "InsecureTokenError",
    "InvalidProblemError",
    "Judgement",
    "Kink",
    "Localization",
    "Node",
    "PermissionDeniedError",
    "PlotExtraMissingError",
    "Problem",
    "Progress",
    "Quantity",
    "Reference",
    "Report",
    "Reproducer",
    "ResourceExhaustedError",
    "Retry",
    "Sequential",
    "ServerError",
    "ServerExtraMissingError",
    "Step",
    "StepReference",
    "Subject",
    "Sweep",
    "TensorEstimate",
    "TensorName",
    "TensorWitness",
    "ToleranceSource",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UpdateComparison",
    "Verdict",
    "Verification",
    "VerifyOptions",
    "Violation",
    "WitnessMode",
    "WitnessOptions",
    "WitnessedValue",
    "WorstElement",
    "__version__",
    "check_function",
    "functions",
]
__all__ += layers.__all__
__all__ += losses.__all__
__all__ += optimizers.__all__
__all__ += schedules.__all__
