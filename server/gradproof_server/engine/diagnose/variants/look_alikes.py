"""Mistakes that give the same numbers in some problems, as measured by `python -m benchmarks.diagnosis.alike`."""

from __future__ import annotations

from collections.abc import Mapping

MEASURED: Mapping[str, str] = {}
