"""Answers: from the bytes of a request to the bytes of a response, by the real engine."""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from gradproof.v1 import gradient_service_pb2, problem_pb2, tensor_pb2
from gradproof_server.backend import engine_of
from gradproof_server.engine.numeric.types import WitnessOptions
from gradproof_server.engine.types import DiagnosisOptions, Limits, Verdict
from gradproof_server.serving import requests
from gradproof_server.serving.methods import STREAMING, UNARY, DirectContext, Methods, Task, TaskResult
from gradproof_server.serving.service import SERVICE
from gradproof_server.settings import Settings

ENGINE = Methods(Limits(), 1 << 30, "auto")
Compute = gradient_service_pb2.ComputeGradientsRequest
Check = gradient_service_pb2.CheckGradientsRequest


def answer(request: Any, engine: Methods = ENGINE) -> TaskResult:
    """The answer to a request."""
    method = type(request).__name__.removesuffix("Request")
    return engine(Task(method, request.SerializeToString()))


def computed(request: Compute) -> gradient_service_pb2.ComputeGradientsResponse:
    """The response to a request that must succeed."""
    found = answer(request)
    assert found.failure is None, found.failure
    return gradient_service_pb2.ComputeGradientsResponse.FromString(found.response)


def violations(request: Any) -> list[tuple[str, str]]:
    """Paths and reasons of a request that must be refused as invalid."""
    failure = answer(request).failure
    assert failure is not None
    assert failure.kind.reason == "INVALID_PROBLEM"
    return [(v.path, v.reason) for v in failure.violations]


def values(reference: gradient_service_pb2.Reference, quantity: int, name: str = "") -> Sequence[float]:
    """The doubles of one tensor."""
    (data,) = [t.value.data for t in reference.tensors if (t.id.quantity, t.id.name) == (quantity, name)]
    return struct.unpack(f"<{len(data) // 8}d", data)


def test_every_method_of_the_contract_is_answered() -> None:
    """The tables of methods have those of the service, and no other; functions are answered elsewhere."""
    assert {*UNARY, *STREAMING, "CheckFunction"} == {method.name for method in SERVICE.methods}


def test_the_reference_of_the_founding_case(compute_request: Compute) -> None:
    """Gradients and updated weights to the printed digits, with what they were computed by."""
    reference = computed(compute_request).reference
    near = pytest.approx
    assert values(reference, tensor_pb2.QUANTITY_GRADIENT, "0.weight") == near([-0.28, -0.42, -0.30, -0.45], abs=1e-12)
    assert values(reference, tensor_pb2.QUANTITY_GRADIENT, "1.weight") == near([-0.85, -0.48], abs=1e-12)
    assert values(reference, tensor_pb2.QUANTITY_UPDATED, "0.weight") == near([0.124, 0.231, 0.135, 0.1025], abs=1e-12)
    assert values(reference, tensor_pb2.QUANTITY_UPDATED, "1.weight") == near([0.1825, 0.174], abs=1e-12)
    assert (reference.parameters, list(reference.learning_rates)) == (6, [0.05])
    environment = reference.environment
    assert (environment.torch_version, environment.device, environment.dtype) == (torch.__version__, "cpu", "float64")


def test_what_was_counted(check_request: Check) -> None:
    """A check leaves its verdict, its size and the time of each stage."""
    facts = answer(check_request).facts
    assert (facts.verdict, facts.nodes, facts.parameters) == (Verdict.DISAGREES, 2, 6)
    assert {"read", "run", "compare", "encode"} <= facts.stages.keys()


def test_the_author_s_claim_disagrees(check_request: Check) -> None:
    """The verdict, the comparison and the reference of the claimed tensor are in the response."""
    response = gradient_service_pb2.CheckGradientsResponse.FromString(answer(check_request).response)
    assert response.verdict == 2
    assert [(c.id.name, c.disagreeing) for c in response.comparisons] == [("1.weight", 2)]
    assert values(response.reference, tensor_pb2.QUANTITY_UPDATED, "1.weight") == pytest.approx([0.1825, 0.174])


