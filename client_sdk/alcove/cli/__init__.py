"""The command `alcove`: a room for a person at a terminal, or for a program as lines of JSON.

    arguments.py     what stands on the command line
    rooms.py         what this package needs of a room of the SDK
    session.py       one room from entering to its last event, and the exit status
    commands.py      what a program may write, performed by performer.py
    json_events.py   what a program reads; both are in docs/cli.schema.json
    json_mode.py, plain_mode.py, ui/    the three faces

Nothing here is imported before it is needed: `alcove --help` must not load a user interface.
"""

import os
import sys


def main() -> None:
    """The entry point: exits with the status, and never shows a person a traceback."""
    from alcove.cli import stdio

    stdio.fill_in()
    try:
        from alcove.cli.arguments import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        stdio.complain("interrupted.")
        status = 1
    except Exception as error:
        # Frames hold names, texts and secrets of the room: they are for who asks for them only.
        if os.environ.get("ALCOVE_DEBUG") == "1":
            raise
        kind = type(error).__name__
        stdio.complain(f"something unforeseen went wrong ({kind}); the room was left.")
        status = 1
    sys.exit(status)
