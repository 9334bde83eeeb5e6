"""Pages of docs/mistakes, one for each row of the table: python -m gradproof_server.engine.diagnose.pages [--check]."""

from __future__ import annotations

import argparse
import re
import string
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from .variant import Stage, Variant

FOLDER = Path("docs/mistakes")
INDEX = "README.md"
FAMILIES: Mapping[str, str] = {
    "loss": "Loss functions",
    "reduction": "Reductions and batch averages",
    "backward": "The backward pass",
    "gradient": "Gradients as a whole",
    "activation": "Activations",
    "layer": "Layers",
    "normalization": "Normalization",
    "convolution": "Convolutions",
    "pooling": "Pooling",
    "embedding": "Embeddings",
    "dropout": "Dropout",
    "attention": "Attention",
    "rnn": "Recurrent layers",
    "gru": "GRU",
    "lstm": "LSTM",
    "subgradient": "Kinks and ties",
    "regularization": "Regularization",
    "clipping": "Gradient clipping",
    "optimizer": "Optimizers",
    "update": "The update",
    "schedule": "Learning-rate schedules",
    "data": "Data and steps",
    "layout": "Layout and bookkeeping",
}
STAGES: Mapping[Stage, str] = {
    Stage.DATA: "data",
    Stage.FORWARD: "forward pass",
    Stage.LOSS: "loss",
    Stage.REDUCTION: "reduction of the loss",
    Stage.BACKWARD: "backward pass",
    Stage.GRADIENT: "gradients",
    Stage.CLIP: "clipping",
    Stage.SCHEDULE: "learning-rate schedule",
    Stage.UPDATE: "update",
    Stage.LAYOUT: "layout and bookkeeping",
}
PLAIN_WORDS: Mapping[str, str] = {"sites": "<the layer>", "only": ""}
"""What stands on a page for placeholders whose name would not do."""


class _Readable(string.Formatter):
    """Shows a placeholder by its name: {beta} becomes <beta>."""

    def get_value(self, key: int | str, args: object, kwargs: object) -> str:
        name = str(key)
        return PLAIN_WORDS.get(name, f"<{name.replace('_', ' ')}>")

    def format_field(self, value: object, format_spec: str) -> str:
        return str(value)


def readable(text: str) -> str:
    """A text of the table with its placeholders readable, as Markdown: <beta> is not taken for a tag."""
    shown = _Readable().vformat(text, (), {})
    tidy = re.sub(r" {2,}", " ", re.sub(r"\s+([.,;:])", r"\1", shown)).strip()
    return tidy.replace("<", "\\<").replace("|", "\\|").replace("*", "\\*")


def page(variant: Variant, table: Mapping[str, Variant]) -> str:
    """The page of one row."""
    kind = "A convention: right elsewhere, and not what PyTorch does." if variant.convention else "A mistake."
    parts = [
        f"# {readable(variant.title)}",
        f"`{variant.code}` · {STAGES[variant.stage]} · {kind}",
        f"## What was done\n\n{readable(variant.explanation)}",
        f"## What to change\n\n{readable(variant.advice)}",
    ]
    told_apart = _look_alikes(variant, table)
    if told_apart:
        parts.append(f"## How to tell it from its look-alikes\n\n{told_apart}")
    if variant.source:
        parts.append(f"## Where it is seen\n\n{readable(variant.source)}")
    parts.append(f"[All mistakes and conventions]({INDEX})")
    return "\n\n".join(parts) + "\n"


def _look_alikes(variant: Variant, table: Mapping[str, Variant]) -> str:
    lines = [_link(code, table) for code in look_alikes(variant, table)]
    if lines:
        lines = ["These give the same numbers in some cases:", "", *lines]
    if variant.probe:
        lines = [*lines, *([""] if lines else []), readable(variant.probe)]
    return "\n".join(lines)


def look_alikes(variant: Variant, table: Mapping[str, Variant]) -> list[str]:
    """Codes that give the same numbers in some cases, whichever of both rows says so."""
    named = [code for code in variant.look_alikes if code != variant.code]
    naming = [other.code for other in table.values() if variant.code in other.look_alikes and other is not variant]
    return list(dict.fromkeys([*named, *naming]))


def _link(code: str, table: Mapping[str, Variant]) -> str:
    if code not in table:
        return f"- `{code}`"
    return f"- [`{code}`]({code}.md): {readable(table[code].title)}"


def index(table: Mapping[str, Variant]) -> str:
    """The list of all pages by family."""
    conventions = sum(variant.convention for variant in table.values())
    parts = [
        "# Mistakes and conventions",
        f"What the diagnosis knows: {len(table) - conventions} mistakes and {conventions} conventions of other "
        "frameworks and papers. Each is really carried out on the caller's problem, and is named only if it "
        "reproduces the claimed numbers. A convention is marked with (c).",
        "These pages are made from the table by `python -m gradproof_server.engine.diagnose.pages`.",
    ]
    families = dict.fromkeys([*FAMILIES, *(family(code) for code in table)])
    for name in families:
        members = sorted((v for v in table.values() if family(v.code) == name), key=lambda v: v.code)
        if members:
            lines = [_link(v.code, table) + (" (c)" if v.convention else "") for v in members]
            parts.append(f"## {FAMILIES.get(name, name)}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def family(code: str) -> str:
    """The part of a code before its first dot."""
    return code.partition(".")[0]


def pages(variants: Iterable[Variant]) -> dict[str, str]:
    """All files of the folder by name.

    Raises:
        ValueError: two rows have the same code.
    """
    table: dict[str, Variant] = {}
    for variant in variants:
        if variant.code in table:
            raise ValueError(f"two rows have the code {variant.code!r}")
        table[variant.code] = variant
    return {INDEX: index(table), **{f"{code}.md": page(variant, table) for code, variant in table.items()}}


def write(folder: Path, wanted: Mapping[str, str]) -> None:
    """Writes the files that differ and removes pages that are not wanted."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    for name in superfluous(folder, wanted):
        (folder / name).unlink()


def superfluous(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Pages in the folder that belong to no row."""
    return sorted(path.name for path in folder.glob("*.md") if path.name not in wanted)


def stale(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Files that are missing or say something else."""
    return [name for name, text in wanted.items() if not (folder / name).is_file() or _read(folder / name) != text]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Writes the pages, or with --check says which are stale or superfluous; 1 if there are any."""
    from .variants import TABLE

    parser = argparse.ArgumentParser(description="Writes the pages of docs/mistakes from the table of variants.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is stale or superfluous")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where the pages are; default {FOLDER}")
    options = parser.parse_args(arguments)
    wanted = pages(TABLE)
    if not options.check:
        write(options.folder, wanted)
        return 0
    wrong = [*(f"stale: {name}" for name in stale(options.folder, wanted)),
             *(f"superfluous: {name}" for name in superfluous(options.folder, wanted))]  # fmt: skip
    for line in wrong:
        sys.stderr.write(f"{options.folder}: {line}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
