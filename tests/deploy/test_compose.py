"""The compose files: one host with what docs/operating.md describes for three."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from alcove_server.command import load
from alcove_server.store_address import parse

DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"
FOLDER: Final = DEPLOY / "compose"
SENTINEL: Final = (DEPLOY / "redis" / "sentinel.conf").read_text()
GIVEN: Final = {
    "ALCOVE_ORIGIN": "https://relay.example",
    "ALCOVE_RELAY_PASSWORD": "word",
    "ALCOVE_SENTINEL_PASSWORD": "word",
}
Service = dict[str, Any]  # any YAML


def services(prefix: str) -> list[Service]:
    file = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    return [one for name, one in file["services"].items() if name.startswith(prefix)]


def address(service: Service) -> str:
    return str(service["networks"]["inside"]["ipv4_address"])


def environment(service: Service) -> dict[str, str]:
    """As the engine gives it to the container."""

    def given(found: re.Match[str]) -> str:
        return GIVEN[found[1]]

    return {
        name: re.sub(r"\$\{(\w+):\?\}", given, value)
        for name, value in service["environment"].items()
    }


def test_there_are_three_of_each_at_addresses_of_their_own() -> None:
    every = [*services("redis-"), *services("sentinel-"), *services("relay-")]
    assert len(every) == 9
    assert len({address(one) for one in every}) == 9


@pytest.mark.parametrize("prefix", ["redis-", "sentinel-", "relay-", "proxy"])
def test_no_service_writes_keeps_rights_or_stays_down(prefix: str) -> None:
    for one in services(prefix):
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert one["restart"] == "always"


@pytest.mark.parametrize("prefix", ["redis-", "relay-"])
def test_nothing_of_a_room_reaches_a_disk(prefix: str) -> None:
    for one in services(prefix):
        assert one["memswap_limit"] == one["mem_limit"]
        assert one["ulimits"]["core"] == 0
        assert all(mount.endswith(":ro") for mount in one.get("volumes", ()))


def test_a_server_starts_as_a_replica_of_nobody_and_after_the_sentinels_noticed() -> None:
    noticed = re.search(r"down-after-milliseconds alcove (\d+)", SENTINEL)
    assert noticed is not None
    for one in services("redis-"):
        command = one["entrypoint"][-1]
        waits = re.match(r"sleep (\d+) && exec redis-server \S+ .*--replicaof \S+ \d+$", command)
        assert waits is not None
        assert int(waits[1]) * 1000 > int(noticed[1])


def test_the_relays_know_all_sentinels_and_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in services("relay-"):
        for name, value in environment(one).items():
            monkeypatch.setenv(name, value)
        settings, _ = load([])
        found = parse(settings.store)
        assert [host for host, _ in found.hosts] == list(map(address, services("sentinel-")))
        assert f"sentinel monitor {found.service} " in SENTINEL
        assert settings.store_replicas == len(services("redis-")) - 1
        assert settings.trusted_proxy == (f"{address(services('proxy')[0])}/32",)


def test_the_proxy_is_that_of_one_relay_with_a_line_for_each() -> None:
    one = (DEPLOY / "proxy" / "haproxy.cfg").read_text().splitlines()
    three = (FOLDER / "haproxy.cfg").read_text().splitlines()
    (line,) = (line for line in one if line.lstrip().startswith("server "))
    options = line.partition("check port 8401")[2]
    wanted = [
        f"    server relay-{number} {address(relay)}:8400 check port 8401{options}"
        for number, relay in enumerate(services("relay-"), 1)
    ]
    assert [line for line in three if line.lstrip().startswith("server ")] == wanted

    def rest(lines: list[str]) -> list[str]:
        return [line for line in lines if not re.match(r"\s*(#|server )|$", line)]

    assert rest(three) == rest(one)


def test_only_the_proxy_is_reached_from_outside() -> None:
    file = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    assert file["networks"]["inside"]["internal"] is True
    open_to_all = [
        name
        for name, one in file["services"].items()
        if "ports" in one or "outside" in one["networks"]
    ]
    assert open_to_all == ["proxy"]
