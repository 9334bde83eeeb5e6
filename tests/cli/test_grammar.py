"""What a problem file may say, and the messages that it becomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from gradproof.errors import InvalidProblemError, Violation
from gradproof.problem_file import ProblemFile, load, loads
from gradproof.tensors import DTYPE_NAMES, tensor_to_numpy
from gradproof.v1 import functions_pb2, problem_pb2, tensor_pb2

FOUNDING = """
network:
  - Linear: {in_features: 2, out_features: 2, bias: false, weight: [[0.11, 0.21], [0.12, 0.08]]}
  - Linear: [2, 1, {bias: false}]
parameters: {1.weight: [[0.14, 0.15]]}
input: [2.0, 3.0]
target: [1.0]
loss: L1Loss
optimizer: {SGD: {lr: 0.05}}
claim:
  updated: {1.weight: [[0.174, 0.169]]}
"""

STEP = """
network: [{Linear: [2, 1, {weight: [[1, 2]], bias: [0]}]}]
input: [[1, 2]]
target: [[1]]
loss: MSELoss
optimizer: {SGD: {lr: 0.1}}
"""


def values(tensor: tensor_pb2.Tensor) -> Any:
    """The numbers of a tensor as nested lists."""
    return tensor_to_numpy(tensor).tolist()


def network(*lines: str, more: str = "") -> problem_pb2.Problem:
    """The problem of a file with these nodes."""
    return loads("network:\n" + "".join(f"  - {line}\n" for line in lines) + more).problem


def test_the_founding_case_is_read_as_written() -> None:
    """The example of the documentation becomes the problem and the claim that it describes."""
    read = loads(FOUNDING)
    first, second = (node.layer.linear for node in read.problem.network.nodes)
    assert (first.in_features, first.out_features, first.bias, first.HasField("bias")) == (2, 2, False, True)
    assert (second.in_features, second.out_features, second.bias) == (2, 1, False)
    assert {name: values(tensor) for name, tensor in read.problem.parameters.items()} == {
        "0.weight": [[0.11, 0.21], [0.12, 0.08]],
        "1.weight": [[0.14, 0.15]],
    }
    assert values(read.problem.inputs["input"]) == [2.0, 3.0]
    assert values(read.problem.targets["target"]) == [1.0]
    assert read.problem.loss.HasField("l1_loss")
    assert read.problem.optimizer.sgd.lr == 0.05
    assert read.claim is not None
    (claimed,) = read.claim.tensors
    assert (claimed.id.quantity, claimed.id.name, claimed.id.step) == (tensor_pb2.QUANTITY_UPDATED, "1.weight", 0)
    assert claimed.precision.decimals.digits == 3


def test_json_and_yaml_say_the_same() -> None:
    """A JSON file with the same content gives the same messages."""
    text = """{"network": [{"Linear": {"in_features": 2, "out_features": 2, "bias": false,
      "weight": [[0.11, 0.21], [0.12, 0.08]]}}, {"Linear": [2, 1, {"bias": false}]}],
      "parameters": {"1.weight": [[0.14, 0.15]]}, "input": [2.0, 3.0], "target": [1.0], "loss": "L1Loss",
      "optimizer": {"SGD": {"lr": 0.05}}, "claim": {"updated": {"1.weight": [[0.174, 0.169]]}}}"""
    json.loads(text)
    for name in ("", "problem.json"):
        read, expected = loads(text, name), loads(FOUNDING)
        assert (read.problem, read.claim) == (expected.problem, expected.claim)


def test_free_keys_are_passed_on_unread() -> None:
    """The author's notes are neither checked nor lost."""
    read = loads(STEP + "title: a\nnotes: {anything: [1, {b: c}]}\ncase: x\nsource: y\n")
    assert read.notes == {"title": "a", "notes": {"anything": [1, {"b": "c"}]}, "case": "x", "source": "y"}
    assert read.claim is None


