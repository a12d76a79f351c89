"""The C part, built when first used."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
BUILD: Final = HERE.parent / "build"
HEADERS: Final = ("/usr/include", "/usr/local/include")


class Missing(Exception):
    """Something that the benchmark needs is not installed. The message is one sentence."""


class Result(ctypes.Structure):
    """What a run found. Times are nanoseconds."""

    _fields_ = [
        *(
            (name, ctypes.c_uint64)
            for name in (
                "deliveries",
                "publishes",
                "cpu",
                "wall",
                "p50",
                "p99",
                "most",
                "refused",
                "closed",
                "missing",
            )
        ),
        ("said", ctypes.c_char * 64),
    ]
    deliveries: int
    publishes: int
    cpu: int
    wall: int
    p50: int
    p99: int
    most: int
    refused: int
    closed: int
    missing: int
    said: bytes


def build(source: str, *options: str, suffix: str = "", libraries: tuple[str, ...] = ()) -> Path:
    """Compile one file, unless that was done since it changed. Raises `Missing`."""
    path = HERE / source
    built = BUILD / (path.stem + suffix)
    changed = max(one.stat().st_mtime for one in (path, *HERE.glob("*.h")))
    if built.exists() and built.stat().st_mtime >= changed:
        return built
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise Missing("The load generator is C: install gcc (bench/fanout/setup.sh does it).")
    BUILD.mkdir(exist_ok=True)
    command = [compiler, "-O2", "-Wall", "-Wextra", *options, str(path), "-o", str(built)]
    command += ["-lm", *libraries]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise Missing(f"{source} does not compile here: {done.stderr.strip()[:500]}")
    return built


def limit() -> Path:
    """The program of the limit. Raises `Missing`."""
    return build("limit.c")


def generator(tls: bool = False) -> ctypes.CDLL:
    """The load generator, or the one whose connections may have TLS. Raises `Missing`."""
    options, libraries = ("-shared", "-fPIC"), ("-lssl", "-lcrypto")
    if not tls:
        return _declared(ctypes.CDLL(str(build("generator.c", *options))))
    if not any(Path(folder, "openssl/ssl.h").exists() for folder in HEADERS):
        raise Missing("libssl-dev is not installed: bench/fanout/setup.sh does it.")
    built = build("generator.c", *options, "-DTLS", suffix="-tls", libraries=libraries)
    library = _declared(ctypes.CDLL(str(built)))
    library.tls_connect.argtypes = [ctypes.c_int, ctypes.c_char_p]
    for name in ("tls_read", "tls_write"):
        getattr(library, name).argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    return library


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    c_int, u32, double, pointer = ctypes.c_int, ctypes.c_uint32, ctypes.c_double, ctypes.c_void_p
    library.generator_new.argtypes, library.generator_new.restype = [c_int, u32], pointer
    library.generator_room.argtypes = [pointer, ctypes.c_char_p, u32, c_int, c_int, c_int]
    library.generator_add.argtypes = [pointer, c_int, u32]
    library.generator_pump.argtypes = [pointer, c_int]
    library.generator_free.argtypes = [pointer]
    library.generator_run.argtypes = [
        pointer, u32, c_int, double, double, double, c_int, ctypes.POINTER(Result)
    ]  # fmt: skip
    for name in ("room", "add", "pump", "free", "run"):
        getattr(library, f"generator_{name}").restype = None
    return library