def test_only_the_included_quantities_are_returned(compute_request: Compute) -> None:
    """`include` replaces the usual quantities."""
    compute_request.include.append(tensor_pb2.QUANTITY_INPUT_GRADIENT)
    assert {t.id.quantity for t in computed(compute_request).reference.tensors} == {tensor_pb2.QUANTITY_INPUT_GRADIENT}


def test_only_the_named_steps_are_returned(compute_request: Compute) -> None:
    """`steps` chooses among the steps."""
    for _ in range(3):
        compute_request.problem.steps.add()
    compute_request.steps.append(1)
    assert {t.id.step for t in computed(compute_request).reference.tensors} == {1}


def test_a_bad_include_and_a_bad_step_are_told_with_the_problem_s_own_violations(compute_request: Compute) -> None:
    """Everything that is wrong with the request comes at once."""
    compute_request.include.extend([tensor_pb2.QUANTITY_LOSS, 0, 99])
    compute_request.steps.append(1)
    del compute_request.problem.parameters["1.weight"]
    assert violations(compute_request) == [
        ('problem.parameters["1.weight"]', "MISSING_PARAMETER"),
        ("include[1]", "UNKNOWN_VALUE"),
        ("include[2]", "UNKNOWN_VALUE"),
        ("steps[0]", "OUT_OF_RANGE"),
    ]


@pytest.mark.parametrize("field", ["max_seconds", "max_combination", "max_findings"])
def test_the_budget_of_a_diagnosis_must_be_positive(check_request: Check, field: str) -> None:
    """Zero is refused with the field's path."""
    setattr(check_request.diagnosis, field, 0)
    assert violations(check_request) == [(f"diagnosis.{field}", "OUT_OF_RANGE")]


@pytest.mark.parametrize(("field", "value"), [("max_seconds", float("nan")), ("max_combination", 4)])
def test_the_budget_of_a_diagnosis_is_bounded(check_request: Check, field: str, value: float) -> None:
    """NaN seconds and four mistakes at once are refused."""
    setattr(check_request.diagnosis, field, value)
    assert violations(check_request) == [(f"diagnosis.{field}", "OUT_OF_RANGE")]


def checked(request: Check, deadline: float | None = None) -> gradient_service_pb2.CheckGradientsResponse:
    """The response to a check that must succeed."""
    found = ENGINE(Task("CheckGradients", request.SerializeToString(), deadline))
    assert found.failure is None, found.failure
    return gradient_service_pb2.CheckGradientsResponse.FromString(found.response)


def test_the_author_s_claim_is_explained(check_request: Check) -> None:
    """The first finding of the founding case is the half squared error."""
    findings = checked(check_request).diagnosis.findings
    assert findings[0].codes[0].startswith("loss.half_squared_error")


def test_a_finding_links_only_to_pages_that_the_server_was_told_of(check_request: Check) -> None:
    """Without a setting there is no address; with one there is a full link for each code."""
    assert not checked(check_request).diagnosis.findings[0].documentation_urls
    settings = Settings(documentation_url="https://host/mistakes", device="cpu")
    found = engine_of(settings)(Task("CheckGradients", check_request.SerializeToString()))
    response = gradient_service_pb2.CheckGradientsResponse.FromString(found.response)
    assert response.diagnosis.findings
    for finding in response.diagnosis.findings:
        assert finding.documentation_urls == [f"https://host/mistakes/{code}.html" for code in finding.codes]


def test_no_explanation_where_it_was_disabled(check_request: Check) -> None:
    """Disabled, the diagnosis is unset and takes no time."""
    check_request.diagnosis.disabled = True
    assert not checked(check_request).HasField("diagnosis")
    assert "diagnose" not in answer(check_request).facts.stages


def test_a_diagnosis_leaves_time_to_answer_before_the_deadline() -> None:
    """Of ten seconds that remain it may use eight, and of none none; without a deadline it keeps its own budget."""
    options = DiagnosisOptions(max_seconds=100.0)
    assert 7.0 < requests.within(options, time.monotonic() + 10).max_seconds <= 8.0
    assert requests.within(options, time.monotonic() - 1).max_seconds == 0.0
    assert requests.within(options, None) == options


