"""Random training problems, each from a seed."""
