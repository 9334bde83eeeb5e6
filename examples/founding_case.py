"""Is this updated weight right? The same question as founding_case.yaml, with the SDK."""

import gradproof as gp

problem = gp.Problem(
    network=[
        gp.Linear(2, 2, bias=False, weight=[[0.11, 0.21], [0.12, 0.08]]),
        gp.Linear(2, 1, bias=False, weight=[[0.14, 0.15]]),
    ],
    input=[2.0, 3.0],
    target=[1.0],
    loss=gp.L1Loss(),
    optimizer=gp.SGD(lr=0.05),
)
with gp.Client.embedded() as client:  # or gp.Client("localhost:50051")
    print(client.check(problem, gp.Claim(updated={"1.weight": [[0.174, 0.169]]})))
