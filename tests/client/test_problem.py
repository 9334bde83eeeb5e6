"""Problems and networks: what a caller writes, and the message that it becomes."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import gradproof as gp
import numpy as np
import pytest
from gradproof.errors import InvalidProblemError
from gradproof.network import network_to_proto
from gradproof.tensors import as_tensor, tensor_to_numpy
from gradproof.v1 import losses_pb2, network_pb2, problem_pb2, tensor_pb2


def founding() -> gp.Problem:
    """Two bias-free linear layers, L1Loss and SGD."""
    return gp.Problem(
        [
            gp.Linear(2, 2, bias=False, weight=[[0.11, 0.21], [0.12, 0.08]]),
            gp.Linear(2, 1, bias=False, weight=[[0.14, 0.15]]),
        ],
        input=[2, 3],
        target=[1],
        loss=gp.L1Loss(),
        optimizer=gp.SGD(lr=0.05),
    )


def violations(problem: gp.Problem) -> list[tuple[str, str]]:
    """Fields and reasons of what is wrong with a problem."""
    with pytest.raises(InvalidProblemError) as caught:
        problem.to_proto()
    return [(v.field, v.reason) for v in caught.value.violations]


def test_the_founding_case_becomes_the_message_written_by_hand() -> None:
    """Names, float64 tensors and the oneofs are those of the contract."""
    expected = problem_pb2.Problem(
        inputs={"input": as_tensor([2.0, 3.0])},
        targets={"target": as_tensor([1.0])},
        parameters={"0.weight": as_tensor([[0.11, 0.21], [0.12, 0.08]]), "1.weight": as_tensor([[0.14, 0.15]])},
        loss=losses_pb2.Loss(l1_loss=losses_pb2.L1Loss()),
    )
    expected.optimizer.sgd.lr = 0.05
    for i, (size, out) in enumerate(((2, 2), (2, 1))):
        node = expected.network.nodes.add(name=str(i))
        node.layer.linear.in_features, node.layer.linear.out_features, node.layer.linear.bias = size, out, False
    assert founding().to_proto() == expected


def test_layers_are_values() -> None:
    """Nodes are frozen, may be used in two problems, and can be sent to another process."""
    layer = gp.Linear(1, 1, weight=[[1]])
    with pytest.raises(dataclasses.FrozenInstanceError):
        layer.name = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(layer)) == layer
    assert gp.Problem([layer]).to_proto() == gp.Problem([layer]).to_proto()


def test_an_array_for_bias_is_the_parameter() -> None:
    """`bias=True` is the constructor's argument, `bias=[...]` the numbers; integers become floats."""
    message = gp.Problem([gp.Linear(2, 1, bias=[3]), gp.Linear(1, 1, bias=True)]).to_proto()
    assert tensor_to_numpy(message.parameters["0.bias"]).tolist() == [3.0]
    assert not message.network.nodes[0].layer.linear.HasField("bias")
    assert message.network.nodes[1].layer.linear.bias


def test_buffers_go_where_buffers_belong() -> None:
    """Running statistics are no parameters; counters stay integers."""
    layer = gp.BatchNorm1d(1, weight=[1], running_mean=[0.5], running_var=[2], num_batches_tracked=np.array(3))
    message = gp.Problem([layer]).to_proto()
    assert set(message.parameters) == {"0.weight"}
    assert set(message.buffers) == {"0.running_mean", "0.running_var", "0.num_batches_tracked"}
    assert message.buffers["0.num_batches_tracked"].dtype == tensor_pb2.DTYPE_INT64
    assert message.buffers["0.running_var"].dtype == tensor_pb2.DTYPE_FLOAT64


def test_numbers_that_are_neither_argument_nor_array_are_refused() -> None:
    """A scalar under an unknown name is a typing error, not a parameter."""
    with pytest.raises(InvalidProblemError, match="did you mean 'bias'"):
        gp.Linear(2, 1, bais=1)


def test_nested_lists_are_named_as_in_torch() -> None:
    """Sequential(Linear, Sequential(ReLU, Linear)) has 0.weight and 1.1.weight."""
    torch = pytest.importorskip("torch")
    inner = gp.Sequential(gp.ReLU(), gp.Linear(2, 1, weight=[[1, 2]]))
    message = gp.Problem(gp.Sequential(gp.Linear(2, 2, weight=np.eye(2)), inner)).to_proto()
    module = torch.nn.Sequential(
        torch.nn.Linear(2, 2, bias=False), torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(2, 1, bias=False))
    )
    assert set(message.parameters) == set(module.state_dict())
    assert [node.name for node in message.network.nodes] == ["0", "1.0", "1.1"]


