"""All measurements in one run: `python -m benchmarks`."""

from benchmarks import memory, throughput

throughput.main()
memory.main()
