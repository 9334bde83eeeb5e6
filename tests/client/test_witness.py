"""The SDK's witness with a real server: gradients by hand, right and wrong, of problems and of functions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import gradproof as gp
import numpy as np
import pytest
import torch

WEIGHT = [[0.11, 0.21], [0.12, 0.08]]
LAST = [[0.14, 0.15]]
GRADIENTS = {"0.weight": [[-0.28, -0.42], [-0.30, -0.45]], "1.weight": [[-0.85, -0.48]]}
PROBLEM = gp.Problem(
    [gp.Linear(2, 2, bias=False, weight=WEIGHT), gp.Linear(2, 1, bias=False, weight=LAST)],
    input=[2.0, 3.0],
    target=[1.0],
    loss=gp.L1Loss(),
)


@pytest.fixture(scope="module")
def client() -> Iterator[gp.Client]:
    """A client of a private server."""
    with gp.Client.embedded() as made:
        yield made


def test_pytorchs_gradients_are_confirmed(client: gp.Client) -> None:
    """Of every parameter and input, with values and bars of every element."""
    verification = client.verify(PROBLEM, include_values=True)
    verification.raise_for_disagreement()
    assert [str(tensor.tensor) for tensor in verification.tensors] == [
        "gradient 0.weight",
        "gradient 1.weight",
        "input gradient input",
    ]
    weight = verification.tensor("0.weight")
    assert np.abs(weight.numeric - np.ravel(GRADIENTS["0.weight"])).max() < 1e-10
    assert (weight.bars > 0).all()
    assert (weight.bars < 1e-9).all()
    assert verification.claim_verdict is None
    assert verification.value == pytest.approx(0.809)


@pytest.mark.parametrize(("number", "verdict"), [(-0.4549, "AGREES"), (-0.4551, "DISAGREES")])
def test_a_claim_is_judged_beside_the_reference(number: float, verdict: str, client: gp.Client) -> None:
    """The reference is confirmed; two decimals are right up to half a unit; the wrong element is named."""
    wrong = [GRADIENTS["0.weight"][0], [-0.30, number]]
    verification = client.verify(PROBLEM, gp.Claim(gradients={"0.weight": wrong}, decimals=2))
    assert (verification.reference_verdict, verification.claim_verdict) == ("AGREES", verdict)
    judgement = verification.tensor("0.weight").judgement("claim")
    if verdict == "DISAGREES":
        assert judgement.cause is gp.Cause.WRONG_DERIVATIVE
        assert judgement.worst is not None
        assert (judgement.worst.index, judgement.worst.stated) == ((1, 1), number)


def test_kinks_are_named(client: gp.Client) -> None:
    """A ReLU whose input is 0: both slopes, the node and the unit; PyTorch's convention is accepted."""
    problem = gp.Problem([gp.ReLU()], input=[0.0, 2.0], target=[1.0, 1.0], loss=gp.MSELoss(reduction="sum"))
    verification = client.verify(problem)
    assert verification.agrees
    judgement = verification.tensor("input").judgement()
    assert judgement.cause is gp.Cause.KINK_CONVENTION
    assert judgement.worst is not None
    assert judgement.worst.slopes == pytest.approx((0.0, -2.0), abs=1e-6)
    (kink,) = verification.tensor("input").kinks
    assert (kink.node, kink.type, kink.index, kink.value) == ("0", "ReLU", (0,), 0.0)


def test_the_estimate_tells_the_mode_that_is_taken(client: gp.Client) -> None:
    """Elements, or directions and samples, with the evaluations that they take."""
    estimate = client.estimate(PROBLEM, mode="directions", directions=2, samples=1, only="0.weight")
    (tensor,) = estimate.tensors
    assert (tensor.mode, tensor.lines, tensor.elements) == ("directions", 3, 4)
    verification = client.verify(PROBLEM, mode="directions", directions=2, samples=1, only="0.weight")
    (looked,) = verification.tensors
    assert (looked.elements_checked, looked.directions_checked) == (1, 2)
    assert verification.evaluations >= estimate.evaluations


def test_what_a_server_refuses_has_its_path(client: gp.Client) -> None:
    """An unknown tensor, and a step that the problem does not have."""
    with pytest.raises(gp.InvalidProblemError, match=r"options\.only\[0\]\.id"):
        client.verify(PROBLEM, only="7.weight")
    with pytest.raises(gp.InvalidProblemError, match=r"options\.step"):
        client.verify(PROBLEM, step=3)


def test_a_run_can_be_left(client: gp.Client) -> None:
    """The server takes the next run at once."""
    with contextlib.closing(client.verify_events(PROBLEM)) as events:  # type: ignore[type-var]
        assert isinstance(next(events), gp.Estimate)
    assert client.verify(PROBLEM).agrees


