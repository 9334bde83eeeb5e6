"""Optimizers as rules with switches: PyTorch's own update by default, a mistake or another convention by a switch."""
