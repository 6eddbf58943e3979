"""`korproxy`: the command line."""

import sys

from launcher.cli import run


def main() -> None:
    """Run `korproxy` with the arguments of this process, and exit."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
