"""Where the process begins: signals wait from here on, before the imports that take time."""

import sys

from alcove_server.process import signals


def main() -> None:
    """Run the command `alcove-server`."""
    signals.hold()
    from alcove_server import command

    sys.exit(command.main())


if __name__ == "__main__":
    main()
