"""The descriptors of the contract, with the comments of the .proto files: what the SDK and the catalogue explain.

    python protos/descriptors.py client/gradproof/_generated/contract.binpb

Needs grpcio-tools.
"""

from __future__ import annotations

import sys
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent
PACKAGE = "gradproof/v1"


def contract_files() -> list[str]:
    """The .proto files, as protoc names them."""
    return sorted(path.relative_to(PROTOS).as_posix() for path in (PROTOS / PACKAGE).glob("*.proto"))


def run_protoc(*arguments: str) -> None:
    """Runs protoc in the folder of the contract; raises SystemExit where it fails."""
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    if protoc.main(["protoc", f"-I{PROTOS}", f"-I{well_known}", *arguments]):
        raise SystemExit("protoc failed")


def write_descriptors(target: Path) -> None:
    """Writes a FileDescriptorSet of the contract with its comments."""
    target.parent.mkdir(parents=True, exist_ok=True)
    run_protoc(f"--descriptor_set_out={target}", "--include_source_info", *contract_files())


if __name__ == "__main__":
    write_descriptors(Path(sys.argv[1]))
