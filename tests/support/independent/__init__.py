"""A training step written again in NumPy, forward and backward by hand: right claims of another hand than PyTorch's."""
