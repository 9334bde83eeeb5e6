"""Problem files of many kinds are not only read: the server builds and runs what they say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from gradproof import Client
from gradproof.problem_file import loads
from gradproof.results import Quantity

LINEAR = "network: [{Linear: [2, 1, {weight: [[1, 2]], bias: [0]}]}]\ninput: [[1, 2]]\ntarget: [[1]]\n"
UNIT_GATES = "weight_ih_l0: [[1], [1], [1]], weight_hh_l0: [[1], [1], [1]]"

VARIANTS = {
    "sparse embedding": """
network: [{Embedding: [3, 1, {sparse: true, weight: [[1], [2], [3]]}]}, Flatten]
input: [[0, 2]]
target: [[1, 1]]
loss: MSELoss
optimizer: SparseAdam
""",
    "class weights and an ignored index": """
network: [{Linear: [2, 3, {weight: [[1, 0], [0, 1], [1, 1]], bias: [0, 0, 0]}]}]
input: [[1, 2], [3, 4]]
target: [2, -100]
loss: {CrossEntropyLoss: {weight: [1, 2, 3], ignore_index: -100}}
""",
    "positive weight, schedule and both clippings": LINEAR
    + """
loss: {BCEWithLogitsLoss: {pos_weight: [2]}}
optimizer: {Adam: {lr: 0.1, betas: [0.5, 0.9], amsgrad: true}}
n_steps: 3
schedule: {StepLR: [1, 0.5]}
clip_grad_norm: {max_norm: 1, norm_type: inf}
clip_grad_value: 0.5
""",
    "initial state behind an embedding": f"""
network:
  - Embedding: [3, 1, {{weight: [[1], [2], [3]]}}]
  - GRU: {{input_size: 1, hidden_size: 1, bias: false, batch_first: true, {UNIT_GATES}}}
    h0: [0.5]
    output: hidden
input: [[0, 1, 2], [2, 2, 2]]
target: [[1], [1]]
loss: MSELoss
""",
    "cell with one state": """
network:
  - LSTMCell:
      {input_size: 1, hidden_size: 1, bias: false, weight_ih: [[1], [1], [1], [1]], weight_hh: [[1], [1], [1], [1]]}
    c0: [[0.25]]
input: [[1], [2]]
target: [[1], [1]]
loss: L1Loss
""",
    "graph of functions": """
network:
  - {Linear: [2, 2, {weight: [[1, 2], [3, 4]], bias: false}], name: fc, inputs: [input]}
  - tanh
  - {Add: {alpha: 0.5}, inputs: [1, input]}
  - mean: {dims: [1], keepdim: true}
  - {Split: {sizes: [1]}, name: halves}
  - {Multiply: , inputs: ["halves:0", halves:1]}
  - {Constant: [[2.0]], name: two}
  - {MatMul: , inputs: [5, two], name: out}
input: [[1, 2], [3, 4]]
target: [[1]]
loss: MSELoss
""",
    "shared layer and a loss of three outputs": """
network:
  - {Linear: [2, 2, {weight: [[1, 2], [3, 4]], bias: false}], name: fc, inputs: [a]}
  - {shared: fc, inputs: [p], name: fp}
  - {shared: fc, inputs: n, name: fn}
outputs: [fc, fp, fn]
inputs: {a: [[1, 2]], p: [[1, 3]], n: [[0.5, 1]]}
loss: {TripletMarginLoss: {margin: 2.0}}
optimizer: {SGD: {lr: 0.1}}
""",
    "loss of lengths": """
network: [{LogSoftmax: -1}]
input: [[[1, 2, 3]], [[1, 1, 1]], [[0, 1, 0]]]
targets: {targets: [[1, 2]], input_lengths: [3], target_lengths: [2]}
loss: CTCLoss
""",
    "loss that names its inputs": """
network: [{Linear: [2, 2, {weight: [[1, 2], [3, 4]], bias: [1, 2]}]}, {LogSoftmax: {dim: 1}, name: logp}]
input: [[1, 2]]
targets: {labels: [1]}
loss: {NLLLoss: , inputs: [logp, labels]}
""",
    "loss with parameters": """
network: [Identity]
input: [[1.0, 2.0]]
target: [1]
loss: {AdaptiveLogSoftmaxWithLoss: [2, 4, [2], {div_value: 1, head.weight: [[1, 2], [1, 2], [3, 4]],
  tail: {0: {0.weight: [[1, 2], [0, 1]], 1.weight: [[1, 0], [2, 1]]}}}]}
