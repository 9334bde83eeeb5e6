"""The command line: `gradproof`, and `python -m gradproof`."""

from __future__ import annotations

import importlib.util
import sys

NEEDS_EXTRA = 'The command line needs two small packages more; install them with: pip install "gradproof[cli]"'


def main() -> None:
    """Runs the command line and exits with its status; see gradproof.cli.app."""
    if importlib.util.find_spec("click") is None:
        print(NEEDS_EXTRA, file=sys.stderr)
        sys.exit(2)
    from gradproof.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
