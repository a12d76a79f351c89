"""The command `alcove`: a room for a person at a terminal, or for a program as lines of JSON.

    arguments.py       the arguments of the command line
    invite_input.py    the reading of an invite or a ticket that is pasted
    rooms.py           the part of the SDK's room that this package uses
    modes.py           the choice of a mode, and the sentence that remains at the end
    room_runner.py     one room from entering to its last event, and the exit status
    json_mode.py, plain_mode.py, ui/    the three modes
    plain_screen.py, line_editor.py, wrapping.py    what plain mode writes, and the typed line
    qr.py, leaving.py  an invite as a code, and the question before a lone facilitator leaves
    commands.py        the commands of a program, performed by performer.py
    slash_commands.py  the lines that a person types
    watchdog.py        the end of the process after a signal or with the terminal
    last_act.py        wipe the keys, exit
    json_events.py     the events that a program reads; docs/cli.schema.json has both
    room_view.py, words.py, escape.py   what a person is shown, and how it is made harmless

Modules are imported when they are needed: `alcove --help` must not load a user interface.
"""

import os
import sys
from typing import Final

_PARTS: Final = frozenset({"click", "textual"})
"""What the extra `cli` brings, beside a proxy's."""


def main() -> None:
    """Run the command and exit with its status. A person never sees a traceback."""
    from alcove.cli import stdio
    from alcove.cli.watchdog import watchdog

    stdio.fill_in()
    stdio.forbid_core_dumps()
    watchdog.start()
    try:
        from alcove.cli.arguments import run

        status = run(sys.argv[1:])
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _PARTS:
            raise
        status = _without_parts()
    except KeyboardInterrupt:
        stdio.complain("interrupted.")
        status = 1
    except Exception as error:
        # Frames hold names, texts and secrets of the room, so tracebacks appear on request only.
        if os.environ.get("ALCOVE_DEBUG") == "1":
            raise
        kind = type(error).__name__
        stdio.complain(f"something went wrong in this client ({kind}); it has left the room.")
        status = 1
    watchdog.bound(status)  # to write the last lines may take for ever
    stdio.flush()
    watchdog.finish(status)


def _without_parts() -> int:
    """What the command can say where the extra `cli` is not installed."""
    from alcove import __version__
    from alcove.cli import stdio

    if sys.argv[1:] == ["--version"]:
        print(f"alcove {__version__}")
        return 0
    stdio.complain("the command has parts of its own; install them: pip install 'alcove[cli]'")
    return 1
