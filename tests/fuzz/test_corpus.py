"""Every input of the corpus, and mutations of it, are answered as they must be; that needs no atheris."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from fuzz import minimise, targets
from fuzz.archive import read_archive, write_archive, write_folder
from fuzz.targets import CORPUS, TARGETS, archive_of, corpus

MOST_CORPUS_BYTES = 300 * 1024
MUTATIONS = 100


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_brings_no_finding(name: str) -> None:
    """No input that once reached something new is answered wrongly, or with a warning."""
    for data in corpus(name):
        TARGETS[name].run(data)


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_of_the_corpus_bring_no_finding(name: str) -> None:
    """A hundred mutations of each target's inputs, always the same ones, are answered rightly too."""
    target, drawn = TARGETS[name], random.Random(name)
    inputs = corpus(name)
    for seed in range(MUTATIONS):
        target.run(target.mutate(drawn.choice(inputs), drawn.choice(inputs), 8192, seed))


def test_each_target_has_a_corpus_and_all_of_it_is_small() -> None:
    """No archive is left over or missing, and the repository stays small."""
    assert sorted(map(archive_of, TARGETS)) == sorted(CORPUS.iterdir())
    assert all(corpus(name) for name in TARGETS)
    assert sum(archive_of(name).stat().st_size for name in TARGETS) <= MOST_CORPUS_BYTES


@pytest.mark.parametrize("name", TARGETS)
def test_an_archive_holds_what_would_be_written_for_its_inputs(name: str, tmp_path: Path) -> None:
    """To the byte, in whatever order they come: growing a corpus changes no more than it must."""
    inputs = corpus(name)
    random.Random(name).shuffle(inputs)
    write_archive(tmp_path / "again.zip", inputs)
    assert (tmp_path / "again.zip").read_bytes() == archive_of(name).read_bytes()


def test_inputs_come_back_from_an_archive_once_each(tmp_path: Path) -> None:
    """The empty one too, and none twice; another input gives another archive."""
    write_archive(tmp_path / "some.zip", [b"b", b"", b"a", b"b"])
    write_archive(tmp_path / "others.zip", [b"b", b"", b"c"])
    assert sorted(read_archive(tmp_path / "some.zip")) == [b"", b"a", b"b"]
    assert (tmp_path / "some.zip").read_bytes() != (tmp_path / "others.zip").read_bytes()


def test_minimising_keeps_the_smallest_input_that_takes_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two files of settings that take the same way the longer one goes; one that goes another way stays."""
    monkeypatch.setattr(targets, "CORPUS", tmp_path / "corpus")
    monkeypatch.setattr(sys, "argv", ["minimise", str(tmp_path / "new"), "settings-file"])
    (tmp_path / "corpus").mkdir()
    short, long, other = b"max_nodes = 1\n", b"max_nodes = 12345\n", b"log_level = 5\n"
    write_archive(targets.archive_of("settings-file"), [long])
    write_folder(tmp_path / "new" / "settings-file", [short, other])
    minimise.main()
    assert set(corpus("settings-file")) == {short, other}
