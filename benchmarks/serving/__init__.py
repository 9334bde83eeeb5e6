"""The server under load and faults: what it carries, how fast it stops, whether its answers stay the same."""
