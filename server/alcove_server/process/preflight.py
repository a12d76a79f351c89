"""What must hold before the relay starts, beyond each setting by itself. `--check-config` asks the
same."""

import ipaddress
import sys

from alcove_server.net.tls import Tls, check_pair
from alcove_server.process.hardening import check_descriptors, raise_descriptors
from alcove_server.settings import Settings


def check(settings: Settings) -> Tls | None:
    """Return what a TLS handshake needs, if the relay ends TLS itself. Of several workers it checks
    the settings of one (`parts`). Raises `ValueError` with one sentence that names the setting to
    change."""
    tls = Tls(settings.tls_certificate, settings.tls_key) if settings.tls_certificate else None
    if settings.store_certificate:
        check_pair(settings.store_certificate, settings.store_key, "store")
    if is_every_address(settings.host) and not settings.origin:
        raise ValueError(
            "origin: the relay listens on every address, so it must be told by which ones clients"
            " reach it, as with --origin https://relay.example"
        )
    if settings.workers > 1 and sys.platform != "linux":
        raise ValueError("workers: only Linux shares connections out among them; set workers 1")
    check_descriptors(settings, raise_descriptors())
    return tls


def is_every_address(host: str) -> bool:
    """Whether to listen at this host is to listen at every address of the machine."""
    try:
        return not host or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
