"""What the front and a worker say to each other. Requests and responses travel beside the messages, as payloads."""

from __future__ import annotations

from dataclasses import dataclass

from gradproof_server.engine.types import Cost
from gradproof_server.serving.methods import Task, TaskHandler, TaskResult


@dataclass(frozen=True)
class Device:
    """A CUDA device by its index, and the share of its memory, up to 1, that one worker may take."""

    index: int
    memory_share: float


@dataclass(frozen=True)
class Run:
    """Do a task; the payload is its request. `device` is the CUDA device to use, None: none."""

    number: int
    answerer: TaskHandler
    task: Task
    device: Device | None


@dataclass(frozen=True)
class Stop:
    """Nobody waits for the answer of this run any more."""

    number: int


@dataclass(frozen=True)
class Grant:
    """There is room for the cost that this run asked for."""

    number: int


@dataclass(frozen=True)
class Say:
    """What the caller answers to the last part, which asked for it: the payload."""

    number: int


@dataclass(frozen=True)
class Ping:
    """Are you there? Whatever is computed, the answer is a Pong, at once."""


@dataclass(frozen=True)
class Pong:
    """I am here."""


@dataclass(frozen=True)
class Ready:
    """The worker is prepared; `failure` says why it cannot be, empty where it is."""

    failure: str = ""


@dataclass(frozen=True)
class Ask:
    """The run wants room for this cost, and waits for a Grant."""

    cost: Cost


@dataclass(frozen=True)
class PartDone:
    """A part of a stream; the payload is its message."""

    passing: bool
    asks: bool


@dataclass(frozen=True)
class Done:
    """The run is over; the payload is the response of the answer."""

    answer: TaskResult
