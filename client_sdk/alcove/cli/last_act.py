"""The last act of this process: wipe the keys and exit.

It wipes every secret that the process still holds, wherever it is held: also when a library hangs
and no part of the client can be asked to clean up. What it cannot wipe are copies that Python has
made of texts and keys in freed memory. The kernel takes that memory back when the process ends, and
no core dump may be written of it (`stdio.forbid_core_dumps`).
"""

import gc
import os
import sys
from typing import NoReturn


def wipe_keys() -> None:
    """Wipe every `Secret` of this process, from any thread. Nothing can be sent or read after it.

    The secrets are found by their type. A list of them all would be one more thing to leak.
    """
    loaded = sys.modules.get("alcove.mls.secret")
    if loaded is None:
        return
    for item in gc.get_objects():
        if type(item) is loaded.Secret:
            item.wipe()


def exit_now(status: int) -> NoReturn:
    """Wipe the keys and exit with `status`. It waits for nothing and flushes nothing."""
    try:
        wipe_keys()
    finally:
        os._exit(status)
