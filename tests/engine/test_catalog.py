"""Every entry of the catalogue against plain PyTorch, bit for bit in float64."""

from __future__ import annotations

import inspect
import warnings

import pytest
import torch
from gradproof import catalog as sdk_catalog
from gradproof.v1 import losses_pb2, optimizers_pb2, problem_pb2, schedules_pb2
from gradproof_server.engine import Wanted, catalog, read_problem, run
from gradproof_server.engine.catalog import OMISSIONS, OMITTED_ARGUMENTS
from gradproof_server.engine.types import Limits, Quantity, TensorId
from torch import nn

from tests.engine.plain import call_plain, layer_problem, loss_problem, plain_module, tensor_message, train_plain
from tests.engine.specimens import LAYERS, LOSSES, OPTIMIZERS, SCHEDULES, Specimen

LIMITS = Limits()
EVERYTHING = Wanted(frozenset(Quantity))


def label(specimen: Specimen) -> str:
    """A name for the test's id."""
    return f"{specimen.name}{specimen.args or ''}{specimen.kwargs or ''}".replace(" ", "")


def assert_same(actual: torch.Tensor, expected: torch.Tensor, what: str) -> None:
    """Bit for bit, NaN included."""
    assert torch.equal(actual.nan_to_num(1.5), expected.nan_to_num(1.5)), what


@pytest.mark.parametrize("specimen", LAYERS, ids=label)
def test_layer_equals_pytorch(specimen: Specimen) -> None:
    """Output, loss, gradients of parameters and inputs, updated parameters and buffers are those of plain PyTorch."""
    generator = torch.Generator().manual_seed(1)
    torch.manual_seed(2)
    module = plain_module(specimen)
    inputs = {f"x{i}": make(generator) for i, make in enumerate(specimen.inputs)}
    named = {name: make(generator) for name, make in specimen.named.items()}
    targets: list[torch.Tensor] = []

    def target(output: torch.Tensor) -> torch.Tensor:
        targets.append(torch.randn(output.shape, generator=generator, dtype=torch.float64))
        return targets[0]

    expected = train_plain(module, inputs, named, target)
    outcome = run(read_problem(layer_problem(specimen, module, inputs, named, targets[0]), LIMITS), EVERYTHING)
    tensors = outcome.tensors
    assert_same(tensors[TensorId(0, Quantity.OUTPUT, "layer")], expected.output, "output")
    assert_same(tensors[TensorId(0, Quantity.LOSS)], expected.loss, "loss")
    groups = (
        (Quantity.GRADIENT, expected.gradients, "layer."),
        (Quantity.INPUT_GRADIENT, expected.input_gradients, ""),
        (Quantity.UPDATED, expected.updated, "layer."),
        (Quantity.BUFFER, expected.buffers, "layer."),
    )
    for quantity, group, prefix in groups:
        for name, tensor in group.items():
            assert_same(tensors[TensorId(0, quantity, prefix + name)], tensor, f"{quantity.name} {name}")


@pytest.mark.parametrize("specimen", LOSSES, ids=label)
def test_loss_equals_pytorch(specimen: Specimen) -> None:
    """The loss and its gradients with respect to the first input are those of plain PyTorch."""
    generator = torch.Generator().manual_seed(3)
    torch.manual_seed(4)
    module = plain_module(specimen)
    given = [make(generator) for make in specimen.inputs]
    leaf = given[0].clone().requires_grad_()
    result = module(leaf, *given[1:])
    loss = result.loss if isinstance(module, nn.AdaptiveLogSoftmaxWithLoss) else result
    loss.backward()
    problem = loss_problem(specimen, module, given)
    tensors = run(read_problem(problem, LIMITS), EVERYTHING).tensors
    assert_same(tensors[TensorId(0, Quantity.LOSS)], loss.detach(), "loss")
    assert_same(tensors[TensorId(0, Quantity.INPUT_GRADIENT, "x")], leaf.grad, "gradient")
    for name, parameter in module.named_parameters():
        assert_same(tensors[TensorId(0, Quantity.GRADIENT, f"loss.{name}")], parameter.grad, name)


