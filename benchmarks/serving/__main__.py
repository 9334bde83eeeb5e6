"""All measurements of the server: `python -m benchmarks.serving`."""

from benchmarks.serving import health, hop, load, stop, tracing


def main() -> None:
    """Prints all tables."""
    load.main()
    hop.main()
    tracing.main()
    stop.main()
    health.main()


if __name__ == "__main__":
    main()
