"""`python -m fuzz.seeds FOLDER`: inputs to begin with where there is no corpus, of cases and random messages.

What of them is worth keeping, `python -m fuzz.minimise` says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.message import Message
from gradproof import problem_file
from gradproof.v1 import gradient_service_pb2 as service
from gradproof_server.engine import numeric
from gradproof_server.engine.types import InvalidProblemError, LimitExceededError, Violation
from gradproof_server.serving.errors import BusyError
from gradproof_server.serving.failures import error_to_failure, failure_to_status
from gradproof_server.serving.function_check import FunctionCheck
from gradproof_server.serving.methods import DirectContext, StreamMessage, Task

from fuzz.archive import write_folder
from fuzz.dialogues import FunctionRequests, FunctionResponses, VerifyResponses
from fuzz.maker import Maker
from fuzz.requests import ENGINE, FUNCTION_LIMITS

_ROOT = Path(__file__).parent.parent
_RANDOM = 300
"""Random messages of each kind."""
_CALLERS = """
[[caller]]
name = "ci"
token_sha256 = ["0000000000000000000000000000000000000000000000000000000000000000"]
methods = ["CheckGradients"]
max_calls = 4
max_bytes = 1000000
calls_per_minute = 10.5
[[caller]]
name = "b"
subjects = ["spiffe://b", "b"]
[jwt]
issuer = "https://issuer"
audience = "gradproof"
algorithms = ["RS256"]
leeway_seconds = 5
"""
_SETTINGS = (
    'max_nodes = 10\nport = 1\nlog_level = "debug"\nreflection = false\ncallers_file = "x"\nmax_witness_seconds = 1.5\n'
)


def main() -> None:
    """Writes the seeds of all targets, each in the folder of the target."""
    for name, inputs in _seeds().items():
        write_folder(Path(sys.argv[1]) / name, inputs)


def _seeds() -> dict[str, list[bytes]]:
    files = [*sorted(_ROOT.glob("tests/cases/**/*.yaml")), *sorted(_ROOT.glob("examples/*.yaml"))]
    cases = [problem_file.load(file) for file in files]
    makers = [Maker(seed) for seed in range(_RANDOM)]
    compute = [*(service.ComputeGradientsRequest(problem=c.problem) for c in cases), *(m.compute() for m in makers)]
    check = [service.CheckGradientsRequest(problem=c.problem, claim=c.claim) for c in cases]
    verify = [service.VerifyGradientsRequest(problem=c.problem, claim=c.claim) for c in cases]
    check += [maker.check() for maker in makers]
    verify += [maker.verification() for maker in makers]
    dialogues = [_dialogue(maker) for maker in makers]
    return {
        "compute": _serialized(compute),
        "check": _serialized(check),
        "verify": _serialized(verify),
        "function": _serialized(asked for asked, _ in dialogues),
        "catalog": [b""],
        "compute-response": _responses("ComputeGradients", compute),
        "check-response": _responses("CheckGradients", check),
        "verify-response": _serialized(_stream("VerifyGradients", request) for request in verify),
        "function-response": _serialized(answered for _, answered in dialogues),
        "catalog-response": _serialized([_short_catalog()]),
        "status": list(_statuses()),
        "problem-file": [file.read_bytes() for file in files],
        "callers-file": [_CALLERS.encode()],
        "settings-file": [_SETTINGS.encode()],
    }


def _serialized(messages: Iterable[Message]) -> list[bytes]:
    return [message.SerializeToString(deterministic=True) for message in messages]


def _responses(method: str, requests: Iterable[Message]) -> list[bytes]:
    return [ENGINE(Task(method, request)).response for request in _serialized(requests)]


def _short_catalog() -> Message:
    """The catalogue, of each list the first entry."""
    response = service.ListCatalogResponse.FromString(ENGINE(Task("ListCatalog", b"")).response)
    for field, values in response.ListFields():
        if field.is_repeated:
            del values[1:]
    return response


def _stream(method: str, request: Message) -> Message:
    parts: list[StreamMessage] = []
    ENGINE(Task(method, request.SerializeToString()), DirectContext(send=parts.append))
    return VerifyResponses(messages=[service.VerifyGradientsResponse.FromString(part.response) for part in parts])


def _dialogue(maker: Maker) -> tuple[Message, Message]:
    """What both sides say of one random function."""
    asked, answered = FunctionRequests(messages=[maker.function_start()]), FunctionResponses()
    start = asked.messages[0]
    check = FunctionCheck(numeric.check_function, FUNCTION_LIMITS, 600.0)
    try:
        reply = check.start(start.SerializeToString())
        while reply is not None and len(answered.messages) < 20:
            response = service.CheckFunctionResponse.FromString(reply.response)
            answered.messages.append(response)
            values = maker.function_values(response.points, start.start.claim.output)
            if reply.asks:
                asked.messages.append(service.CheckFunctionRequest.FromString(values))
            reply = check.answer(values) if reply.asks else check.advance()
    except (InvalidProblemError, LimitExceededError):
        pass  # of these the claim alone is worth something
    finally:
        check.close()
    return asked, answered


def _statuses() -> Iterator[bytes]:
    violations = [Violation('problem.parameters["0.weight"].shape', "WRONG_SHAPE", "[2]; must be [3]")] * 2
    errors = (InvalidProblemError(violations), LimitExceededError("problem", "max_nodes", 3, 2), BusyError("full"))
    for error in errors:
        yield failure_to_status(error_to_failure(error), "id").SerializeToString()


if __name__ == "__main__":
    main()
