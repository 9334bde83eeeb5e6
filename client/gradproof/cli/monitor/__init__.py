"""What `gradproof top` is made of: pages of metrics, targets, a summary, its lines, the screen."""
