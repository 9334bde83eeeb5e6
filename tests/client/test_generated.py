"""What is generated from the contract is fresh, as far as can be told without the generator of the stubs."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

ROOT = Path(__file__).resolve().parents[2]
BUF = shutil.which("buf", path=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin")
needs_buf = pytest.mark.skipif(BUF is None, reason="buf is not installed")


@pytest.fixture(scope="module")
def builders() -> Iterator[ModuleType]:
    """protos/builders.py, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("builders", ROOT / "protos" / "builders.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["builders"] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules["builders"]


@pytest.fixture(scope="module")
def contract(builders: Any) -> dict[str, Any]:
    """The files of the contract with their comments, as buf reads them."""
    command = [str(BUF), "build", str(ROOT / "protos"), "-o", "-#format=binpb"]
    built = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    files = descriptor_pb2.FileDescriptorSet.FromString(built).file
    return {file.name: builders.ProtoFile(file) for file in files}


@needs_buf
def test_messages_are_those_of_the_contract(contract: dict[str, Any]) -> None:
    """Each generated module holds the descriptor of its .proto file."""
    for name, file in contract.items():
        module = importlib.import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
        expected, actual = descriptor_pb2.FileDescriptorProto(), descriptor_pb2.FileDescriptorProto()
        expected.CopyFrom(file.proto)
        module.DESCRIPTOR.CopyToProto(actual)
        for proto in (expected, actual):
            proto.ClearField("source_code_info")
            forget_json_names(proto.message_type)
        # buf keeps its own marks in an unknown field.
        expected.DiscardUnknownFields()
        assert actual == expected, name


def forget_json_names(messages: Any) -> None:
    """Compilers differ in whether they write them down."""
    for message in messages:
        forget_json_names(message.nested_type)
        for field in message.field:
            field.ClearField("json_name")


@needs_buf
@pytest.mark.parametrize("stem", ["layers", "functions", "losses", "optimizers", "schedules"])
def test_builders_are_those_of_the_contract(contract: dict[str, Any], builders: Any, stem: str) -> None:
    """Names, types and documentation of the committed module."""
    family = next(family for family in builders.FAMILIES if family.stem == stem)
    source = builders.module(family, builders.read_entries(contract[family.source], family))
    assert (ROOT / "client" / "gradproof" / f"{stem}.py").read_text(encoding="utf-8") == source


@needs_buf
def test_texts_of_the_catalogue_are_those_of_the_contract(contract: dict[str, Any], builders: Any) -> None:
    """What ListCatalog says."""
    docs = ROOT / "server" / "gradproof_server" / "engine" / "catalog_docs.json"
    assert docs.read_text(encoding="utf-8") == builders.catalog_docs(contract)


@needs_buf
def test_every_field_says_what_unset_means(contract: dict[str, Any], builders: Any) -> None:
    """A default, or that it is required; alternatives and the shape of a scalar aside."""
    for family in builders.FAMILIES:
        for entry in builders.read_entries(contract[family.source], family):
            for argument in entry.arguments:
                told = (
                    argument.required
                    or argument.default
                    or entry.name in ("Index", "Reshape", "LinearCrossEntropyLoss")
                )
                assert told, f"{entry.name}.{argument.name}"


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("Bound, > 0. Unset: 1.5.", ("Bound, > 0.", "1.5", False)),
        ("Bound. Required.", ("Bound.", "", True)),
        ("Line search; unset: none. Unset: none.", ("Line search; unset: none.", "none", False)),
        ("Sizes. Required, except for a scalar.", ("Sizes. Required, except for a scalar.", "", False)),
    ],
)
def test_comments_are_split_at_their_default(builders: Any, comment: str, expected: tuple[str, str, bool]) -> None:
    """The last "Unset: " is the default, and only a whole "Required." is required."""
    assert builders.split_comment(comment) == expected
