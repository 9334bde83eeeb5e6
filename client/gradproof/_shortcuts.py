"""Shortcuts: calls with a private server in this process, for when there is only one call to make."""

from __future__ import annotations

from typing import Any, Unpack

from gradproof._calls import UNSET, Timeout
from gradproof._witness_calls import OnProgress, WitnessOptions
from gradproof.black_box import Arguments, Function
from gradproof.client import Client
from gradproof.witness import Verification


def check_function(
    f: Function,
    x: Arguments,
    *,
    gradient: Any = None,
    jacobian: Any = None,
    vjp: tuple[Any, Any] | None = None,
    jvp: tuple[Any, Any] | None = None,
    batched: bool = False,
    rtol: float | None = None,
    on_progress: OnProgress | None = None,
    timeout: Timeout = UNSET,
    **options: Unpack[WitnessOptions],
) -> Verification:
    """Holds a derivative of any Python function against numerical differentiation, in this process.

    Arguments and errors are those of `Client.check_function`.

    Raises:
        ServerExtraMissingError: the server is not installed.
    """
    with Client.embedded() as client:
        return client.check_function(
            f,
            x,
            gradient=gradient,
            jacobian=jacobian,
            vjp=vjp,
            jvp=jvp,
            batched=batched,
            rtol=rtol,
            on_progress=on_progress,
            timeout=timeout,
            **options,
        )