""",
    "loss of a variance": LINEAR.replace("target: [[1]]", "targets: {target: [[1]], var: [[2]]}")
    + "loss: GaussianNLLLoss",
    "running statistics in eval mode": """
mode: eval
network:
  - BatchNorm1d:
      [2, {weight: [1, 2], bias: [0, 0], running_mean: [1, 2], running_var: [1, 4], num_batches_tracked: 3}]
input: [[1, 2], [3, 4]]
target: [[0, 0], [0, 0]]
loss: MSELoss
""",
    "groups, state and frozen": LINEAR
    + """
loss: MSELoss
optimizer: {SGD: {lr: 0.1, momentum: 0.9}, groups: [{parameters: [0.weight], lr: 1}]}
state: {0.weight: {momentum_buffer: [[1, 1]]}}
frozen: [0.bias]
""",
    "bags with offsets": """
network: [{EmbeddingBag: [3, 2, {mode: sum, weight: [[1, 2], [3, 4], [5, 6]]}], named_inputs: {offsets: off}}]
inputs: {input: [0, 1, 2], off: [0, 2]}
target: [[1, 1], [1, 1]]
loss: MSELoss
""",
    "attention with a mask": """
network:
  - MultiheadAttention: [2, 1, {batch_first: true, in_proj_weight: [[1, 0], [0, 1], [1, 0], [0, 1], [1, 0], [0, 1]],
      in_proj_bias: [0, 0, 0, 0, 0, 0], out_proj: {weight: [[1, 0], [0, 1]], bias: [0, 0]}}]
    inputs: [q, q, q]
    named_inputs: {key_padding_mask: mask}
inputs: {q: [[[1, 2], [3, 4]]], mask: [[false, true]]}
target: [[[1, 2], [3, 4]]]
loss: MSELoss
""",
    "images": """
network:
  - Conv2d: [1, 1, 3, {padding: same, bias: false, weight: [[[[1, 1, 1], [1, 1, 1], [1, 1, 1]]]]}]
  - MaxPool2d: [2, {stride: [1, 1]}]
  - AdaptiveAvgPool2d: [1, 1]
  - ZeroPad1d: [1, 0]
  - Softmax: {dim: -1}
input: [[[[1, 2], [3, 4]]]]
target: [[[[1, 0]]]]
loss: MSELoss
""",
    "two inputs": """
network: [{Bilinear: [1, 1, 1, {weight: [[[2]]], bias: [0]}], inputs: [a, b]}]
inputs: {a: [[1]], b: [[2]]}
target: [[1]]
loss: PoissonNLLLoss
""",
    "tied parameters": """
network: [{Linear: [2, 2, {weight: [[1, 1], [1, 2]], bias: false}]}, {Linear: [2, 2, {bias: false}]}]
tied_parameters: {1.weight: 0.weight}
input: [[1, 2]]
target: [[1, 1]]
loss: MSELoss
""",
    "no loss": "network: [{Linear: [1, 1, {weight: [[2]], bias: false}]}, square, sum]\ninput: [[3]]\nloss: null\n",
    "data in the steps": """
network: [{Linear: [2, 1, {weight: [[1, 2]], bias: [0]}]}]
steps: [{input: [[1, 2]], target: [[1]], lr: 0.1}, {input: [[2, 2]], target: [[1]], lr: 0.01}]
loss: MSELoss
optimizer: {SGD: {lr: 0.1}}
""",
    "schedules in a schedule": LINEAR
    + """
loss: MSELoss
optimizer: {SGD: {lr: 0.1}}
n_steps: 2
schedule: {SequentialLR: {schedulers: [{ConstantLR: {factor: 0.5}}, {ExponentialLR: 0.9}], milestones: [1]}}
""",
    "half precision": LINEAR + "loss: MSELoss\ndtype: bfloat16\ndevice: cpu\nseed: 3\n",
}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """One embedded server for all variants."""
    with Client.embedded() as embedded:
        yield embedded


@pytest.mark.parametrize("name", VARIANTS)
def test_the_server_runs_what_the_file_says(name: str, client: Client) -> None:
    """Each kind of file gives a finite loss, and gradients of the shapes of its parameters."""
    problem = loads(VARIANTS[name]).problem
    reference = client.compute(problem)
    assert np.isfinite(reference.loss)
    gradients = {key.name: value for key, value in reference.tensors.items() if key.quantity is Quantity.GRADIENT}
    shapes = {name: tuple(tensor.shape) for name, tensor in problem.parameters.items()}
    assert {name: value.shape for name, value in gradients.items()} == shapes
