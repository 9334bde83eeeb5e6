"""Every input of the corpus, and mutations of it, are answered as they must be; that needs no atheris."""

from __future__ import annotations

import random

import pytest

from fuzz.targets import CORPUS, TARGETS, corpus

MOST_CORPUS_BYTES = 300 * 1024
MUTATIONS = 100


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_brings_no_finding(name: str) -> None:
    """No input that once reached something new is answered wrongly, or with a warning."""
    for file in corpus(name):
        TARGETS[name].run(file.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_of_the_corpus_bring_no_finding(name: str) -> None:
    """A hundred mutations of each target's inputs, always the same ones, are answered rightly too."""
    target, drawn = TARGETS[name], random.Random(name)
    inputs = [file.read_bytes() for file in corpus(name)]
    for seed in range(MUTATIONS):
        target.run(target.mutate(drawn.choice(inputs), drawn.choice(inputs), 8192, seed))


def test_each_target_has_a_corpus_and_all_of_it_is_small() -> None:
    """No folder is left over or missing, and the repository stays small."""
    assert sorted(TARGETS) == sorted(folder.name for folder in CORPUS.iterdir())
    assert all(corpus(name) for name in TARGETS)
    assert sum(file.stat().st_size for name in TARGETS for file in corpus(name)) <= MOST_CORPUS_BYTES
