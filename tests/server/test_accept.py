"""Accepting when descriptors are used up: seldom tried again, seldom told, nothing closed."""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable
from typing import cast

import pytest
from alcove_server.net.accept import _PAUSE, _TOLD_AGAIN, Accept


class Loop:
    """An event loop that holds one reader and one call that waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.reader: Callable[[], None] | None = None
        self.due: tuple[float, Callable[[], None]] | None = None

    def time(self) -> float:
        return self.now

    def add_reader(self, listener: object, act: Callable[[], None]) -> None:
        self.reader = act

    def remove_reader(self, listener: object) -> None:
        self.reader = None

    def call_later(self, delay: float, act: Callable[[], None]) -> None:
        self.due = self.now + delay, act


class Listener:
    """A listener with a client in its queue that cannot be accepted."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.tries = 0

    def listen(self, backlog: int) -> None:
        """Nothing is to be done."""

    def accept(self) -> None:
        self.tries += 1
        raise OSError(self.number, os.strerror(self.number))


def accepting(monkeypatch: pytest.MonkeyPatch, number: int) -> tuple[Loop, Listener]:
    loop, listener = Loop(), Listener(number)
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    Accept(cast(socket.socket, listener), lambda link, address: None, 5)
    return loop, listener


def test_used_up_descriptors_are_no_busy_loop_and_seldom_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    loop, listener = accepting(monkeypatch, errno.EMFILE)
    while loop.now <= _TOLD_AGAIN:
        assert loop.reader is not None
        loop.reader()
        assert loop.reader is None  # the queue is not looked at meanwhile
        assert loop.due is not None
        loop.now, go_on = loop.due
        go_on()
    assert listener.tries == _TOLD_AGAIN / _PAUSE + 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "Too many open files; lower --connections" in caplog.text


def test_a_client_that_is_gone_from_the_queue_holds_up_none_behind_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    loop, listener = accepting(monkeypatch, errno.ECONNABORTED)
    for _ in range(3):
        assert loop.reader is not None
        loop.reader()
    assert (listener.tries, loop.due, caplog.records) == (3, None, [])