def optimizer_problem(optimizer: optimizers_pb2.Optimizer, steps: int) -> tuple[problem_pb2.Problem, nn.Module]:
    """A linear layer without bias on fixed data, and the plain module with the same weight."""
    torch.manual_seed(5)
    module = nn.Linear(3, 2, bias=False).double()
    problem = problem_pb2.Problem()
    problem.network.nodes.add().layer.linear.MergeFrom(
        sdk_catalog.construct("Layer", "Linear", (3, 2), {"bias": False}).linear
    )
    problem.parameters["0.weight"].CopyFrom(tensor_message(module.weight))
    problem.inputs["input"].CopyFrom(tensor_message(DATA))
    problem.targets["target"].CopyFrom(tensor_message(GOAL))
    problem.loss.mse_loss.SetInParent()
    problem.optimizer.CopyFrom(optimizer)
    for _ in range(steps):
        problem.steps.add()
    return problem, module


DATA = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3)
GOAL = torch.linspace(1, -0.5, 8, dtype=torch.float64).reshape(4, 2)


@pytest.mark.parametrize("specimen", OPTIMIZERS, ids=label)
def test_optimizer_equals_pytorch(specimen: Specimen) -> None:
    """The weight after each of three steps, and the optimizer's state, are those of plain PyTorch."""
    problem, module = optimizer_problem(
        sdk_catalog.construct("Optimizer", specimen.name, specimen.args, specimen.kwargs), steps=3
    )
    args = dict(specimen.kwargs)
    optimizer = getattr(torch.optim, specimen.name)(module.parameters(), *specimen.args, **args)
    tensors = run(read_problem(problem, LIMITS), EVERYTHING).tensors
    for step in range(3):

        def closure() -> float:
            optimizer.zero_grad()
            loss = nn.MSELoss()(module(DATA), GOAL)
            loss.backward()
            return float(loss.detach())

        if specimen.name == "LBFGS":
            optimizer.step(closure)
        else:
            closure()
            optimizer.step()
        assert_same(tensors[TensorId(step, Quantity.UPDATED, "0.weight")], module.weight.detach(), f"step {step}")
    for key, value in optimizer.state[module.weight].items():
        if isinstance(value, torch.Tensor):
            assert_same(tensors[TensorId(2, Quantity.STATE, f"0.weight.{key}")], value, key)


def test_sparse_adam_equals_pytorch() -> None:
    """SparseAdam on an embedding with sparse gradients gives plain PyTorch's weight."""
    torch.manual_seed(6)
    module = nn.Embedding(5, 2, sparse=True).double()
    rows, goal = torch.tensor([1, 3, 1]), torch.ones(3, 2, dtype=torch.float64)
    problem = problem_pb2.Problem()
    problem.network.nodes.add().layer.CopyFrom(sdk_catalog.construct("Layer", "Embedding", (5, 2), {"sparse": True}))
    problem.parameters["0.weight"].CopyFrom(tensor_message(module.weight))
    problem.inputs["input"].CopyFrom(tensor_message(rows))
    problem.targets["target"].CopyFrom(tensor_message(goal))
    problem.loss.mse_loss.SetInParent()
    problem.optimizer.sparse_adam.lr = 0.1
    optimizer = torch.optim.SparseAdam(module.parameters(), lr=0.1)
    nn.MSELoss()(module(rows), goal).backward()
    optimizer.step()
    tensors = run(read_problem(problem, LIMITS), EVERYTHING).tensors
    assert_same(tensors[TensorId(0, Quantity.UPDATED, "0.weight")], module.weight.detach(), "weight")
    assert_same(tensors[TensorId(0, Quantity.GRADIENT, "0.weight")], module.weight.grad.to_dense(), "gradient")


