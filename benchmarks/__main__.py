"""All measurements in one run: `python -m benchmarks`."""

from benchmarks import memory, throughput
from benchmarks.diagnosis import __main__ as diagnosis

throughput.main()
memory.main()
diagnosis.main()
