"""Bad problem files: each is told where it is wrong, what stands there, and what would be valid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gradproof.cli.app import run
from gradproof.errors import InvalidProblemError
from gradproof.problem_file import loads

STEP = """\
network:
  - Linear: [2, 1, {weight: [[1, 2]], bias: [0]}]
input: [[1, 2]]
target: [[1]]
loss: MSELoss
"""


def one_node(text: str) -> str:
    """A file with one node."""
    return f"network:\n  - {text}\ninput: [[1.0]]\n"


BAD: dict[str, tuple[str, list[str]]] = {
    # The file as a whole.
    "not a mapping": ("[1, 2]", ["a problem file is a mapping", "`network`", "not the list [1, 2]"]),
    "empty": ("", ["a problem file is a mapping", "not nothing"]),
    "unknown key": (STEP + "optimiser: SGD\n", ["optimiser:", "did you mean 'optimizer'?", "(line 6)"]),
    "no network": ("input: [1]\n", ["network: `network` is missing", "[{Linear: [2, 1]}, ReLU]"]),
    "network is no list": ("network: Linear\n", ["network: 'Linear' is not a list of layers", "(line 1)"]),
    "network is empty": ("network: []\n", ["network: the list [] is not a list of layers"]),
    "cases upper": ("Network: [ReLU]\n", ["Network: there is no key 'Network'; did you mean 'network'?"]),
    # Nodes.
    "unknown layer": (one_node("Liner: [2, 1]"), ["network[0].Liner:", "did you mean 'Linear'?", "(line 2)"]),
    "unknown bare layer": ("network: [RELU6X, ReLU]", ["network[0].RELU6X:", "did you mean 'ReLU6'?"]),
    "two layers in a node": (one_node("{Linear: [2, 1], ReLU: }"), ["network[0]: Linear, ReLU in one node"]),
    "shared and a layer": (one_node("{shared: a, ReLU: }"), ["network[0]: ReLU, shared in one node"]),
    "no layer in a node": (one_node("{name: a}"), ["network[0]: the layer or function is missing", "{Linear: [2, 1]}"]),
    "a number for a node": (one_node("3"), ["network[0]: 3 is not the name of a layer"]),
    "near miss beside a layer": (one_node("{ReLU: , input: [a]}"), ["network[0].input:", "did you mean 'inputs'?"]),
    "inputs are no names": (
        one_node("{ReLU: , inputs: [[a]]}"),
        ["network[0].inputs[0]: the list ['a'] is not the name"],
    ),
    "named inputs are no mapping": (
        one_node("{ReLU: , named_inputs: [mask]}"),
        ["network[0].named_inputs: the list ['mask'] is not a mapping, as {attn_mask: mask}"],
    ),
    "state of a layer without": (
        one_node("{Linear: [1, 1], h0: [1]}"),
        ["network[0].h0: Linear has no initial state h0", "LSTM"],
    ),
    "state of another shape": (
        "network: [{RNN: [1, 2], h0: [1, 2, 3]}]\ninput: [[[1.0]]]",
        ["network[0].h0: shape (3,) does not fit (1, 1, 2), which is (layers * directions, N, hidden)"],
    ),
    # Arguments.
    "unknown argument": (
        one_node("Linear: {in_feature: 2, out_features: 1}"),
        ["network[0].Linear.in_feature:", "did you mean 'in_features'?", "bias, weight"],
    ),
    "unknown parameter": (
        one_node("Linear: [2, 1, {wieght: [[1]]}]"),
        ["network[0].Linear.wieght:", "did you mean 'weight'?"],
    ),
    "too many arguments": (
        one_node("Dropout: [0.1, false, 3]"),
        ["network[0].Dropout: Dropout takes at most 2 positional"],
    ),
    "text for a number": (one_node("Linear: [two, 1]"), ["network[0].Linear.in_features: 'two' is not an integer"]),
    "fraction for an integer": (one_node("Linear: [2.5, 1]"), ["network[0].Linear.in_features: 2.5 is not an integer"]),
    "yes for a boolean": (
        one_node("Linear: [2, 1, {bias: yes}]"),
        ["network[0].Linear.bias: 'yes' is neither True nor False"],
    ),
    "unknown choice": (
        one_node("Conv2d: [1, 1, 3, {padding_mode: zeroes}]"),
        ["network[0].Conv2d.padding_mode:", "did you mean 'zeros'?", "reflect"],
    ),
    "argument given twice": (
        one_node("Linear: [2, 1, {in_features: 3}]"),
        ["network[0].Linear.in_features: Linear got several"],
    ),
    # Tensors.
    "ragged": (
        STEP.replace("[[1, 2]]\ntarget", "[[1, 2], [3]]\ntarget"),
        ["input[1]: [1] has 1 number(s), but [0] has 2 number(s)", "(line 3)"],
    ),
    "text in a tensor": (
        STEP.replace("target: [[1]]", "target: [[one]]"),
        ["target[0][0]: 'one' is not a number", "(line 4)"],
    ),
    "nothing in a tensor": (STEP.replace("[0]}", "[null]}"), ["network[0].Linear.bias[0]: nothing is not a number"]),
    "text for a tensor": (
        STEP + "parameters: {x: abc}\n",
        ["parameters.x: 'abc' is not a number, a nested list of numbers"],
    ),
    "unknown dtype": (
        STEP.replace("input: [[1, 2]]", "input: {dtype: float33, values: [[1, 2]]}"),
        ["input.dtype: 'float33' is not a dtype; valid are float64"],
    ),
    "fraction for int64": (
        STEP.replace("input: [[1, 2]]", "input: {dtype: int64, values: [[1, 2.5]]}"),
        ["input[0][1]: 2.5 is not a value of int64"],
    ),
    "shape that does not fit": (
        STEP.replace("input: [[1, 2]]", "input: {shape: [3, 1], values: [1, 2]}"),
        ["input.shape: 2 numbers do not have the shape the list [3, 1]"],
    ),
    "key of a stated tensor": (
        STEP.replace("input: [[1, 2]]", "input: {dytpe: int64, values: [[1, 2]]}"),
        ["input.dytpe: there is no key 'dytpe'; did you mean 'dtype'?"],
    ),
    "file that is not there": (
        STEP.replace("input: [[1, 2]]", "input: {file: nowhere.npz}"),
        ["input.file:", "nowhere.npz does not exist; it must be a .npy or .npz file"],
    ),
    "input is several": (
        STEP.replace("input: [[1, 2]]", "input: {x: [1], y: [2]}"),
        ["input: the mapping", "for several by name write `inputs`"],
    ),
    "input given twice": (
        STEP + "inputs: {input: [1]}\n",
        ["inputs.input: 'input' is given by `input` and by `inputs`"],
    ),
    "parameter given twice": (
        STEP + "parameters: {0.weight: [[1, 2]]}\n",
        ["parameters[\"0.weight\"]: '0.weight' stands at its layer"],
    ),
    "empty mapping of tensors": (STEP + "parameters: {0: {}}\n", ['parameters["0"]: the mapping {} holds no tensor']),
    # Loss, optimizer, schedule.
    "unknown loss": (STEP.replace("MSELoss", "MSE"), ["loss: there is no 'MSE'; did you mean 'MSELoss'?", "(line 5)"]),
    "unknown reduction": (
        STEP.replace("MSELoss", "{MSELoss: {reduction: men}}"),
        ["loss.MSELoss.reduction: 'men' is not a value", "did you mean 'mean'?"],
    ),
    "key beside the loss": (
        STEP.replace("MSELoss", "{MSELoss: {}, reduction: sum}"),
        [
            "loss.reduction: there is no key 'reduction' beside MSELoss",
            "its arguments stand under loss.MSELoss",
        ],
    ),
    "loss is a list": (
        STEP.replace("MSELoss", "[MSELoss]"),
        ["loss: the list ['MSELoss'] is not one loss", "{MSELoss: {reduction: sum}}"],
    ),
    "unknown optimizer": (
        STEP + "optimizer: {SDG: {lr: 0.1}}\n",
        ["optimizer.SDG: there is no 'SDG'; did you mean 'SGD'?"],
    ),
    "type for an optimizer": (
        STEP + "optimizer: {type: SGD, lr: 0.1}\n",
        ["optimizer: the mapping", "{SGD: {lr: 0.1}}"],
    ),
    "unknown argument of an optimizer": (
        STEP + "optimizer: {SGD: {lrr: 0.1}}\n",
        ["optimizer.SGD.lrr:", "did you mean 'lr'?"],
    ),
    "group without parameters": (
        STEP + "optimizer: {SGD: {lr: 1}, groups: [{lr: 0.1}]}\n",
        ["optimizer.groups[0].parameters: a group needs `parameters`, as [0.weight]"],
    ),
    "unknown argument of a group": (
        STEP + "optimizer: {SGD: {lr: 1}, groups: [{parameters: [0.weight], lrr: 0.1}]}\n",
        ["optimizer.groups[0].lrr:", "did you mean 'lr'?"],
    ),
    "groups are no list": (
        STEP + "optimizer: {SGD: , groups: 0.weight}\n",
        ["optimizer.groups: '0.weight' is not a list"],
    ),
    "unknown schedule": (STEP + "schedule: {StepLr2: [1]}\n", ["schedule.StepLr2:", "did you mean 'StepLR'?"]),
    "unknown key of clipping": (
        STEP + "clip_grad_norm: {norm: 1}\n",
        ["clip_grad_norm.norm:", "did you mean 'max_norm'?", "`max_norm` is missing"],
    ),
    "text for clipping": (STEP + "clip_grad_value: much\n", ["clip_grad_value: 'much' is not a number"]),
    # Steps and settings.
    "no steps": (STEP + "n_steps: 0\n", ["n_steps: 0 is not a number of steps, 1 or more"]),
    "too many steps": (STEP + "n_steps: 1000000000\n", ["n_steps: 1000000000 steps; at most 100000"]),
    "steps counted and listed": (STEP + "n_steps: 3\nsteps: [{}, {}]\n", ["n_steps: 3, but `steps` lists 2"]),
    "steps are a number": (STEP + "steps: 3\n", ["steps: 3 is not a list of steps", "for equal ones write `n_steps`"]),
    "key of a step": (STEP + "steps: [{imput: [1]}]\n", ["steps[0].imput:", "did you mean 'input'?"]),
    "rate of a step": (STEP + "steps: [{lr: fast}]\n", ["steps[0].lr: 'fast' is not a number"]),
    "unknown mode": (STEP + "mode: evaluate\n", ["mode: 'evaluate' is no mode; did you mean 'eval'?"]),
    "unknown device": (STEP + "device: tpu\n", ["device: 'tpu' is no device", "auto, cpu, cuda"]),
    "dtype of integers": (STEP + "dtype: int64\n", ["dtype: 'int64' is no dtype of a reference", "float32"]),
    "negative seed": (STEP + "seed: -1\n", ["seed: -1 is not a seed"]),
    "seed beyond 64 bits": (
        STEP + f"seed: {2**64}\n",
        ["seed: 18446744073709551616; the largest is 18446744073709551615"],
    ),
    "frozen is no name": (STEP + "frozen: [{a: 1}]\n", ["frozen[0]: the mapping {'a': 1} is not a name"]),
    "tied to no name": (STEP + "tied_parameters: {1.weight: [0.weight]}\n", ['tied_parameters["1.weight"]: the list']),
    "unknown quantity to include": (
        STEP + "include: [grads]\n",
        ["include[0]: 'grads' is no quantity; did you mean 'gradients'?"],
    ),
    # Claims.
    "empty claim": (STEP + "claim: {}\n", ["claim: nothing is claimed; give at least one of loss, outputs, gradients"]),
    "claim is a list": (
        STEP + "claim: [1]\n",
        ["claim: the list [1] is not a mapping, as {updated: {0.weight: [[0.5]]}}"],
    ),
    "unknown key of a claim": (STEP + "claim: {gradient: {}}\n", ["claim.gradient:", "did you mean 'gradients'?"]),
    "claim without names": (
        STEP + "claim: {updated: [[1, 2]]}\n",
        ["claim.updated: the list [[1, 2]] has no name", "{0.weight: [[0.5]]}"],
    ),
    "outputs are ambiguous": (
        STEP + "outputs: [0, a]\nclaim: {outputs: [[1]]}\n",
        ["claim.outputs: there are 2 (0, a); write {name: [...]}"],
    ),
    "claimed text": (STEP + "claim: {loss: high}\n", ["claim.loss: 'high' is not a number"]),
    "too many decimals": (
        STEP + "claim: {loss: 1, decimals: 25}\n",
        ["claim.decimals: 25 decimals; valid are 0 to 20"],
    ),
    "fraction of decimals": (
        STEP + "claim: {loss: 1, decimals: 1.5}\n",
        ["claim.decimals: 1.5 is not a number of digits"],
    ),
    "unknown rounding": (
        STEP + "claim: {loss: 1, decimals: 1, rounding: up}\n",
        ["claim.rounding: 'up' is no rounding; valid are nearest, truncated"],
    ),
    "rounding alone": (STEP + "claim: {loss: 1, rounding: nearest}\n", ["claim.rounding: `rounding` needs `decimals`"]),
    "two precisions": (
        STEP + "claim: {loss: 1, decimals: 1, atol: 1}\n",
        ["claim: decimals, atol are given; write decimals, or dtype, or atol and rtol"],
    ),
    "negative tolerance": (
        STEP + "claim: {loss: 1, atol: -1}\n",
        ["claim.atol: -1 is not a tolerance; it is a number, 0 or more"],
    ),
    "tolerance that is no number": (STEP + "claim: {loss: 1, rtol: .nan}\n", ["claim.rtol: .nan is not a tolerance"]),
    "claim computed in integers": (
        STEP + "claim: {loss: 1, dtype: int64}\n",
        ["claim.dtype: int64: numbers of a claim are computed in one of"],
    ),
    "step that is not there": (
        STEP + "claim: {loss: 1, step: 1}\n",
        ["claim.step: there is no step 1; the first is 0, the last here is 0"],
    ),
    "negative step": (STEP + "claim: {loss: 1, step: -1}\n", ["claim.step: -1 is not a step; the first is 0"]),
    "more claims than steps": (
        STEP + "claim: {steps: [{loss: 1}, {loss: 2}]}\n",
        ["claim.steps[1]: there is no step 1"],
    ),
    "claimed twice": (
        STEP + "claim: {loss: 1, steps: [{loss: 2}]}\n",
        ["claim.steps[0].loss: this is claimed twice for step 0"],
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_told_where_and_what(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the path in the file, the value, and what would be valid; nothing is computed, status 2."""
    text, fragments = BAD[kind]
    file = tmp_path / "problem.yaml"
    file.write_text(text)
    assert run(["check", str(file)]) == 2
    printed = capsys.readouterr()
    assert [fragment for fragment in fragments if fragment not in printed.err] == []
    assert printed.out == ""


