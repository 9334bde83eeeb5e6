"""Processes that compute: one task at a time, each in one that can be ended at any moment."""
