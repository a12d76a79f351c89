"""The last act of this process: wipe the keys, overwrite the memory, exit.

Wiping what this program knows of is not enough. Texts live on in the buffers of libraries, in freed
memory and on stacks, and a library that hangs never drops them. So the kernel itself overwrites
every page that this process may write, and then ends it. Between the two no instruction of Python
can run, because nothing of Python is left. A chain of contexts of the C library makes these steps.

Only Linux with glibc has what this needs. Elsewhere the keys are wiped and the process exits.
"""

import ctypes
import gc
import mmap
import os
import platform
import signal
import sys
import threading
import time
from types import MappingProxyType
from typing import Final, NoReturn

_READV: Final = MappingProxyType({"x86_64": 19, "aarch64": 65})
_TGKILL: Final = MappingProxyType({"x86_64": 234, "aarch64": 131})
"""The numbers of the system calls."""
_PARK: Final = MappingProxyType({"x86_64": (34, "syscall"), "aarch64": (signal.SIGUSR2, "pause")})
"""The signal that stops a thread, and its handler, a function of the C library.

A thread may take its signal only after its memory is overwritten, and `pause` reads a variable of
the thread. The handler `syscall` reads nothing but its argument, which is the signal's number. On
x86-64 the system call 34 is `pause`. aarch64 has no such call, so there the thread must be quick.
"""
_HURRY: Final = 0.7
"""Seconds after which the kernel ends the process in any case."""
_PARKED_AFTER: Final = 20_000
"""Microseconds after which a thread on another processor has taken its signal."""
_CONTEXT: Final = 8 * 1024
"""Bytes reserved for a `ucontext_t`. The largest, of aarch64, has 4,560."""
_STACK: Final = 24 * 1024
_LINK: Final = 8
"""Where a `ucontext_t` has its successor, after which come the address and size of its stack."""
_AREAS: Final = 1024
"""Areas that one `readv` takes (IOV_MAX)."""
_MAPS: Final = 256 * 1024
"""Bytes of /proc/self/maps, a line an area. A tenth of it is usual."""
_TRIES: Final = 10
_SETTLE: Final = 0.02
"""Seconds between two looks at the other threads."""


class _Area(ctypes.Structure):
    """A `struct iovec`."""

    _fields_ = (("address", ctypes.c_void_p), ("size", ctypes.c_size_t))


def wipe_keys() -> None:
    """Wipe every secret of this process, from any thread. Nothing can be sent or read after it."""
    loaded = sys.modules.get("alcove.mls.secret")
    if loaded is None:
        return
    for item in gc.get_objects():
        if type(item) is loaded.Secret:
            item.wipe()


def exit_now(status: int) -> NoReturn:
    """Wipe, overwrite and exit with `status`. It waits for nothing and flushes nothing."""
    try:
        wipe_keys()
        if sys.platform == "linux" and platform.machine() in _READV:
            _overwrite("_exit", status)
    finally:
        # Reached where memory cannot be overwritten. The kernel takes it back.
        os._exit(status)


def _overwrite(function: str, *arguments: int) -> None:
    """Overwrite the memory, then call a function of the C library. Returns only without glibc."""
    # A library of this kind keeps the interpreter's lock during each call.
    libc = ctypes.PyDLL(None)
    if not hasattr(libc, "makecontext"):
        return
    machine = platform.machine()
    zeros = os.open("/dev/zero", os.O_RDONLY)
    others = _settled_threads()
    park, handler = _PARK[machine]
    _set_signals(libc, park, handler)
    # Shared memory is not overwritten.
    areas = mmap.mmap(-1, _AREAS * ctypes.sizeof(_Area))
    table = ctypes.addressof(ctypes.c_char.from_buffer(areas))
    chain = _Chain(libc, len(others) + 3)
    for other in others:
        chain.add("syscall", _TGKILL[machine], os.getpid(), other, park)
    chain.add("usleep", _PARKED_AFTER)
    count = 0
    for _ in range(_TRIES):
        maps = _read_maps(libc)
        count = _list_areas(maps, table)
        if maps == _read_maps(libc):
            break  # else another thread was given memory, or gave some back
    chain.add("syscall", _READV[machine], zeros, table, count)
    chain.add(function, *arguments)
    chain.run()


def _settled_threads() -> list[int]:
    """Wait a moment until every other thread sleeps. Return their numbers.

    A thread that just begins or ends takes no signal, so it would not stop.
    """
    own = threading.get_native_id()
    others: list[int] = []
    for _ in range(_TRIES):
        others = [int(id) for id in os.listdir("/proc/self/task") if int(id) != own]
        if all(_sleeps(id) for id in others):
            break
        time.sleep(_SETTLE)
    return others


def _sleeps(thread: int) -> bool:
    try:
        with open(f"/proc/self/task/{thread}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] == b"S"
    except OSError:  # it has ended
        return False


def _set_signals(libc: ctypes.PyDLL, park: int, handler: str) -> None:
    """Prepare to stop every other thread where it is, in a signal handler that never returns.

    A thread that went on would fault in memory that is overwritten, and end the process too early.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - {signal.SIGALRM})
    libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
    libc.signal.restype = ctypes.c_void_p
    for number in signal.valid_signals():
        libc.signal(number, signal.SIG_IGN)  # a handler of Python would end a `pause`
    libc.signal(park, ctypes.cast(libc[handler], ctypes.c_void_p))
    libc.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, _HURRY)


class _Chain:
    """Calls of the C library, one after the other, with nothing of Python in between."""

    def __init__(self, libc: ctypes.PyDLL, most: int) -> None:
        self._libc = libc
        self._shared = mmap.mmap(-1, most * (_CONTEXT + _STACK))
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(self._shared))
        self._length = 0

    def add(self, function: str, *arguments: int) -> None:
        context = self._context(self._length)
        self._length += 1
        self._libc.getcontext(ctypes.c_void_p(context))
        fields = (ctypes.c_size_t * 4).from_address(context + _LINK)
        fields[0] = self._context(self._length)
        fields[1], fields[3] = context + _CONTEXT, _STACK
        entry = ctypes.cast(self._libc[function], ctypes.c_void_p)
        values = [ctypes.c_long(argument) for argument in arguments]
        self._libc.makecontext(ctypes.c_void_p(context), entry, len(values), *values)

    def run(self) -> None:
        """Does not return if the last function does not."""
        self._libc.setcontext(ctypes.c_void_p(self._context(0)))

    def _context(self, number: int) -> int:
        return self._start + number * (_CONTEXT + _STACK)


def _read_maps(libc: ctypes.PyDLL) -> bytes:
    """Read the areas of memory of this process, without giving the interpreter's lock away."""
    file = libc.open(b"/proc/self/maps", os.O_RDONLY)
    content = bytearray(_MAPS)
    length = 0
    while (got := libc.read(file, _pointer(content, length), _MAPS - length)) > 0:
        length += got
    libc.close(file)
    return bytes(content[:length])


def _pointer(buffer: bytearray, offset: int) -> ctypes.Array[ctypes.c_char]:
    return (ctypes.c_char * (len(buffer) - offset)).from_buffer(buffer, offset)


def _list_areas(maps: bytes, table: int) -> int:
    """Write the private and writable areas to `table`. Return their number."""
    areas = (_Area * _AREAS).from_address(table)
    count = 0
    for line in maps.splitlines()[:_AREAS]:
        span, rights, *_ = line.split()
        if rights == b"rw-p":
            first, end = (int(address, 16) for address in span.split(b"-"))
            areas[count].address, areas[count].size = first, end - first
            count += 1
    return count
