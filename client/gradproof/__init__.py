"""Is my gradient, or my updated weight, right, and if not, what exactly did I do wrong?

    import gradproof as gp

    with gp.Client("localhost:50051") as client:
        report = client.check(problem, claim)

Layers, losses, optimizers and schedules are named and called as in torch; functions for graphs are in gp.functions.
"""

from gradproof import functions, layers, losses, optimizers, schedules
from gradproof._channel import TLS, Retry
from gradproof._version import __version__
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
    ResourceExhaustedError,
    ServerError,
    ServerExtraMissingError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
    Violation,
)
from gradproof.layers import *  # noqa: F403
from gradproof.losses import *  # noqa: F403
from gradproof.network import Node, Sequential
from gradproof.optimizers import *  # noqa: F403
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
    UpdateComparison,
    Verdict,
    WorstElement,
)
from gradproof.schedules import *  # noqa: F403

__all__ = [
    "TLS",
    "AsyncClient",
    "CallError",
    "CancelledError",
    "Catalog",
    "CatalogArgument",
    "CatalogEntry",
    "Claim",
    "Client",
    "ClosedClientError",
    "Comparison",
    "DeadlineError",
    "DeviceUnavailableError",
    "Diagnosis",
    "DisagreementError",
    "Environment",
    "FailedPreconditionError",
    "Finding",
    "GradproofError",
    "InsecureTokenError",
    "InvalidProblemError",
    "Localization",
    "Node",
    "PermissionDeniedError",
    "Problem",
    "Quantity",
    "Reference",
    "Report",
    "ResourceExhaustedError",
    "Retry",
    "Sequential",
    "ServerError",
    "ServerExtraMissingError",
    "Step",
    "StepReference",
    "TensorName",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UpdateComparison",
    "Verdict",
    "Violation",
    "WorstElement",
    "__version__",
    "functions",
]
__all__ += layers.__all__
__all__ += losses.__all__
__all__ += optimizers.__all__
__all__ += schedules.__all__
