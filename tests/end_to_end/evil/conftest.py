"""What a test of evil members may allow."""

import pytest
from alcove.group import rights


@pytest.fixture
def commands_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Facilitators may change how long messages stay, as they will with a command for it."""
    coming = {"ttl"}
    kept = tuple(name for name in rights.NOT_OFFERED if name not in coming)
    monkeypatch.setattr(rights, "NOT_OFFERED", kept)
