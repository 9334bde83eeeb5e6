"""How results find their printed form: results hold data, and `gradproof.render` registers here what prints them."""

from __future__ import annotations

import functools
import html


@functools.singledispatch
def text_of(value: object) -> str:
    """A result as plain text."""
    return repr(value)


@functools.singledispatch
def html_of(value: object) -> str:
    """A result as an HTML fragment for notebooks; everything that came from outside is escaped."""
    return f"<pre>{html.escape(text_of(value))}</pre>"


class Printed:
    """A result with a printed form."""

    def __str__(self) -> str:
        return text_of(self)

    def _repr_html_(self) -> str:
        return html_of(self)
