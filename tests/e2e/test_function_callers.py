"""Functions that only their callers can evaluate: the layer norms of examples/function-node and examples/function-cpp.

Each language is one test: what it needs is installed or built once, whatever process runs which test.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

DTYPES = {"float64": torch.float64, "float32": torch.float32}
CLAIMS = ("vjp", "gradient")
ALL_AGREE = {"x": "AGREES", "gamma": "AGREES", "beta": "AGREES"}
ALL_DISAGREE = dict.fromkeys(ALL_AGREE, "DISAGREES")
ONLY_X_DISAGREES = ALL_AGREE | {"x": "DISAGREES"}
# By the backward function that a caller is told to use: exit status, verdict, and the verdict of each tensor.
EXPECTED = {
    "right": (0, "AGREES", ALL_AGREE),
    "without-mean": (1, "DISAGREES", ONLY_X_DISAGREES),
    "doubled": (1, "DISAGREES", ALL_DISAGREE),
    "wrong-element": (1, "DISAGREES", ONLY_X_DISAGREES),
}
# By how much the claimed element is too large that is the worst one.
FACTORS = {"doubled": 2.0, "wrong-element": 1.01}
TENSOR = re.compile(r"^(\w+) ([A-Z]+), worst at \[([\d, ]*)\]: claimed (\S+), numeric (\S+) ± (\S+)$", re.MULTILINE)
BUILD_PACKAGES = "libgrpc++-dev, libprotobuf-dev, protobuf-compiler and protobuf-compiler-grpc"


@dataclass(frozen=True)
class Worst:
    """A line of a caller: a tensor's verdict, and its worst element."""

    verdict: str
    index: tuple[int, ...]
    claimed: float
    numeric: float
    bar: float


@dataclass(frozen=True)
class Answer:
    """What a caller printed, and its exit status."""

    status: int
    verdict: str
    tensors: dict[str, Worst]

    def verdicts(self) -> tuple[int, str, dict[str, str]]:
        """In the form of EXPECTED."""
        return self.status, self.verdict, {name: worst.verdict for name, worst in self.tensors.items()}


def ask(*command: str) -> Answer:
    """Runs a caller that gets a report."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert not done.stderr
    tensors = {}
    for name, verdict, index, claimed, numeric, bar in TENSOR.findall(done.stdout):
        position = tuple(int(i) for i in index.split(","))
        tensors[name] = Worst(verdict, position, float(claimed), float(numeric), float(bar))
    return Answer(done.returncode, done.stdout.split(":")[0], tensors)


def sines(dtype: torch.dtype, first: int, *shape: int) -> torch.Tensor:
    """The numbers of the callers' tensors, as they are after rounding to their dtype."""
    size = torch.Size(shape).numel()
    return torch.arange(first, first + size, dtype=torch.float64).sin().reshape(shape).to(dtype).double()


def layer_norm_gradients(dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """PyTorch's gradients, in float64, at the callers' point and with their cotangent."""
    x, cotangent = sines(dtype, 1, 3, 5), sines(dtype, 50, 3, 5)
    gamma, beta = sines(dtype, 20, 5), sines(dtype, 30, 5)
    leaves = {"x": x, "gamma": gamma, "beta": beta}
    for leaf in leaves.values():
        leaf.requires_grad_()
    torch.nn.functional.layer_norm(x, (5,), gamma, beta).backward(cotangent)
    return {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}


def assert_numbers_are_true(answer: Answer, truth: dict[str, torch.Tensor], factor: float | None) -> None:
    """PyTorch's derivative lies within each bar, and the claimed one is as wrong as it was made."""
    for name, worst in answer.tensors.items():
        true = truth[name][worst.index].item()
        # The bar is printed with two digits; a twentieth is more than what that can have taken off.
        assert worst.numeric == pytest.approx(true, rel=0, abs=1.05 * worst.bar)
        if factor is not None and worst.verdict == "DISAGREES":
            assert worst.claimed == pytest.approx(factor * true, rel=1e-5)


def assert_caller_is_answered_well(command: tuple[str, ...], address: str) -> None:
    """Verdicts, worst elements and bars for right and wrong derivatives, in both dtypes and by both kinds of claim."""
    for dtype, claim in itertools.product(DTYPES, CLAIMS):
        answers = {backward: ask(*command, address, backward, dtype, claim) for backward in EXPECTED}
        assert {backward: answer.verdicts() for backward, answer in answers.items()} == EXPECTED
        assert answers["wrong-element"].tensors["x"].index == (1, 2)
        truth = layer_norm_gradients(DTYPES[dtype])
        for backward, answer in answers.items():
            assert_numbers_are_true(answer, truth, FACTORS.get(backward))
    nobody = subprocess.run((*command, "127.0.0.1:1"), capture_output=True, text=True, timeout=120)
    assert (nobody.returncode, nobody.stdout) == (2, "")
    assert "14" in nobody.stderr


def test_a_function_in_node(address: str, root: Path, install_node_packages: Callable[[Path], None]) -> None:
    """A layer norm in JavaScript: its right derivative agrees, wrong ones disagree at the element that is wrong."""
    folder = root / "examples" / "function-node"
    install_node_packages(folder)
    assert_caller_is_answered_well(("node", str(folder / "layer-norm.mjs")), address)


def can_build() -> bool:
    """Whether the machine has what examples/function-cpp/Makefile needs."""
    if any(shutil.which(name) is None for name in ("make", "g++", "protoc", "grpc_cpp_plugin", "pkg-config")):
        return False
    return subprocess.run(("pkg-config", "--exists", "grpc++", "protobuf")).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not can_build(), reason=f"C++ needs make, g++, pkg-config, {BUILD_PACKAGES}")
def test_a_function_in_cpp(address: str, root: Path, tmp_path: Path) -> None:
    """A layer norm in C++: its right derivative agrees, wrong ones disagree at the element that is wrong."""
    # Not optimized: the build is most of the test's time.
    build = ("make", "-j2", f"BUILD={tmp_path}", "CXXFLAGS=-O0 -Wall -Wextra -Werror")
    done = subprocess.run(build, cwd=root / "examples" / "function-cpp", capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert_caller_is_answered_well((str(tmp_path / "layer-norm"),), address)
