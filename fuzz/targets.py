"""Targets: what is fuzzed, with which messages, and how they are altered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import Message
from gradproof.v1 import error_pb2, gradient_service_pb2

from fuzz import requests, responses, texts
from fuzz.archive import read_archive
from fuzz.dialogues import FunctionRequests, FunctionResponses, VerifyResponses
from fuzz.mutate import mutated
from fuzz.mutate_text import mutated_text

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Target:
    """One thing that is fuzzed.

    Attributes:
        run: takes an input; raises what is a finding.
        kind: the type of the messages; None: texts.
        share: of the time, as a multiple of that of the fastest targets.
    """

    run: Callable[[bytes], None]
    kind: type[Message] | None = None
    share: int = 1

    def mutate(self, data: bytes, other: bytes, max_size: int, seed: int) -> bytes:
        """`data` altered in a few places, by parts of `other` too."""
        if self.kind is None:
            return mutated_text(data, other, max_size, seed)
        return mutated(data, other, self.kind, max_size, seed)


_service = gradient_service_pb2
TARGETS = {
    "compute": Target(requests.compute, _service.ComputeGradientsRequest, share=4),
    "check": Target(requests.check, _service.CheckGradientsRequest, share=4),
    "verify": Target(requests.verify, _service.VerifyGradientsRequest, share=4),
    "function": Target(requests.function, FunctionRequests, share=2),
    "catalog": Target(requests.catalog, _service.ListCatalogRequest),
    "compute-response": Target(responses.compute, _service.ComputeGradientsResponse),
    "check-response": Target(responses.check, _service.CheckGradientsResponse),
    "verify-response": Target(responses.verify, VerifyResponses),
    "function-response": Target(responses.function, FunctionResponses),
    "catalog-response": Target(responses.catalog, _service.ListCatalogResponse),
    "status": Target(responses.status, error_pb2.ErrorStatus),
    "problem-file": Target(texts.problem),
    "callers-file": Target(texts.callers),
    "settings-file": Target(texts.settings),
}
"""All targets by name; each has an archive of that name in the corpus."""


def archive_of(name: str) -> Path:
    """Where the corpus of a target is kept."""
    return CORPUS / f"{name}.zip"


def corpus(name: str) -> list[bytes]:
    """The inputs that are kept for a target, in a fixed order."""
    return read_archive(archive_of(name))
