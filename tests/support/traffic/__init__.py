"""Calls of many kinds whose right answers are known, and faults that are injected while they run."""
