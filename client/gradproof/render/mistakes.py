"""Pages of mistakes: as text, and as HTML documents."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from gradproof.mistakes import Mistake, all_mistakes
from gradproof.render.table import wrap

INDEX = "index.html"
STYLE = "body { max-width: 50em; margin: 2em auto; padding: 0 1em; font-family: sans-serif; line-height: 1.5 }"


def kind(mistake: Mistake) -> str:
    """Code, stage, and whether it is a mistake or a convention."""
    what = "a convention: right elsewhere, and not what PyTorch does" if mistake.convention else "a mistake"
    return f"{mistake.code} · {mistake.stage} · {what}"


def sections(mistake: Mistake) -> Iterator[tuple[str, list[str], Sequence[str]]]:
    """Headings, their paragraphs, and the codes that are listed below the first of them."""
    yield "What was done", [mistake.explanation], ()
    yield "What to change", [mistake.advice], ()
    if mistake.look_alikes or mistake.probe:
        alike = ["These give the same numbers in some problems:"] if mistake.look_alikes else []
        probe = [mistake.probe] if mistake.probe else []
        yield "How to tell it from its look-alikes", alike + probe, mistake.look_alikes
    if mistake.source:
        yield "Where it is seen", [mistake.source], ()


def mistake_to_text(mistake: Mistake) -> str:
    """The page as text, no wider than about 110 columns."""
    lines = [*wrap(mistake.title, ""), *wrap(kind(mistake), "")]
    for heading, (first, *rest), codes in sections(mistake):
        lines += ["", heading, *wrap(first, "  ")]
        for code in codes:
            lines += [f"  - {code}", *wrap(all_mistakes()[code].title, "    ")]
        lines += [line for text in rest for line in wrap(text, "  ")]
    return "\n".join(lines)


def mistakes_to_text(mistakes: Sequence[Mistake]) -> str:
    """A list of codes and titles, family by family; conventions are marked with (c)."""
    lines: list[str] = []
    for family, members in groupby(mistakes, lambda mistake: mistake.family):
        lines += ["", family]
        for mistake in members:
            lines += [f"  {mistake.code}{' (c)' if mistake.convention else ''}", *wrap(mistake.title, "      ")]
    conventions = sum(mistake.convention for mistake in mistakes)
    return "\n".join([*lines[1:], "", f"{len(mistakes) - conventions} mistakes and {conventions} conventions (c)"])


def mistake_to_html(mistake: Mistake, *, linked: bool = False) -> str:
    """The page as an HTML document. linked: the codes of others lead to their pages, which lie beside it."""
    parts = [f"<h1>{html.escape(mistake.title)}</h1>", f"<p>{html.escape(kind(mistake))}</p>"]
    for heading, (first, *rest), codes in sections(mistake):
        parts += [f"<h2>{heading}</h2>", f"<p>{html.escape(first)}</p>"]
        parts += [_html_list([all_mistakes()[code] for code in codes], linked)] if codes else []
        parts += [f"<p>{html.escape(text)}</p>" for text in rest]
    parts += [f'<p><a href="{INDEX}">All mistakes and conventions</a></p>'] if linked else []
    return _document(mistake.title, parts)


def mistakes_to_html(mistakes: Sequence[Mistake], *, linked: bool = False) -> str:
    """The list of codes and titles as an HTML document."""
    conventions = sum(mistake.convention for mistake in mistakes)
    parts = [
        "<h1>Mistakes and conventions</h1>",
        f"<p>What the diagnosis knows: {len(mistakes) - conventions} mistakes and {conventions} conventions of other "
        "frameworks and papers. Each is really carried out on the caller's problem, and is named only if it reproduces "
        "the claimed numbers. A convention is marked with (c).</p>",
    ]
    for family, members in groupby(mistakes, lambda mistake: mistake.family):
        parts += [f"<h2>{html.escape(family)}</h2>", _html_list(list(members), linked)]
    return _document("Mistakes and conventions", parts)


def _html_list(mistakes: Sequence[Mistake], linked: bool) -> str:
    return f"<ul>{''.join(_html_item(mistake, linked) for mistake in mistakes)}</ul>"


def _html_item(mistake: Mistake, linked: bool) -> str:
    code = f"<code>{html.escape(mistake.code)}</code>"
    link = f'<a href="{html.escape(mistake.code)}.html">{code}</a>' if linked else code
    return f"<li>{link}{' (c)' if mistake.convention else ''}: {html.escape(mistake.title)}</li>"


def _document(title: str, parts: Sequence[str]) -> str:
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style>'
    return "\n".join([f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>', *parts, "</body></html>\n"])


def pages() -> Mapping[str, str]:
    """All pages and their index by the names of their files."""
    known = all_mistakes()
    made = {f"{code}.html": mistake_to_html(mistake, linked=True) for code, mistake in known.items()}
    return {INDEX: mistakes_to_html(list(known.values()), linked=True), **made}


def write_pages(folder: Path) -> int:
    """Writes all pages into a folder, which is made if it is not there; how many. Other files in it stay."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return len(made)
