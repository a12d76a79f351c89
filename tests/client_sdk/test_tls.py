"""A room over a relay that ends TLS itself: only trusted certificates are accepted."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import alcove
import pytest

from tests.certificates import Certificates, make
from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.waiting import until


@pytest.fixture
def pem(tmp_path: Path) -> Certificates:
    return make(tmp_path)


@pytest.fixture
async def relay(pem: Certificates) -> AsyncIterator[RelayProcess]:
    files = ("--tls-certificate", str(pem.certificate), "--tls-key", str(pem.key))
    async with RelayProcess(*files) as process:
        yield process


async def talk(relay: RelayProcess, transport: alcove.TransportOptions | None) -> None:
    opening = alcove.open_room(
        relay.url, title="Circle", agreement="Listen.", name="Ann", transport=transport
    )
    async with opening as ann:
        invite = (await until(ann, alcove.Opened)).invite
        assert invite.startswith("https://")
        joining = alcove.join(invite, name="Bob", accept=True, transport=transport)
        async with joining as bob:
            await ann.admit((await until(ann, alcove.Knocked)).id)
            await until(bob, alcove.Joined)
            await ann.send("hello")
            assert (await until(bob, alcove.Message)).text == "hello"


async def test_a_room_with_a_file_of_trusted_authorities(
    relay: RelayProcess, pem: Certificates
) -> None:
    await talk(relay, alcove.TransportOptions(ca_file=str(pem.ca)))


async def test_a_room_with_the_authorities_of_the_environment(
    relay: RelayProcess, pem: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pem.ca))
    await talk(relay, None)


async def test_a_certificate_of_an_unknown_authority_is_refused(relay: RelayProcess) -> None:
    with pytest.raises(alcove.ConnectionFailed) as caught:
        await talk(relay, None)
    assert caught.value.code == "bad_certificate"


async def test_a_certificate_for_another_address_is_refused(
    relay: RelayProcess, pem: Certificates
) -> None:
    opening = alcove.open_room(
        relay.url.replace("127.0.0.1", "localhost"),
        title="Circle",
        agreement="Listen.",
        name="Ann",
        transport=alcove.TransportOptions(ca_file=str(pem.ca)),
    )
    with pytest.raises(alcove.ConnectionFailed) as caught:
        async with opening as ann:
            await until(ann, alcove.Opened)
    assert caught.value.code == "bad_certificate"


def test_every_context_of_the_client_verifies() -> None:
    context = alcove.TransportOptions().tls()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