@pytest.mark.parametrize(
    ("line", "kind", "fields"),
    [
        ("ReLU", "re_lu", {}),
        ("ReLU:", "re_lu", {}),
        ("Dropout: 0.25", "dropout", {"p": 0.25}),
        ("Softmax: 1", "softmax", {"dim": 1}),
        ("nn.BatchNorm1d: [4, {momentum: 1.0}]", "batch_norm1d", {"num_features": 4, "momentum": 1.0}),
        ("AvgPool2d: [3, {stride: 3, padding: 1}]", "avg_pool2d", {"kernel_size": [3], "stride": [3], "padding": [1]}),
        ("MaxPool2d: [[2, 3]]", "max_pool2d", {"kernel_size": [2, 3]}),
        ("ZeroPad1d: [1, 2]", "zero_pad1d", {"padding": [1, 2]}),
        ("AdaptiveAvgPool2d: [2, 3]", "adaptive_avg_pool2d", {"output_size": [2, 3]}),
        ("LayerNorm: 4", "layer_norm", {"normalized_shape": [4]}),
        ("Conv2d: [1, 2, 3, {padding: same}]", "conv2d", {"in_channels": 1, "out_channels": 2, "kernel_size": [3]}),
        ("linear: {in_features: 2, out_features: 1}", "linear", {"in_features": 2, "out_features": 1}),
    ],
)
def test_layers_take_arguments_as_in_torch(line: str, kind: str, fields: dict[str, Any]) -> None:
    """Positional arguments, keywords, one bare argument and none all fill the fields of the layer's message."""
    layer = network(line).network.nodes[0].layer
    name = layer.WhichOneof("kind")
    assert name is not None
    assert name.replace("_", "") == kind.replace("_", "")
    read = {key: getattr(getattr(layer, name), key) for key in fields}
    assert {key: list(v) if isinstance(fields[key], list) else v for key, v in read.items()} == fields


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Add:", "add { }"),
        ("Add: {alpha: 0.5}", "add { alpha: 0.5 }"),
        ("exp", "elementwise { function: ELEMENTWISE_FUNCTION_EXP }"),
        ("Elementwise: tanh", "elementwise { function: ELEMENTWISE_FUNCTION_TANH }"),
        ("relu", "elementwise { function: ELEMENTWISE_FUNCTION_RELU }"),
        ("sum", "reduce { reducer: REDUCER_SUM }"),
        ("mean: {dims: [1], keepdim: true}", "reduce { reducer: REDUCER_MEAN dims: 1 keepdim: true }"),
        ("mean: [[0, 1], true]", "reduce { reducer: REDUCER_MEAN dims: 0 dims: 1 keepdim: true }"),
        ("Reduce: {reducer: norm, p: 1}", "reduce { reducer: REDUCER_NORM p: 1.0 }"),
        ("Reshape: [2, -1]", "reshape { shape: 2 shape: -1 }"),
        ("Permute: {dims: [1, 0]}", "permute { dims: 1 dims: 0 }"),
        ("Split: [[1, 2], 1]", "split { sizes: 1 sizes: 2 dim: 1 }"),
        ("Index: {dim: 1, select: 0}", "index { dim: 1 select: 0 }"),
        ("Index: {slice: {start: 1, step: 2}}", "index { slice { start: 1 step: 2 } }"),
        ("Index: {list: [0, 2]}", "index { list { values: 0 values: 2 } }"),
        ("Power: 3", "power { exponent: 3.0 }"),
        ("Einsum: 'ij,jk->ik'", 'einsum { equation: "ij,jk->ik" }'),
    ],
)
def test_functions_are_named_by_message_or_by_their_own_name(line: str, text: str) -> None:
    """Functions of graphs are written by their message's name, elementwise ones and reducers by their own too."""
    assert network(line).network.nodes[0].function == text_format.Parse(text, functions_pb2.Function())


@pytest.mark.parametrize(
    "written", ["[[2, 3]]", "{value: [[2, 3]]}", "{values: [[2, 3]]}", "{value: {values: [[2, 3]]}}"]
)
def test_a_constant_holds_floating_point_numbers(written: str) -> None:
    """The number of a Constant is float64 even where it is written without a point."""
    value = network(f"Constant: {written}").network.nodes[0].function.constant.value
    assert (values(value), DTYPE_NAMES[value.dtype]) == ([[2.0, 3.0]], "float64")


def test_nodes_of_a_graph_have_names_inputs_and_outputs() -> None:
    """What stands beside the layer is the node's wiring; numbers are names as well."""
    problem = network(
        "{Linear: [2, 2], name: fc, inputs: [x]}",
        "{shared: fc, inputs: [1:0, 3]}",
        "{MultiheadAttention: [2, 1], inputs: [fc, fc, fc], named_inputs: {attn_mask: off}, output: weights}",
        "{LSTM: [2, 1], output: sequence}",
        more="outputs: [fc, 3]\ntied_parameters: {2.weight: fc.weight}\n",
    )
    first, second, third, fourth = problem.network.nodes
    assert (first.name, list(first.inputs), second.shared, list(second.inputs)) == ("fc", ["x"], "fc", ["1:0", "3"])
    assert (dict(third.named_inputs), third.output) == ({"attn_mask": "off"}, "weights")
    assert fourth.output == ""
    assert list(problem.network.outputs) == ["fc", "3"]
    assert dict(problem.network.tied_parameters) == {"2.weight": "fc.weight"}


