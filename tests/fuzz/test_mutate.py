"""Mutations: the same for the same seed, small enough, mostly messages still, and of many kinds."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from gradproof.v1 import gradient_service_pb2

from fuzz.mutate import mutated
from fuzz.mutate_text import mutated_text
from fuzz.targets import TARGETS, corpus

MESSAGES = [name for name, target in TARGETS.items() if target.kind is not None]


def founding_case() -> gradient_service_pb2.CheckGradientsRequest:
    """A network of one layer and a claim."""
    request = gradient_service_pb2.CheckGradientsRequest()
    layer = request.problem.network.nodes.add().layer.linear
    layer.in_features, layer.out_features = 2, 1
    for name, shape in (("0.weight", [1, 2]), ("0.bias", [1])):
        tensor = request.problem.parameters[name]
        tensor.dtype, tensor.data = 1, bytes(8 * shape[0] * shape[-1])
        tensor.shape.extend(shape)
    request.claim.tensors.add().id.name = "0.weight"
    return request


@pytest.mark.parametrize("name", TARGETS)
def test_a_seed_gives_one_mutation_of_a_bounded_size(name: str) -> None:
    """Two runs with a seed give the same bytes, no more than are allowed."""
    target = TARGETS[name]
    data = max(corpus(name), key=len)
    for seed in range(30):
        first = target.mutate(data, data, len(data), seed)
        assert first == target.mutate(data, data, len(data), seed)
        assert len(first) <= len(data)


def test_most_mutations_are_messages_and_different() -> None:
    """Of 300 mutations nine in ten can be decoded, and nearly none is what was there before, or there twice."""
    request = founding_case()
    data, kind = request.SerializeToString(deterministic=True), type(request)
    found = [mutated(data, data, kind, 4096, seed) for seed in range(300)]
    decoded = []
    for item in found:
        try:
            decoded.append(kind.FromString(item))
        except DecodeError:
            continue
    assert len(decoded) > 270
    assert len(set(found) - {data}) > 240


def test_mutations_reach_every_part_of_a_message() -> None:
    """Network, parameters, claim and options are each altered by some mutation."""
    request = founding_case()
    data = request.SerializeToString()
    changed = set()
    for seed in range(1000):
        try:
            found = type(request).FromString(mutated(data, data, type(request), 4096, seed))
        except DecodeError:
            continue
        changed |= {
            field.name
            for field in found.problem.DESCRIPTOR.fields
            if getattr(found.problem, field.name) != getattr(request.problem, field.name)
        }
        changed |= {
            name for name in ("claim", "include", "diagnosis") if getattr(found, name) != getattr(request, name)
        }
    assert changed >= {"network", "parameters", "claim", "include", "diagnosis", "inputs", "optimizer", "loss"}


def test_texts_are_altered_by_words_lines_and_brackets() -> None:
    """A text of two lines loses one, gets one, and has words that were not there."""
    text = b"network: [Linear]\ninput: [[1, 2]]"
    found = {mutated_text(text, b"loss: MSELoss", 4096, seed) for seed in range(300)}
    assert any(b"\n" not in item for item in found)
    assert any(item.count(b"\n") > 1 for item in found)
    assert any(b"MSELoss" in item for item in found)
    assert any(b"[[[" in item for item in found)
