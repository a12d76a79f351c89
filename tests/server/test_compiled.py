"""Which relay the tests run against: the one in the working copy, or the compiled one."""

import os
from importlib import import_module

from alcove_server.store.redis.scripts import SOURCES

from scripts.compile_relay import HOT


def test_the_hot_path_is_compiled_where_that_was_asked_for() -> None:
    compiled = "ALCOVE_COMPILED" in os.environ
    for name in HOT:
        module = import_module("alcove_server." + name.replace("/", "."))
        assert str(module.__file__).endswith(".py") is not compiled


def test_the_scripts_of_the_redis_store_come_with_the_relay() -> None:
    """They are no Python, so a wheel has to name them."""
    assert all(b"redis.call" in source for source in SOURCES.values())