def test_tensors_at_a_layer_are_its_parameters_and_buffers() -> None:
    """A list under `bias` is the parameter, true or false the argument; running statistics are buffers."""
    problem = network(
        "Linear: {in_features: 1, out_features: 1, weight: [[1]], bias: [2]}",
        "{BatchNorm1d: [1, {running_mean: [0], running_var: [4], num_batches_tracked: 3}], name: bn}",
        "TransformerEncoderLayer: [2, 1, {self_attn: {out_proj: {bias: [1, 2]}}, norm1.weight: [1, 1]}]",
    )
    assert not problem.network.nodes[0].layer.linear.HasField("bias")
    assert {name: values(tensor) for name, tensor in problem.parameters.items()} == {
        "0.weight": [[1.0]],
        "0.bias": [2.0],
        "2.self_attn.out_proj.bias": [1.0, 2.0],
        "2.norm1.weight": [1.0, 1.0],
    }
    assert {name: values(tensor) for name, tensor in problem.buffers.items()} == {
        "bn.running_mean": [0.0],
        "bn.running_var": [4.0],
        "bn.num_batches_tracked": 3,
    }
    assert DTYPE_NAMES[problem.buffers["bn.num_batches_tracked"].dtype] == "int64"


def test_weights_may_be_grouped_by_layer() -> None:
    """{0: {weight: ...}} is the same as {0.weight: ...}, for parameters, state and claims."""
    read = loads(
        "network: [{Linear: [1, 1]}]\nparameters: {0: {weight: [[1]], bias: [2]}}\n"
        "state: {0.weight: {momentum_buffer: [[3]]}}\nclaim: {gradients: {0: {bias: [0.5]}}}\n"
    )
    assert sorted(read.problem.parameters) == ["0.bias", "0.weight"]
    assert list(read.problem.state) == ["0.weight.momentum_buffer"]
    assert read.claim is not None
    assert [tensor.id.name for tensor in read.claim.tensors] == ["0.bias"]


def dtypes(problem: problem_pb2.Problem) -> dict[str, str]:
    """Names of the dtypes of inputs and targets."""
    both = {**problem.inputs, **problem.targets}
    return {name: DTYPE_NAMES[tensor.dtype] for name, tensor in both.items()}


@pytest.mark.parametrize(
    ("nodes", "more", "expected"),
    [
        (["Linear: [2, 1]"], "input: [1, 2]\ntarget: [1]\nloss: MSELoss", {"input": "float64", "target": "float64"}),
        (["Embedding: [3, 2]"], "input: [0, 2]", {"input": "int64"}),
        (["Embedding: [3, 2]"], "input: [0.0, 2]", {"input": "float64"}),
        (["Embedding: [3, 2]"], "input: {dtype: int32, values: [0, 2]}", {"input": "int32"}),
        (["{Embedding: [3, 2], inputs: [x]}"], "inputs: {x: [0], y: [1]}", {"x": "int64", "y": "float64"}),
        (
            ["{Embedding: [3, 2], name: e, inputs: [x]}", "{shared: e, inputs: [y]}"],
            "inputs: {x: [0], y: [1]}",
            {"x": "int64", "y": "int64"},
        ),
        (
            ["{EmbeddingBag: [3, 2], inputs: [x], named_inputs: {offsets: o, per_sample_weights: w}}"],
            "inputs: {x: [0, 1], o: [0], w: [1, 1]}",
            {"x": "int64", "o": "int64", "w": "float64"},
        ),
        (["{Gather: {dim: 1}, inputs: [a, b]}"], "inputs: {a: [[1]], b: [[0]]}", {"a": "float64", "b": "int64"}),
        (
            ["{MatMul: , inputs: [a, indices]}"],
            "inputs: {a: [[1]], indices: [[0]]}",
            {"a": "float64", "indices": "int64"},
        ),
        (["{Where: , inputs: [c, a, a]}"], "inputs: {c: [true, false], a: [1, 2]}", {"c": "bool", "a": "float64"}),
        (["ReLU"], "target: [1, 0]\nloss: CrossEntropyLoss", {"target": "int64"}),
        (["ReLU"], "target: [[0.0, 1], [1, 0]]\nloss: CrossEntropyLoss", {"target": "float64"}),
        (["ReLU"], "target: [1, 0]\nloss: {NLLLoss: {reduction: sum}}", {"target": "int64"}),
        (["ReLU"], "target: [1, -1]\nloss: SoftMarginLoss", {"target": "float64"}),
        (["ReLU"], "targets: {t: [1]}\nloss: {NLLLoss: , inputs: [0, t]}", {"t": "int64"}),
        (
            ["ReLU"],
            "target: [[1]]\ntargets: {input_lengths: [3], target_lengths: [1]}\nloss: CTCLoss",
            {"targets": "int64", "input_lengths": "int64", "target_lengths": "int64"},
        ),
        (["ReLU"], "targets: {target: [1], var: [2]}\nloss: GaussianNLLLoss", {"target": "float64", "var": "float64"}),
    ],
)
def test_integers_stay_integers_only_where_they_are_wanted(
    nodes: list[str], more: str, expected: dict[str, str]
) -> None:
    """Whole numbers are floating-point, except as indices, class indices and lengths, or where the file says so."""
    assert dtypes(network(*nodes, more=more)) == expected


