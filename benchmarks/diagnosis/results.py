"""Results of injections as lines of JSON, in memory or in a file that several processes add to."""

from __future__ import annotations

import json
import pathlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Trial:
    """One injection: where it was made, and what the first finding was.

    code: of the mistake. first: codes of the first finding, none where there is none. alike: whether the first finding
    prints the claimed numbers as the mistake does. seconds: of the processor, for the answer. raised: the exception of
    the diagnosis, where there was one.
    """

    code: str
    seed: int
    family: str
    kind: str
    precision: str
    first: tuple[str, ...]
    alike: bool
    seconds: float = 0.0
    raised: str = ""

    @property
    def is_first(self) -> bool:
        """Whether the mistake itself was named first."""
        return self.first == (self.code,)


class Results:
    """Trials; with a path they are kept in that file, and those that others add to it are seen."""

    def __init__(self, path: pathlib.Path | None = None) -> None:
        self.path = path
        self.trials: list[Trial] = []
        self._done: Counter[str] = Counter()
        self._read = 0

    def counts(self) -> Counter[str]:
        """How many trials each code has."""
        self._refresh()
        return self._done

    def add(self, trial: Trial) -> None:
        """One more trial."""
        if self.path is None:
            self._keep([trial])
            return
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(trial)) + "\n")

    def _refresh(self) -> None:
        if self.path is None or not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        self._keep([_trial(line) for line in whole.splitlines()])

    def _keep(self, trials: Sequence[Trial]) -> None:
        self.trials += trials
        self._done.update(trial.code for trial in trials)


def _trial(line: bytes) -> Trial:
    values = json.loads(line)
    return Trial(**{**values, "first": tuple(values["first"])})
