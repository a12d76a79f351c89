"""Autobahn|Testsuite against the relay's WebSocket."""
