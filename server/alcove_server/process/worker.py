"""One of several processes that serve a port: `workers` starts it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable

from alcove_server.process import signals

FAILED = 1


def main() -> int:
    """Serve until told to stop, or until the parent is gone. Return the exit status."""
    signals.hold()
    try:
        return _serve()
    except KeyboardInterrupt:  # a signal before it was ready
        return 0


def _serve() -> int:
    # Imported late: the parent may pass a signal on meanwhile.
    import uvloop

    from alcove_server.process import hardening, preflight, serving
    from alcove_server.settings import Settings
    from alcove_server.store.values import UnfitStore

    signals.stop_at_once()
    given = json.loads(sys.stdin.buffer.readline())
    number, settings = given["number"], Settings(**given["settings"])
    serving.configure_logging(settings, f"worker {number} ")
    hardening.forbid_core_dumps()
    try:
        tls = preflight.check(settings)
        listener = serving.listen(settings)
        management = serving.listen_for_health(settings)
        uvloop.run(serving.serve(settings, listener, tls, management, stop_with_parent))
    except (OSError, UnfitStore, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        print(f"alcove-server: worker {number}: {why}", file=sys.stderr)
        return FAILED
    return 0


def stop_with_parent(stop: Callable[[], None]) -> None:
    """Stop when standard input ends, as it does with the parent."""
    loop, number = asyncio.get_running_loop(), sys.stdin.fileno()

    def look() -> None:
        if not os.read(number, 1):
            loop.remove_reader(number)
            stop()

    loop.add_reader(number, look)


if __name__ == "__main__":
    sys.exit(main())
