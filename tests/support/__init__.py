"""What tests and benchmarks share: server processes, traffic, faults, random problems, an independent reference."""