def test_weights_of_a_loss_are_floating_point() -> None:
    """Tensor arguments of a loss are written as lists, and so are its own parameters."""
    problem = network("ReLU", more="loss: {CrossEntropyLoss: {weight: [1, 2], ignore_index: -1, reduction: sum}}")
    assert values(problem.loss.cross_entropy_loss.weight) == [1.0, 2.0]
    assert DTYPE_NAMES[problem.loss.cross_entropy_loss.weight.dtype] == "float64"
    own = network(
        "ReLU",
        more="loss: {AdaptiveLogSoftmaxWithLoss: [2, 4, [2], {head.weight: [[1, 2]], tail: {0.0.weight: [[3]]}}]}",
    )
    assert sorted(own.parameters) == ["loss.head.weight", "loss.tail.0.0.weight"]


def test_the_loss_names_its_inputs() -> None:
    """`inputs` beside the class are the tensors that the loss takes, in order."""
    problem = network("ReLU", more="loss: {TripletMarginLoss: {margin: 2}, inputs: [a, b, c]}")
    assert (problem.loss.triplet_margin_loss.margin, list(problem.loss.inputs)) == (2.0, ["a", "b", "c"])


def test_optimizer_groups_override_arguments() -> None:
    """Groups name parameters and just the arguments that differ."""
    problem = network(
        "ReLU", more="optimizer: {Adam: {lr: 0.1, betas: [0.8, 0.9]}, groups: [{parameters: 0.bias, lr: 1}]}"
    )
    assert list(problem.optimizer.adam.betas) == [0.8, 0.9]
    (group,) = problem.optimizer.groups
    assert (list(group.parameters), group.overrides.adam.lr, list(group.overrides.adam.betas)) == (["0.bias"], 1.0, [])


def test_schedules_may_hold_schedules() -> None:
    """A schedule of schedules lists them as they would stand alone."""
    schedule = "{SequentialLR: {schedulers: [{ConstantLR: {factor: 0.5}}, {ExponentialLR: 0.9}], milestones: [1]}}"
    sequential = network("ReLU", more=f"schedule: {schedule}").schedule.sequential_lr
    assert [item.WhichOneof("kind") for item in sequential.schedulers] == ["constant_lr", "exponential_lr"]
    assert (sequential.schedulers[1].exponential_lr.gamma, list(sequential.milestones)) == (0.9, [1])


def test_plain_settings() -> None:
    """Clipping, mode, seed, dtype, device and frozen parameters are what they say."""
    problem = network(
        "ReLU",
        more="clip_grad_norm: 0.5\nclip_grad_value: {clip_value: 2}\nmode: eval\nseed: 7\ndtype: bfloat16\n"
        "device: cpu\nfrozen: [0.weight]\n",
    )
    assert (problem.clip_grad_norm.max_norm, problem.clip_grad_norm.HasField("norm_type")) == (0.5, False)
    assert problem.clip_grad_value.clip_value == 2.0
    assert (problem.mode, problem.seed, list(problem.frozen)) == (problem_pb2.MODE_EVAL, 7, ["0.weight"])
    assert (problem.dtype, problem.device) == (tensor_pb2.DTYPE_BFLOAT16, problem_pb2.DEVICE_CPU)
    infinite = network("ReLU", more="clip_grad_norm: {max_norm: 1, norm_type: inf}").clip_grad_norm
    assert infinite.norm_type == float("inf")


