"""Random messages: any message of the contract, made so that many a request gets past validation."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message
from gradproof.v1 import functions_pb2, gradient_service_pb2, network_pb2, problem_pb2, tensor_pb2, witness_pb2
from gradproof_server.engine.program import build_program
from gradproof_server.engine.types import Limits, ProblemError

LIMITS = Limits(
    max_nodes=20,
    max_parameters=2_000,
    max_elements=2_000,
    max_steps=5,
    max_memory_bytes=1 << 20,
    max_flops=10**6,
)
"""Of all that is fuzzed: small, so that a message takes milliseconds."""
NAMES = ("0", "1", "2", "input", "other", "target", "0.weight", "1.weight", "0.bias", "a", "a.b", "0:1", "", "é")
INTEGERS = (1, 1, 2, 2, 2, 3, 4, 0, -1, -2, 7, 1_000, 10**9, 2**31, 2**63 - 1, -(2**63))
DOUBLES = (0.0, 0.1, 0.5, 0.9, 1.0, 2.0, -1.0, 1e-300, 1e308, float("nan"), float("inf"), -float("inf"))
REQUIRED = {
    *("in_features", "out_features", "in1_features", "in2_features", "in_channels", "out_channels", "kernel_size"),
    *("num_features", "num_channels", "num_groups", "normalized_shape", "num_embeddings", "embedding_dim", "lr"),
    *("input_size", "hidden_size", "output_size", "d_model", "nhead", "embed_dim", "num_heads", "padding"),
    *("num_layers",),
    *("encoder_layer", "decoder_layer", "upscale_factor", "downscale_factor", "sizes", "dims", "function", "reducer"),
    *("value", "dim", "equation", "exponent", "gamma", "milestones", "step_size", "t_max", "t_0", "max_lr", "base_lr"),
    *("schedulers", "swa_lr", "total_steps", "groups_count", "n_classes", "cutoffs", "max_norm", "clip_value"),
}
"""Fields that are nearly always set; many a message is nothing without them."""


class Maker:
    """Makes messages of any type; most of their numbers are such that something can come of them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def any_of(self, values: Sequence[Any]) -> Any:
        """One of them."""
        return self.random.choice(values)

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return self.random.random() < share

    def integer(self) -> int:
        """Mostly two, so that sizes fit each other; else small, else anything."""
        pool = (2,) if self.chance(0.8) else INTEGERS[:7]
        return self.random.choice(pool if self.chance(0.97) else INTEGERS)

    def double(self) -> float:
        """Mostly of an order that is usual."""
        return self.random.choice(DOUBLES[1:4] if self.chance(0.93) else DOUBLES)

    def shape(self) -> list[int]:
        """Up to five small sizes."""
        sizes = (2,) if self.chance(0.85) else (0, 1, 2, 3, 4)
        return [self.random.choice(sizes) for _ in range(self.random.choice((0, 1, 1, 2, 2, 3, 3, 4, 4, 5)))]

    def tensor(self, shape: list[int] | None = None) -> tensor_pb2.Tensor:
        """Mostly of the right length and a floating type."""
        if self.chance(0.03):
            return tensor_pb2.Tensor(dtype=self.any_of(range(9)), shape=[self.integer()] * 2, data=b"12")
        sizes = self.shape() if shape is None else shape
        dtype, width = self.any_of(((1, 8), (1, 8), (1, 8), (2, 4), (3, 2), (4, 2), (5, 8), (6, 4), (7, 1)))
        count = 1
        for size in sizes:
            count *= size
        return tensor_pb2.Tensor(dtype=dtype, shape=sizes, data=self._data(dtype, width, count))

    def _data(self, dtype: int, width: int, count: int) -> bytes:
        if self.chance(0.1):
            return self.random.randbytes(width * count)
        if dtype >= 5:
            return b"".join(self.random.randrange(3).to_bytes(width, "little") for _ in range(count))
        return {8: b"\0\0\0\0\0\0\xe0\x3f", 4: b"\0\0\0\x3f", 2: b"\0\x38"}[width] * count

    def message(self, message: Message, share: float = 0.15, depth: int = 0) -> Any:
        """Fills a message at random; of a oneof one member is set, fields without presence are set more often."""
        if isinstance(message, tensor_pb2.Tensor):
            message.CopyFrom(self.tensor())
            return message
        in_oneof = set()
        for oneof in message.DESCRIPTOR.oneofs:
            real = [field for field in oneof.fields if not oneof.name.startswith("_")]
            in_oneof |= {field.name for field in real}
            if real and self.chance(0.97):
                self.field(message, self.random.choice(real), share, depth)
        for field in message.DESCRIPTOR.fields:
            needed = field.name in REQUIRED
            if field.name not in in_oneof and self.chance(0.99 if needed else share):
                self.field(message, field, share, depth)
        return message

    def field(self, message: Message, field: Any, share: float, depth: int) -> None:
        """Sets one field."""
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            self._entry(getattr(message, field.name), field.message_type.fields_by_name["value"])
        elif field.message_type is not None:
            if depth < 6:
                inner = getattr(message, field.name)
                for _ in range(self.random.choice((1, 1, 2)) if field.is_repeated else 1):
                    self.message(inner.add() if field.is_repeated else inner, share, depth + 1)
                if not field.is_repeated:
                    inner.SetInParent()
        elif field.is_repeated:
            getattr(message, field.name).extend(self.scalar(field) for _ in range(self.random.choice((1, 1, 2, 2, 3))))
        else:
            setattr(message, field.name, self.scalar(field))

    def _entry(self, entries: Any, value: Any) -> None:
        name = self.random.choice(NAMES)
        if value.message_type is None:
            entries[name] = self.random.choice(NAMES)
        else:
            entries[name].CopyFrom(self.tensor())

    def scalar(self, field: Any) -> Any:
        """A value of the field's type."""
        if field.type == field.TYPE_ENUM:
            numbers = list(field.enum_type.values_by_number)[1:] if field.enum_type else []
            return self.random.choice(numbers if self.chance(0.97) else [0, 99, -1])
        if field.type == field.TYPE_DOUBLE:
            return self.double()
        if field.type == field.TYPE_BOOL:
            return self.chance(0.5)
        if field.type == field.TYPE_STRING:
            return self.random.choice(("ij,jk", "i", "...->") if field.name == "equation" else NAMES)
        if field.type == field.TYPE_BYTES:
            return self.random.randbytes(4)
        number = self.integer()
        if field.type in (field.TYPE_UINT32, field.TYPE_UINT64):
            return abs(number) % 2**32
        return max(-(2**31), min(number, 2**31 - 1)) if field.type == field.TYPE_INT32 else number

    def network(self, network: network_pb2.Network) -> None:
        """One to four nodes, most with the inputs that go without saying."""
        for i in range(self.random.choice((1, 1, 2, 3, 4))):
            node = network.nodes.add()
            if self.chance(0.05):
                self.message(node, 0.3)
            else:
                self.message(node.layer if self.chance(0.7) else node.function, 0.07)
            if self.chance(0.25):
                node.inputs.extend(self.random.choice(NAMES[: 4 + i]) for _ in range(self.random.choice((1, 2, 3))))
        if self.chance(0.5):
            network.nodes.add().function.reduce.reducer = functions_pb2.REDUCER_SUM
        if self.chance(0.1):
            self.message(network, 0.3)

    def problem(self) -> problem_pb2.Problem:
        """A network with parameters of the right shapes, an input, and anything else."""
        problem = problem_pb2.Problem()
        self.network(problem.network)
        problem.inputs["input"].CopyFrom(self.tensor())
        if self.chance(0.2):
            problem.inputs["other"].CopyFrom(self.tensor())
        if self.chance(0.5):
            self.message(problem.loss)
            for name in ("target", "input2", "var", "x2", "y"):
                if name == "target" or self.chance(0.1):
                    problem.targets[name].CopyFrom(self.tensor())
        if self.chance(0.6):
            self.message(problem.optimizer)
        if self.chance(0.3):
            self.message(problem.schedule, 0.5)
        for field in problem.DESCRIPTOR.fields[7:]:
            if field.name != "schedule" and self.chance(0.06):
                self.field(problem, field, 0.3, 0)
        self.parameters(problem)
        return problem

    def parameters(self, problem: problem_pb2.Problem) -> None:
        """Gives a problem the parameters that its network has, of their shapes, and no others; keeps those that fit."""
        loss = problem.loss if problem.HasField("loss") else None
        try:
            program = build_program(problem.network, loss, tuple(sorted(problem.inputs)), "problem", LIMITS)
        except ProblemError:
            return
        for name in problem.parameters.keys() - program.parameters.keys():
            del problem.parameters[name]
        for name, like in program.parameters.items():
            shape = list(like.shape)
            if list(problem.parameters[name].shape) != shape and self.chance(0.98):
                data = b"\0\0\0\0\0\0\xe0\x3f" * like.numel()
                problem.parameters[name].CopyFrom(
                    tensor_pb2.Tensor(dtype=tensor_pb2.DTYPE_FLOAT64, shape=shape, data=data)
                )

    def compute(self) -> gradient_service_pb2.ComputeGradientsRequest:
        """A request for all quantities of a random problem."""
        request = gradient_service_pb2.ComputeGradientsRequest(problem=self.problem())
        request.include.extend(list(tensor_pb2.Quantity.DESCRIPTOR.values_by_number)[1:])  # type: ignore[arg-type]
        if self.chance(0.05):
            self.message(request, 0.3)
        return request

    def check(self, problem: problem_pb2.Problem | None = None) -> gradient_service_pb2.CheckGradientsRequest:
        """A claim of anything for a random problem; its explanation may take a twentieth of a second."""
        request = gradient_service_pb2.CheckGradientsRequest(problem=problem or self.problem())
        loss = request.claim.tensors.add(value=self.tensor([]))
        loss.id.quantity = tensor_pb2.QUANTITY_LOSS
        for name, parameter in request.problem.parameters.items():
            claimed = request.claim.tensors.add(value=self.tensor(list(parameter.shape)[:16]))
            claimed.id.quantity, claimed.id.name = self.any_of((3, 3, 7, 8)), name
        if self.chance(0.3):
            self.message(request.claim, 0.5)
        request.diagnosis.max_seconds = 0.05
        return request

    def verification(self, problem: problem_pb2.Problem | None = None) -> gradient_service_pb2.VerifyGradientsRequest:
        """Any options for a random problem, with a claim now and then, and little time."""
        request = gradient_service_pb2.VerifyGradientsRequest(problem=problem or self.problem())
        for name, parameter in request.problem.parameters.items():
            if self.chance(0.5):
                claimed = request.claim.tensors.add(value=self.tensor(list(parameter.shape)[:16]))
                claimed.id.quantity, claimed.id.name = tensor_pb2.QUANTITY_GRADIENT, name
        self.options(request.options)
        if self.chance(0.1):
            self.message(request.options, 0.3)
        return request

    def options(self, options: witness_pb2.WitnessOptions) -> None:
        """Options for a twentieth of a second."""
        options.mode = self.any_of((0, 1, 2, 3))
        options.include_values = self.chance(0.3)
        options.max_seconds = 0.05

    def function_start(self) -> gradient_service_pb2.CheckFunctionRequest:
        """A claim about a function, mostly of shapes that fit each other."""
        request = gradient_service_pb2.CheckFunctionRequest()
        claim = request.start.claim
        for name in NAMES[: self.any_of((1, 1, 2))]:
            claim.point[name].CopyFrom(self.tensor())
        kind = self.any_of(("gradient", "jacobian", "vjp", "jvp"))
        claim.output.CopyFrom(self.tensor([] if kind == "gradient" else None))
        output = list(claim.output.shape)
        if kind == "vjp":
            claim.vjp.cotangent.CopyFrom(self.tensor(output))
        if kind == "jvp":
            claim.jvp.result.CopyFrom(self.tensor(output))
        named = {"gradient": claim.gradient, "jacobian": claim.jacobian, "vjp": claim.vjp.result}
        before = output if kind == "jacobian" else []
        for name, tensor in claim.point.items():
            target = named.get(kind) or claim.jvp.tangent
            shape = [*before, *tensor.shape]
            target.tensors[name].CopyFrom(self.tensor(shape if set(shape) <= set(range(5)) else None))
        self.options(request.start.options)
        if self.chance(0.1):
            self.message(request, 0.3)
        return request

    def function_values(self, points: witness_pb2.PointBatch, like: tensor_pb2.Tensor) -> bytes:
        """Any values at these points, most of them such as a smooth function has."""
        values = witness_pb2.BatchValues(batch=points.batch)
        values.values.CopyFrom(self.tensor([points.points, *like.shape]))
        if self.chance(0.99):
            width = max(1, len(like.data)) // max(1, math.prod(like.shape))
            data = self._data(like.dtype, width, points.points * math.prod(like.shape))
            values.values.dtype, values.values.data = like.dtype, data
        return gradient_service_pb2.CheckFunctionRequest(values=values).SerializeToString()