def test_names_inputs_and_outputs_of_nodes_are_kept() -> None:
    """A residual block, written as a graph with a used-again layer."""
    network = [
        gp.Linear(2, 2, name="fc", weight=np.eye(2)),
        gp.functions.Add(name="sum", inputs=["input", "fc"]),
        gp.Node("fc", name="again"),
        gp.Node(gp.MultiheadAttention(2, 1), name="attention", inputs="again", named_inputs={"attn_mask": "mask"}),
        gp.functions.Split(1, dim=-1, name="halves", output=1),
    ]
    nodes = gp.Problem(network, outputs=["sum", "halves"], tied_parameters={"a": "b"}).to_proto().network.nodes
    assert [node.name for node in nodes] == ["fc", "sum", "again", "attention", "halves"]
    assert list(nodes[1].inputs) == ["input", "fc"]
    assert nodes[2].shared == "fc"
    assert dict(nodes[3].named_inputs) == {"attn_mask": "mask"}
    assert nodes[4].output == "1"


def test_a_node_around_a_node_changes_only_what_it_names() -> None:
    """The inner node's tensors and output stay."""
    inner = gp.GRU(1, 1, output="last", weight_ih_l0=[[1], [1], [1]])
    node = gp.Node(inner, name="rnn", inputs=["x"])
    assert (node.name, node.inputs, node.output, set(node.tensors)) == ("rnn", ("x",), "last", {"weight_ih_l0"})


def test_initial_states_become_inputs_of_their_layer() -> None:
    """h0 and c0 are inputs named after the node, and the layer still takes what it took."""
    network = [gp.LSTM(1, 1, h0=[[0.5]], c0=[[0]]), gp.Linear(1, 1), gp.LSTMCell(1, 1, h0=[[1]], c=[[2]])]
    message = gp.Problem(network, inputs={"x": [[1]]}).to_proto()
    assert list(message.network.nodes[0].inputs) == ["x", "0.h0", "0.c0"]
    assert list(message.network.nodes[2].inputs) == ["1", "2.h", "2.c"]
    assert set(message.inputs) == {"x", "0.h0", "0.c0", "2.h", "2.c"}
    assert not message.parameters


def test_half_of_an_initial_state_is_refused() -> None:
    """LSTM needs both states or neither."""
    assert violations(gp.Problem([gp.LSTM(1, 1, h0=[[0.5]])])) == [("problem.network.0.c0", "REQUIRED")]


@pytest.mark.parametrize("network", [gp.Linear(1, 1), [gp.Linear(1, 1)], gp.Sequential(gp.Linear(1, 1))])
def test_one_layer_is_a_network_in_every_spelling(network: Any) -> None:
    """A layer, a list of it, a Sequential of it, and the message of the layer alone."""
    expected = network_to_proto([gp.Linear(1, 1).operation]).network
    assert network_to_proto(network).network == expected
    assert gp.Problem(expected).to_proto().network == expected


@pytest.mark.parametrize("network", [3, "Linear", [3], [gp.Linear], [None]])
def test_what_is_no_network_is_refused(network: Any) -> None:
    """Numbers, names, and builders that were not called."""
    assert violations(gp.Problem(network))[0][1] == "WRONG_TYPE"


def test_forgotten_parentheses_are_named() -> None:
    """gp.Linear instead of gp.Linear(...)."""
    with pytest.raises(InvalidProblemError, match=r"write Linear\(\.\.\.\)"):
        gp.Problem([gp.Linear]).to_proto()  # type: ignore[list-item]


INTEGERS: list[tuple[Any, dict[str, Any], dict[str, int]]] = [
    ([gp.Linear(1, 1)], {"input": [1]}, {"input": tensor_pb2.DTYPE_FLOAT64}),
    ([gp.Linear(1, 1)], {"input": np.array([1])}, {"input": tensor_pb2.DTYPE_INT64}),
    ([gp.Linear(1, 1)], {"input": [True]}, {"input": tensor_pb2.DTYPE_BOOL}),
    ([gp.Embedding(2, 1)], {"input": [1]}, {"input": tensor_pb2.DTYPE_INT64}),
    (
        [gp.EmbeddingBag(2, 1, named_inputs={"offsets": "o"}), gp.Linear(1, 1, inputs="x")],
        {"inputs": {"input": [1], "o": [0], "x": [2]}},
        {"input": tensor_pb2.DTYPE_INT64, "o": tensor_pb2.DTYPE_INT64, "x": tensor_pb2.DTYPE_FLOAT64},
    ),
    ([gp.functions.Gather(inputs=["a", "b"])], {"inputs": {"a": [1], "b": [0]}}, {"b": tensor_pb2.DTYPE_INT64}),
]


