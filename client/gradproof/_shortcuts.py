"""Shortcuts: calls to a private server in this process, for when there is only one call to make."""

from __future__ import annotations

from typing import Unpack

from gradproof._function_calls import FunctionOptions
from gradproof.black_box import Arguments, Function
from gradproof.client import Client
from gradproof.witness import Verification


def check_function(f: Function, x: Arguments, **options: Unpack[FunctionOptions]) -> Verification:
    """Checks a derivative of any Python function against numerical differentiation, in this process.

    Arguments and errors are those of `Client.check_function`.

    Raises:
        ServerExtraMissingError: the server is not installed.
    """
    with Client.embedded() as client:
        return client.check_function(f, x, **options)
