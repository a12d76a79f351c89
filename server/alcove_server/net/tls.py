"""TLS, when the relay ends it itself: what is spoken, with which certificate."""

import ssl
from pathlib import Path


class Tls:
    """A certificate and its key from PEM files, and what a handshake needs of them."""

    def __init__(self, certificate: str, key: str) -> None:
        """Raises `ValueError` with one sentence."""
        self._certificate = certificate
        self._key = key
        self.context = _context(certificate, key)

    def reload(self) -> None:
        """Read the files again, for the handshakes to come. Raises `ValueError` with one sentence,
        and then nothing has changed: a new context is made, because a context that took the
        certificate and then refused its key would be broken."""
        self.context = _context(self._certificate, self._key)


def check_pair(certificate: str, key: str, names: str) -> None:
    """See that two files are a certificate and its key. `names` is how their settings begin. Raises
    `ValueError` with one sentence."""
    _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate, key, names)


def _context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # TLS 1.3 has none of what must be switched off in 1.2: renegotiation, compression, RSA key
    # exchange, a cache of sessions. Every client of Alcove speaks it.
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # A ticket would link a client's connections to each other, and outlive them.
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    _load(context, certificate, key, "tls")
    return context


def _load(context: ssl.SSLContext, certificate: str, key: str, names: str) -> None:
    for name, file in ((f"{names}-certificate", certificate), (f"{names}-key", key)):
        try:
            Path(file).read_bytes()
        except OSError as error:
            raise ValueError(f"{name}: {file} cannot be read: {error.strerror}") from None

    def no_password() -> str:
        """Called instead of OpenSSL's question on a terminal, which may have no user."""
        raise ValueError(f"{names}-key: a key that has a password cannot be used")

    try:
        context.load_cert_chain(certificate, key, no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"{names}-key: {key} is not the key of {certificate}") from None
        text = f"{names}-key: {certificate} and {key} are not a certificate and its key in PEM"
        raise ValueError(text) from None
    except OSError as error:  # it could be read a moment ago
        raise ValueError(f"{names}-certificate: {error.strerror}") from None
