"""The call that checks a function of the caller: the pure core that both clients share. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from gradproof._arguments import descriptor_of, set_argument
from gradproof._calls import Timeout
from gradproof._channel import SERVICE
from gradproof._violations import Violations
from gradproof._witness_calls import OnProgress, StreamCall, WitnessOptions, options_to_proto, seconds_of
from gradproof.black_box import Arguments, BlackBox, Function, floating_tensor, stated_tensors
from gradproof.errors import invalid
from gradproof.v1 import gradient_service_pb2, witness_pb2


class FunctionOptions(WitnessOptions, total=False):
    """The derivative that is claimed of a function, one of the first four; how the function and the server are called;
    and the options of WitnessOptions.

    Keys:
        gradient: of a scalar function, in the structure of `x`; None in a part that is not checked. Or a function that
            returns it.
        jacobian: in the structure of `x`, each part of shape output.shape + x.shape. Or a function that returns it.
        vjp: a cotangent of the output's shape, and the product in the structure of `x`.
        jvp: a tangent in the structure of `x`, and the product in the output's shape.
        batched: whether the function takes and returns arrays with a leading axis of points.
        rtol: relative precision of the claimed derivative; None: that of its dtype.
        on_progress: called with each Progress.
        timeout: in seconds; not given: that of the client beyond `max_seconds`; None: no limit. DeadlineError is raised
            when it passes.
    """

    gradient: Any
    jacobian: Any
    vjp: tuple[Any, Any] | None
    jvp: tuple[Any, Any] | None
    batched: bool
    rtol: float | None
    on_progress: OnProgress | None
    timeout: Timeout


_OWN = FunctionOptions.__optional_keys__ - WitnessOptions.__optional_keys__


@dataclass(kw_only=True)
class FunctionCall(StreamCall):
    """A call whose function the caller evaluates: `answer` gives the values at the points that a server asks for.

    Attributes:
        box: the function.
    """

    box: BlackBox

    def answer(self, points: witness_pb2.PointBatch) -> bytes:
        """The request with the function's values at a batch of points. Raises what the function raises."""
        values = witness_pb2.BatchValues(batch=points.batch, values=self.box.values(points))
        return gradient_service_pb2.CheckFunctionRequest(values=values).SerializeToString()


def function_call(f: Function, x: Arguments, options: FunctionOptions) -> FunctionCall:
    """CheckFunction. `on_progress` and `timeout` are left to the client.

    Raises:
        InvalidProblemError: for what is wrong with the arguments.
        TypeError: an option is unknown.
    """
    given = options_to_proto(FunctionOptions, {name: value for name, value in options.items() if name not in _OWN})
    box = BlackBox(f, x, options.get("batched", False))
    claim = witness_pb2.FunctionClaim(point=box.point, output=box.output)
    if box.max_batch is not None:
        claim.max_batch = box.max_batch
    found = Violations()
    set_argument(claim, descriptor_of(claim).fields_by_name["relative_tolerance"], options.get("rtol"), "rtol", found)
    with found.at("derivative"):
        _set_derivative(claim, box, {k: value for k, value in options.items() if k in _SETTERS and value is not None})
    found.raise_if_any()
    start = gradient_service_pb2.FunctionStart(claim=claim, options=given)
    request = gradient_service_pb2.CheckFunctionRequest(start=start).SerializeToString()
    response = gradient_service_pb2.CheckFunctionResponse
    return FunctionCall(f"/{SERVICE}/CheckFunction", request, response, seconds_of(given), box=box)


def _set_derivative(claim: witness_pb2.FunctionClaim, box: BlackBox, stated: Mapping[str, Any]) -> None:
    if len(stated) != 1:
        text = f"exactly one of {', '.join(_SETTERS)} is needed, not {list(stated) or 'none'}"
        raise invalid("derivative", "ALTERNATIVES", text)
    ((kind, value),) = stated.items()
    _SETTERS[kind](claim, box, value)


def _set_gradient(claim: witness_pb2.FunctionClaim, box: BlackBox, value: Any) -> None:
    _set_tensors(claim.gradient, box.call(value) if callable(value) else value, box, "gradient")


def _set_jacobian(claim: witness_pb2.FunctionClaim, box: BlackBox, value: Any) -> None:
    _set_tensors(claim.jacobian, box.call(value) if callable(value) else value, box, "jacobian")


def _set_vjp(claim: witness_pb2.FunctionClaim, box: BlackBox, value: Any) -> None:
    cotangent, result = _two(value, "vjp", "(cotangent, result)")
    claim.vjp.cotangent.CopyFrom(floating_tensor(cotangent, "vjp[0]"))
    _set_tensors(claim.vjp.result, result, box, "vjp[1]")


def _set_jvp(claim: witness_pb2.FunctionClaim, box: BlackBox, value: Any) -> None:
    tangent, result = _two(value, "jvp", "(tangent, result)")
    _set_tensors(claim.jvp.tangent, tangent, box, "jvp[0]")
    claim.jvp.result.CopyFrom(floating_tensor(result, "jvp[1]"))


_SETTERS: Mapping[str, Callable[[witness_pb2.FunctionClaim, BlackBox, Any], None]] = {
    "gradient": _set_gradient,
    "jacobian": _set_jacobian,
    "vjp": _set_vjp,
    "jvp": _set_jvp,
}


def _two(value: Any, field: str, parts: str) -> tuple[Any, Any]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise invalid(field, "WRONG_TYPE", f"{parts} is needed")
    return cast(tuple[Any, Any], tuple(value))


def _set_tensors(message: witness_pb2.DerivativeTensors, value: Any, box: BlackBox, field: str) -> None:
    for name, tensor in stated_tensors(value, box.x, field):
        message.tensors[name].CopyFrom(tensor)
