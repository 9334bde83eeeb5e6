"""Requests that take long, each in its own way, as bytes."""

from __future__ import annotations

from dataclasses import dataclass

import gradproof as gp
import numpy as np
from gradproof.v1 import gradient_service_pb2 as pb
from gradproof.v1 import tensor_pb2

from tests.support.traffic.kinds import dense, endless

_SERVICE = "gradproof.v1.GradientService"


@dataclass(frozen=True)
class Heavy:
    """A call of which nobody waits for the end. stream: whether its answer is one."""

    name: str
    method: str
    request: bytes
    stream: bool = False

    @property
    def path(self) -> str:
        """Of the method."""
        return f"/{_SERVICE}/{self.method}"


def heavy_calls() -> list[Heavy]:
    """All of them."""
    return [
        Heavy("1,000 small steps", "ComputeGradients", many_steps().SerializeToString()),
        Heavy("one huge product", "ComputeGradients", _one_product().SerializeToString()),
        Heavy("verification", "VerifyGradients", _verification().SerializeToString(), stream=True),
        Heavy("diagnosis", "CheckGradients", _diagnosis().SerializeToString()),
        Heavy("128 MiB request", "ComputeGradients", large_request(128).SerializeToString()),
    ]


def many_steps() -> pb.ComputeGradientsRequest:
    """Steps of some ten milliseconds each, of which the last loss is asked for."""
    problem = endless().to_proto()
    steps = [len(problem.steps) - 1]
    return pb.ComputeGradientsRequest(problem=problem, include=[tensor_pb2.QUANTITY_LOSS], steps=steps)


def large_request(mebibytes: int) -> pb.ComputeGradientsRequest:
    """A layer with a weight of so many MiB, all of whose gradients are returned."""
    problem = dense(mebibytes * 256, 1024, 1, 1).to_proto()
    return pb.ComputeGradientsRequest(problem=problem, include=[tensor_pb2.QUANTITY_GRADIENT])


def _one_product() -> pb.ComputeGradientsRequest:
    """A product of two matrices that one call of a library computes in seconds, which nothing interrupts."""
    network = [gp.Upsample(size=[4096, 4096]), gp.functions.MatMul(inputs=["0", "0"]), gp.functions.Reduce("mean")]
    problem = gp.Problem(network, input=np.ones((1, 1, 8, 8)), target=1.0, loss=gp.MSELoss())
    return pb.ComputeGradientsRequest(problem=problem.to_proto(), include=[tensor_pb2.QUANTITY_LOSS])


def _verification() -> pb.VerifyGradientsRequest:
    """Of 300,000 parameters, each by itself."""
    return pb.VerifyGradientsRequest(problem=_network(300).to_proto(), options={"mode": "WITNESS_MODE_ELEMENTS"})


def _diagnosis() -> pb.CheckGradientsRequest:
    """Of a claim that nothing explains."""
    problem = _network(96)
    claim = gp.Claim(gradients={f"{i}.weight": np.random.default_rng(i).standard_normal((96, 96)) for i in (0, 2, 4)})
    message = problem.to_proto()
    return pb.CheckGradientsRequest(problem=message, claim=claim.to_proto(message))


def _network(width: int) -> gp.Problem:
    random = np.random.default_rng(0)
    weights = {f"{i}.weight": random.standard_normal((width, width)) / width**0.5 for i in (0, 2, 4)}
    layers = [gp.Linear(width, width, bias=False) for _ in weights]
    network = [layers[0], gp.Tanh(), layers[1], gp.Tanh(), layers[2]]
    x, t = random.standard_normal((64, width)), np.zeros((64, width))
    return gp.Problem(
        network, parameters=weights, input=x, target=t, loss=gp.MSELoss(), optimizer=gp.Adam(lr=0.1), steps=3
    )
