"""Corruptions that are no mistake of the table."""

from __future__ import annotations

from benchmarks.diagnosis import corruptions


def test_corruptions_are_localised_and_not_explained() -> None:
    """Random elements, maps and noise get a localisation and no finding."""
    result = corruptions.measure(4)
    assert result.explained == []
    assert result.unlocated == 0