def test_an_option_that_is_unset_is_within_the_server_s_limit_too() -> None:
    """A server that allows ten seconds gives ten where the default is sixty, and less before a deadline."""
    options = WitnessOptions()
    assert requests.within(options, None, 10.0).max_seconds == 10.0
    assert requests.within(options, None, 600.0).max_seconds == 60.0
    assert 3.0 < requests.within(options, time.monotonic() + 5, 10.0).max_seconds <= 4.0


def test_a_verdict_comes_even_where_no_time_is_left_to_explain_it(check_request: Check) -> None:
    """A deadline that has all but passed costs the explanation and not the answer."""
    response = checked(check_request, deadline=time.monotonic())
    assert response.verdict == 2
    assert response.diagnosis.budget_exhausted


@pytest.mark.parametrize("request_type", [Compute, Check])
def test_an_empty_request_is_invalid(request_type: Any) -> None:
    """A request without a problem names the field that is missing."""
    assert violations(request_type())[0] == ("problem.network", "REQUIRED")


@pytest.mark.parametrize("method", sorted([*UNARY, *STREAMING]))
def test_bytes_that_are_no_message_are_malformed(method: str) -> None:
    """A field that ends too early is the caller's fault and not the server's."""
    failure = ENGINE(Task(method, b"\x0a\x7f")).failure
    assert failure is not None
    assert failure.kind.reason == "MALFORMED_REQUEST"


def test_a_response_above_the_limit_is_refused(compute_request: Compute) -> None:
    """The size that is refused is the size that would have been sent."""
    size = len(answer(compute_request).response)
    assert answer(compute_request, Methods(Limits(), size + 16)).failure is None
    failure = answer(compute_request, Methods(Limits(), size - 16)).failure
    assert failure is not None
    assert failure.kind.reason == "RESPONSE_TOO_LARGE"


def test_a_limit_of_the_server_is_obeyed(compute_request: Compute) -> None:
    """A network with six numbers is refused where five are allowed."""
    failure = answer(compute_request, Methods(Limits(max_parameters=5), 1 << 30)).failure
    assert failure is not None
    assert failure.metadata == {"limit": "max_parameters", "value": "6", "allowed": "5"}


def test_a_stopped_task_says_so(compute_request: Compute) -> None:
    """The engine asks, and stops."""
    failure = ENGINE(Task("ComputeGradients", compute_request.SerializeToString()), DirectContext(lambda: True)).failure
    assert failure is not None
    assert failure.kind.reason == "CANCELLED"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_a_device_that_is_not_there_is_a_failed_precondition(compute_request: Compute, device: str) -> None:
    """CUDA that the problem asks for is not replaced by the CPU."""
    compute_request.problem.device = problem_pb2.DEVICE_CUDA
    failure = answer(compute_request, Methods(Limits(), 1 << 30, device)).failure
    assert failure is not None
    assert failure.kind.reason == "DEVICE_UNAVAILABLE"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_the_server_s_device_is_for_problems_that_name_none(compute_request: Compute) -> None:
    """On a server for CUDA a problem that names the CPU runs on the CPU, one that names nothing does not."""
    engine = Methods(Limits(), 1 << 30, "cuda")
    failure = answer(compute_request, engine).failure
    assert failure is not None
    assert failure.kind.reason == "DEVICE_UNAVAILABLE"
    compute_request.problem.device = problem_pb2.DEVICE_CPU
    assert answer(compute_request, engine).failure is None


def test_the_catalogue_has_limits_environment_and_devices() -> None:
    """ListCatalog says what this server builds, allows and runs on."""
    engine = Methods(Limits(max_nodes=17), 1 << 30, "cpu")
    found = answer(gradient_service_pb2.ListCatalogRequest(), engine)
    response = gradient_service_pb2.ListCatalogResponse.FromString(found.response)
    assert len(response.layers) >= 110
    assert response.limits.max_nodes == 17
    assert response.limits.max_flops == Limits().max_flops
    assert (response.environment.device, response.environment.dtype) == ("cpu", "float64")
    assert list(response.devices) == (["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"])
