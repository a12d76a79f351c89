"""The files for reverse proxies: what each must say, and that the relay takes what they name."""

import re
from pathlib import Path
from typing import Final

import pytest
from alcove_server.command import load

FOLDER: Final = Path(__file__).resolve().parents[2] / "deploy" / "proxy"
PROMISES: Final = {
    "Caddyfile": ["header_up X-Real-IP {remote_host}", "reverse_proxy 127.0.0.1:8400"],
    "nginx.conf": [
        "proxy_set_header X-Real-IP $remote_addr;",
        "proxy_set_header Host $http_host;",
        "proxy_set_header Upgrade $http_upgrade;",
        "proxy_pass http://127.0.0.1:8400;",
        "proxy_buffering off;",
        "access_log off;",
    ],
    "haproxy.cfg": [
        "http-request set-header X-Real-IP %[src]",
        "server relay 127.0.0.1:8400 check port 8401",
        "option httpchk",
        "http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host relay.example",
    ],
}
NEVER: Final = re.compile(r"add-header X-Real|proxy_add_x_forwarded_for|^\s*log\b", re.MULTILINE)
"""An address that is appended to what a client sent, and a log."""


@pytest.mark.parametrize(("name", "promises"), PROMISES.items())
def test_a_proxy_s_file_says_what_the_relay_needs(name: str, promises: list[str]) -> None:
    lines = [line.strip() for line in (FOLDER / name).read_text().splitlines()]
    said = [line for line in lines if not line.startswith("#")]
    for promise in promises:
        assert any(line.startswith(promise) for line in said), promise
    assert not NEVER.search("\n".join(said))


@pytest.mark.parametrize("name", PROMISES)
def test_the_relay_takes_the_settings_that_the_file_names(name: str) -> None:
    found = re.search(r"alcove-server (--.*)", (FOLDER / name).read_text())
    assert found is not None
    settings, _ = load(found[1].split())
    assert settings.trusted_proxy == ("127.0.0.1/32",)
    assert settings.origin == ("https://relay.example",)
    assert settings.management == "127.0.0.1:8401"
    assert settings.port == 8400


def test_every_file_is_checked() -> None:
    assert {path.name for path in FOLDER.iterdir()} == PROMISES.keys()
