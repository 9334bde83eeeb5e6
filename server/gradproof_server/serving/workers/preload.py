"""What the process that forks the workers has in memory before the first one: they begin in hundredths of a second, and
share it."""

from __future__ import annotations

import gc

import torch._dynamo
import torch.fx.experimental.symbolic_shapes

from gradproof_server.serving import warmup
from gradproof_server.serving.workers import child

# PyTorch imports its own two at the first optimizer and the first meta tensor; that takes a second.
PRELOADED = (warmup, child, torch._dynamo, torch.fx.experimental.symbolic_shapes)

# What the collector has seen and set aside is not looked at in every worker again, which would copy it.
gc.collect()
gc.freeze()
