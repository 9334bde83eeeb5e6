"""Whatever a file holds, it is read or refused in words."""

from __future__ import annotations

import json
from typing import Any

from gradproof.errors import InvalidProblemError, Violation
from gradproof.problem_file import loads
from gradproof.problem_file.nodes import BESIDE
from gradproof.problem_file.reader import KEYS
from hypothesis import given, settings
from hypothesis import strategies as st

WORDS = [
    *KEYS,
    *BESIDE,
    *("Linear", "ReLU", "Conv2d", "LSTM", "GRU", "Embedding", "Constant", "Add", "Index", "mean", "exp", "MSELoss"),
    *("CrossEntropyLoss", "CTCLoss", "SGD", "Adam", "StepLR", "SequentialLR", "lr", "weight", "bias", "0.weight"),
    *("in_features", "betas", "schedulers", "groups", "parameters", "updated", "gradients", "step", "decimals"),
    *("values", "dtype", "file", "key", "shape", "float32", "int64", "inf", "0", "last"),
]
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(width=16), st.sampled_from(WORDS), st.text(max_size=3)
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, min_size=1, max_size=3)
    ),
    max_leaves=12,
)
SOUND: dict[str, Any] = {
    "network": [{"Linear": [2, 1, {"weight": [[1, 2]], "bias": [0]}]}, {"GRU": [1, 1], "h0": [0.5]}],
    "input": [[1, 2]],
    "target": [[1]],
    "loss": {"MSELoss": {"reduction": "sum"}},
    "optimizer": {"SGD": {"lr": 0.1}, "groups": [{"parameters": ["0.bias"], "lr": 1}]},
    "claim": {"updated": {"0.weight": [[1.5, 2]]}},
}


def read_or_refused(content: dict[str, Any]) -> None:
    """Reads the content as a JSON file; where that fails, it must be with words."""
    violations: tuple[Violation, ...] | None = None
    try:
        loads(json.dumps(content), "problem.json")
    except InvalidProblemError as error:
        violations = error.violations
    assert violations is None or (violations and all(violation.description for violation in violations))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=4), st.booleans())
def test_random_files_are_read_or_refused(changes: dict[str, Any], from_scratch: bool) -> None:
    """A file of random content, or a sound one with random parts, never fails but with InvalidProblemError."""
    read_or_refused(changes if from_scratch else SOUND | changes)


@settings(max_examples=200, deadline=None)
@given(values, st.sampled_from(["network", "loss", "optimizer", "claim"]), st.integers(0, 3))
def test_random_parts_deep_inside_are_read_or_refused(value: Any, key: str, depth: int) -> None:
    """A random value in place of a part of a sound file never fails but with InvalidProblemError."""
    changed = json.loads(json.dumps(SOUND))
    inner, last = changed, key
    for _ in range(depth):
        container = inner[last]
        if not isinstance(container, dict | list) or not container:
            break
        inner, last = container, 0 if isinstance(container, list) else next(iter(container))
    inner[last] = value
    read_or_refused(changed)
