"""Everything that is generated from the contract: protobuf's stubs, the descriptors, and the stubs of the builders.

    python protos/generate.py           writes it
    python protos/generate.py --check   fails, with a diff, where what is there is not what would be written

Needs grpcio-tools 1.73.1 and NumPy (in an environment of their own): the generator's code runs on protobuf 6.31 and
later, 7 included, while newer generators lock users of protobuf 6 out.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from descriptors import PACKAGE, PROTOS, contract_files, run_protoc, write_descriptors

TOOLS = "1.73.1"
ROOT = PROTOS.parent
MESSAGES = Path("client") / PACKAGE
BUILDERS = Path("client/gradproof/_generated")


def write_messages(client: Path) -> None:
    """Messages with their types for every file, services only for the files that have one."""
    files = contract_files()
    run_protoc(f"--python_out={client}", f"--pyi_out={client}", *files)
    with_service = [name for name in files if "\nservice " in (PROTOS / name).read_text(encoding="utf-8")]
    run_protoc(f"--grpc_python_out={client}", *with_service)
    text = '"""The contract, generated from protos/gradproof/v1; do not edit."""\n'
    (client / PACKAGE / "__init__.py").write_text(text, encoding="utf-8")


def generate(folder: Path) -> None:
    """Writes everything that is generated into a copy of the client under `folder`.

    The builders' stubs are written by the SDK itself, as it is with the fresh messages and descriptors.
    """
    client, builders = folder / "client", folder / BUILDERS
    ignored = shutil.ignore_patterns(MESSAGES.name, BUILDERS.name, "__pycache__")
    shutil.copytree(ROOT / "client", client, ignore=ignored)
    write_messages(client)
    write_descriptors(builders / "contract.binpb")
    environment = {**os.environ, "PYTHONPATH": str(client)}
    subprocess.run([sys.executable, PROTOS / "stubs.py", builders], env=environment, check=True)


def generated(root: Path) -> set[Path]:
    """The generated files under a root, by their paths in the repository."""
    files = [path for folder in (MESSAGES, BUILDERS) for path in (root / folder).glob("*.*")]
    return {path.relative_to(root) for path in files}


def differences(fresh: Path) -> list[str]:
    """How the repository differs from what was generated under `fresh`, as lines of a diff; empty where it does not."""
    made = generated(fresh)
    lines = [f"{path} is not generated any more" for path in sorted(generated(ROOT) - made)]
    for path in sorted(made):
        if not (ROOT / path).exists():
            lines.append(f"{path} is missing")
        elif (ROOT / path).read_bytes() != (fresh / path).read_bytes():
            lines += [f"{path} is stale", *_diff(path, fresh)]
    return lines


def _diff(path: Path, fresh: Path) -> list[str]:
    if path.suffix == ".binpb":
        return []
    old, new = ((root / path).read_text(encoding="utf-8").splitlines() for root in (ROOT, fresh))
    return list(difflib.unified_diff(old, new, f"committed {path}", f"generated {path}", lineterm="", n=1))


def main(arguments: Sequence[str] | None = None) -> int:
    """Generates, or checks that what is there is fresh; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where something is stale")
    check = parser.parse_args(arguments).check
    if (found := metadata.version("grpcio-tools")) != TOOLS:
        print(f"grpcio-tools {TOOLS} is needed, {found} is installed", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        generate(fresh)
        if check:
            lines = differences(fresh)
            print("\n".join(lines[:400]) or "everything generated is fresh", file=sys.stderr if lines else sys.stdout)
            return int(bool(lines))
        for path in generated(fresh):
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_bytes((fresh / path).read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
