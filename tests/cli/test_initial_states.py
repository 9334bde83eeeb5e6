"""Initial states of recurrent layers: h0 and c0 beside the layer."""

from __future__ import annotations

from typing import Any

import pytest
from gradproof.problem_file import loads
from gradproof.tensors import tensor_to_numpy
from gradproof.v1 import problem_pb2, tensor_pb2


def values(tensor: tensor_pb2.Tensor) -> Any:
    """The numbers of a tensor as nested lists."""
    return tensor_to_numpy(tensor).tolist()


def network(*lines: str, more: str = "") -> problem_pb2.Problem:
    """The problem of a file with these nodes."""
    return loads("network:\n" + "".join(f"  - {line}\n" for line in lines) + more).problem


@pytest.mark.parametrize(
    ("arguments", "x", "h0", "expected"),
    [
        ("[1, 2, {batch_first: true}]", "[[[1]], [[2]]]", "[0.1, 0.2]", [[[0.1, 0.2], [0.1, 0.2]]]),
        ("[1, 2, {batch_first: true}]", "[[[1]], [[2]]]", "[[0.1, 0.2]]", [[[0.1, 0.2], [0.1, 0.2]]]),
        ("[1, 2, {batch_first: true}]", "[[[1]], [[2]]]", "[[1, 2], [3, 4]]", [[[1.0, 2.0], [3.0, 4.0]]]),
        ("[1, 1]", "[[[1], [2], [3]]]", "[[1], [2], [3]]", [[[1.0], [2.0], [3.0]]]),
        ("[1, 1, 2]", "[[[1], [2]]]", "[[0.1], [0.2]]", [[[0.1], [0.1]], [[0.2], [0.2]]]),
        ("[1, 1, {bidirectional: true}]", "[[[1]]]", "[[0.1], [0.2]]", [[[0.1]], [[0.2]]]),
        ("[1, 1]", "[[1], [2]]", "[[0.5]]", [[0.5]]),
        ("[1, 1]", "[[1], [2]]", "[0.5]", [[0.5]]),
        ("[1, 1]", "[[[1]]]", "[[[0.5]]]", [[[0.5]]]),
    ],
)
def test_initial_states_get_their_missing_dimensions(arguments: str, x: str, h0: str, expected: list[Any]) -> None:
    """A state without layers or samples is brought to (layers * directions, N, hidden), or without N for one sample."""
    problem = network(f"{{GRU: {arguments}, h0: {h0}}}", more=f"input: {x}")
    assert list(problem.network.nodes[0].inputs) == ["input", "0.h0"]
    assert values(problem.inputs["0.h0"]) == expected


def test_initial_states_behind_other_layers() -> None:
    """The batch size is that of the input that reaches the recurrent layer, an Embedding's included."""
    problem = network(
        "Embedding: [3, 1]",
        "{LSTM: [1, 2, {batch_first: true, proj_size: 1}], c0: [0.1, 0.2], output: last}",
        "{Linear: [1, 1]}",
        more="input: [[0, 1], [1, 2], [0, 0]]",
    )
    first, second, third = problem.network.nodes
    assert (list(first.inputs), list(second.inputs), list(third.inputs)) == (["input"], ["0", "1.h0", "1.c0"], [])
    assert values(problem.inputs["1.h0"]) == [[[0.0], [0.0], [0.0]]]
    assert values(problem.inputs["1.c0"]) == [[[0.1, 0.2]] * 3]


def test_initial_states_of_cells() -> None:
    """A cell's state has no dimension of layers."""
    problem = network("{LSTMCell: [1, 2], h0: [[0.1, 0.2]], c0: [3, 4]}", more="input: [[1], [2]]")
    assert values(problem.inputs["0.h0"]) == [[0.1, 0.2], [0.1, 0.2]]
    assert values(problem.inputs["0.c0"]) == [[3.0, 4.0], [3.0, 4.0]]
