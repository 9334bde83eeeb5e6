"""All measurements in one run: `python -m benchmarks`."""

from benchmarks import memory, throughput
from benchmarks.diagnosis import __main__ as diagnosis
from benchmarks.serving import __main__ as serving
from benchmarks.witness import __main__ as witness

if __name__ == "__main__":  # servers' workers, and clients in processes of their own, import this module again
    throughput.main()
    memory.main()
    serving.main()
    diagnosis.main()
    witness.main(())
