"""Autobahn|Testsuite against the relay's WebSocket: `python -m tests.autobahn`."""