def build_plain_schedule(specimen: Specimen, optimizer: torch.optim.Optimizer) -> object:
    """The scheduler as a user of PyTorch builds it."""
    schedulers = torch.optim.lr_scheduler
    if specimen.name == "SWALR":
        return torch.optim.swa_utils.SWALR(optimizer, *specimen.args, **specimen.kwargs)
    args = list(specimen.args)
    if specimen.name in ("SequentialLR", "ChainedScheduler"):
        parts = [schedulers.ConstantLR(optimizer, **args[0][0]["constant_lr"])]
        args[0] = [*parts, schedulers.ExponentialLR(optimizer, **args[0][1]["exponential_lr"])]
        if specimen.name == "ChainedScheduler":
            return schedulers.ChainedScheduler(args[0], optimizer=optimizer)
    return getattr(schedulers, specimen.name)(optimizer, *args, **specimen.kwargs)


@pytest.mark.parametrize("specimen", SCHEDULES, ids=label)
def test_schedule_equals_pytorch(specimen: Specimen) -> None:
    """Learning rates and weights over six steps are those of plain PyTorch."""
    problem, module = optimizer_problem(sdk_catalog.construct("Optimizer", "SGD", (0.1, 0.9)), steps=6)
    problem.schedule.CopyFrom(sdk_catalog.construct("Schedule", specimen.name, specimen.args, specimen.kwargs))
    outcome = run(read_problem(problem, LIMITS), EVERYTHING)
    optimizer = torch.optim.SGD(module.parameters(), 0.1, 0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schedule = build_plain_schedule(specimen, optimizer)
        for step in range(6):
            assert outcome.learning_rates[step] == optimizer.param_groups[0]["lr"], f"step {step}"
            optimizer.zero_grad()
            loss = nn.MSELoss()(module(DATA), GOAL)
            loss.backward()
            optimizer.step()
            schedule.step(*((loss.item(),) if specimen.name == "ReduceLROnPlateau" else ()))
            assert_same(outcome.tensors[TensorId(step, Quantity.UPDATED, "0.weight")], module.weight.detach(), "weight")


def test_every_entry_has_a_specimen() -> None:
    """No layer, loss, optimizer or schedule of the catalogue goes untested."""
    listed = catalog()
    assert {entry.name for entry in listed.layers} == {specimen.name for specimen in LAYERS}
    assert {entry.name for entry in listed.losses} == {specimen.name for specimen in LOSSES}
    assert {entry.name for entry in listed.optimizers} == {specimen.name for specimen in OPTIMIZERS} | {"SparseAdam"}
    assert {entry.name for entry in listed.schedules} == {specimen.name for specimen in SCHEDULES}


def public_classes(module: object, base: type) -> set[str]:
    """Names of the public subclasses of base in a module of PyTorch."""
    members = ((name, getattr(module, name)) for name in dir(module) if not name.startswith("_"))
    return {name for name, value in members if isinstance(value, type) and issubclass(value, base)}


@pytest.mark.parametrize(
    ("module", "prefix", "base", "families"),
    [
        (nn, "torch.nn", nn.Module, ("layers", "losses")),
        (torch.optim, "torch.optim", torch.optim.Optimizer, ("optimizers",)),
        (torch.optim.lr_scheduler, "torch.optim.lr_scheduler", torch.optim.lr_scheduler.LRScheduler, ("schedules",)),
    ],
    ids=["nn", "optim", "lr_scheduler"],
)
def test_everything_public_is_covered_or_omitted_with_a_reason(
    module: object, prefix: str, base: type, families: tuple[str, ...]
) -> None:
    """What PyTorch has in public is in the catalogue, or is an omission with a reason, and not both."""
    covered = {entry.name for family in families for entry in getattr(catalog(), family)}
    public = public_classes(module, base)
    omitted = {name.rpartition(".")[2] for name in OMISSIONS if name.rpartition(".")[0] == prefix}
    assert public - covered == omitted
    assert not covered & omitted
    assert all(OMISSIONS.values())


def test_numbers_of_entries() -> None:
    """The catalogue is as large as it was promised to be."""
    listed = catalog()
    sizes = [len(family) for family in (listed.layers, listed.losses, listed.optimizers, listed.schedules)]
    assert all(size >= least for size, least in zip(sizes, (110, 21, 14, 11), strict=True)), sizes


FAMILIES = (("Layer", "layers"), ("Loss", "losses"), ("Optimizer", "optimizers"), ("Schedule", "schedules"))
ENTRIES = [(family, entry) for family, field in FAMILIES for entry in getattr(catalog(), field)]
FORWARD_OR_FORM = {"padding_keyword", "momentum_none", "output_size"}


SPECIAL_DEFAULTS = {
    "stride": "kernel_size",
    "activation": "relu",
    "RMSNorm.eps": "the machine epsilon of the dtype",
    "Adafactor.eps": "eps1 is the machine epsilon of the dtype, eps2 is 0.001",
}
"""Defaults that the contract states in other words than PyTorch's signature, where that has None or a function."""


def parameters_of(family: str, name: str) -> list[inspect.Parameter]:
    """The parameters of the class of PyTorch that an entry stands for."""
    if name in ("RNN", "LSTM", "GRU", "Identity"):
        pytest.skip("PyTorch's signature is *args")
    home: object = nn if family in ("Layer", "Loss") else torch.optim
    if family == "Schedule":
        home = torch.optim.swa_utils if name == "SWALR" else torch.optim.lr_scheduler
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(getattr(home, name).__init__).parameters.values()
    return [parameter for parameter in list(parameters)[1:] if parameter.kind in named]


@pytest.mark.parametrize(("family", "entry"), ENTRIES, ids=lambda x: getattr(x, "name", x))
def test_arguments_are_those_of_the_constructor(family: str, entry: object) -> None:
    """Every argument of the constructor has a field of its name in its order, or is omitted with a reason."""
    kept = [p for p in parameters_of(family, entry.name) if p.name not in OMITTED_ARGUMENTS]
    positional = [p.name.lower() for p in kept if p.kind is p.POSITIONAL_OR_KEYWORD]
    wanted = [p.name.lower() for p in kept]
    fields = [argument.name for argument in entry.arguments]
    assert [name for name in fields if name in positional] == positional
    assert [name for name in fields if name in wanted] == wanted
    assert set(fields) - set(wanted) <= FORWARD_OR_FORM
    assert entry.doc
    assert all(argument.doc for argument in entry.arguments)


@pytest.mark.parametrize(("family", "entry"), ENTRIES, ids=lambda x: getattr(x, "name", x))
def test_defaults_are_those_of_the_constructor(family: str, entry: object) -> None:
    """What the contract says of an unset field is the default of PyTorch, and required is what has none there."""
    parameters = {p.name.lower(): p for p in parameters_of(family, entry.name)}
    for argument in entry.arguments:
        if argument.name not in parameters:
            continue
        default = parameters[argument.name].default
        assert argument.required == (default is inspect.Parameter.empty), argument
        special = SPECIAL_DEFAULTS.get(f"{entry.name}.{argument.name}") or SPECIAL_DEFAULTS.get(argument.name)
        if special and not isinstance(default, (bool, int, float, str)) and not argument.required:
            assert argument.default == special, argument
        elif not argument.required:
            text = str(default).lower() if default is None or isinstance(default, bool) else str(default)
            assert argument.default == text, argument


def test_messages_of_wrappers_are_entries() -> None:
    """Losses, optimizers and schedules are listed in the order of the contract."""
    for wrapper, listed in (
        (losses_pb2.Loss, catalog().losses),
        (optimizers_pb2.Optimizer, catalog().optimizers),
        (schedules_pb2.Schedule, catalog().schedules),
    ):
        assert [f.name for f in wrapper.DESCRIPTOR.oneofs_by_name["kind"].fields] == [e.field for e in listed]


def test_oracle_would_notice_another_layer() -> None:
    """The comparison bites: the output of a Tanh is not that of a Sigmoid."""
    x = torch.linspace(-1, 1, 5, dtype=torch.float64)
    with pytest.raises(AssertionError):
        assert_same(call_plain(nn.Tanh(), [x], {}), call_plain(nn.Sigmoid(), [x], {}), "output")
