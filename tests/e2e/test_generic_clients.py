"""The founding case from clients that know nothing of this project: buf curl by reflection, Node by .proto files."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

# What PyTorch gives, to the digits that the author printed.
GRADIENTS = {"0.weight": [-0.28, -0.42, -0.30, -0.45], "1.weight": [-0.85, -0.48]}
UPDATED = {"0.weight": [0.1240, 0.2310, 0.1350, 0.1025], "1.weight": [0.1825, 0.1740]}


def assert_printed(actual: Mapping[str, Sequence[float]], expected: Mapping[str, Sequence[float]], digits: int) -> None:
    """The same numbers under the same names, to so many decimals."""
    assert {name: [round(x, digits) for x in values] for name, values in actual.items()} == expected


def run(*command: str, text: str = "", folder: Path | None = None) -> str:
    """What a command prints; it must end well."""
    done = subprocess.run(command, input=text, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def curl_command(address: str, method: str) -> list[str]:
    """Calls a method by reflection with the request on standard input."""
    buf = Path(sysconfig.get_path("scripts")) / "buf"
    url = f"http://{address}/gradproof.v1.GradientService/{method}"
    return [str(buf), "curl", "--protocol", "grpc", "--http2-prior-knowledge", "-d", "@-", url]


def buf_curl(address: str, method: str, request: Any) -> Any:
    """The JSON response of a method, called by reflection."""
    return json.loads(run(*curl_command(address, method), text=json.dumps(request)))


def tensor(shape: Sequence[int], *numbers: float) -> dict[str, object]:
    """A Tensor as JSON."""
    data = base64.b64encode(struct.pack(f"<{len(numbers)}d", *numbers)).decode()
    return {"dtype": "DTYPE_FLOAT64", "shape": shape, "data": data}


def linear(in_features: int, out_features: int) -> dict[str, object]:
    """A bias-free linear layer as JSON."""
    return {"layer": {"linear": {"in_features": in_features, "out_features": out_features, "bias": False}}}


PROBLEM = {
    "network": {"nodes": [linear(2, 2), linear(2, 1)]},
    "parameters": {"0.weight": tensor([2, 2], 0.11, 0.21, 0.12, 0.08), "1.weight": tensor([1, 2], 0.14, 0.15)},
    "inputs": {"input": tensor([2], 2, 3)},
    "targets": {"target": tensor([1], 1)},
    "loss": {"l1_loss": {}},
    "optimizer": {"sgd": {"lr": 0.05}},
}
CLAIM = {
    "tensors": [
        {
            "id": {"quantity": "QUANTITY_UPDATED", "name": "1.weight"},
            "value": tensor([1, 2], 0.174, 0.169),
            "precision": {"decimals": {"digits": 3}},
        }
    ]
}


def by_name(tensors: Sequence[Any], quantity: str) -> dict[str, list[float]]:
    """The numbers of all tensors of one quantity in a JSON response."""
    return {t["id"]["name"]: doubles(t["value"]["data"]) for t in tensors if t["id"]["quantity"] == quantity}


def doubles(text: str) -> list[float]:
    """Numbers from base64."""
    data = base64.b64decode(text)
    return list(struct.unpack(f"<{len(data) // 8}d", data))


def test_buf_curl_gets_the_reference(address: str) -> None:
    """Gradients and updated weights of the founding case, without a line of our code on the client's side."""
    tensors = buf_curl(address, "ComputeGradients", {"problem": PROBLEM})["reference"]["tensors"]
    assert_printed(by_name(tensors, "QUANTITY_GRADIENT"), GRADIENTS, 2)
    assert_printed(by_name(tensors, "QUANTITY_UPDATED"), UPDATED, 4)


def test_buf_curl_gets_the_verdict_and_the_reason(address: str) -> None:
    """The author's claim disagrees in both numbers, and half a squared error explains it."""
    response = buf_curl(address, "CheckGradients", {"problem": PROBLEM, "claim": CLAIM})
    assert response["verdict"] == "VERDICT_DISAGREES"
    (comparison,) = response["comparisons"]
    assert comparison["disagreeing"] == "2"
    assert comparison["worst"]["claimed"] == 0.174
    assert response["diagnosis"]["findings"][0]["codes"][0].startswith("loss.half_squared_error")


def test_the_request_of_the_readme_disagrees(address: str, root: Path) -> None:
    """The file that the README hands to buf curl is a request of the founding case."""
    request = json.loads((root / "examples" / "founding_case.request.json").read_text())
    assert buf_curl(address, "CheckGradients", request)["verdict"] == "VERDICT_DISAGREES"


def test_buf_curl_is_told_which_field_is_wrong(address: str) -> None:
    """A generic client shows the error's field path and reason."""
    command, text = curl_command(address, "CheckGradients"), json.dumps({"problem": PROBLEM})
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)
    error = json.loads(done.stderr)
    assert error["code"] == "invalid_argument"
    assert error["message"].startswith("claim.tensors")
    assert {"google.rpc.ErrorInfo", "google.rpc.BadRequest"} <= {detail["type"] for detail in error["details"]}


@pytest.fixture
def node_folder(install_node_packages: Callable[[Path], None]) -> Path:
    """The Node client with what it needs."""
    folder = Path(__file__).parent / "node"
    install_node_packages(folder)
    return folder


def test_a_node_client_gets_reference_verdict_and_reason(address: str, node_folder: Path, root: Path) -> None:
    """@grpc/grpc-js with the .proto files prints the numbers of the founding case."""
    printed = json.loads(run("node", "client.mjs", address, str(root / "protos"), folder=node_folder))
    assert_printed(printed["gradients"], GRADIENTS, 2)
    assert_printed(printed["updated"], UPDATED, 4)
    assert printed["verdict"] == "VERDICT_DISAGREES"
    (comparison,) = printed["comparisons"]
    assert (comparison["verdict"], comparison["disagreeing"]) == ("VERDICT_DISAGREES", 2)
    assert "squared error" in printed["titles"][0]
    assert printed["refused"]["code"] == 3
    assert printed["refused"]["message"].startswith("claim.tensors")