def test_everything_wrong_is_said_at_once() -> None:
    """Errors in all parts of a file come together, with the line of each."""
    text = STEP + "optimizer: {SGD: {rl: 1}}\nmode: evaluate\nclaim: {gradient: {}, decimals: 30}\nx: 1\n"
    with pytest.raises(InvalidProblemError) as caught:
        loads(text)
    fields = [violation.field for violation in caught.value.violations]
    assert {"optimizer.SGD.rl", "mode", "claim.gradient", "claim.decimals", "x"} <= set(fields)
    lines = {v.field: v.description.rpartition("(line ")[2] for v in caught.value.violations}
    assert (lines["optimizer.SGD.rl"], lines["mode"], lines["claim.gradient"], lines["x"]) == ("6)", "7)", "8)", "9)")


def test_files_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, a folder, bytes that are no text, and a .npz without the key are errors of status 2."""
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    np.savez(tmp_path / "w.npz", a=[1.0], b=[2.0])
    (tmp_path / "key.yaml").write_text("network: [ReLU]\ninput: {file: w.npz, key: c}\n")
    for name, says in [
        ("missing.yaml", "cannot be read: No such file"),
        (".", "cannot be read: Is a directory"),
        ("binary.yaml", "is not a text in UTF-8"),
        ("key.yaml", "input.key: 'c' is not in w.npz; it has a, b (line 2)"),
    ]:
        assert run(["check", str(tmp_path / name)]) == 2
        assert says in capsys.readouterr().err


def test_pickles_are_refused(tmp_path: Path) -> None:
    """A NumPy file with pickled objects is not loaded."""
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidProblemError, match="cannot be read"):
        loads("network: [ReLU]\ninput: {file: objects.npy}\n", folder=tmp_path)
