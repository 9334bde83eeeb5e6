"""Everything that is generated from the contract: stubs, the catalogue's texts, and the SDK's typed builders.

    python protos/generate.py           writes it
    python protos/generate.py --check   fails, with a diff, where what is committed is not what would be written

Needs grpcio-tools 1.73.1 (in an environment of its own): its code runs on protobuf 6.31 and later, 7 included, while
newer generators lock users of protobuf 6 out.
"""

from __future__ import annotations

import argparse
import difflib
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from builders import FAMILIES, ProtoFile, catalog_docs, module, read_entries
from descriptors import PACKAGE, run_protoc, write_descriptors
from google.protobuf import descriptor_pb2

TOOLS = "1.73.1"
ROOT = Path(__file__).resolve().parent.parent
STUBS = Path("client") / PACKAGE
DOCS = Path("server/gradproof_server/engine/catalog_docs.json")


def read_contract(folder: Path) -> dict[str, ProtoFile]:
    """The files of the contract by their path, with comments."""
    target = folder / "descriptors.bin"
    write_descriptors(target)
    described = descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes())
    target.unlink()
    return {proto.name: ProtoFile(proto) for proto in described.file}


def write_stubs(folder: Path, contract: dict[str, ProtoFile]) -> None:
    """Messages with their types for every file, services only for the files that have one."""
    client = folder / "client"
    client.mkdir(parents=True)
    run_protoc(f"--python_out={client}", f"--pyi_out={client}", *contract)
    run_protoc(f"--grpc_python_out={client}", *(name for name, file in contract.items() if file.proto.service))
    text = '"""The contract, generated from protos/gradproof/v1; do not edit."""\n'
    (client / PACKAGE / "__init__.py").write_text(text, encoding="utf-8")


def write_docs(folder: Path, contract: dict[str, ProtoFile]) -> None:
    """The comments of the catalogue as JSON, for ListCatalog."""
    target = folder / DOCS
    target.parent.mkdir(parents=True)
    target.write_text(catalog_docs(contract), encoding="utf-8")


def generate(folder: Path) -> None:
    """Writes everything that is generated under `folder`, at the paths that it has in the repository."""
    contract = read_contract(folder)
    write_stubs(folder, contract)
    write_docs(folder, contract)
    for family in FAMILIES:
        text = module(family, read_entries(contract[family.source], family))
        (folder / f"client/gradproof/{family.stem}.py").write_text(text, encoding="utf-8")


def differences(fresh: Path) -> list[str]:
    """How the repository differs from what was generated under `fresh`, as lines of a diff; empty where it does not."""
    made = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
    stale = {path.relative_to(ROOT) for path in (ROOT / STUBS).glob("*_pb2*.py*")} - made
    lines = [f"{path} is not generated any more" for path in sorted(stale)]
    for path in sorted(made):
        committed = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else ""
        wanted = (fresh / path).read_text(encoding="utf-8")
        lines += difflib.unified_diff(
            committed.splitlines(), wanted.splitlines(), f"committed {path}", f"generated {path}", lineterm="", n=1
        )
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Generates, or checks that what is committed is fresh; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where something committed is stale")
    check = parser.parse_args(arguments).check
    if (found := metadata.version("grpcio-tools")) != TOOLS:
        print(f"grpcio-tools {TOOLS} is needed, {found} is installed", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        generate(fresh)
        lines = differences(fresh)
        if check:
            print("\n".join(lines[:400]) or "everything generated is fresh", file=sys.stderr if lines else sys.stdout)
            return int(bool(lines))
        for path in sorted(p.relative_to(fresh) for p in fresh.rglob("*") if p.is_file()):
            (ROOT / path).write_bytes((fresh / path).read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
