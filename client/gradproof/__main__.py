"""The command line: `gradproof`, and `python -m gradproof`."""

from __future__ import annotations

import importlib.util
import os
import sys

NEEDS_EXTRA = 'The command line needs two small packages more; install them with: pip install "gradproof[cli]"'


def main() -> None:
    """Runs the command line and exits with its status; see gradproof.cli.app."""
    if importlib.util.find_spec("click") is None:
        print(NEEDS_EXTRA, file=sys.stderr)
        sys.exit(2)
    if sys.argv[1:2] == ["serve"]:
        _keep_grpc_silent()
    from gradproof.cli.app import run

    sys.exit(run(sys.argv[1:]))


def _keep_grpc_silent() -> None:
    """Begins the process anew where gRPC would write between the lines of the server's log: how much it writes is read
    when it is imported, which `import gradproof` has done by now. The process id stays, which it would not on Windows:
    nothing is done there."""
    if os.name == "posix" and "GRPC_VERBOSITY" not in os.environ:
        os.environ["GRPC_VERBOSITY"] = "NONE"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


if __name__ == "__main__":
    main()