def softmax_loss(z: Any, weight: Any) -> Any:
    """Cross-entropy of class 1 with logits z * weight, in any library."""
    xp: Any = torch if isinstance(z, torch.Tensor) else np
    logits = z * weight
    return xp.log(xp.exp(logits).sum()) - logits[1]


def softmax_gradient(z: Any, weight: Any) -> tuple[Any, Any]:
    """Its gradients by hand."""
    xp: Any = torch if isinstance(z, torch.Tensor) else np
    p = xp.exp(z * weight) / xp.exp(z * weight).sum()
    p = p - xp.asarray([0.0, 1.0, 0.0], dtype=z.dtype)
    return p * weight, p * z


Z, WEIGHTS = np.array([0.5, -1.0, 2.0]), np.array([1.0, 2.0, -0.5])
KINDS = {
    "float64": (Z, WEIGHTS, 1e-9),
    "float32": (Z.astype(np.float32), WEIGHTS.astype(np.float32), 1e-3),
    "torch": (torch.tensor(Z), torch.tensor(WEIGHTS), 1e-9),
    "torch, float32": (torch.tensor(Z, dtype=torch.float32), torch.tensor(WEIGHTS, dtype=torch.float32), 1e-3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_functions_in_several_libraries(kind: str, client: gp.Client) -> None:
    """A right gradient agrees; one element that is off by little more than what can be seen disagrees, and is named."""
    z, weight, seen = KINDS[kind]
    assert client.check_function(softmax_loss, (z, weight), gradient=softmax_gradient).agrees
    gradient, other = softmax_gradient(z, weight)
    gradient[2] += 5 * seen
    verification = client.check_function(softmax_loss, (z, weight), gradient=(gradient, other))
    assert verification.verdict == "DISAGREES"
    assert verification.tensor("1").verdict == "AGREES"
    worst = verification.tensor("0").worst
    assert worst is not None
    assert (worst.index, worst.gap) == ((2,), pytest.approx(5 * seen, rel=0.3))


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "AGREES"), (1.001, "DISAGREES")])
def test_jacobian_vjp_and_jvp(factor: float, verdict: str, client: gp.Client) -> None:
    """Of a function with several outputs, right and a thousandth off."""
    jacobian, y = factor * np.diag(2 * Z), np.array([1.0, -1.0, 0.5])
    for stated in (
        {"jacobian": jacobian},
        {"vjp": (y, y @ jacobian)},
        {"jvp": (y, jacobian @ y)},
    ):
        options: Any = stated
        assert client.check_function(np.square, Z, **options).verdict == verdict


def test_batches_give_the_same_as_points_one_by_one(client: gp.Client) -> None:
    """The same derivatives and bars, to the bit."""

    def batched(z: Any) -> Any:
        return (z**3).sum(axis=1)

    one = client.check_function(lambda z: (z**3).sum(), Z, gradient=3 * Z**2, include_values=True)
    many = client.check_function(batched, Z, gradient=3 * Z**2, include_values=True, batched=True)
    assert one.tensor("x").numeric.tolist() == many.tensor("x").numeric.tolist()
    assert one.tensor("x").bars.tolist() == many.tensor("x").bars.tolist()


def test_noise_is_told_and_not_taken_for_an_error(client: gp.Client) -> None:
    """A function that gives other values when asked again cannot be decided."""
    noise = np.random.default_rng(0)
    verification = client.check_function(lambda z: (z**2).sum() + 1e-2 * noise.normal(), Z, gradient=2 * Z)
    assert verification.verdict == "INCONCLUSIVE"
    assert verification.repeat_noise > 1e-3
    assert verification.tensors[0].judgements[0].cause is gp.Cause.NOISE


def test_a_bound_on_evaluations_leaves_the_rest_open(client: gp.Client) -> None:
    """The report names what was not reached, and does not agree."""
    verification = client.check_function(softmax_loss, (Z, WEIGHTS), gradient=softmax_gradient, max_evaluations=60)
    assert (verification.partial, verification.agrees) == (True, False)
    assert [name.name for name in verification.not_reached][-1] == "1"
    assert verification.evaluations <= 60


def test_a_function_may_fail_half_way(client: gp.Client) -> None:
    """Its error is raised, and the server goes on with the next run."""
    calls: list[int] = []

    def function(z: Any) -> Any:
        calls.append(1)
        if len(calls) > 20:
            raise RuntimeError("out of paper")
        return (z**2).sum()

    with pytest.raises(RuntimeError, match="out of paper"):
        client.check_function(function, Z, gradient=2 * Z)
    assert client.check_function(lambda z: (z**2).sum(), Z, gradient=2 * Z).agrees
