"""The service unit: the hardening it must have, its limits, and systemd's own checks."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from alcove_server.process.hardening import SPARE_DESCRIPTORS
from alcove_server.process.server import SETTLE_SECONDS
from alcove_server.settings import Settings

FOLDER: Final = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
UNIT: Final = (FOLDER / "alcove-server.service").read_text()
TLS: Final = (FOLDER / "tls.conf").read_text()
REDIS_TLS: Final = (FOLDER / "redis-tls.conf").read_text()
PROGRAM: Final = "/opt/alcove/bin/alcove-server"
DRAIN_SECONDS: Final = 10
"""What the relay gives its clients to leave (docs/operating.md)."""

HARDENING: Final = {
    "AmbientCapabilities": "",
    "CapabilityBoundingSet": "",
    "DevicePolicy": "closed",
    "DynamicUser": "yes",
    "KeyringMode": "private",
    "LimitCORE": "0",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "MemorySwapMax": "0",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateIPC": "yes",
    "PrivateTmp": "yes",
    "PrivateUsers": "yes",
    "ProcSubset": "pid",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHome": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "RemoveIPC": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
    "SystemCallFilter": "@system-service ~@privileged @resources",
    "UMask": "0077",
}
"""Each key with its value; a key that stands twice adds to a list, as systemd reads it."""

WIDENED_BY_TLS: Final = {
    "AmbientCapabilities": "CAP_NET_BIND_SERVICE",
    "CapabilityBoundingSet": "CAP_NET_BIND_SERVICE",
    "PrivateUsers": "no",
}

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is missing; the list of required keys is checked without it",
)


def service(text: str) -> dict[str, str]:
    """The keys of the section [Service]."""
    keys: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            name, value = line.split("=", 1)
            keys[name] = f"{keys[name]} {value}" if keys.get(name) else value
    return keys


def missing(text: str) -> set[str]:
    """Required hardening that a unit does not have."""
    keys = service(text)
    return {name for name, value in HARDENING.items() if keys.get(name) != value}


def test_the_unit_has_all_hardening() -> None:
    assert missing(UNIT) == set()


@pytest.mark.parametrize("name", HARDENING)
def test_a_key_that_is_missing_or_weaker_is_found(name: str) -> None:
    lines = UNIT.splitlines(keepends=True)
    assert missing("".join(line for line in lines if not line.startswith(f"{name}="))) == {name}
    assert missing(UNIT + f"\n[Service]\n{name}=weaker\n") == {name}


def test_tls_widens_what_port_443_needs_and_no_more() -> None:
    keys = service(TLS)
    assert keys.pop("SupplementaryGroups") == "ssl-cert"
    assert keys == WIDENED_BY_TLS


def test_tls_to_redis_widens_nothing_and_names_settings() -> None:
    keys = service(REDIS_TLS)
    named = {word.partition("=")[0] for word in keys.pop("Environment").split()}
    assert keys == {"SupplementaryGroups": "ssl-cert"}
    own = {name.removeprefix("ALCOVE_").lower() for name in named - {"SSL_CERT_FILE"}}
    assert own == {"store_certificate", "store_key"}
    assert own <= Settings.model_fields.keys()


def test_the_unit_knows_the_relay_s_limits() -> None:
    keys = service(UNIT)
    default = Settings.model_fields["connections"].default
    assert int(keys["LimitNOFILE"]) >= default + SPARE_DESCRIPTORS
    assert int(keys["TimeoutStopSec"]) > DRAIN_SECONDS + SETTLE_SECONDS
    assert keys["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert keys["ExecStart"].split()[:2] == [PROGRAM, "--config"]
    assert keys["RestartPreventExitStatus"] == "2"
    # Without it systemd gives a relay up for good while its store is away.
    assert "\nStartLimitIntervalSec=0\n" in UNIT.partition("[Service]")[0]


def systemd(folder: Path, text: str, *command: str) -> tuple[int, str]:
    """Exit status and errors of systemd-analyze on a unit, with a program that this machine has."""
    unit = folder / "alcove-server.service"
    unit.write_text(text.replace(PROGRAM, "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", *command, str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr


@needs_systemd
@pytest.mark.parametrize(
    "text",
    [UNIT, f"{UNIT}\n{TLS}", f"{UNIT}\n{REDIS_TLS}"],
    ids=["plain", "tls", "redis-tls"],
)
def test_systemd_takes_the_unit(tmp_path: Path, text: str) -> None:
    # An unknown key is a warning with status 0, so what is said counts too.
    assert systemd(tmp_path, text, "verify") == (0, "")
    status, _ = systemd(tmp_path, text, "security", "--offline=true", "--threshold=20")
    assert status == 0


@needs_systemd
def test_systemd_would_find_a_mistake(tmp_path: Path) -> None:
    _, said = systemd(tmp_path, UNIT.replace("ProtectSystem", "ProtectSistem"), "verify")
    assert "ProtectSistem" in said
    bare = f"[Service]\nExecStart={PROGRAM}\n"
    status, _ = systemd(tmp_path, bare, "security", "--offline=true", "--threshold=20")
    assert status != 0
