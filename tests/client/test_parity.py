"""Client and AsyncClient are the same but for `await`."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from gradproof import AsyncClient, Client


def public(cls: type) -> dict[str, Any]:
    """Public methods by name."""
    return {name: getattr(cls, name) for name in vars(cls) if not name.startswith("_")}


def shape(method: Any) -> list[tuple[str, Any, Any, Any]]:
    """Parameters and their annotations."""
    return [(p.name, p.kind, p.default, p.annotation) for p in inspect.signature(method).parameters.values()]


def test_both_have_the_same_methods() -> None:
    """No method is forgotten in either."""
    assert (
        set(public(Client))
        == set(public(AsyncClient))
        == {
            *("embedded", "compute", "check", "catalog", "health", "close"),
            *("verify", "verify_events", "estimate", "check_function"),
        }
    )


@pytest.mark.parametrize("name", ["__init__", *public(Client)])
def test_both_take_the_same_arguments_and_give_the_same_results(name: str) -> None:
    """Names, order, kinds, defaults and types."""
    blocking, awaited = getattr(Client, name), getattr(AsyncClient, name)
    assert shape(blocking) == shape(awaited)
    results = [inspect.signature(method).return_annotation for method in (blocking, awaited)]
    assert results[0].replace("Client", "AsyncClient").replace("Iterator", "AsyncIterator") == results[1]


@pytest.mark.parametrize("name", public(Client))
def test_what_blocks_in_one_is_awaited_in_the_other(name: str) -> None:
    """Every public method of AsyncClient is a coroutine, or gives events one by one where Client's does."""
    blocking, awaited = getattr(Client, name), getattr(AsyncClient, name)
    assert inspect.isasyncgenfunction(awaited) is inspect.isgeneratorfunction(blocking)
    assert inspect.iscoroutinefunction(awaited) is not inspect.isgeneratorfunction(blocking)
    assert not inspect.iscoroutinefunction(blocking)


def test_both_are_context_managers() -> None:
    """`with` and `async with`."""
    assert {"__enter__", "__exit__"} <= set(dir(Client))
    assert {"__aenter__", "__aexit__"} <= set(dir(AsyncClient))
