"""The peers: installed once, and one process a version for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client_sdk.mls.interop.driver import NotInstalled, Peer, install


@pytest.fixture(scope="session")
def _installed() -> None:
    try:
        install()
    except NotInstalled as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def _peer1(_installed: None) -> Iterator[Peer]:
    peer = Peer(1)
    yield peer
    peer.close()


@pytest.fixture(scope="session")
def _peer2(_installed: None) -> Iterator[Peer]:
    peer = Peer(2)
    yield peer
    peer.close()


def _fresh(peer: Peer) -> Peer:
    peer.ask("forget")
    return peer


@pytest.fixture
def one(_peer1: Peer) -> Peer:
    """ts-mls 1.6.4."""
    return _fresh(_peer1)


@pytest.fixture
def two(_peer2: Peer) -> Peer:
    """ts-mls 2.0.0-rc.10."""
    return _fresh(_peer2)


@pytest.fixture(params=["1.6.4", "2.0.0-rc.10"])
def peer(request: pytest.FixtureRequest) -> Peer:
    """Each version in turn."""
    found = request.getfixturevalue("one" if request.param == "1.6.4" else "two")
    assert isinstance(found, Peer)
    assert found.version == request.param
    return found
