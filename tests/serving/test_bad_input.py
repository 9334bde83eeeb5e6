"""Bad input: a table of what callers get wrong, through the whole path; each is refused by path and reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from gradproof.v1 import gradient_service_pb2, losses_pb2
from gradproof_server.engine.types import Limits
from gradproof_server.serving.failures import Failure
from gradproof_server.serving.methods import Methods, Task

ENGINE = Methods(Limits(), 1 << 24, "cpu")
NAN, INF = float("nan"), float("inf")
Change = Callable[[Any], object]
P0 = "problem.network.nodes[0]"
P1 = "problem.network.nodes[1]"


def failure_of(request: gradient_service_pb2.CheckGradientsRequest) -> Failure:
    """What the request is refused with."""
    found = ENGINE(Task("CheckGradients", request.SerializeToString())).failure
    assert found is not None
    return found


def nodes(r: Any) -> Any:
    """The nodes of the founding case."""
    return r.problem.network.nodes


def put(mapping: str, name: str, like: str = "1.weight") -> Change:
    """Adds a tensor under that name to a map of the problem."""
    return lambda r: getattr(r.problem, mapping)[name].CopyFrom(r.problem.parameters[like])


def reshaped(mapping: str, name: str, *shape: int) -> Change:
    """Gives a tensor that shape, with as many bytes as it needs if that is possible."""

    def change(r: Any) -> None:
        tensor = getattr(r.problem, mapping)[name]
        size = 1
        for extent in shape:
            size *= extent
        tensor.shape[:] = shape
        tensor.data = bytes(8 * size) if 0 <= size < 1000 else b""

    return change


def field(path: str, value: Any) -> Change:
    """Sets a field, by its path from the request; numbers are indices."""

    def change(r: Any) -> None:
        *parts, last = path.split(".")
        for part in parts:
            r = r[int(part)] if part.isdigit() else getattr(r, part)
        if isinstance(getattr(r, last), int | float | str | bytes):
            setattr(r, last, value)
        else:
            getattr(r, last).append(value)

    return change


def cleared(path: str) -> Change:
    """Clears a field, by its path from the request."""

    def change(r: Any) -> None:
        *parts, last = path.split(".")
        for part in parts:
            r = r[int(part)] if part.isdigit() else getattr(r, part)
        r.ClearField(last)

    return change


def both(*changes: Change) -> Change:
    """One change after another."""
    return lambda r: [change(r) for change in changes]


def first(change: Change) -> Change:
    """Changes the first node, which has then no parameter."""
    return lambda r: [r.problem.parameters.pop("0.weight"), change(nodes(r)[0])]


LAYER0, CLAIMED = "problem.network.nodes.0", "claim.tensors.0"
SGD, ADAM = "problem.optimizer.sgd", "problem.optimizer.adam"
WEIGHT = 'problem.parameters["0.weight"]'
INVALID: dict[str, tuple[Change, str, str, str]] = {
    "unknown parameter": (
        put("parameters", "1.wieght"),
        'problem.parameters["1.wieght"]',
        "UNKNOWN_PARAMETER",
        "1.weight",
    ),
    "missing parameter": (lambda r: r.problem.parameters.pop("0.weight"), WEIGHT, "MISSING_PARAMETER", "(2, 2)"),
    "unknown buffer": (put("buffers", "0.mean"), 'problem.buffers["0.mean"]', "UNKNOWN_BUFFER", "0.mean"),
    "unknown target": (put("targets", "targt"), 'problem.targets["targt"]', "UNKNOWN_TARGET", "target"),
    "missing target": (lambda r: r.problem.targets.pop("target"), "problem.loss", "REQUIRED", "target"),
    "missing input": (lambda r: r.problem.inputs.pop("input"), f"{P0}.inputs", "REQUIRED", "input"),
    "state without momentum": (
        put("state", "0.weight.momentum"),
        'problem.state["0.weight.momentum"]',
        "UNKNOWN_STATE",
        "",
    ),
    "state without optimizer": (
        both(cleared("problem.optimizer"), put("state", "a.b")),
        "problem.state",
        "REQUIRED",
        "optimizer",
    ),
    "unknown frozen": (field("problem.frozen", "9.weight"), "problem.frozen[0]", "UNKNOWN_PARAMETER", "9.weight"),
    "shape of a parameter": (reshaped("parameters", "0.weight", 2, 3), f"{WEIGHT}.shape", "SHAPE_MISMATCH", "(2, 2)"),
    "shape of an input": (reshaped("inputs", "input", 3), P0, "CANNOT_RUN", "(3,)"),
    "negative size": (reshaped("parameters", "0.weight", -2, -2), f"{WEIGHT}.shape[0]", "NEGATIVE_SIZE", "-2"),
    "bytes that do not fit": (reshaped("parameters", "0.weight", 1000, 2), f"{WEIGHT}.data", "BYTE_LENGTH", "16000"),
    "too many dimensions": (
        reshaped("inputs", "input", *[1] * 17),
        'problem.inputs["input"].shape',
        "TOO_MANY_DIMENSIONS",
        "16",
    ),
    "unknown dtype": (
        lambda r: setattr(r.problem.inputs["input"], "dtype", 99),
        'problem.inputs["input"].dtype',
        "UNKNOWN_DTYPE",
        "float64",
    ),
    "unset dtype": (
        lambda r: setattr(r.problem.inputs["input"], "dtype", 0),
        'problem.inputs["input"].dtype',
        "UNKNOWN_DTYPE",
        "float64",
    ),
    "integer parameter": (
        lambda r: setattr(r.problem.parameters["0.weight"], "dtype", 5),
        f"{WEIGHT}.dtype",
        "WRONG_DTYPE",
        "floating",
    ),
    "integer computation": (field("problem.dtype", 5), "problem.dtype", "WRONG_DTYPE", "FLOAT64"),
    "unknown mode": (field("problem.mode", 7), "problem.mode", "UNKNOWN_VALUE", "MODE_EVAL"),
    "unknown device": (field("problem.device", 7), "problem.device", "UNKNOWN_VALUE", "DEVICE_CPU"),
    "no network": (cleared("problem.network"), "problem.network", "REQUIRED", "network"),
    "empty network": (cleared("problem.network.nodes"), "problem.network.nodes", "REQUIRED", "at least one"),
    "empty node": (cleared(f"{LAYER0}.layer"), P0, "REQUIRED", "layer"),
    "empty layer": (cleared(f"{LAYER0}.layer.linear"), f"{P0}.layer", "REQUIRED", "ListCatalog"),
    "layer without size": (
        cleared(f"{LAYER0}.layer.linear.in_features"),
        f"{P0}.layer.linear.in_features",
        "REQUIRED",
        "in_features",
    ),
    "negative features": (field(f"{LAYER0}.layer.linear.in_features", -1), f"{P0}.layer.linear", "CANNOT_BUILD", "-1"),
    "bad name": (field(f"{LAYER0}.name", "a b"), f"{P0}.name", "INVALID_NAME", "letters"),
    "name with a colon": (field(f"{LAYER0}.name", "a:1"), f"{P0}.name", "INVALID_NAME", "a:1"),
    "long name": (field(f"{LAYER0}.name", "a" * 201), f"{P0}.name", "INVALID_NAME", "aaa"),
    "reserved name": (field(f"{LAYER0}.name", "loss"), f"{P0}.name", "RESERVED_NAME", "loss"),
    "name of an input": (field(f"{LAYER0}.name", "input"), f"{P0}.name", "DUPLICATE_NAME", "input"),
    "duplicate name": (field(f"{LAYER0}.name", "1"), f"{P1}.name", "DUPLICATE_NAME", "another"),
    "self reference": (field(f"{LAYER0}.inputs", "0"), f"{P0}.inputs[0]", "CYCLE_OR_ORDER", "before"),
    "cycle": (field(f"{LAYER0}.inputs", "1"), f"{P0}.inputs[0]", "CYCLE_OR_ORDER", "cycles"),
    "unknown node": (field(f"{LAYER0}.inputs", "inptu"), f"{P0}.inputs[0]", "UNKNOWN_NODE", "input"),
    "unknown output of a node": (
        field("problem.network.outputs", "1:7"),
        "problem.network.outputs[0]",
        "UNKNOWN_OUTPUT",
        "7",
    ),
    "unknown node as output": (
        field("problem.network.outputs", "7"),
        "problem.network.outputs[0]",
        "UNKNOWN_NODE",
        "7",
    ),
    "unknown default output": (field(f"{LAYER0}.output", "h_n"), f"{P0}.output", "UNKNOWN_OUTPUT", "output"),
    "too many inputs": (
        lambda r: nodes(r)[1].inputs.extend(["0", "0"]),
        f"{P1}.inputs",
        "WRONG_NUMBER_OF_INPUTS",
        "2 given",
    ),
    "too few inputs": (
        lambda r: nodes(r)[0].function.add.SetInParent(),
        f"{P0}.inputs",
        "WRONG_NUMBER_OF_INPUTS",
        "1 given",
    ),
    "unknown named input": (
        lambda r: nodes(r)[0].named_inputs.update(mask="input"),
        f'{P0}.named_inputs["mask"]',
        "UNKNOWN_INPUT",
        "mask",
    ),
    "shared with itself": (field(f"{LAYER0}.shared", "0"), f"{P0}.shared", "UNKNOWN_NODE", "earlier"),
    "tied to the unknown": (
        lambda r: r.problem.network.tied_parameters.update({"0.weight": "x"}),
        'problem.network.tied_parameters["0.weight"]',
        "UNKNOWN_PARAMETER",
        "'x'",
    ),
    "tied to itself": (
        lambda r: r.problem.network.tied_parameters.update({"0.weight": "0.weight"}),
        'problem.network.tied_parameters["0.weight"]',
        "TIED_TWICE",
        "tied",
    ),
    "tied to another shape": (
        lambda r: r.problem.network.tied_parameters.update({"0.weight": "1.weight"}),
        'problem.network.tied_parameters["0.weight"]',
        "SHAPE_MISMATCH",
        "(1, 2)",
    ),
    "split out of range": (first(lambda n: n.function.split.sizes.extend([5, 5])), P0, "CANNOT_RUN", "Split"),
    "impossible reshape": (first(lambda n: n.function.reshape.shape.extend([7])), P0, "CANNOT_RUN", "7"),
    "nonsense for einsum": (
        first(lambda n: setattr(n.function.einsum, "equation", "%%")),
        P0,
        "CANNOT_RUN",
        "Einsum",
    ),
    "unknown reducer": (
        lambda r: setattr(nodes(r)[0].function.reduce, "reducer", 99),
        f"{P0}.function.reduce",
        "UNKNOWN_VALUE",
        "99",
    ),
    "empty loss": (cleared("problem.loss.l1_loss"), "problem.loss", "REQUIRED", "loss"),
    "no reduction": (
        field("problem.loss.l1_loss.reduction", losses_pb2.REDUCTION_NONE),
        "problem.loss.l1_loss.reduction",
        "NO_SCALAR",
        "REDUCTION_MEAN",
    ),
    "unknown reduction": (
        field("problem.loss.l1_loss.reduction", 99),
        "problem.loss.l1_loss.reduction",
        "UNKNOWN_VALUE",
        "REDUCTION_MEAN",
    ),
    "empty optimizer": (cleared(SGD), "problem.optimizer", "REQUIRED", "optimizer"),
    "NaN learning rate": (field(f"{SGD}.lr", NAN), "problem.optimizer.sgd.lr", "NOT_A_NUMBER", "NaN"),
    "infinite learning rate": (field(f"{SGD}.lr", INF), "problem.optimizer.sgd.lr", "NOT_FINITE", "inf"),
    "negative learning rate": (field(f"{SGD}.lr", -1.0), "problem.optimizer.sgd", "CANNOT_BUILD", "-1.0"),
    "NaN momentum": (field(f"{SGD}.momentum", NAN), "problem.optimizer.sgd.momentum", "NOT_A_NUMBER", "NaN"),
    "negative weight decay": (field(f"{SGD}.weight_decay", -1.0), "problem.optimizer.sgd", "CANNOT_BUILD", "-1.0"),
    "nesterov without momentum": (field(f"{SGD}.nesterov", True), "problem.optimizer.sgd", "CANNOT_BUILD", "momentum"),
    "betas above one": (lambda r: r.problem.optimizer.adam.betas.extend([2.0, 0.9]), ADAM, "CANNOT_BUILD", "2.0"),
    "unknown member of a group": (
        lambda r: r.problem.optimizer.groups.add().parameters.append("x"),
        "problem.optimizer.groups[0].parameters[0]",
        "UNKNOWN_PARAMETER",
        "x",
    ),
    "member of two groups": (
        lambda r: r.problem.optimizer.groups.add().parameters.extend(["0.weight"] * 2),
        "problem.optimizer.groups[0].parameters[1]",
        "GIVEN_TWICE",
        "two",
    ),
    "schedule without optimizer": (
        both(cleared("problem.optimizer"), field("problem.schedule.step_lr.step_size", 1)),
        "problem.optimizer",
        "REQUIRED",
        "schedule",
    ),
    "empty schedule": (lambda r: r.problem.schedule.SetInParent(), "problem.schedule", "REQUIRED", "schedule"),
    "clip without bound": (
        lambda r: r.problem.clip_grad_norm.SetInParent(),
        "problem.clip_grad_norm.max_norm",
        "REQUIRED",
        "bound",
    ),
    "negative bound": (
        field("problem.clip_grad_value.clip_value", -1.0),
        "problem.clip_grad_value.clip_value",
        "OUT_OF_RANGE",
        "-1.0",
    ),
    "NaN bound": (
        field("problem.clip_grad_norm.max_norm", NAN),
        "problem.clip_grad_norm.max_norm",
        "OUT_OF_RANGE",
        "nan",
    ),
    "negative rate of a step": (
        lambda r: setattr(r.problem.steps.add(), "lr", -1.0),
        "problem.steps[0].lr",
        "OUT_OF_RANGE",
        "-1.0",
    ),
    "no claim": (cleared("claim"), "claim.tensors", "REQUIRED", "at least one"),
    "unknown claimed tensor": (
        field(f"{CLAIMED}.id.name", "1.wieght"),
        "claim.tensors[0].id.name",
        "UNKNOWN_TENSOR",
        "1.weight",
    ),
    "unknown quantity": (
        field(f"{CLAIMED}.id.quantity", 77),
        "claim.tensors[0].id.quantity",
        "UNKNOWN_VALUE",
        "QUANTITY_LOSS",
    ),
    "step out of range": (field(f"{CLAIMED}.id.step", 3), "claim.tensors[0].id.step", "OUT_OF_RANGE", "1 step"),
    "claimed twice": (
        lambda r: r.claim.tensors.append(r.claim.tensors[0]),
        "claim.tensors[1].id",
        "GIVEN_TWICE",
        "twice",
    ),
    "digits out of range": (
        field(f"{CLAIMED}.precision.decimals.digits", 21),
        "claim.tensors[0].precision.decimals.digits",
        "OUT_OF_RANGE",
        "20",
    ),
    "negative tolerance": (
        field(f"{CLAIMED}.precision.tolerances.absolute", -1.0),
        "claim.tensors[0].precision.tolerances.absolute",
        "OUT_OF_RANGE",
        "-1.0",
    ),
    "integer precision": (
        field(f"{CLAIMED}.precision.dtype", 5),
        "claim.tensors[0].precision.dtype",
        "WRONG_DTYPE",
        "FLOAT64",
    ),
    "empty precision": (lambda r: r.claim.precision.SetInParent(), "claim.precision", "REQUIRED", "decimals"),
    "unknown include": (field("include", 99), "include[0]", "UNKNOWN_VALUE", "QUANTITY_LOSS"),
    "no time to explain": (field("diagnosis.max_seconds", 0.0), "diagnosis.max_seconds", "OUT_OF_RANGE", "0"),
    "too many mistakes at once": (
        field("diagnosis.max_combination", 4),
        "diagnosis.max_combination",
        "OUT_OF_RANGE",
        "3",
    ),
}
HUGE = 10**9
ABOVE: dict[str, tuple[Change, str]] = {
    "huge parameter": (reshaped("parameters", "0.weight", HUGE), "max_elements"),
    "sizes that overflow": (reshaped("inputs", "input", 2**62, 2**62), "max_elements"),
    "huge claim": (lambda r: r.claim.tensors[0].value.shape.__setitem__(slice(None), [HUGE]), "max_elements"),
    "huge layer": (field(f"{LAYER0}.layer.linear.out_features", HUGE), "max_parameters"),
    "too many nodes": (lambda r: [nodes(r).add() for _ in range(2000)], "max_nodes"),
    "too many steps": (lambda r: [r.problem.steps.add() for _ in range(1001)], "max_steps"),
}


@pytest.mark.parametrize("kind", INVALID)
def test_bad_input_is_named(check_request: gradient_service_pb2.CheckGradientsRequest, kind: str) -> None:
    """Path, reason and a text with the value or what would be valid; the status is INVALID_ARGUMENT."""
    change, path, reason, text = INVALID[kind]
    change(check_request)
    failure = failure_of(check_request)
    assert failure.kind.code.name == "INVALID_ARGUMENT", failure.log_text
    found = [v for v in failure.violations if v.path == path and v.reason == reason]
    assert found, failure.violations
    assert any(text in v.description for v in found), found


@pytest.mark.parametrize("kind", ABOVE)
def test_what_is_above_a_limit_is_refused(check_request: gradient_service_pb2.CheckGradientsRequest, kind: str) -> None:
    """The status is RESOURCE_EXHAUSTED and the limit is named."""
    change, limit = ABOVE[kind]
    change(check_request)
    failure = failure_of(check_request)
    assert (failure.kind.reason, failure.metadata.get("limit")) == ("LIMIT_EXCEEDED", limit), failure


def test_the_table_is_long_enough() -> None:
    """At least sixty kinds of bad input are tried."""
    assert len(INVALID) + len(ABOVE) >= 60


def test_two_violations_come_together(check_request: gradient_service_pb2.CheckGradientsRequest) -> None:
    """A NaN learning rate does not hide a missing parameter."""
    check_request.problem.optimizer.sgd.lr = NAN
    del check_request.problem.parameters["0.weight"]
    paths = {violation.path for violation in failure_of(check_request).violations}
    assert {WEIGHT, "problem.optimizer.sgd.lr"} <= paths
