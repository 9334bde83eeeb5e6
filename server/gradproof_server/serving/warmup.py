"""A small training step at start, so that no caller waits for what PyTorch loads at first use, and as a first test."""

from __future__ import annotations

import struct

from gradproof.v1 import gradient_service_pb2, tensor_pb2

from gradproof_server.serving.methods import DirectContext, Task, TaskHandler, TaskResult


def warm_up(answerer: TaskHandler) -> list[TaskResult]:
    """Answers the catalogue and one step of a linear layer; what fails is in the answers."""
    step = Task("ComputeGradients", _step_of_a_linear_layer().SerializeToString())
    return [answerer(task, DirectContext()) for task in (Task("ListCatalog", b""), step)]


def _step_of_a_linear_layer() -> gradient_service_pb2.ComputeGradientsRequest:
    request = gradient_service_pb2.ComputeGradientsRequest()
    problem = request.problem
    layer = problem.network.nodes.add().layer.linear
    layer.in_features, layer.out_features, layer.bias = 1, 1, False
    one = tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT32, shape=(1, 1), data=struct.pack("<f", 1.0))
    problem.parameters["0.weight"].CopyFrom(one)
    problem.inputs["input"].CopyFrom(one)
    problem.targets["target"].CopyFrom(one)
    problem.loss.mse_loss.SetInParent()
    problem.optimizer.sgd.lr = 0.1
    return request