def test_steps_are_written_out_or_counted() -> None:
    """`n_steps` repeats the batch; `steps` says what differs, and may hold all the data."""
    assert len(network("ReLU", more="n_steps: 3").steps) == 3
    text = "steps: [{input: [1], target: [0], lr: 0.1}, {inputs: {input: [2]}, lr: 1e-2}, {}]\nloss: NLLLoss"
    first, second, third = network("ReLU", more=text).steps
    assert (values(first.inputs["input"]), first.lr) == ([1.0], 0.1)
    assert DTYPE_NAMES[first.targets["target"].dtype] == "int64"
    assert (values(second.inputs["input"]), second.lr, list(second.targets)) == ([2.0], 0.01, [])
    assert not third.HasField("lr")


def test_numpy_files_hold_large_tensors(tmp_path: Path) -> None:
    """References are relative to the problem file; a .npz needs a key unless it holds one array."""
    np.save(tmp_path / "x.npy", np.array([[1, 2]], dtype=np.float32))
    np.savez(tmp_path / "w.npz", weight=np.array([[1.0, 2.0]]), bias=np.array([3.0]))
    np.savez(tmp_path / "one.npz", only=np.array([[4.0]]))
    file = tmp_path / "problem.yaml"
    file.write_text(
        "network: [{Linear: [2, 1, {weight: {file: w.npz, key: weight}, bias: {file: w.npz, key: bias}}]}]\n"
        "input: {file: x.npy}\ntarget: {file: one.npz}\nloss: MSELoss\nclaim: {gradients: {0.weight: {file: x.npy}}}\n"
    )
    read = load(file)
    assert {name: values(tensor) for name, tensor in read.problem.parameters.items()} == {
        "0.weight": [[1.0, 2.0]],
        "0.bias": [3.0],
    }
    assert dtypes(read.problem) == {"input": "float32", "target": "float64"}
    assert read.claim is not None
    assert read.claim.tensors[0].precision.dtype == tensor_pb2.DTYPE_FLOAT32


def test_shapes_can_be_stated() -> None:
    """A tensor without elements, or written flat, states its shape."""
    problem = network(
        "ReLU", more="inputs: {empty: {values: [], shape: [0, 3]}, flat: {values: [1, 2], shape: [2, 1]}}"
    )
    assert list(problem.inputs["empty"].shape) == [0, 3]
    assert values(problem.inputs["flat"]) == [[1.0], [2.0]]


def test_include_names_quantities() -> None:
    """`include` asks for quantities of the reference by the keys of a claim."""
    assert loads(STEP + "include: [gradients, loss]\n").include == ("loss", "gradients")


def test_violations_of_a_server_are_told_in_the_words_of_the_file() -> None:
    """Paths of the request become paths of the file, with lines."""
    read: ProblemFile = loads(FOUNDING)
    request_paths = {
        "problem.network.nodes[0].layer.linear.in_features": "network[0].Linear.in_features",
        "problem.network.nodes[1]": "network[1]",
        'problem.parameters["0.weight"].shape': "network[0].Linear.weight.shape",
        'problem.parameters["1.weight"]': 'parameters["1.weight"]',
        'problem.inputs["input"].shape[0]': "input.shape[0]",
        "problem.optimizer.sgd.lr": "optimizer.SGD.lr",
        "claim.tensors[0].value.shape": 'claim.updated["1.weight"].value.shape',
        "problem.seed": "seed",
    }
    error = InvalidProblemError(violations=[Violation(path, "X", "wrong") for path in request_paths])
    explained = read.explain(error)
    assert [violation.field for violation in explained] == list(request_paths.values())
    assert [violation.description for violation in explained][:3] == [
        "wrong (line 3)",
        "wrong (line 4)",
        "wrong (line 3)",
    ]


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    """Files that an editor began with a byte order mark are read, JSON too."""
    for name, text in (("a.yaml", STEP), ("a.json", '{"network": ["ReLU"]}')):
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
        assert load(tmp_path / name).problem.network.nodes
