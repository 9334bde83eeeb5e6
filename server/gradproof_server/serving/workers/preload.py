"""What the process that forks the workers has in memory before the first one: they begin in hundredths of a second, and
share it. Nothing is computed here: threads that a computation starts are not there in a forked process."""

from __future__ import annotations

import gc

import numpy.ma
import torch._decomp.decompositions_for_jvp
import torch._dynamo
import torch.fx.experimental.symbolic_shapes

from gradproof_server.serving import function_check, warmup
from gradproof_server.serving.workers import child

PRELOADED = (
    child,
    warmup,
    function_check,
    # PyTorch imports its own at the first optimizer and the first meta tensor, which takes a second, and at the first
    # forward-mode derivative, which takes half of one.
    torch._dynamo,
    torch.fx.experimental.symbolic_shapes,
    torch._decomp.decompositions_for_jvp,
    numpy.ma,
)

# What the collector has seen and set aside is not looked at in every worker again, which would copy it.
gc.collect()
gc.freeze()