@pytest.mark.parametrize(("network", "data", "dtypes"), INTEGERS)
def test_listed_integers_mean_floats_where_a_layer_takes_floats(
    network: Any, data: dict[str, Any], dtypes: dict[str, int]
) -> None:
    """Lists only: an array says its type itself."""
    message = gp.Problem(network, **data).to_proto()
    assert {name: message.inputs[name].dtype for name in dtypes} == dtypes


@pytest.mark.parametrize(
    ("loss", "dtype"),
    [(gp.MSELoss(), tensor_pb2.DTYPE_FLOAT64), (gp.CrossEntropyLoss(), tensor_pb2.DTYPE_INT64)],
)
def test_listed_integers_of_targets_follow_the_loss(loss: Any, dtype: int) -> None:
    """Class indices stay, numbers become floats, in every step."""
    steps = [gp.Step(target=[0]), gp.Step(target=[1], lr=0.5)]
    message = gp.Problem(gp.Linear(1, 1), target=[1], loss=loss, steps=steps).to_proto()
    tensors = [message.targets["target"], *(step.targets["target"] for step in message.steps)]
    assert [tensor.dtype for tensor in tensors] == [dtype] * 3
    assert not message.steps[0].HasField("lr")
    assert message.steps[1].lr == 0.5


def test_a_number_of_steps_repeats_the_same_step() -> None:
    """`steps=3` are three empty steps."""
    assert list(gp.Problem(gp.Linear(1, 1), steps=3).to_proto().steps) == [problem_pb2.Step()] * 3


def test_all_options_reach_their_fields() -> None:
    """Each keyword of Problem fills the field of its name."""
    message = gp.Problem(
        gp.Linear(1, 1),
        loss="mse_loss",
        optimizer={"Adam": {"lr": 0.1}},
        schedule={"StepLR": [2]},
        parameters={"0.weight": [[1]], "0.bias": 2},
        buffers={"9.running_mean": [0.0]},
        state={"0.weight.step": 3},
        clip_grad_norm=(1.0, float("inf")),
        clip_grad_value=0.5,
        mode="eval",
        frozen="0.bias",
        seed=2**64 - 1,
        dtype="float32",
        device="cpu",
    ).to_proto()
    assert message.loss.WhichOneof("kind") == "mse_loss"
    assert message.optimizer.adam.lr == 0.1
    assert message.schedule.step_lr.step_size == 2
    assert tensor_to_numpy(message.state["0.weight.step"]).item() == 3.0
    assert (message.clip_grad_norm.max_norm, message.clip_grad_norm.norm_type) == (1.0, float("inf"))
    assert message.clip_grad_value.clip_value == 0.5
    assert (message.mode, message.device, message.dtype) == (2, 2, tensor_pb2.DTYPE_FLOAT32)
    assert (list(message.frozen), message.seed) == (["0.bias"], 2**64 - 1)
    assert tensor_to_numpy(message.parameters["0.bias"]).shape == ()


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """Eight mistakes in eight fields give eight violations with their paths."""
    problem = gp.Problem(
        gp.Linear(1, 1, weight=[[1]]),
        loss="L2Loss",
        parameters={"0.weight": [[2]], "0.bias": [[1], [2, 3]]},
        steps=0,
        clip_grad_norm="a",  # type: ignore[arg-type]
        mode="test",
        seed=-1,
        dtype="float31",
    )
    assert sorted(violations(problem)) == [
        ("problem.clip_grad_norm.max_norm", "WRONG_TYPE"),
        ("problem.dtype", "UNKNOWN_DTYPE"),
        ("problem.loss", "UNKNOWN_LOSS"),
        ("problem.mode", "UNKNOWN_VALUE"),
        ('problem.parameters["0.bias"][1]', "RAGGED"),
        ('problem.parameters["0.weight"]', "GIVEN_TWICE"),
        ("problem.seed", "OUT_OF_RANGE"),
        ("problem.steps", "OUT_OF_RANGE"),
    ]


def test_steps_must_be_steps() -> None:
    """A dict in the list of steps is refused with its place."""
    problem = gp.Problem(gp.Linear(1, 1), steps=[gp.Step(), {"lr": 1}])  # type: ignore[list-item]
    assert violations(problem) == [("problem.steps[1]", "WRONG_TYPE")]


def test_a_message_of_a_network_is_not_changed() -> None:
    """`outputs` goes into a copy."""
    network = network_pb2.Network(nodes=[network_pb2.Node(name="a")])
    assert list(gp.Problem(network, outputs="a").to_proto().network.outputs) == ["a"]
    assert not network.outputs
