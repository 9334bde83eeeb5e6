"""All measurements in one run: `python -m benchmarks`."""

from benchmarks import memory, throughput
from benchmarks.diagnosis import __main__ as diagnosis
from benchmarks.witness import __main__ as witness

throughput.main()
memory.main()
diagnosis.main()
witness.main(())
