"""Requests per second: the founding case over gRPC, an empty echo on the same server, and a plain PyTorch loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import grpc
import torch
from gradproof.problem_file import load
from gradproof.v1 import gradient_service_pb2 as pb
from gradproof.v1 import gradient_service_pb2_grpc as stubs
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.servers import server_process

SECONDS = 4.0
WARM_UP_SECONDS = 0.5
IN_FLIGHT = (1, 8, 64)
Call = Callable[[], Awaitable[object]]


async def rate(call: Call, in_flight: int) -> float:
    """Calls per second of a closed loop with so many callers; the warm-up is not counted."""
    start = time.perf_counter() + WARM_UP_SECONDS
    end = start + SECONDS
    done = 0

    async def caller() -> None:
        nonlocal done
        while (now := time.perf_counter()) < end:
            await call()
            done += now >= start

    await asyncio.gather(*(caller() for _ in range(in_flight)))
    return done / SECONDS


async def over_grpc(target: str) -> dict[tuple[str, int], float]:
    """Rates by kind of call and number in flight."""
    file = load("examples/founding_case.yaml")
    compute = pb.ComputeGradientsRequest(problem=file.problem)
    check = pb.CheckGradientsRequest(problem=file.problem, claim=file.claim)
    check.diagnosis.disabled = True
    rates = {}
    async with grpc.aio.insecure_channel(target) as channel:
        service, health = stubs.GradientServiceStub(channel), health_pb2_grpc.HealthStub(channel)
        calls: dict[str, Call] = {
            "echo (Health/Check)": lambda: health.Check(health_pb2.HealthCheckRequest()),
            "ComputeGradients": lambda: service.ComputeGradients(compute),
            "CheckGradients": lambda: service.CheckGradients(check),
        }
        for in_flight in IN_FLIGHT:
            for name, call in calls.items():
                rates[name, in_flight] = await rate(call, in_flight)
    return rates


def plain_loop() -> float:
    """The same step per second in a plain in-process loop: new modules are not built, weights are set back."""
    torch.set_num_threads(1)
    first, second = torch.nn.Linear(2, 2, bias=False).double(), torch.nn.Linear(2, 1, bias=False).double()
    w1, w2 = torch.tensor([[0.11, 0.21], [0.12, 0.08]]).double(), torch.tensor([[0.14, 0.15]]).double()
    x, t, loss = torch.tensor([2.0, 3.0]).double(), torch.tensor([1.0]).double(), torch.nn.L1Loss()
    end, done = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < end:
        with torch.no_grad():
            first.weight.copy_(w1)
            second.weight.copy_(w2)
        optimizer = torch.optim.SGD([first.weight, second.weight], lr=0.05)
        optimizer.zero_grad()
        loss(second(first(x)), t).backward()
        optimizer.step()
        done += 1
    return done / SECONDS


def main() -> None:
    """Prints the table."""
    with server_process() as server:
        rates = asyncio.run(over_grpc(server.target))
    plain = plain_loop()
    print("\nThe founding case, requests per second (client and server share the machine)")
    print(f"{'':24}" + "".join(f"{f'{n} in flight':>16}" for n in IN_FLIGHT))
    for name in ("echo (Health/Check)", "ComputeGradients", "CheckGradients"):
        print(f"{name:24}" + "".join(f"{rates[name, n]:16.0f}" for n in IN_FLIGHT))
    print(f"{'plain PyTorch loop':24}{plain:16.0f}")
    print(
        f"{'ComputeGradients / echo':24}"
        + "".join(f"{rates['ComputeGradients', n] / rates['echo (Health/Check)', n]:16.2f}" for n in IN_FLIGHT)
    )
    print(
        f"{'ComputeGradients / plain':24}" + "".join(f"{rates['ComputeGradients', n] / plain:16.2f}" for n in IN_FLIGHT)
    )


if __name__ == "__main__":
    main()
