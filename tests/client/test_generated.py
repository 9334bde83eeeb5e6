"""What is made from the contract is fresh, and the builders are what their stubs and the contract say."""

from __future__ import annotations

import ast
import importlib
import inspect
import pickle
import pydoc
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import gradproof
import pytest
from google.protobuf import descriptor_pb2
from gradproof import catalog
from gradproof._builders import MODULES, Family
from gradproof.contract import SET_BY_OTHERS, FieldText, message_texts, parse_comment, texts_of

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "client" / "gradproof"
GENERATOR = ROOT / "build/protos-venv/bin/python"
BUF = shutil.which("buf", path=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin")
needs_buf = pytest.mark.skipif(BUF is None, reason="buf is not installed")


@pytest.fixture(scope="module")
def contract() -> descriptor_pb2.FileDescriptorSet:
    """The contract with its comments, as buf reads it."""
    command = [str(BUF), "build", str(ROOT / "protos"), "-o", "-#format=binpb"]
    built = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    return descriptor_pb2.FileDescriptorSet.FromString(built)


@needs_buf
def test_messages_are_those_of_the_contract(contract: descriptor_pb2.FileDescriptorSet) -> None:
    """Each generated module holds the descriptor of its .proto file."""
    for file in contract.file:
        module = importlib.import_module(file.name.removesuffix(".proto").replace("/", ".") + "_pb2")
        expected, actual = descriptor_pb2.FileDescriptorProto(), descriptor_pb2.FileDescriptorProto()
        expected.CopyFrom(file)
        module.DESCRIPTOR.CopyToProto(actual)
        for proto in (expected, actual):
            proto.ClearField("source_code_info")
            forget_json_names(proto.message_type)
        # buf keeps its own marks in an unknown field.
        expected.DiscardUnknownFields()
        assert actual == expected, file.name


def forget_json_names(messages: Any) -> None:
    """Compilers differ in whether they write them down."""
    for message in messages:
        forget_json_names(message.nested_type)
        for field in message.field:
            field.ClearField("json_name")


@needs_buf
def test_descriptors_are_those_of_the_contract(contract: descriptor_pb2.FileDescriptorSet) -> None:
    """The comments that were taken at build time are those of the .proto files: else `make protos` is due."""
    assert message_texts() == texts_of(contract)
    assert message_texts()["Conv2d"].fields["stride"].default == "1"


def stub_functions(family: Family) -> dict[str, ast.FunctionDef]:
    """The functions of a committed .pyi file, by name."""
    tree = ast.parse((CLIENT / "_generated" / f"{family.module}.pyi").read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def parameters(function: ast.FunctionDef) -> list[tuple[str, str, str]]:
    """Each parameter of a stub with its type and default, in order, keyword-only ones after a star."""
    arguments = function.args
    without = [None] * (len(arguments.args) - len(arguments.defaults))
    rows = [*zip(arguments.args, [*without, *arguments.defaults], strict=True)]
    keywords = [*zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    rest = [(arguments.kwarg, None)] if arguments.kwarg else []
    texts = [(a.arg, ast.unparse(a.annotation), ast.unparse(d) if d else "") for a, d in [*rows, *keywords, *rest]]
    texts.insert(len(rows), ("*", "", ""))
    return texts


def signature(function: Any) -> list[tuple[str, str, str]]:
    """The same of a function that can be called."""
    given = inspect.signature(function).parameters.values()
    texts = [(p.name, p.annotation, "" if p.default is p.empty else repr(p.default)) for p in given]
    positional = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in given)
    texts.insert(positional, ("*", "", ""))
    return texts


@pytest.mark.parametrize("family", MODULES, ids=lambda family: family.module)
def test_builders_are_their_stubs(family: Family) -> None:
    """Every class of the catalogue has a builder with the signature and the docstring of the committed .pyi file."""
    module, stubs = importlib.import_module(f"gradproof.{family.module}"), stub_functions(family)
    names = set(catalog.names(family.wrapper))
    assert names == set(module.__all__) == set(stubs)
    assert names <= set(dir(module))
    for name, stub in stubs.items():
        builder = getattr(module, name)
        assert signature(builder) == parameters(stub), name
        assert inspect.getdoc(builder) == ast.get_docstring(stub), name
        assert message_texts()[name].doc.split()[0] in inspect.getdoc(builder), name
        assert (builder.__name__, builder.__qualname__, builder.__module__) == (name, name, module.__name__)
        assert get_type_hints(builder)["return"].__name__ == family.result


def test_a_builder_is_a_function_like_any_other() -> None:
    """help, source, pickle and errors of a wrong call work; both of its names mean the same function."""
    shown = pydoc.render_doc(gradproof.Conv2d, renderer=pydoc.plaintext)
    assert "Conv2d(in_channels: 'int', out_channels: 'int'" in shown
    assert "Distance between windows" in shown
    assert inspect.getsource(gradproof.Conv2d).startswith("def Conv2d(")
    assert gradproof.Conv2d is gradproof.layers.Conv2d is pickle.loads(pickle.dumps(gradproof.Conv2d))
    with pytest.raises(TypeError, match=r"Linear\(\) missing 1 required positional argument: 'out_features'"):
        gradproof.Linear(2)


def test_names_that_do_not_exist_are_refused() -> None:
    """As of any module; functions are in gradproof.functions alone."""
    for module, name in ((gradproof, "Lineal"), (gradproof.layers, "MSELoss"), (gradproof, "Reshape")):
        with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute '{name}'"):
            getattr(module, name)
        assert name not in dir(module)


def test_all_of_the_sdk_can_be_imported_by_star() -> None:
    """`from gradproof import *` brings every layer, loss, optimizer and schedule, and nothing is promised in vain."""
    namespace: dict[str, Any] = {}
    exec("from gradproof import *", namespace)
    assert set(gradproof.__all__) <= set(namespace)
    families = ("Layer", "Loss", "Optimizer", "Schedule")
    assert {name for family in families for name in catalog.names(family)} <= set(gradproof.__all__)


@pytest.mark.e2e
def test_importing_makes_no_builder() -> None:
    """The descriptors are read when the first builder is asked for."""
    code = (
        "import gradproof, gradproof.contract as c; before = c.message_texts.cache_info().currsize; "
        "gradproof.Linear; print(before, c.message_texts.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["0", "1"]


@pytest.mark.e2e
@pytest.mark.skipif(not GENERATOR.exists(), reason="`make protos-check` makes the generator's environment")
def test_stale_files_are_found(tmp_path: Path) -> None:
    """`generate.py --check` passes as committed, and fails by name on a changed stub, comment or message."""
    for folder in ("client", "protos"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert check(tmp_path) == (0, "everything generated is fresh\n")
    stub = tmp_path / "client/gradproof/_generated/losses.pyi"
    stub.write_text(stub.read_text(encoding="utf-8").replace("def MSELoss", "def MeanSquares"), encoding="utf-8")
    status, printed = check(tmp_path)
    assert status == 1
    assert re.findall(r"(\S+) is (?:stale|missing)", printed) == ["client/gradproof/_generated/losses.pyi"]
    proto = tmp_path / "protos/gradproof/v1/layers.proto"
    proto.write_text(proto.read_text(encoding="utf-8").replace("// Number of input channels", "// Count of them"))
    status, printed = check(tmp_path)
    assert status == 1
    assert {Path(name).name for name in re.findall(r"(\S+) is stale", printed)} == {
        "contract.binpb",
        "layers.pyi",
        "losses.pyi",
    }


def check(root: Path) -> tuple[int, str]:
    """Exit status and output of `generate.py --check` in a copy of the repository."""
    command = [GENERATOR, root / "protos/generate.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


@needs_buf
def test_every_field_says_what_unset_means(contract: descriptor_pb2.FileDescriptorSet) -> None:
    """A default, or that it is required; alternatives and the shape of a scalar aside."""
    texts = texts_of(contract)
    for family in MODULES:
        for name in catalog.names(family.wrapper):
            for field, text in texts[name].fields.items():
                stated = text.required or text.default or name in ("Index", "Reshape", "LinearCrossEntropyLoss")
                assert stated or field in SET_BY_OTHERS, f"{name}.{field}"


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("Bound, > 0. Unset: 1.5.", FieldText("Bound, > 0.", "1.5", False)),
        ("Bound. Required.", FieldText("Bound.", "", True)),
        ("Line search; unset: none. Unset: none.", FieldText("Line search; unset: none.", "none", False)),
        ("Sizes. Required, except for a scalar.", FieldText("Sizes. Required, except for a scalar.", "", False)),
    ],
)
def test_comments_are_split_at_their_default(comment: str, expected: FieldText) -> None:
    """The last "Unset: " is the default, and only a whole "Required." is required."""
    assert parse_comment(comment) == expected
