"""gRPC around the engine: calls, messages, errors, metrics, logs, shutdown. No mathematics."""
