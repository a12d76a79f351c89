"""A certificate for 127.0.0.1 and its authority, made for one test."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM: of whom a client trusts, of the relay's certificate, of its key."""

    ca: Path
    certificate: Path
    key: Path

    def trust(self) -> ssl.SSLContext:
        """The settings of a client that trusts no other authority."""
        return ssl.create_default_context(cafile=str(self.ca))


def make(
    folder: Path, password: bytes | None = None, address: str = "127.0.0.1", ends: float = 24
) -> Certificates:
    """New ones in a folder that is there, in the place of those that were. `ends` are the hours for
    which they are valid from now on."""
    authority, key = generate(SECP256R1()), generate(SECP256R1())
    name = _name("a test's authority")
    named = x509.IPAddress(ipaddress.ip_address(address))
    root = _builder(name, name, authority, 24).add_extension(x509.BasicConstraints(True, 0), True)
    leaf = (
        _builder(_name("a test's relay"), name, key, ends)
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(x509.SubjectAlternativeName([named]), False)
    )
    made = Certificates(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")
    made.ca.write_bytes(root.sign(authority, SHA256()).public_bytes(Encoding.PEM))
    made.certificate.write_bytes(leaf.sign(authority, SHA256()).public_bytes(Encoding.PEM))
    closed: KeySerializationEncryption = NoEncryption()
    if password is not None:
        closed = BestAvailableEncryption(password)
    made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, closed))
    return made


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, ends: float
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=2))
        .not_valid_after(now + datetime.timedelta(hours=ends))
    )
